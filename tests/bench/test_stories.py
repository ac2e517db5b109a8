"""What bench.stories measures, and the floors that must be reached on labelled data."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from aggregator.core import story_weights as weights_
from aggregator.core.story_pairs import FEATURES
from aggregator.core.story_titles import TITLE_FEATURES
from bench.stories import (
    StreamResult,
    main,
    measure_headlines,
    measure_pairs,
    pair_result,
    run_stream,
)
from bench.story_data import StoryData, accuracy_f1, auc, bcubed_pairs, folds, read_data, weights
from bench.story_desk import Desk
from bench.story_training import WEIGHTS_FILE, Model, prepare, weights_text
from tests.conftest import SHARED

STORIES = SHARED / "stories"
beside = pytest.mark.parametrize(
    "folder", [STORIES] if (STORIES / "stream_ids.json").exists() else []
)


# --- floors --------------------------------------------------------------------------------------


@cache
def placed(folder: Path) -> tuple[StoryData, Desk, StreamResult]:
    """The whole stream, once for all tests."""
    data, desk = read_data(folder), Desk()
    return data, desk, run_stream(data, desk)


@beside
def test_pairs_are_told_apart_as_well_as_they_were(folder: Path) -> None:
    data, desk, _ = placed(folder)
    result = measure_pairs(data, desk)
    assert result.auc >= 0.975
    assert result.accuracy >= 0.92
    assert result.f1 >= 0.91


@beside
def test_headlines_alone_are_told_apart_as_well_as_they_were(folder: Path) -> None:
    data, desk, _ = placed(folder)
    assert measure_headlines(data, desk).accuracy >= 0.87


@beside
def test_events_and_stories_are_found_as_well_as_they_were(folder: Path) -> None:
    _, _, result = placed(folder)
    assert result.events_bcubed >= 0.945
    assert result.events_pair_f1 >= 0.79
    assert result.stories_bcubed >= 0.905


@beside
def test_an_article_costs_little(folder: Path) -> None:
    _, _, result = placed(folder)
    assert result.median_ms < 10  # of processor time; 1.4 on the machine it was written on
    assert result.print_bytes < 1500


@beside
def test_every_article_is_in_one_event_and_every_event_in_one_story(folder: Path) -> None:
    data, desk, _ = placed(folder)
    members = [m for event in desk.events.values() for m in event.members]
    assert sorted(members) == sorted(data.stream)
    assert all(m in desk.events[desk.event_of[m]].members for m in members)
    told = [one for events in desk.stories.values() for one in events]
    assert sorted(told) == sorted(name for name, event in desk.events.items() if event.members)
    assert all(
        name in desk.stories[event.story] for name, event in desk.events.items() if event.members
    )


@beside
def test_a_beginning_is_placed_the_same_whatever_comes_later(folder: Path) -> None:
    data = read_data(folder)
    first, again = Desk(), Desk()
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


def test_what_is_trained_on_is_what_was_known_on_arrival(tmp_path: Path) -> None:
    data = read_data(written(tmp_path))
    ready = prepare(data)
    assert len(ready.pairs) == len(data.pairs)
    assert len(ready.headlines) == len(data.headlines)
    assert ready.cross == []  # there is but one group
    desk = Desk()
    run_stream(data, desk)
    assert ready.prints == desk.prints


@pytest.mark.skipif(find_spec("sklearn") is not None, reason="scikit-learn is there")
def test_training_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="pip install scikit-learn"):
        main(["--data", str(written(tmp_path)), "--train"])


# --- the command ---------------------------------------------------------------------------------


def written(folder: Path) -> Path:
    texts = {
        "a": ("日本北海道发生6.8级地震", "日本北海道近海发生6.8级地震，没有海啸，新干线停运。"),
        "b": ("北海道6.8级地震，没有海啸", "北海道近海发生6.8级地震，气象厅说没有海啸危险。"),
        "c": ("小米汽车上月交付39000辆", "小米公布上月交付新车39000辆，同比增长约七成左右。"),
        "d": ("新干线恢复运行，铁路公司道歉", "因地震停运的列车恢复运行，铁路公司就线路检查道歉。"),
    }
    rows = [
        {"id": id_, "feed": id_, "title": title, "text": text, "pub": f"2026-01-30T0{at}:00:00Z"}
        for at, (id_, (title, text)) in enumerate(texts.items())
    ]
    events = {"a": (1, 1), "b": (1, 1), "c": (2, None), "d": (3, 1)}
    items = [{"id": id_, "event": e, "story": s} for id_, (e, s) in events.items()]
    headlines = [
        {"a": rows[0]["title"], "b": rows[1]["title"], "same": True},
        {"a": rows[0]["title"], "b": rows[2]["title"], "same": False},
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "stream_ids.json").write_text(json.dumps(list(reversed(texts))), "utf-8")
    (folder / "events.dev.jsonl").write_text(json.dumps({"items": items}) + "\n", "utf-8")
    lines = "".join(json.dumps(row) + "\n" for row in headlines)
    (folder / "headlines.dev.jsonl").write_text(lines, "utf-8")
    return folder


def test_the_data_are_read_in_order_of_time_with_their_labels(tmp_path: Path) -> None:
    data = read_data(written(tmp_path))
    assert data.stream == ["a", "b", "c", "d"]
    pairs = {(one.a, one.b): (one.same_event, one.same_story) for one in data.pairs}
    assert len(pairs) == 6
    assert pairs["b", "a"] == (True, True)
    assert pairs["d", "a"] == (False, True)
    assert pairs["c", "a"] == (False, False)
    assert folds(data, 0) == {0: 0}


def test_the_command_gives_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(written(tmp_path))
    assert main(["--data", folder, "--json"]) == 0
    (figures,) = json.loads(capsys.readouterr().out).values()
    assert figures["pairs"]["auc"] == 1.0
    assert figures["headlines"]["accuracy"] == 1.0
    assert figures["stream"]["events_bcubed"] == 1.0
    assert figures["stream"]["events"] == 3
    assert main(["--data", folder]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["pairs", "auc", "1.0000"] in shown


def test_missing_data_are_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert "stream_ids.json" in capsys.readouterr().err
    (written(tmp_path) / "events.dev.jsonl").write_text('{"rows": []}', "utf-8")
    assert main(["--data", str(tmp_path)]) == 2
    assert "of another format" in capsys.readouterr().err
