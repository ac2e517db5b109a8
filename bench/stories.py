"""How well stories are told apart, against labels: pairs, headlines, and the stream.

What the weights in the product reach, at their own threshold, 0; and, as `..._unseen`, what
weights reach that were fitted without what they are measured on, which needs scikit-learn.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from aggregator.core.story_pairs import pair_odds
from aggregator.core.story_prints import to_bytes
from aggregator.core.story_titles import title_odds
from bench import story_training as training
from bench.labelled import Files, LeftOut, Unmeasurable, count, in_time
from bench.quality_report import Floor, Report
from bench.story_data import (
    Headlines,
    StoryData,
    accuracy_f1,
    auc,
    bcubed_pairs,
    read_grouped,
    read_headlines,
    read_news,
    weights,
)
from bench.story_desk import Desk

REPEATS = 4
"""Ways to make folds."""

HALVINGS = 20
"""Ways to part headlines in two."""

AUC, ACCURACY, F1 = 0.945, 0.87, 0.85
HEADLINES_ACCURACY = 0.86
EVENTS_BCUBED, EVENTS_PAIR_F1, STORIES_BCUBED = 0.93, 0.72, 0.87


@dataclass(frozen=True, slots=True)
class PairResult:
    auc: float
    accuracy: float
    f1: float


def pair_result(
    scores: Sequence[float], same: Sequence[bool], weight: Sequence[float] | None = None
) -> PairResult:
    """Weighted to 44% of the same, unless weights are given. Raises Unmeasurable."""
    if len(set(same)) < 2:
        alike = "the same" if any(same) else "different"
        raise Unmeasurable(f"all {len(same)} pairs are {alike}; labels of both kinds are needed")
    return PairResult(auc(scores, same), *accuracy_f1(scores, same, weight or weights(same)))


def _even(pairs: Sequence[object]) -> list[float]:
    return [1.0] * len(pairs)


# --- pairs of articles ---------------------------------------------------------------------------


def events(files: Files, left_out: LeftOut) -> Report:
    data = _with_labelled(read_grouped(files, left_out))
    scores = event_scores(data)
    result = pair_result(scores, [one.same_event for one in data.pairs])
    figures = {
        **asdict(result),
        "pairs": len(data.pairs),
        "same": sum(one.same_event for one in data.pairs),
        "articles": len(data.labels),
        "groups": len({one.group for one in data.labels.values()}),
    }
    floors = (
        Floor("auc", result.auc, AUC),
        Floor("accuracy", result.accuracy, ACCURACY),
        Floor("f1", result.f1, F1),
    )
    return Report(figures, floors)


def event_scores(data: StoryData) -> list[float]:
    """Of each pair, by prints as they were when the articles came in."""
    prints, _ = training.prints_on_arrival(data)
    return [pair_odds(prints[one.a], prints[one.b]).event for one in data.pairs]


def events_unseen(files: Files, left_out: LeftOut) -> dict[str, object]:
    data = _with_labelled(read_grouped(files, left_out))
    ready = training.prepare(data)
    same = [one.same_event for one in data.pairs]
    models = (training.fold_models(data, ready, repeat) for repeat in range(REPEATS))
    scores = [training.unseen_pair_scores(data, ready, one) for one in models]
    return _means([asdict(pair_result(one, same)) for one in scores])


def _with_labelled(data: StoryData) -> StoryData:
    """What has a label comes in as well: a pair needs both prints."""
    ids = {*data.stream, *data.labels}
    return StoryData(data.items, in_time(ids, data.items), data.labels, data.pairs, data.headlines)


# --- pairs of headlines --------------------------------------------------------------------------


def headlines(files: Files, left_out: LeftOut) -> Report:
    data = _with_headlines(files, left_out)
    scores = headline_scores(data)
    same = [one.same for one in data.headlines]
    result = pair_result(scores, same, _even(same))
    figures = {**asdict(result), "pairs": len(same), "same": sum(same)}
    return Report(figures, (Floor("accuracy", result.accuracy, HEADLINES_ACCURACY),))


def headline_scores(data: StoryData) -> list[float]:
    """By headlines alone, their words weighed as after the stream."""
    _, counts = training.prints_on_arrival(data)
    return [title_odds(training.headline_features(one, counts, data)) for one in data.headlines]


def headlines_unseen(files: Files, left_out: LeftOut) -> dict[str, object]:
    data = _with_headlines(files, left_out)
    ready = training.prepare(data, cross=False)
    same = [one.same for one in data.headlines]
    unseen = (training.unseen_headline_scores(data, ready, repeat) for repeat in range(REPEATS))
    halves = [
        one for repeat in range(HALVINGS) for one in training.half_accuracies(data, ready, repeat)
    ]
    return {
        **_means([asdict(pair_result(one, same, _even(same))) for one in unseen]),
        "halves": len(halves),
        "halves_accuracy": statistics.fmean(halves),
        "halves_lowest": min(halves),
        "halves_below_floor": sum(one < HEADLINES_ACCURACY for one in halves),
    }


def _with_headlines(files: Files, left_out: LeftOut) -> StoryData:
    items, stream = read_news(files, left_out)
    pairs: list[Headlines] = read_headlines(files.labels, left_out)
    return StoryData(items, stream, {}, [], pairs)


# --- the stream ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamResult:
    events_bcubed: float
    events_pair_f1: float
    stories_bcubed: float
    stories_pair_f1: float
    labelled: int
    events: int
    stories: int
    largest_event: int
    largest_story: int
    median_ms: float
    """Of processor time, per article."""
    p95_ms: float
    print_bytes: float
    """Median."""
    moves: dict[str, int]


def stream(files: Files, left_out: LeftOut) -> Report:
    data = read_grouped(files, left_out)
    count(left_out, "labels: not in the stream", len(data.labels.keys() - set(data.stream)))
    result = run_stream(data, Desk())
    floors = (
        Floor("events_bcubed", result.events_bcubed, EVENTS_BCUBED),
        Floor("events_pair_f1", result.events_pair_f1, EVENTS_PAIR_F1),
        Floor("stories_bcubed", result.stories_bcubed, STORIES_BCUBED),
    )
    return Report({**asdict(result), "articles": len(data.stream)}, floors)


def run_stream(data: StoryData, desk: Desk) -> StreamResult:
    """Every article placed before the next is seen, and how that went for those with labels."""
    for id_ in data.stream:
        desk.add(data.items[id_])
    labels = {id_: one for id_, one in data.labels.items() if id_ in desk.event_of}
    if not labels:
        raise Unmeasurable("no article of the stream has a label; give others with --ids")
    members = [len(event.members) for event in desk.events.values() if event.members]
    told = {name for name, events_ in desk.stories.items() if events_}
    return StreamResult(
        *bcubed_pairs(desk.event_of, {id_: one.event for id_, one in labels.items()}),
        *bcubed_pairs(
            {id_: desk.story_of(id_) for id_ in labels},
            {id_: one.story for id_, one in labels.items()},
        ),
        len(labels),
        len(members),
        len(told),
        max(members),
        max(desk.story_size(name).articles for name in told),
        statistics.median(desk.seconds) * 1000,
        sorted(desk.seconds)[int(0.95 * len(desk.seconds))] * 1000,
        statistics.median(len(to_bytes(one)) for one in desk.prints.values()),
        dict(desk.moves),
    )


def stream_unseen(files: Files, left_out: LeftOut) -> dict[str, object]:
    data = read_grouped(files, left_out)
    ready = training.prepare(data)
    models = (training.fold_models(data, ready, repeat) for repeat in range(REPEATS))
    desks = (Desk(training.unseen_odds(data, one)) for one in models)
    return _means([asdict(run_stream(data, desk)) for desk in desks])


def _means(results: Sequence[dict[str, object]]) -> dict[str, object]:
    """Of the shares, which are from 0 to 1."""
    shares = [name for name in results[0] if name.endswith(("auc", "accuracy", "f1", "bcubed"))]
    return {name: statistics.fmean(float(str(one[name])) for one in results) for name in shares}


# --- training ------------------------------------------------------------------------------------


def train(files: Files, headlines: Path) -> Path:
    """Writes the weights into the product; gives the file. Raises Unmeasurable."""
    left_out = LeftOut()
    data = read_grouped(files, left_out)
    pairs = read_headlines(headlines, left_out)
    data = StoryData(data.items, data.stream, data.labels, data.pairs, pairs)
    text = training.train(data, training.prepare(data))
    training.WEIGHTS_FILE.write_text(text, "utf-8")
    return training.WEIGHTS_FILE
