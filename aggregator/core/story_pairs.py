"""Do two articles tell of the same event, or of the same longer story? Features, learnt weights.

Logistic regression on 19 features of a pair (`python -m bench.quality train`). Where one of the
two has no text, headlines must agree as well (story_titles). Cross-validated: AUC .980, accuracy
.930, F1 .920; cosine of words alone AUC .896. Tried and left out: a title's words in the other's
title, softly and exactly, and the same feed by itself, which added nothing; months and digits of
names (YU7) taken from the numbers, which cost .002 of the AUC and .006 of the accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.core.story_prints import SUBJECT, StoryPrint
from aggregator.core.story_titles import missing_word, title_features, title_odds
from aggregator.core.story_weights import EVENT_BIAS, EVENT_WEIGHTS, STORY_BIAS, STORY_WEIGHTS

FEATURES = (
    "top_title_word",  # the rarest word that both titles have
    "number_conflict",
    "length_ratio",
    "day_conflict",
    "title_in_other",  # the larger share of a title's words that stand in the other
    "rare_sum",  # the six rarest words that both have
    "name_share",
    "log_hours",
    "soft_min",  # title_in_other, words that are written otherwise counted in part
    "soft_max",
    "direction_conflict",
    "grams",
    "rare_count",
    "subject_conflict",
    "same_feed_words",  # likeness within one feed is often a template
    "words_soon",
    "session_conflict",
    "session_same",
    "words",  # cosine
)

RARE = 6.0
"""From about one article in 400."""

SOON = 12.0
"""Hours in which what likeness says of the same event falls to a third."""

NO_TEXT = 20
"""Letters. With fewer, headlines must be likely by themselves too: they were learnt from pairs of
which half are the same, and alone would say so too often."""

FARTHEST = 30.0
"""Log-odds beyond which nothing is told apart."""


@dataclass(frozen=True, slots=True)
class PairOdds:
    """Log-odds that two articles tell of one event, and that they belong to one story."""

    event: float
    story: float


def pair_odds(a: StoryPrint, b: StoryPrint) -> PairOdds:
    """The same whichever comes first, and for prints that were stored."""
    features = pair_features(a, b)
    event, story = odds(features, _EVENT, EVENT_BIAS), odds(features, _STORY, STORY_BIAS)
    if by_titles(a, b):
        event = min(event, title_odds(title_features(a, b)))
    return PairOdds(event, story)


def by_titles(a: StoryPrint, b: StoryPrint) -> bool:
    """Whether their headlines must agree by themselves too, as one of them has no text."""
    return min(len(a.body), len(b.body)) < NO_TEXT


def likeness(a: StoryPrint, b: StoryPrint) -> float:
    """From 0 to 1, the cosine of the words: cheap, to choose what to look at."""
    return sum([part * b.words[word] for word, part in a.words.items() if word in b.words])


def odds(features: Sequence[float], weights: Sequence[float], bias: float) -> float:
    """Log-odds, in the order of the features."""
    return bias + sum([f * w for f, w in zip(features, weights, strict=True)])


def chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-FARTHEST, min(FARTHEST, log_odds))))


def hours_apart(a: StoryPrint, b: StoryPrint) -> float:
    return abs((a.published - b.published).total_seconds()) / 3600


def pair_features(a: StoryPrint, b: StoryPrint) -> tuple[float, ...]:
    """In the order of FEATURES, the same whichever comes first."""
    if (a.published, a.title, a.body) > (b.published, b.title, b.body):
        a, b = b, a  # sums of floats depend on their order
    shared = [*filter(b.words.__contains__, a.words)]
    words = sum([a.words[word] * b.words[word] for word in shared])
    rare = sorted([min(a.idf[word], b.idf[word]) for word in shared], reverse=True)
    exact_a, soft_a = _title_in_other(a, b)
    exact_b, soft_b = _title_in_other(b, a)
    hours = hours_apart(a, b)
    names = len(a.names & b.names)
    sessions = bool(a.session and b.session)
    subjects = a.has_subject and b.has_subject
    return (
        max([a.idf[w] for w in a.title_words if w in b.title_words], default=0.0),
        float(bool(a.numbers and b.numbers and not a.numbers & b.numbers)),
        abs(math.log((len(a.body) + 20) / (len(b.body) + 20))),
        float(bool(a.days and b.days and not a.days & b.days)),
        max(exact_a, exact_b),
        sum(rare[:6]),
        names / min(len(a.names), len(b.names)) if names else 0.0,
        math.log1p(hours),
        min(soft_a, soft_b),
        max(soft_a, soft_b),
        float(a.direction * b.direction < 0),
        len(a.grams & b.grams) / math.sqrt((len(a.grams) or 1) * (len(b.grams) or 1)),
        math.log1p(sum([weight > RARE for weight in rare])),
        float(
            subjects and a.subject not in b.title[:SUBJECT] and b.subject not in a.title[:SUBJECT]
        ),
        words if a.feed and a.feed == b.feed else 0.0,
        math.exp(-hours / SOON) * words,
        float(sessions and a.session != b.session),
        float(sessions and a.session == b.session),
        words,
    )


def _title_in_other(a: StoryPrint, b: StoryPrint) -> tuple[float, float]:
    """How much of a's title stands in b: by its words exactly, and softly."""
    exact = soft = 0.0
    text = f"{b.title}\n{b.body}"
    for word, rarity in a.title_words.items():
        weight = rarity * rarity
        if word in b.words:
            exact += weight
            soft += weight
        else:
            soft += weight * missing_word(word, text, b.title)
    return exact / a.title_weight, soft / a.title_weight


_EVENT = tuple(EVENT_WEIGHTS[name] for name in FEATURES)
_STORY = tuple(STORY_WEIGHTS[name] for name in FEATURES)
