"""Headlines alone: do they tell of the same event? For articles that have no text.

Logistic regression on 12 features (`python -m bench.quality train`); cross-validated accuracy
.863. Tried and left out: numbers and days that agree, the rarest word that is missing, lengths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from aggregator.core.story_prints import SUBJECT, StoryPrint
from aggregator.core.story_weights import TITLES_BIAS, TITLES_WEIGHTS

TITLE_FEATURES = (
    "number_conflict",
    "name_share",
    "soft_min",  # the smaller share of a title's words that stand in the other
    "soft_max",
    "direction_conflict",
    "subject_conflict",
    "subject_same",
    "session_conflict",
    "longest_run",  # of letters that stand in both
    "shared",
    "top_word",  # the rarest that both have
    "cosine",
)

ABBREVIATED = 0.75
"""How much of a word its letters in their order are, with others between: 伦交所, 伦敦证交所."""


def title_odds(features: Sequence[float]) -> float:
    """Log-odds that two headlines tell of one event."""
    return TITLES_BIAS + sum([f * w for f, w in zip(features, _WEIGHTS, strict=True)])


def title_features(a: StoryPrint, b: StoryPrint) -> tuple[float, ...]:
    """In the order of TITLE_FEATURES, the same whichever comes first."""
    if (a.title, a.published) > (b.title, b.published):
        a, b = b, a  # sums of floats depend on their order
    shared = [word for word in a.title_words if word in b.title_words]
    weight = sum([a.idf[word] * b.idf[word] for word in shared])
    soft = (_title_in_title(a, b), _title_in_title(b, a))
    names = len(a.names & b.names)
    sessions = bool(a.session and b.session)
    same_subject = (
        a.subject == b.subject or a.subject in b.title[:SUBJECT] or b.subject in a.title[:SUBJECT]
    )
    lengths = math.sqrt(max(1, len(a.title)) * max(1, len(b.title)))
    return (
        float(bool(a.numbers and b.numbers and not a.numbers & b.numbers)),
        names / min(len(a.names), len(b.names)) if names else 0.0,
        min(soft),
        max(soft),
        float(a.direction * b.direction < 0),
        float(a.has_subject and b.has_subject and not same_subject),
        float(same_subject),
        float(sessions and a.session != b.session),
        longest_run(a.title, b.title) / lengths,
        math.sqrt(weight),
        max([a.idf[word] for word in shared], default=0.0),
        weight / math.sqrt(a.title_weight * b.title_weight),
    )


def _title_in_title(a: StoryPrint, b: StoryPrint) -> float:
    found = 0.0
    for word, rarity in a.title_words.items():
        there = 1.0 if word in b.title_words else missing_word(word, b.title, b.title)
        found += rarity * rarity * there
    return found / a.title_weight


def longest_run(a: str, b: str) -> int:
    """How many letters the longest stretch has that stands in both."""
    if len(a) > len(b):
        a, b = b, a
    longest = at = 0
    while at + longest < len(a):
        while at + longest < len(a) and a[at : at + longest + 1] in b:
            longest += 1
        at += 1
    return longest


def missing_word(word: str, text: str, title: str) -> float:
    """How much of a word that is missing still stands there, from 0 to 1.

    By its pairs of characters anywhere in the text (电动汽车 in 电动车), or of a short one by its
    characters in their order within the title (伦交所 in 伦敦证交所).
    """
    pairs = len(word) - 1
    if pairs < 1:
        return 0.0
    if pairs == 1:  # most are, and the rest below takes its time
        share = float(word in text)
    else:
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
