"""Is this body the whole text of its article, or must the page be read?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregator.core.model import FullText
from aggregator.core.text import count_unspaced

SHORT_UNSPACED = 280
"""Characters of Chinese and other unspaced scripts below which one paragraph is a summary."""

SHORT_SPACED = 1000
"""The same for scripts with spaces, which take about four letters where Chinese takes one."""

STUB = 0.15
"""Of these lengths: a body below this share is a summary however many paragraphs it has."""

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


def judge_whole(html: str, text: str, full_text: FullText) -> Whole:
    """Takes a clean body as HTML and as text with a line per block, and where the settings, of
    the feed or else of its family, say the whole text is.

    With "auto" a body is taken for a part if its end says so, or if it is a single short
    paragraph.
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
    return _judge_length(html, text, trails_off=bool(_TRAILING_OFF.search(last)))


def _judge_length(html: str, text: str, trails_off: bool) -> Whole:
    letters = sum(map(str.isalnum, text))
    unspaced = count_unspaced(text)
    short = SHORT_UNSPACED if unspaced * 2 > letters else SHORT_SPACED
    blocks = max(len(_BLOCKS.findall(html)), 1)
    if letters < short * STUB:
        return Whole(False, f"only {letters} letters")
    if trails_off and letters < short:
        return Whole(False, f"{letters} letters that trail off")
    if blocks == 1 and letters < short:
        return Whole(False, f"one paragraph of {letters} letters")
    return Whole(True, f"{letters} letters in {blocks} blocks")
