"""News with labels of events and stories, and the measures: pairs, clusters, folds.

Groups are JSON lines with `items: [{id, event, story}]`. An article of which `event` is null
reports an event of its own, `story` null says that the event is no part of a longer story. What
stands in several groups joins the events that it is said to report there.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bench.labelled import (
    REPEATED,
    UNKNOWN,
    Files,
    Item,
    LeftOut,
    Row,
    Unmeasurable,
    field,
    in_time,
    read_corpus,
    read_ids,
    rows,
    string,
)

POSITIVE = 0.44
"""The share of pairs of one event that accuracy and F1 are weighted to."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article of a group: what it is held against is the rest of its group."""

    id: str
    group: int
    event: Hashable
    story: Hashable


@dataclass(frozen=True, slots=True)
class Pair:
    """`a` is the newer one."""

    a: str
    b: str
    group: int
    same_event: bool
    same_story: bool


@dataclass(frozen=True, slots=True)
class Headlines:
    a: str
    b: str
    same: bool


@dataclass(frozen=True, slots=True)
class StoryData:
    items: Mapping[str, Item]
    stream: Sequence[str]
    """In order of time."""
    labels: Mapping[str, Labelled]
    pairs: Sequence[Pair]
    headlines: Sequence[Headlines]


def read_news(files: Files, left_out: LeftOut) -> tuple[dict[str, Item], list[str]]:
    """The corpus, and the ids of those that come in, in order of time. Raises Unmeasurable."""
    items = read_corpus(files.corpus, left_out)
    ids = set(read_ids(files.ids, items, left_out) if files.ids else items)
    return items, in_time(ids, items)


def read_grouped(files: Files, left_out: LeftOut) -> StoryData:
    """The news with labels of events. Raises Unmeasurable."""
    items, stream = read_news(files, left_out)
    labels, pairs = read_groups(files.labels, items, left_out)
    return StoryData(items, stream, labels, pairs, [])


# --- groups --------------------------------------------------------------------------------------

_Members = dict[str, tuple[Hashable, Hashable | None]]
"""Event and story, by id."""


class _Joined:
    """What is the same as what."""

    def __init__(self) -> None:
        self._same_as: dict[Hashable, Hashable] = {}

    def root(self, one: Hashable) -> Hashable:
        while one in self._same_as:
            one = self._same_as[one]
        return one

    def join(self, one: Hashable, other: Hashable) -> None:
        first, second = self.root(one), self.root(other)
        if first != second:
            self._same_as[second] = first


def read_groups(
    file: Path, items: Mapping[str, Item], left_out: LeftOut
) -> tuple[dict[str, Labelled], list[Pair]]:
    """The labelled articles, and all pairs inside groups. Raises Unmeasurable."""
    groups = [
        _members(number, where, row, items, left_out)
        for number, (where, row) in enumerate(rows(file))
    ]
    group_of: dict[str, int] = {}
    same_group, same_event, same_story = _Joined(), _Joined(), _Joined()
    for number, members in enumerate(groups):
        for id_, (event, story) in members.items():
            same_group.join(group_of.setdefault(id_, number), number)
            same_event.join(("article", id_), event)
            same_story.join(("article", id_), event)
            if story is not None:
                same_story.join(event, story)
    labels = {
        id_: Labelled(
            id_,
            int(str(same_group.root(number))),
            same_event.root(("article", id_)),
            same_story.root(("article", id_)),
        )
        for id_, number in group_of.items()
    }
    if not labels:
        raise Unmeasurable(f"{file}: no article of the corpus has a label; is it of this corpus?")
    return labels, list(_pairs(groups, labels, items, left_out))


def _members(
    number: int, where: str, row: Row, items: Mapping[str, Item], left_out: LeftOut
) -> _Members:
    given = field(row, "items", where)
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Unmeasurable(f"{where}: 'items' is no list of objects with id, event and story")
    found: _Members = {}
    for one in given:
        id_, event, story = string(one, "id", where), field(one, "event", where), one.get("story")
        if not isinstance(event, str | int | None) or not isinstance(story, str | int | None):
            raise Unmeasurable(f"{where}: {id_}: event and story are numbers, names or null")
        if id_ not in items:
            left_out[f"labels: {UNKNOWN}"] += 1
        elif id_ in found:
            left_out[f"labels: {REPEATED} in one group"] += 1
        else:
            found[id_] = (
                (number, "alone", id_) if event is None else (number, "event", event),
                None if story is None else (number, "story", story),
            )
    return found


