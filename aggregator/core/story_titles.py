"""Headlines alone: do they tell of the same event? For articles that have no text.

Logistic regression on 11 features (`python -m bench.quality train`). Accuracy .905, AUC .957 by
models that have seen neither of the two events: .86 of pairs of market news, .91 of others. It is
.02 lower without what titles begin with, .01 without opening against close, .005 without exact
amounts, .003 without what is quoted (market news .02). Without all four, and without letters, it
was .865, AUC .922, market news .75.

Tried and left out: boosted trees on all that was tried, .85 to .86; the larger share of words, the
longest run of letters and the subject before a colon, without which it is .002 better; any number
that differs, as a ticker's do within minutes; numbers that agree or are near, months; whether a
session is the same; the rarest word that is missing; lengths; the subject before each 涨 or 跌;
whether both are of markets. Names by their tags, which a print would have to keep: AUC .004
better, accuracy no better. Companies' other names (nvidia, 英伟达), written as one in titles and
texts: .002 better here, but pairs of the stream .008 worse.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from aggregator.core.story_prints import StoryPrint
from aggregator.core.story_weights import TITLES_BIAS, TITLES_WEIGHTS

TITLE_FEATURES = (
    "name_share",
    "soft_min",  # the smaller share of a title's words that stand in the other
    "letters_min",  # the smaller share of a title's letters that stand in the other
    "letters_max",
    "lead",  # what the titles begin with stands in the other
    "quotes_share",
    "quotes_conflict",
    "amount_conflict",
    "direction_conflict",
    "open_close",
    "shared",
)

LEAD = 2
"""Letters that a title begins with: a name is told from others by two."""

_AMOUNT = re.compile(r"[1-9][\d.]*\d[\d.]*[1-9]")
_YEAR = re.compile(r"20[12]\d")

ABBREVIATED = 0.75
"""How much of a word its letters in their order are, with others between: 伦交所, 伦敦证交所."""


def title_odds(features: Sequence[float]) -> float:
    """Log-odds that two headlines tell of one event."""
    return TITLES_BIAS + sum([f * w for f, w in zip(features, _WEIGHTS, strict=True)])


def title_features(a: StoryPrint, b: StoryPrint) -> tuple[float, ...]:
    """In the order of TITLE_FEATURES, the same whichever comes first."""
    if (a.title, a.published) > (b.title, b.published):
        a, b = b, a  # sums of floats depend on their order
    in_a, in_b = _kinds_of_letters(a.title), _kinds_of_letters(b.title)
    in_both = len(in_a & in_b)
    names = len(a.names & b.names)
    quoted = len(set(a.quotes).intersection(b.quotes))
    amounts_a, amounts_b = _amounts(a.numbers), _amounts(b.numbers)
    return (
        names / min(len(a.names), len(b.names)) if names else 0.0,
        min(_title_in_title(a, b), _title_in_title(b, a)),
        in_both / max(1, len(in_a), len(in_b)),
        in_both / max(1, min(len(in_a), len(in_b))),
        (_lead_in_title(a, b) + _lead_in_title(b, a)) / 2,
        quoted / min(len(a.quotes), len(b.quotes)) if quoted else 0.0,
        float(bool(a.quotes and b.quotes and not quoted)),
        float(bool(amounts_a and amounts_b and not amounts_a & amounts_b)),
        float(a.direction * b.direction < 0),
        float((_opens(a) and b.session == "close") or (_opens(b) and a.session == "close")),
        math.sqrt(sum([a.idf[w] * b.idf[w] for w in a.title_words if w in b.title_words])),
    )


def _lead_in_title(a: StoryPrint, b: StoryPrint) -> bool:
    """Whether what a's title begins with, mostly whom it is about, stands in b's."""
    return a.title[:LEAD] in b.title or bool(a.quotes and a.quotes[0] in b.quotes)


def _opens(one: StoryPrint) -> bool:
    return one.session in ("before", "open")


def _kinds_of_letters(title: str) -> set[str]:
    return {letter for letter in title if not letter.isdigit()}


def _amounts(numbers: frozenset[str]) -> set[str]:
    """Numbers that tell one event from another: of three digits at least, and no years."""
    return {one for one in numbers if _AMOUNT.search(one) and not _YEAR.fullmatch(one)}


def _title_in_title(a: StoryPrint, b: StoryPrint) -> float:
    found = 0.0
    for word, rarity in a.title_words.items():
        there = 1.0 if word in b.title_words else missing_word(word, b.title, b.title)
        found += rarity * rarity * there
    return found / a.title_weight


def missing_word(word: str, text: str, title: str) -> float:
    """How much of a word that is missing still stands there, from 0 to 1.

    By its pairs of characters anywhere in the text (电动汽车 in 电动车), or of a short one by its
    characters in their order within the title (伦交所 in 伦敦证交所).
    """
    pairs = len(word) - 1
    if pairs < 1:
        return 0.0
    if pairs == 1:  # most words
        if word in text:
            return 1.0
        return ABBREVIATED if not word.isascii() and _in_order(word, title) else 0.0
    share = sum([word[at : at + 2] in text for at in range(pairs)]) / pairs
    if share < ABBREVIATED and len(word) <= 6 and not word.isascii() and _in_order(word, title):
        return ABBREVIATED
    return share


def _in_order(word: str, title: str) -> bool:
    start = title.find(word[0])
    while start >= 0:
        at = start
        for letter in word[1:]:
            at = title.find(letter, at + 1, start + 3 * len(word))
            if at < 0:
                break
        else:
            return True
        start = title.find(word[0], start + 1)
    return False


_WEIGHTS = tuple(TITLES_WEIGHTS[name] for name in TITLE_FEATURES)
