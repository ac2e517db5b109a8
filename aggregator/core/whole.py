"""Is this body the whole text of its article, or must the page be read?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregator.core.model import BodyHistory, FullText
from aggregator.core.text import count_unspaced

SHORT_UNSPACED = 280
"""Characters of Chinese and other unspaced scripts below which one paragraph is a summary."""

SHORT_SPACED = 1000
"""The same for scripts with spaces, which take about four letters where Chinese takes one."""

STUB = 0.15
"""Of these lengths: a body below this share is a summary however many paragraphs it has."""

COMPARED = 5
"""A feed's history counts once so many of its bodies were held against their pages."""

MOSTLY = 0.8
"""The share of them that says what the feed gives."""

LONG = 4
"""A body this many times as long as a short one is whole in spite of its feed's history."""

NO_HISTORY = BodyHistory()

_BLOCKS = re.compile(r"<(?:p|h[2-6]|li|blockquote|pre|tr)\b", re.I)
_CUT_OFF = re.compile(r"(?:\[\s*(?:…|\.{3,})\s*\]|(?:…|\.{3,})\s*more)\W{0,2}\Z", re.I)
_TRAILING_OFF = re.compile(r"(?:…|\.{3,})\Z")
"""A cut, or only the way a sentence ends: what is short is cut."""

_MORE = re.compile(
    r"(?:^|[\s。！？!?.…>\[(（【])(?:"
    r"(?:点击|點擊)?(?:继续阅读|繼續閱讀|(?:阅读|閱讀|查看|余下|餘下|浏览)(?:全文|更多|余下全文))"
    r"|(?:read|see|view)\s+(?:the\s+)?(?:more|rest|full\s+(?:story|article|text|post))"
    r"|continue\s+reading\b.{0,200}"
    r")[\s.>»→…\])）】]*\Z",
    re.I,
)
_TRAILER = re.compile(r"\bThe post .{1,300} (?:first )?appeared (?:first )?on .{1,100}\Z", re.I)


@dataclass(frozen=True, slots=True)
class Whole:
    """`reason` says in a few words why."""

    whole: bool
    reason: str


def judge_whole(
    html: str, text: str, full_text: FullText, history: BodyHistory = NO_HISTORY
) -> Whole:
    """Takes a clean body as HTML and as text with a line per block, and where the settings, of
    the feed or else of its family, say the whole text is.

    With "auto" a body is taken for a part if its end says so; else the feed's history decides,
    what holding its bodies against their pages has shown; without one a single short paragraph
    is a part.
    """
    if full_text == "page":
        return Whole(False, "the settings say the whole text is on the page")
    if not text.strip():
        if full_text == "feed" and html.strip():
            return Whole(True, "the settings say the whole text is in the feed")
        return Whole(False, "the feed gives no text")
    if full_text == "feed":
        return Whole(True, "the settings say the whole text is in the feed")
    end = text[-600:].rstrip()
    last = _TRAILER.sub("", end).rstrip().rpartition("\n")[2]
    if _CUT_OFF.search(last):
        return Whole(False, f"the text is cut off: {last[-12:]}")
    if _MORE.search(last):
        return Whole(False, f"the text ends with a link to more: {last[-20:]}")
    return _judge_length(html, text, bool(_TRAILING_OFF.search(last)), history)


def count_letters(text: str) -> int:
    """What the length of a body is told in."""
    return sum(map(str.isalnum, text))


def is_cut(letters: int, page_letters: int) -> bool:
    """Whether a body is a part of what its page has: captions and credits are no difference."""
    return page_letters > letters * 1.2 + 50


def _judge_length(html: str, text: str, trails_off: bool, history: BodyHistory) -> Whole:
    letters = count_letters(text)
    unspaced = count_unspaced(text)
    short = SHORT_UNSPACED if unspaced * 2 > letters else SHORT_SPACED
    blocks = max(len(_BLOCKS.findall(html)), 1)
    compared = history.whole + history.cut
    if compared >= COMPARED and letters >= short * STUB and not trails_off:
        if history.whole >= compared * MOSTLY:
            return Whole(True, f"{history.whole} of {compared} bodies of the feed were whole")
        if history.cut >= compared * MOSTLY and letters < short * LONG:
            return Whole(False, f"{history.cut} of {compared} bodies of the feed were cut")
    if letters < short * STUB:
        return Whole(False, f"only {letters} letters")
    if trails_off and letters < short:
        return Whole(False, f"{letters} letters that trail off")
    if blocks == 1 and letters < short:
        return Whole(False, f"one paragraph of {letters} letters")
    return Whole(True, f"{letters} letters in {blocks} blocks")
