"""News with labels for bench.stories, and the measures: pairs, clusters, folds.

The files have the formats of the labelled data beside the project, so other labels can be given:
`corpus.jsonl.xz` (or `corpus.jsonl`) with id, feed, title, text, pub; `stream_ids.json`;
`events.dev.jsonl` with `items: [{id, event, story}]`; `headlines.dev.jsonl` with a, b, same.
"""

from __future__ import annotations

import json
import lzma
import random
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path

POSITIVE = 0.44
"""The share of pairs of one event that accuracy and F1 are weighted to."""


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    feed: str
    title: str
    text: str
    published: datetime


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article of a group: what it is held against is the rest of its group."""

    id: str
    group: int
    event: tuple[int, int]
    story: tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class Pair:
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


def read_data(folder: Path) -> StoryData:
    """Raises OSError for a file that is missing, ValueError or KeyError for one of another form."""
    stream = json.loads((folder / "stream_ids.json").read_text("utf-8"))
    groups = [row["items"] for row in _rows(folder / "events.dev.jsonl")]
    wanted = {*stream, *(one["id"] for group in groups for one in group)}
    items = {item.id: item for item in _items(folder) if item.id in wanted}
    labels = {
        one["id"]: Labelled(
            one["id"],
            number,
            (number, one["event"]),
            (number, "event", one["event"])
            if one["story"] is None
            else (number, "story", one["story"]),
        )
        for number, group in enumerate(groups)
        for one in group
    }
    pairs = []
    for group in groups:
        for b, a in combinations([labels[one["id"]] for one in group], 2):
            same = a.event == b.event
            pairs.append(Pair(a.id, b.id, a.group, same, same or a.story == b.story))
    return StoryData(
        items,
        sorted(stream, key=lambda id_: (items[id_].published, id_)),
        labels,
        pairs,
        [
            Headlines(row["a"], row["b"], row["same"])
            for row in _rows(folder / "headlines.dev.jsonl")
        ],
    )


def _rows(file: Path) -> Iterator[dict]:
    for line in file.read_text("utf-8").splitlines():
        yield json.loads(line)


def _items(folder: Path) -> Iterator[Item]:
    packed = folder / "corpus.jsonl.xz"
    with (
        lzma.open(packed, "rt", encoding="utf-8")
        if packed.exists()
        else (folder / "corpus.jsonl").open(encoding="utf-8") as lines
    ):
        for line in lines:
            row = json.loads(line)
            published = datetime.fromisoformat(row["pub"])
            yield Item(row["id"], row["feed"], row["title"], row["text"], published)


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
