"""What a feed says under every article: learnt from the sentences that come again. Pure.

A sentence is boilerplate of a feed when it stood in a fifth of its articles, in at least five, on
at least three days. Days count because an event repeats itself: for a day or two its sentences
stand in many of a feed's articles, and are what those articles say.

What is counted is bounded: when 200 articles have been counted all counts are halved, and what
stood in fewer than one in twenty is forgotten (Manku and Motwani's lossy counting). So a footer
that a feed has changed is learnt within about fifty articles, however old the feed.

Sentences are counted as they stood in the article, boilerplate included; else what was once learnt
would be forgotten for being left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from aggregator.core.text import count_unspaced, fold, letters

SHARE = 0.2
"""Of a feed's articles. At .15, on the 46 feeds of 2026, more credits of pictures came in, but also
a sentence of the news itself (美日联合干预，这对市场意味着什么)."""

TIMES = 5
"""Articles; of a feed's first ten, two that share a sentence are a report and its next version."""

DAYS = 3
"""Different days of publication; one event fills a feed for one or two."""

SENTENCE_FROM = 6
"""Letters; shorter ones (他说, 完) are neither counted nor left out."""

WINDOW = 200
"""Articles, after which older ones count half."""

FORGOTTEN = 0.05
"""Share of articles below which a sentence's count is given up when the window is full."""

_ENDS = re.compile(r"[。!?;]+|\.(?: |$)")  # 3.5 and www.example.org go on
_STATEMENT = re.compile(
    r"\bfunction\b ?\w*\(|\b(?:var|let|const) \w+ ?=|\w\.\w+\(|[=<>!]=|\} ?else ?\{"
)
"""Of a script whose tags a mirror took away; a page of little else would be like every other."""


@dataclass(frozen=True, slots=True)
class SentenceCount:
    """In how many articles a sentence stood, and on which days: the first three, since 1970."""

    times: int
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FeedSentences:
    """What is known of a feed's sentences, by their hashes, from so many articles."""

    articles: int = 0
    counts: Mapping[int, SentenceCount] = field(default_factory=dict)


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a plain text, each folded to its letters; a line ends one.

    Statements of scripts are none.
    """
    parts = _ENDS.split(fold(text.replace("\n", "。")))
    return tuple([found for part in parts if (found := letters(part)) and not _is_statement(part)])


def _is_statement(folded: str) -> bool:
    return _STATEMENT.search(folded) is not None and not count_unspaced(folded)


def sentence_hash(sentence: str) -> int:
    """32 bits of a folded sentence."""
    return crc32(sentence.encode("utf-8", "surrogatepass"))


def countable(text: str) -> frozenset[int]:
    """The hashes of a plain text's sentences of six letters or more."""
    return frozenset(
        [sentence_hash(each) for each in sentences(text) if len(each) >= SENTENCE_FROM]
    )


def accumulate(known: FeedSentences, day: int, hashes: Collection[int]) -> FeedSentences:
    """With one article more: its day of publication, since 1970, and its sentences' hashes."""
    return accumulate_all(known, [(day, hashes)])


def accumulate_all(
    known: FeedSentences, articles: Iterable[tuple[int, Collection[int]]]
) -> FeedSentences:
    """With several articles more, of each its day and its sentences' hashes."""
    number, counts = known.articles, dict(known.counts)
    for day, hashes in articles:
        number += 1
        for value in set(hashes):
            counts[value] = once_more(counts.get(value), day)
        if number >= WINDOW:
            number, counts = number // 2, halved(counts, number)
    return FeedSentences(number, counts)


def boilerplate(known: FeedSentences) -> frozenset[int]:
    """The hashes of the sentences that belong to the feed rather than to any article."""
    return frozenset(
        value for value, count in known.counts.items() if is_boilerplate(count, known.articles)
    )


# --- single counts, for who keeps them apart -----------------------------------------------------


def once_more(count: SentenceCount | None, day: int) -> SentenceCount:
    """The count of a sentence with one article more, of that day; None: it is the first."""
    if count is None:
        return SentenceCount(1, (day,))
    known = day in count.days or len(count.days) >= DAYS
    return SentenceCount(count.times + 1, count.days if known else (*count.days, day))


def halved(counts: Mapping[int, SentenceCount], articles: int) -> dict[int, SentenceCount]:
    """The counts once a feed's window is full, without those that are forgotten.

    `articles` is how many were counted; half of that, rounded down, is what goes on.
    """
    return {
        value: SentenceCount(count.times // 2, count.days)
        for value, count in counts.items()
        if count.times >= FORGOTTEN * articles
    }


def is_boilerplate(count: SentenceCount, articles: int) -> bool:
    """Whether a sentence belongs to the feed, of which so many articles were counted."""
    return count.times >= max(TIMES, SHARE * articles) and len(count.days) >= DAYS


# --- what is left of a text ----------------------------------------------------------------------


def letters_without(text: str, boilerplate: Collection[int]) -> str:
    """A plain text folded to its letters, the boilerplate left out.

    A text that is boilerplate throughout is given whole: it is all that the article says.
    """
    return letters_of(sentences(text), boilerplate)


def letters_of(sentences: Sequence[str], boilerplate: Collection[int]) -> str:
    """The same of a text whose `sentences` were found before."""
    kept = [
        each
        for each in sentences
        if len(each) < SENTENCE_FROM or sentence_hash(each) not in boilerplate
    ]
    return "".join(kept) or "".join(sentences)
