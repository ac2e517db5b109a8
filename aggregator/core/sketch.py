"""A text's sketch: the few hashes by which a text with the same passages is found. Pure.

    letters --sketch--> hashes --an inverted index in the store--> postings --rank--> candidates

FracMinHash (Irber et al., 2022): of the hashes of all runs of five letters those below a bound
are kept, so that two sketches share hashes in the measure that their texts share runs. The bound
depends on where the run stands:

| letters         | kept    | why                                                           |
|-----------------|---------|---------------------------------------------------------------|
| the first 400   | 1 in 8  | a summary of 120 letters still has about fifteen hashes       |
| up to the 4,000 | 1 in 16 | an item inside a digest, an article with another in front     |
| beyond          | 1 in 32 | long texts share thousands of runs or none                    |

A lower bound selects among what a higher one keeps, so a passage that stands deep in one text and
first in the other shares hashes all the same. Measured on items of 2026: 1 in 8 throughout makes
the index half as large again (110 hashes of an article of 980 letters rather than 74) and finds
nothing more; one rate by the length of the text loses 4% of summaries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar
from zlib import crc32

Article = TypeVar("Article", int, str)
"""What the index calls an article: its id, or its row."""

GRAM = 5
"""Letters of a run: two or three Chinese words, seldom in two texts by chance."""

SKETCHED_FROM = 40
"""Letters; a shorter text gives too few hashes to be found by, and is told by its fingerprint."""

RATES: tuple[tuple[int, int], ...] = ((400, 8), (4000, 16), (1 << 62, 32))
"""Up to which letter one run in how many is kept."""

RARE = 64
"""Articles: a hash that so many share is of a footer or a phrase, and tells nothing. An index needs
to keep no more of a list, and to read no more."""

SHARED = 3
"""Rare hashes that a candidate shares; two are shared by chance, in quotes and long names."""

ESTIMATE = 0.25
"""Of the smaller sketch: containment as the sketches show it, below which none is worked out. Far
below the least that counts as the same (.5), since a small sketch shows it only roughly."""

CANDIDATES = 10
"""So many are compared at most; on 35,186 articles of 2020 the mean was 0.4."""

_BYTES = 2  # of a letter in UTF-16
_WEIGHT = 1 << 32  # of a hash that one article has: a whole number, so that no order counts


def sketch(body: str) -> frozenset[int]:
    """The hashes, of 32 bits, that a text folded to its letters is found by.

    None for a text of fewer than 40 letters. That of a text's beginning is part of the text's own.
    """
    if len(body) < SKETCHED_FROM:
        return frozenset()
    # UTF-16, as a slice of it is the bytes of five letters: no run is encoded by itself
    encoded = body.encode("utf-16-le", "surrogatepass")
    size, end = _BYTES * GRAM, len(encoded) - _BYTES * (GRAM - 1)
    kept: set[int] = set()
    first = 0
    for letters, one_in in RATES:
        last = min(_BYTES * letters, end)
        bound = (1 << 32) // one_in
        hashes = map(crc32, [encoded[at : at + size] for at in range(first, last, _BYTES)])
        kept.update([value for value in hashes if value < bound])
        first = last
    return frozenset(kept)


def rank(
    size: int,
    postings: Mapping[int, Sequence[Article]],
    sizes: Mapping[Article, int],
    most: int = CANDIDATES,
) -> tuple[Article, ...]:
    """The articles that may have the text, likeliest first, at most ten.

    Takes how many hashes the text's sketch has, of each that the index knows the articles that
    have it (64 of them if there are more: it is not rare), and how many hashes those articles'
    sketches have. What few share says most: by the mere count, the hundreds that share a page's
    footer would come before the one that shares a paragraph.
    """
    shared: Counter[Article] = Counter()
    weights: Counter[Article] = Counter()
    common = 0
    for articles in postings.values():
        if len(articles) >= RARE:
            common += 1
            continue
        shared.update(articles)
        weight = _WEIGHT // max(1, len(articles))
        for article in articles:
            weights[article] += weight
    likely = [
        article
        for article, count in shared.items()
        if count >= SHARED and count >= ESTIMATE * (min(size, sizes[article]) - common)
    ]
    likely.sort()
    likely.sort(key=weights.__getitem__, reverse=True)
    return tuple(likely[:most])
