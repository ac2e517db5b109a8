"""A story print: what is kept of an article so that it can be held against others.

    title, text --fold, cut into words--> StoryDraft --how rare each word is--> StoryPrint
                                                                      bytes <------'

Everything is from the title and the first 500 characters, where news says what happened. The
weights of words are those of the moment of arrival: a print never changes, and so neither do the
odds of two prints, which may be forgotten and reckoned again.
"""

from __future__ import annotations

import json
import math
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice

from aggregator.core.market_names import quotes
from aggregator.core.text import fold, letters
from aggregator.core.words import words

TITLE = 300
"""Characters of a title that are read."""

BODY = 500
"""Characters of a text that are read."""

LEAD = 150
"""Letters of it whose pairs and triples are kept."""

TITLE_COUNTS = 2
"""How often a word of the title counts for one of the text."""

LOOKED_UP = 12
"""Words that a print is found by."""

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DATED_TAIL = re.compile(rf" - (?:{_MONTHS}) \d{{1,2}}, \d{{4}}$")
_LABEL = re.compile(  # 04版 - , 新华鲜报丨, 【特稿】, 快讯:, 财联社1月30日电,
    r"^(?:\d{1,2}版 ?- ?|[^\s:|丨】]{0,10}[|丨] ?|【[^】]{1,10}】|"
    r"[^\s:,]{0,6}(?:快讯|权威快报|消息|早报|电) ?[|丨:,] ?|"
    r"[^\s:,]{2,4}社\d{1,2}月\d{1,2}日电[,:]? ?)+"
)
_HALF_WIDTH = str.maketrans("：｜，", ":|,")
_LEAST_TITLE = 6
"""Characters that must be left when a label is taken off."""

_DAY = re.compile(r"(?:\d{1,2} ?月 ?)?(?<![\d.])(\d{1,2}) ?[日号](?!元)")
_AMOUNT = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?) ?(%|万亿|亿|万|千|倍|个百分点)?")
_QUOTED = re.compile(r"[“\"《「『‘]([^”\"》」』’]{2,20})[”\"》」』’]")
_LATIN = re.compile(r"[a-z][a-z0-9.\-+]*[a-z0-9+]|[a-z]\d+")
_SUBJECT_ENDS = re.compile("[:, ]")
SUBJECT = 14
"""Characters of a title within which its subject stands."""

_UP = re.compile("涨|升|增|高开|走强|反弹|扭亏|盈利|突破|翻红")
_DOWN = re.compile("跌|降|减|低开|走弱|回落|亏损|下滑|下挫|失守|重挫")
_SESSIONS = (  # the parts of a trading day
    ("盘前", "before"),
    ("开盘", "open"),
    ("高开", "open"),
    ("低开", "open"),
    ("早盘", "morning"),
    ("早评", "morning"),
    ("午评", "noon"),
    ("午盘", "noon"),
    ("午间", "noon"),
    ("半日", "noon"),
    ("午后", "afternoon"),
    ("尾盘", "afternoon"),
    ("收盘", "close"),
    ("收评", "close"),
    ("收涨", "close"),
    ("收跌", "close"),
    ("盘后", "evening"),
    ("夜盘", "evening"),
)


@dataclass(frozen=True)
class StoryDraft:
    """What is read from an article's text: all of a print that needs no weights of words.

    All texts are folded. It is the costly part, and can be made in another process.
    """

    feed: str
    published: datetime
    title: str
    """Its letters, without labels such as 快讯:"""
    body: str
    """The letters of the text that was read."""
    counts: Mapping[str, int]
    """Each word with how often it counts, the title's for two; in the order of the text, title
    first: so sums over them come out the same in every process."""
    of_title: int
    """How many of them, the first ones, are the title's."""
    numbers: frozenset[str]
    """Of the title, with their units."""
    days: frozenset[str]
    """Days of a month that are named."""
    names: frozenset[str]
    """Latin words and what stands in quotation marks, of the title."""
    subject: str
    """What stands before a colon, a comma or a space: 小米汽车:…"""
    has_subject: bool
    """It stands before a colon."""
    session: str
    """Of which part of a trading day the title tells; empty if of none."""
    direction: int
    """Whether the title tells of something that went up (1), down (-1), or neither."""


@dataclass(frozen=True)
class StoryPrint(StoryDraft):
    """What an article is held against others by: its draft, with the weights of its words."""

    idf: Mapping[str, float]
    """Each word with how rare it was at the moment of arrival, to three decimals."""
    words: Mapping[str, float]
    """Each word with its part in the text, as a vector of length 1."""
    title_words: Mapping[str, float]
    """Those of the title, with how rare they are."""
    title_weight: float
    """The sum of their squares; 1 if there are none."""

    @cached_property
    def grams(self) -> frozenset[str]:
        """Pairs and triples of characters of the title and the first 150 letters.

        Made when first asked for: they cost half of what all else in a stored print does.
        """
        return character_grams(self.title + self.body[:LEAD])

    @cached_property
    def quotes(self) -> Sequence[str]:
        """What is quoted on markets and named in the title, each by one name."""
        return quotes(self.title)


def bare_title(title: str) -> str:
    """A title folded, without labels at its beginning and a date at its end."""
    folded = _DATED_TAIL.sub("", fold(title[:TITLE]))
    bare = _LABEL.sub("", folded)
    return bare if len(bare) >= _LEAST_TITLE else folded


def unlabelled(title: str) -> str:
    """A title as written, without labels at its beginning."""
    found = _LABEL.match(title.translate(_HALF_WIDTH))
    bare = title[found.end() :].strip() if found else title
    return bare if len(bare) >= _LEAST_TITLE else title