def _pairs(
    groups: Sequence[_Members],
    labels: Mapping[str, Labelled],
    items: Mapping[str, Item],
    left_out: LeftOut,
) -> Iterator[Pair]:
    seen: set[tuple[str, str]] = set()
    for members in groups:
        for b, a in combinations(in_time(members, items), 2):
            if (a, b) in seen:
                left_out[f"pairs: {REPEATED}"] += 1
                continue
            seen.add((a, b))
            first, second = labels[a], labels[b]
            same_event = first.event == second.event
            yield Pair(a, b, first.group, same_event, first.story == second.story)


# --- headlines -----------------------------------------------------------------------------------


def read_headlines(file: Path, left_out: LeftOut) -> list[Headlines]:
    """JSON lines with a, b and same. Of a pair that stands there twice the first counts.

    Raises Unmeasurable.
    """
    pairs: dict[tuple[str, str], Headlines] = {}
    for where, row in rows(file):
        a, b, same = string(row, "a", where), string(row, "b", where), field(row, "same", where)
        if same not in (True, False):
            raise Unmeasurable(f"{where}: 'same' is {same!r}, neither true nor false")
        pair = (min(a, b), max(a, b))
        if pair in pairs:
            left_out[f"pairs: {REPEATED}"] += 1
        else:
            pairs[pair] = Headlines(a, b, bool(same))
    if not pairs:
        raise Unmeasurable(f"{file}: no headlines; JSON lines with a, b and same")
    return list(pairs.values())


# --- measures ------------------------------------------------------------------------------------


def auc(scores: Sequence[float], same: Sequence[bool]) -> float:
    """How often a pair that is the same scores above one that is not; ties count half."""
    ranked = sorted(zip(scores, same, strict=True))
    below = total = 0.0
    at = 0
    while at < len(ranked):
        tied = [label for score, label in ranked[at : at + 1]]
        end = at + 1
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            tied.append(ranked[end][1])
            end += 1
        positives = sum(tied)
        total += positives * (below + (len(tied) - positives) / 2)
        below += len(tied) - positives
        at = end
    positives = sum(same)
    return total / (positives * (len(same) - positives))


def weights(same: Sequence[bool], share: float = POSITIVE) -> list[float]:
    """So that those that are the same weigh `share` of all, 1 on average."""
    real = sum(same) / len(same)
    return [share / real if one else (1 - share) / (1 - real) for one in same]


def accuracy_f1(
    scores: Sequence[float], same: Sequence[bool], weight: Sequence[float]
) -> tuple[float, float]:
    """At threshold 0."""
    right = hit = said = true = 0.0
    for score, one, w in zip(scores, same, weight, strict=True):
        right += w * ((score >= 0) == one)
        hit += w * (score >= 0 and one)
        said += w * (score >= 0)
        true += w * one
    return right / sum(weight), 2 * hit / (said + true)


def bcubed_pairs(
    given: Mapping[str, Hashable], truth: Mapping[str, Hashable]
) -> tuple[float, float]:
    """B-cubed F1 and pair F1 over the items of `truth`."""
    found, gold, both = Counter(), Counter(), Counter()
    for id_, label in truth.items():
        found[given[id_]] += 1
        gold[label] += 1
        both[given[id_], label] += 1
    precision = sum(n * n / found[name] for (name, _), n in both.items()) / len(truth)
    recall = sum(n * n / gold[label] for (_, label), n in both.items()) / len(truth)
    right, said, true = (
        sum(n * (n - 1) // 2 for n in counter.values()) for counter in (both, found, gold)
    )
    pair_f1 = 2 * right / (said + true) if said + true else 0.0
    return 2 * precision * recall / (precision + recall), pair_f1


def folds(data: StoryData, repeat: int, number: int = 5) -> Mapping[int, int]:
    """The fold of each group: articles of one group are trained on or measured, never both."""
    groups = sorted({label.group for label in data.labels.values()})
    random.Random(repeat).shuffle(groups)
    return {group: at % number for at, group in enumerate(groups)}
