"""The weights of stories fitted to labels, and cross-validated. Needs scikit-learn:

    pip install scikit-learn

Logistic regression on standardised features, given back per unit of each feature. Besides the
pairs of each group, near pairs of different groups teach what is not one event: half as much
weight as all labelled pairs together. Prints are those of the stream, so their words weigh what
they weighed at the moment of arrival.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aggregator.core import story_weights
from aggregator.core.story_counts import WordCounts
from aggregator.core.story_pairs import (
    FEATURES,
    PairOdds,
    by_titles,
    odds,
    pair_features,
)
from aggregator.core.story_prints import StoryPrint, story_print
from aggregator.core.story_titles import TITLE_FEATURES, title_features, title_odds
from bench.labelled import Item, Unmeasurable
from bench.story_data import Headlines, StoryData, accuracy_f1, folds, weights
from bench.story_desk import Postings

CROSS = 0.5
"""What near pairs of different groups weigh, of what the labelled pairs weigh."""

CROSS_NEAR = 30
PENALTY = 0.03
"""scikit-learn's C: the smaller, the smaller the weights."""

TITLES_PENALTY = 0.06

Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Model:
    bias: float
    weights: Row

    def odds(self, features: Row) -> float:
        return odds(features, self.weights, self.bias)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The prints of the stream, and the features of what is trained on and measured."""

    prints: Mapping[str, StoryPrint]
    pairs: Sequence[Row]
    cross: Sequence[tuple[str, str, Row]]
    """Near pairs of different groups."""
    headlines: Sequence[Row]


def prepare(data: StoryData, cross: bool = True) -> Prepared:
    counts, postings = WordCounts(), Postings()
    prints: dict[str, StoryPrint] = {}
    near = []
    for id_ in data.stream:
        mine = printed(data.items[id_], counts)
        counts.learn(mine.words)
        if cross and id_ in data.labels:
            near += [(id_, other) for other in postings.near(mine, CROSS_NEAR)]
        postings.add(id_, mine)
        prints[id_] = mine
    labels = data.labels
    for id_ in labels:
        if id_ not in prints:  # labelled, but no part of the stream
            prints[id_] = printed(data.items[id_], counts)
    others = [(a, b) for a, b in near if b in labels and labels[a].group != labels[b].group]
    return Prepared(
        prints,
        [pair_features(prints[one.a], prints[one.b]) for one in data.pairs],
        [(a, b, pair_features(prints[a], prints[b])) for a, b in others],
        [headline_features(one, counts, data) for one in data.headlines],
    )


def prints_on_arrival(data: StoryData) -> tuple[dict[str, StoryPrint], WordCounts]:
    """Of the stream, as the desk makes them; and what was learnt of words in the end."""
    counts = WordCounts()
    prints = {}
    for id_ in data.stream:
        prints[id_] = printed(data.items[id_], counts)
        counts.learn(prints[id_].words)
    return prints, counts


def printed(item: Item, counts: WordCounts) -> StoryPrint:
    return story_print(item.feed, item.published, item.title, item.text, counts.idf)


def headline_features(pair: Headlines, counts: WordCounts, data: StoryData) -> Row:
    when = data.items[data.stream[-1]].published
    a, b = (story_print("", when, title, "", counts.idf) for title in (pair.a, pair.b))
    return title_features(a, b)


def fit(rows: Sequence[Row], same: Sequence[bool], weight: Sequence[float], c: float) -> Model:
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise Unmeasurable(
            f"fitting weights needs scikit-learn ({error}): pip install scikit-learn"
        ) from None
    if len(set(same)) < 2:
        raise Unmeasurable(f"nothing to be learnt from {len(rows)} pairs that are all alike")
    scaler = StandardScaler().fit(rows)
    fitted = LogisticRegression(C=c, max_iter=5000).fit(
        scaler.transform(rows), same, sample_weight=weight
    )
    per_unit = fitted.coef_[0] / scaler.scale_
    bias = fitted.intercept_[0] - (per_unit * scaler.mean_).sum()
    return Model(float(bias), tuple(float(one) for one in per_unit))


def fit_pairs(
    data: StoryData,
    ready: Prepared,
    same: Sequence[bool],
    trained_on: Callable[[int], bool] = lambda group: True,
) -> Model:
    """A model of the pairs of the groups that are trained on, and of near pairs between those."""
    chosen = [at for at, pair in enumerate(data.pairs) if trained_on(pair.group)]
    labels = [same[at] for at in chosen]
    weight = weights(labels)
    cross = [
        row
        for a, b, row in ready.cross
        if trained_on(data.labels[a].group) and trained_on(data.labels[b].group)
    ]
    each = CROSS * sum(weight) / max(1, len(cross))
    return fit(
        [*(ready.pairs[at] for at in chosen), *cross],
        [*labels, *[False] * len(cross)],
        [*weight, *[each] * len(cross)],
        PENALTY,
    )


# --- cross-validation ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoldModels:
    """Models that have not seen the groups of a fold, and one of all for what has no label."""

    fold_of: Mapping[int, int]
    event: Mapping[int | None, Model]
    story: Mapping[int | None, Model]


def fold_models(data: StoryData, ready: Prepared, repeat: int) -> FoldModels:
    fold_of = folds(data, repeat)
    same_event = [pair.same_event for pair in data.pairs]
    same_story = [pair.same_story for pair in data.pairs]
    event: dict[int | None, Model] = {}
    story: dict[int | None, Model] = {}
    for fold in [*sorted(set(fold_of.values())), None]:

        def unseen(group: int, fold: int | None = fold) -> bool:
            return fold_of[group] != fold

        event[fold] = fit_pairs(data, ready, same_event, unseen)
        story[fold] = fit_pairs(data, ready, same_story, unseen)
    return FoldModels(fold_of, event, story)


def unseen_pair_scores(data: StoryData, ready: Prepared, models: FoldModels) -> list[float]:
    return [
        models.event[models.fold_of[pair.group]].odds(row)
        for pair, row in zip(data.pairs, ready.pairs, strict=True)
    ]


def unseen_odds(
    data: StoryData, models: FoldModels
) -> Callable[[str, StoryPrint, StoryPrint], PairOdds]:
    """The odds of a newer article by the models that have not seen its group."""

    def odds_of(newer: str, a: StoryPrint, b: StoryPrint) -> PairOdds:
        label = data.labels.get(newer)
        fold = models.fold_of[label.group] if label else None
        row = pair_features(a, b)
        event, story = models.event[fold].odds(row), models.story[fold].odds(row)
        # headlines are labelled apart from the groups
        if by_titles(a, b):
            event = min(event, title_odds(title_features(a, b)))
        return PairOdds(event, story)

    return odds_of


# --- headlines that were not seen ----------------------------------------------------------------


def headline_events(headlines: Sequence[Headlines]) -> list[tuple[int, int]]:
    """The events that the two of each pair tell of: one where headlines are the same, in chains."""
    event_of: dict[str, int] = {}
    for pair in headlines:
        for title in (pair.a, pair.b):
            event_of.setdefault(title, len(event_of))
    for pair in headlines:
        kept, gone = event_of[pair.a], event_of[pair.b]
        if pair.same and kept != gone:
            event_of |= {title: kept for title, event in event_of.items() if event == gone}
    return [(event_of[pair.a], event_of[pair.b]) for pair in headlines]


def unseen_headline_scores(
    data: StoryData, ready: Prepared, repeat: int, number: int = 5
) -> list[float]:
    """Each pair by a model that has seen no pair with either of its two events."""
    events = headline_events(data.headlines)
    part_of = _parts(events, repeat, number)
    parts = [{part_of[a], part_of[b]} for a, b in events]
    models: dict[frozenset[int], Model] = {}
    scores = []
    for row, mine in zip(ready.headlines, parts, strict=True):
        if (left_out := frozenset(mine)) not in models:
            seen = [at for at, theirs in enumerate(parts) if not theirs & mine]
            models[left_out] = fit_headlines(data, ready, seen)
        scores.append(models[left_out].odds(row))
    return scores


def half_accuracies(data: StoryData, ready: Prepared, repeat: int) -> list[float]:
    """Pairs within one half of the events by a model of those within the other, both ways.

    Weighted to the share of the same among all pairs.
    """
    events = headline_events(data.headlines)
    part_of = _parts(events, repeat, 2)
    within = [
        [at for at, (a, b) in enumerate(events) if part_of[a] == part_of[b] == half]
        for half in (0, 1)
    ]
    if not all(within):
        raise Unmeasurable(f"{len(events)} pairs of headlines are too few to be parted in two")
    found = []
    for seen, unseen in (within, reversed(within)):
        model = fit_headlines(data, ready, seen)
        same = [data.headlines[at].same for at in unseen]
        scores = [model.odds(ready.headlines[at]) for at in unseen]
        found.append(accuracy_f1(scores, same, weights(same, _share_of_same(data)))[0])
    return found


def fit_headlines(data: StoryData, ready: Prepared, seen: Sequence[int] | None = None) -> Model:
    """A model of the pairs that are seen, weighted to the share of the same among all."""
    chosen = range(len(data.headlines)) if seen is None else seen
    same = [data.headlines[at].same for at in chosen]
    rows = [ready.headlines[at] for at in chosen]
    weight = weights(same, _share_of_same(data)) if same else []
    return fit(rows, same, weight, TITLES_PENALTY)


def _share_of_same(data: StoryData) -> float:
    return sum(pair.same for pair in data.headlines) / len(data.headlines)


def _parts(events: Sequence[tuple[int, int]], repeat: int, number: int) -> Mapping[int, int]:
    names = sorted({event for both in events for event in both})
    random.Random(repeat).shuffle(names)
    return {event: at % number for at, event in enumerate(names)}


# --- the file of weights -------------------------------------------------------------------------


def train(data: StoryData, ready: Prepared) -> str:
    """The text of `story_weights.py`."""
    event = fit_pairs(data, ready, [pair.same_event for pair in data.pairs])
    story = fit_pairs(data, ready, [pair.same_story for pair in data.pairs])
    titles = fit_headlines(data, ready)
    return weights_text(event, story, titles)


def weights_text(event: Model, story: Model, titles: Model) -> str:
    return "\n".join(
        [
            '"""Learnt weights of stories, in log-odds per unit of each feature.',
            "",
            "Made by `python -m bench.quality train`; not to be edited.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import Final",
            "",
            _constants("EVENT", FEATURES, event),
            _constants("STORY", FEATURES, story),
            _constants("TITLES", TITLE_FEATURES, titles).rstrip("\n"),
            "",
        ]
    )


def _constants(name: str, features: Sequence[str], model: Model) -> str:
    rows = "".join(
        f'    "{feature}": {weight:.3f},\n'
        for feature, weight in zip(features, model.weights, strict=True)
    )
    return (
        f"{name}_BIAS: Final = {model.bias:.3f}\n"
        f"{name}_WEIGHTS: Final[dict[str, float]] = {{\n{rows}}}\n"
    )


WEIGHTS_FILE = Path(story_weights.__file__)