def story_print(
    feed: str, published: datetime, title: str, text: str, idf: Callable[[str], float]
) -> StoryPrint:
    """The print of an article from its feed's id, its title, and its text without markup.

    `idf` says how rare a word is (`WordCounts.idf`); `published` is aware.
    """
    return weighed(story_draft(feed, published, title, text), idf)


def story_draft(feed: str, published: datetime, title: str, text: str) -> StoryDraft:
    """What a print needs of an article's text; the rest takes and gives as `story_print`."""
    bare = bare_title(title)
    # folding may make several characters of one, or drop some
    body = fold(text[: BODY + 100])[:BODY]
    in_title = words(bare)
    counts = Counter({word: TITLE_COUNTS * n for word, n in Counter(in_title).items()})
    counts.update(words(body))
    quoted = (letters(found) for found in _QUOTED.findall(bare))
    return StoryDraft(
        feed=feed,
        published=published.astimezone(UTC),
        title=letters(bare),
        body=letters(body),
        counts=dict(counts),
        of_title=len(set(in_title)),
        numbers=_numbers(bare),
        days=frozenset(str(int(day)) for day in _DAY.findall(f"{bare} {body[:120]}")),
        names=frozenset(_LATIN.findall(bare)) | frozenset(filter(None, quoted)),
        subject=letters(_SUBJECT_ENDS.split(bare, maxsplit=1)[0][:12]),
        has_subject=":" in bare[:SUBJECT],
        session=next((session for sign, session in _SESSIONS if sign in bare), ""),
        direction=bool(_UP.search(bare)) - bool(_DOWN.search(bare)),
    )


def weighed(draft: StoryDraft, idf: Callable[[str], float]) -> StoryPrint:
    """The print of a draft; `idf` says how rare a word is now (`WordCounts.idf`)."""
    return _with_weights(draft, [round(idf(word), 3) for word in draft.counts])


def _with_weights(draft: StoryDraft, idf: Sequence[float]) -> StoryPrint:
    """What follows from the weights is reckoned here alone, so that it is the same once stored."""
    counts = draft.counts
    parts = [
        weight if n == 1 else (1 + math.log(n)) * weight
        for n, weight in zip(counts.values(), idf, strict=True)
    ]
    length = math.sqrt(sum([part * part for part in parts])) or 1.0
    weights = dict(zip(counts, idf, strict=True))
    title_words = dict(islice(weights.items(), draft.of_title))
    return StoryPrint(
        feed=draft.feed,
        published=draft.published,
        title=draft.title,
        body=draft.body,
        counts=counts,
        of_title=draft.of_title,
        numbers=draft.numbers,
        days=draft.days,
        names=draft.names,
        subject=draft.subject,
        has_subject=draft.has_subject,
        session=draft.session,
        direction=draft.direction,
        idf=weights,
        words=dict(zip(counts, [part / length for part in parts], strict=True)),
        title_words=title_words,
        title_weight=sum([weight * weight for weight in title_words.values()]) or 1.0,
    )


def character_grams(text: str) -> frozenset[str]:
    """The pairs and triples of characters in a text."""
    pairs = [text[at : at + 2] for at in range(len(text) - 1)]
    triples = [text[at : at + 3] for at in range(len(text) - 2)]
    return frozenset(map(sys.intern, pairs + triples))


def _numbers(title: str) -> frozenset[str]:
    found = set()
    for digits, unit in _AMOUNT.findall(_DAY.sub(" ", title)):
        number = digits.replace(",", "")
        found.add((number.rstrip("0").rstrip(".") if "." in number else number) + unit)
    return frozenset(found)


def heaviest(print_: StoryPrint, most: int = LOOKED_UP) -> Sequence[str]:
    """The words that it is looked up by, the heaviest first."""
    weights = print_.words
    return sorted(weights, key=lambda word: (-weights[word], word))[:most]


# --- for the store -------------------------------------------------------------------------------

VERSION = 1


def to_bytes(print_: StoryPrint) -> bytes:
    """A print as the store keeps it: about 1 KB."""
    row = (
        VERSION,
        print_.feed,
        print_.published.isoformat(),
        print_.title,
        print_.body,
        "\n".join(print_.counts),
        list(print_.counts.values()),
        [round(weight * 1000) for weight in print_.idf.values()],
        print_.of_title,
        sorted(print_.numbers),
        sorted(print_.days),
        sorted(print_.names),
        print_.subject,
        print_.has_subject,
        print_.session,
        print_.direction,
    )
    return zlib.compress(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode(), 6)


def from_bytes(stored: bytes) -> StoryPrint:
    """The print that `to_bytes` made them of. Raises ValueError for other bytes."""
    try:
        row = json.loads(zlib.decompress(stored))
    except (zlib.error, ValueError) as error:
        raise ValueError(f"a story print cannot be read: {error}; make it again") from error
    if not isinstance(row, list) or len(row) != 16 or row[0] != VERSION:
        raise ValueError("a story print is of another version; make it again")
    counted = row[5].split("\n") if row[5] else []
    draft = StoryDraft(
        feed=row[1],
        published=datetime.fromisoformat(row[2]),
        title=row[3],
        body=row[4],
        counts=dict(zip(counted, row[6], strict=True)),
        of_title=row[8],
        numbers=frozenset(row[9]),
        days=frozenset(row[10]),
        names=frozenset(row[11]),
        subject=row[12],
        has_subject=row[13],
        session=row[14],
        direction=row[15],
    )
    return _with_weights(draft, [weight / 1000 for weight in row[7]])
