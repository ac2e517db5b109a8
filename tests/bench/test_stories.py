"""What bench.stories measures: the measures themselves, labels, the stream, training."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from aggregator.core import story_weights as weights_
from aggregator.core.story_pairs import FEATURES
from aggregator.core.story_titles import TITLE_FEATURES
from bench.labelled import Files, LeftOut, Unmeasurable, read_corpus
from bench.quality import CORPUS, EVENTS, NEWS, STREAM
from bench.stories import StreamResult, pair_result, run_stream
from bench.story_data import (
    Headlines,
    StoryData,
    accuracy_f1,
    auc,
    bcubed_pairs,
    folds,
    read_grouped,
    read_groups,
    weights,
)
from bench.story_desk import Desk
from bench.story_training import (
    WEIGHTS_FILE,
    Model,
    headline_events,
    prepare,
    prints_on_arrival,
    weights_text,
)
from tests.conftest import REPO

beside = pytest.mark.parametrize("corpus", [NEWS / CORPUS] if (NEWS / CORPUS).exists() else [])
SMALL = tuple(
    REPO / "tests" / "data" / "quality" / name
    for name in ("corpus.jsonl", "events.jsonl", "stream.json")
)


# --- the stream ----------------------------------------------------------------------------------


@cache
def placed(corpus: Path) -> tuple[StoryData, Desk, StreamResult]:
    """The beginning of the stream, once for all tests."""
    data = read_grouped(Files(corpus, NEWS / EVENTS, NEWS / STREAM), LeftOut())
    data, desk = replace(data, stream=data.stream[:800]), Desk()
    return data, desk, run_stream(data, desk)


@beside
def test_an_article_costs_little(corpus: Path) -> None:
    _, _, result = placed(corpus)
    assert result.median_ms < 10  # of processor time; 1.4 on the machine it was written on
    assert result.print_bytes < 1500


@beside
def test_every_article_is_in_one_event_and_every_event_in_one_story(corpus: Path) -> None:
    data, desk, _ = placed(corpus)
    members = [m for event in desk.events.values() for m in event.members]
    assert sorted(members) == sorted(data.stream)
    assert all(m in desk.events[desk.event_of[m]].members for m in members)
    told = [one for events in desk.stories.values() for one in events]
    assert sorted(told) == sorted(name for name, event in desk.events.items() if event.members)
    assert all(
        name in desk.stories[event.story] for name, event in desk.events.items() if event.members
    )


@beside
def test_a_beginning_is_placed_the_same_in_every_run(corpus: Path) -> None:
    data, first, again = placed(corpus)[0], Desk(), Desk()
    for id_ in data.stream[:300]:
        first.add(data.items[id_])
        again.add(data.items[id_])
    assert first.events == again.events
    assert first.stories == again.stories


# --- measures ------------------------------------------------------------------------------------


def test_auc_is_the_share_of_pairs_in_order() -> None:
    assert auc([1, 2, 3, 4], [False, False, True, True]) == 1.0
    assert auc([4, 3, 2, 1], [False, False, True, True]) == 0.0
    assert auc([1, 1, 1], [True, False, False]) == 0.5
    assert auc([1, 2, 2, 3], [False, True, False, True]) == pytest.approx(3.5 / 4)


def test_weights_make_the_share_and_threshold_0_decides() -> None:
    same = [True, False, False, False]
    weight = weights(same, 0.4)
    assert weight == pytest.approx([1.6, 0.8, 0.8, 0.8])
    accuracy, f1 = accuracy_f1([1, 1, -1, -1], same, weight)
    assert accuracy == pytest.approx(3.2 / 4)
    assert f1 == pytest.approx(2 * 1.6 / (2.4 + 1.6))
    assert pair_result([1, -1, -1, -1], same).f1 == 1.0


def test_clusters_are_measured_by_article_and_by_pair() -> None:
    truth = {"a": 1, "b": 1, "c": 2}
    assert bcubed_pairs({"a": "x", "b": "x", "c": "y"}, truth) == (1.0, 1.0)
    # precision 1, recall (1/2 + 1/2 + 1) / 3
    assert bcubed_pairs({"a": "x", "b": "y", "c": "z"}, truth) == (pytest.approx(0.8), 0.0)
    together = bcubed_pairs({"a": "x", "b": "x", "c": "x", "more": "x"}, truth)
    assert together == (pytest.approx(2 * (5 / 9) / (5 / 9 + 1)), 0.5)


# --- training ------------------------------------------------------------------------------------


def test_the_file_of_weights_is_as_the_command_writes_it() -> None:
    text = weights_text(
        Model(weights_.EVENT_BIAS, tuple(weights_.EVENT_WEIGHTS[name] for name in FEATURES)),
        Model(weights_.STORY_BIAS, tuple(weights_.STORY_WEIGHTS[name] for name in FEATURES)),
        Model(
            weights_.TITLES_BIAS, tuple(weights_.TITLES_WEIGHTS[name] for name in TITLE_FEATURES)
        ),
    )
    assert text == WEIGHTS_FILE.read_text("utf-8")


def test_what_is_trained_on_and_measured_is_what_was_known_on_arrival() -> None:
    data, desk = read_grouped(Files(*SMALL), LeftOut()), Desk()
    run_stream(data, desk)
    ready = prepare(data)
    assert len(ready.pairs) == len(data.pairs)
    assert {id_: ready.prints[id_] for id_ in data.stream} == desk.prints
    assert prints_on_arrival(data)[0] == desk.prints


def test_headlines_that_are_the_same_in_chains_are_of_one_event() -> None:
    same = [("a", "b"), ("c", "d"), ("b", "d")]
    pairs = [Headlines(a, b, True) for a, b in same] + [Headlines("a", "e", False)]
    chained = headline_events(pairs)
    assert len(set(chained[:3])) == len(set(chained[0])) == 1
    (one, other) = chained[3]
    assert one == chained[0][0] != other


def test_labels_of_one_kind_alone_measure_nothing() -> None:
    with pytest.raises(Unmeasurable, match="all 2 pairs are the same"):
        pair_result([1, -1], [True, True])


# --- the labels ----------------------------------------------------------------------------------


def test_the_data_are_read_in_order_of_time_with_their_labels() -> None:
    data = read_grouped(Files(*SMALL), LeftOut())
    assert data.stream == ["airport", "reprint", "quake-1", "quake-2", "cars", "trains"]
    pairs = {(one.a, one.b): (one.same_event, one.same_story) for one in data.pairs}
    assert len(pairs) == len(data.pairs) == 9
    assert pairs["quake-2", "quake-1"] == (True, True)
    assert pairs["trains", "quake-1"] == (False, True)
    assert pairs["cars", "quake-1"] == (False, False)
    assert pairs["reprint", "airport"] == (True, True)


def test_groups_that_share_an_article_are_never_parted() -> None:
    data = read_grouped(Files(*SMALL), LeftOut())
    group = {id_: label.group for id_, label in data.labels.items()}
    assert group["airport"] == group["reprint"] == group["diaspora"] != group["cars"]
    assert set(folds(data, 0).values()) == {0, 1}


def test_an_article_in_two_groups_joins_their_events(tmp_path: Path) -> None:
    rows = [[("quake-1", 1), ("quake-2", 1)], [("quake-1", 5), ("trains", 5)], [("cars", 1)]]
    file = tmp_path / "events"
    items = [[{"id": id_, "event": event} for id_, event in row] for row in rows]
    file.write_text("\n".join(json.dumps({"items": row}) for row in items), "utf-8")
    corpus = read_corpus(SMALL[0], LeftOut())
    labels, pairs = read_groups(file, corpus, LeftOut())
    assert labels["quake-2"].event == labels["trains"].event != labels["cars"].event
    assert [one.same_event for one in pairs] == [True, True]


def test_an_event_that_is_null_is_like_no_other(tmp_path: Path) -> None:
    items = [{"id": id_, "event": None, "story": None} for id_ in ("quake-1", "quake-2")]
    file = tmp_path / "events"
    file.write_text(json.dumps({"items": items}), "utf-8")
    _, (pair,) = read_groups(file, read_corpus(SMALL[0], LeftOut()), LeftOut())
    assert (pair.same_event, pair.same_story) == (False, False)
