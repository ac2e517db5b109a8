"""How well stories are told apart, against labels: `python -m bench.stories [--train] [--cv]`.

Without options: what the weights in the product reach on the labels that they were fitted to,
online clustering of the whole stream included, and what an article costs. `--cv`: the same by
models that have not seen what they are measured on. `--train`: fits the weights, and writes them
into the product. The last two need scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from aggregator.core.story_pairs import pair_odds
from aggregator.core.story_prints import to_bytes
from aggregator.core.story_titles import title_odds
from bench.story_data import StoryData, accuracy_f1, auc, bcubed_pairs, read_data, weights
from bench.story_desk import Desk

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "stories"
REPEATS = 4
"""Ways to make folds."""


@dataclass(frozen=True, slots=True)
class PairResult:
    auc: float
    accuracy: float
    f1: float


@dataclass(frozen=True, slots=True)
class StreamResult:
    events_bcubed: float
    events_pair_f1: float
    stories_bcubed: float
    median_ms: float
    """Of processor time, per article."""
    p95_ms: float
    events: int
    stories: int
    largest_event: int
    largest_story: int
    print_bytes: float
    """Median."""
    moves: dict[str, int]


def pair_result(
    scores: Sequence[float], same: Sequence[bool], weight: Sequence[float] | None = None
) -> PairResult:
    return PairResult(auc(scores, same), *accuracy_f1(scores, same, weight or weights(same)))


def measure_pairs(data: StoryData, desk: Desk) -> PairResult:
    """Pairs inside groups, by the prints that the stream made."""
    pairs = [one for one in data.pairs if one.a in desk.prints and one.b in desk.prints]
    scores = [pair_odds(desk.prints[one.a], desk.prints[one.b]).event for one in pairs]
    return pair_result(scores, [one.same_event for one in pairs])


def measure_headlines(data: StoryData, desk: Desk) -> PairResult:
    """By headlines alone, their words weighed as after the stream."""
    from bench.story_training import headline_features

    scores = [title_odds(headline_features(one, desk.counts, data)) for one in data.headlines]
    return pair_result(scores, [one.same for one in data.headlines], [1.0] * len(scores))


def run_stream(data: StoryData, desk: Desk) -> StreamResult:
    for id_ in data.stream:
        desk.add(data.items[id_])
    labels = {id_: one for id_, one in data.labels.items() if id_ in desk.event_of}
    events = bcubed_pairs(desk.event_of, {id_: one.event for id_, one in labels.items()})
    stories = bcubed_pairs(
        {id_: desk.story_of(id_) for id_ in labels}, {id_: one.story for id_, one in labels.items()}
    )
    members = [len(event.members) for event in desk.events.values() if event.members]
    told = {name for name, events_ in desk.stories.items() if events_}
    return StreamResult(
        *events,
        stories[0],
        statistics.median(desk.seconds) * 1000,
        sorted(desk.seconds)[int(0.95 * len(desk.seconds))] * 1000,
        len(members),
        len(told),
        max(members),
        max(desk.story_size(name).articles for name in told),
        statistics.median(len(to_bytes(one)) for one in desk.prints.values()),
        dict(desk.moves),
    )


def in_sample(data: StoryData) -> dict[str, object]:
    desk = Desk()
    stream = run_stream(data, desk)
    return {
        "pairs": asdict(measure_pairs(data, desk)),
        "headlines": asdict(measure_headlines(data, desk)),
        "stream": asdict(stream),
    }


def cross_validated(data: StoryData, repeats: int) -> dict[str, object]:
    from bench import story_training as training

    ready = training.prepare(data)
    same = [one.same_event for one in data.pairs]
    pairs, streams = [], []
    for repeat in range(repeats):
        models = training.fold_models(data, ready, repeat)
        pairs.append(pair_result(training.unseen_pair_scores(data, ready, models), same))
        streams.append(run_stream(data, Desk(training.unseen_odds(data, models))))
    titles = training.unseen_headline_scores(data, ready)
    headlines = pair_result(titles, [one.same for one in data.headlines], [1.0] * len(titles))
    return {
        "pairs": _means([asdict(one) for one in pairs]),
        "headlines": asdict(headlines),
        "stream": _means([asdict(one) for one in streams]),
    }


def _means(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    return {
        name: statistics.fmean(row[name] for row in rows)
        for name, value in rows[0].items()
        if not isinstance(value, dict)
    }


def _print_tables(result: dict[str, dict[str, dict[str, object]]]) -> None:
    for title, tables in result.items():
        print(title)
        for name, row in tables.items():
            for what, value in row.items():
                shown = f"{value:.4f}" if isinstance(value, float) else str(value)
                print(f"  {name:10} {what:16} {shown}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.stories", description="Measures stories.")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the labelled data")
    parser.add_argument("--train", action="store_true", help="fit the weights and write them")
    parser.add_argument("--cv", action="store_true", help="cross-validated figures too")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="ways to make folds (--cv)")
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    options = parser.parse_args(arguments)
    try:
        data = read_data(options.data)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except (ValueError, KeyError) as error:
        print(f"{options.data}: of another format: {error!r}", file=sys.stderr)
        return 2
    if options.train:
        from bench import story_training as training

        text = training.train(data, training.prepare(data))
        training.WEIGHTS_FILE.write_text(text, "utf-8")
        print(f"{training.WEIGHTS_FILE}: written; run again to measure", file=sys.stderr)
        return 0
    result = {"fitted to the same labels": in_sample(data)}
    if options.cv:
        result["cross-validated"] = cross_validated(data, options.repeats)
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        _print_tables(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
