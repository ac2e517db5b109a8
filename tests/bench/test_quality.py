"""What bench.quality gives, and the floors that must be reached on the data beside the project."""

from __future__ import annotations

import gzip
import json
import lzma
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.perturb import CHANGES
from bench.posts import measure as measure_posts
from bench.posts import read_posts
from bench.quality import CORPUS, NEWS, POSTS, main
from bench.quality_extract import f1, measure, read_pages
from bench.quality_report import Floor, Report, as_json, as_table
from tests.conftest import REPO, SHARED

PAGES = SHARED / "captures" / "pages"
SETS = [
    # the folder, its truth, the least mean, the least of any page
    ("gne", "DERIVED_bodies.json", 0.98, 0.94),
    ("scrapinghub", "ground-truth.json", 0.965, 0.70),
]
TEXT = "第一段正文，讲的是一件事情的来龙去脉，以及各方对此的反应。"


# --- extract -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "truth", "mean", "least"),
    [each for each in SETS if (PAGES / each[0] / each[1]).exists()],
)
def test_bodies_are_as_good_as_they_were(
    folder: str, truth: str, mean: float, least: float
) -> None:
    pages = read_pages(PAGES / folder, PAGES / folder / truth)
    scores = measure(pages, ("ours",))["ours"]
    assert statistics.fmean(scores.values()) >= mean
    assert min(scores.values()) >= least, min(scores, key=scores.__getitem__)


@pytest.mark.parametrize(
    ("given", "known", "score"),
    [
        ("abcdef", "abcdef", 1.0),
        ("a b\nc d", "abcd", 1.0),
        ("abcd", "efgh", 0.0),
        ("", "abcd", 0.0),
        ("", "", 0.0),
        ("abcdabcd", "abcd", 2 / 6),  # five grams and one, one in common
    ],
)
def test_the_score_counts_runs_of_four_without_white_space(
    given: str, known: str, score: float
) -> None:
    assert f1(given, known) == pytest.approx(score)


def written(folder: Path) -> Path:
    page = f"<html><title>x</title><body><div>{f'<p>{TEXT}</p>' * 9}</div></body></html>".encode()
    (folder / "a.html").write_bytes(page)
    (folder / "b.html.gz").write_bytes(gzip.compress(page))
    truth = folder / "truth.json"
    known = {"body": TEXT * 9}, {"articleBody": TEXT * 9, "url": "https://news.example.org/a"}
    truth.write_text(json.dumps({"a.html": known[0], "b": known[1]}), "utf-8")
    return truth


def test_both_formats_of_truth_are_read_and_every_contestant_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = written(tmp_path)
    assert main(["extract", "--pages", str(tmp_path), "--truth", str(truth), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result) == ["ours", "trafilatura", "readability", "newspaper4k"]
    assert result["ours"] == {"mean": 1.0, "pages": {"a.html": 1.0, "b": 1.0}}
    assert all(0 < contestant["mean"] <= 1 for contestant in result.values())


def test_the_command_runs_by_its_path_and_prints_a_table(tmp_path: Path) -> None:
    truth = written(tmp_path)
    command = [sys.executable, str(REPO / "bench" / "quality.py"), "extract", "--only", "ours"]
    command += ["--pages", str(tmp_path), "--truth", str(truth)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["page", "ours"],
        ["a.html", "1.0000"],
        ["b", "1.0000"],
        ["mean", "1.0000"],
    ]


@pytest.mark.parametrize("truth", ["{}", "[1]", "nonsense", '{"a.html": {"text": "x"}}'])
def test_another_truth_is_refused_in_words(
    tmp_path: Path, truth: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "truth.json"
    file.write_text(truth, "utf-8")
    assert main(["extract", "--pages", str(tmp_path), "--truth", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- news: the floors ----------------------------------------------------------------------------

REACHED = {
    # the floors themselves are in the tasks; this is what was reached, less a little
    "events": {"auc": 0.975, "accuracy": 0.92, "f1": 0.91},
    "headlines": {"accuracy": 0.87},
    "stream": {"events_bcubed": 0.945, "events_pair_f1": 0.79, "stories_bcubed": 0.905},
    "copies": {"precision": 0.95, "recall": 0.89},
    "synthetic": {"all": 0.985, "summary": 0.985},
}


def asked(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict]:
    """The exit status and the JSON of a command."""
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("task", list(REACHED) if (NEWS / CORPUS).exists() else [])
def test_every_floor_holds_on_the_news_beside_the_project(
    task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, result = asked(capsys, task)
    assert (status, result["passed"], result["left_out"]) == (0, True, {})
    assert {
        name: result[name] for name, least in REACHED[task].items() if result[name] < least
    } == {}


@pytest.mark.parametrize("folder", [POSTS] if POSTS.exists() else [])
def test_posts_of_2020_are_joined_by_address_and_content_and_daily_notes_are_not(
    folder: Path,
) -> None:
    posts = read_posts(folder)
    week = [post for post in posts if "07-15" <= f"{post.item.published:%m-%d}" <= "07-21"]
    report = measure_posts(week)
    figures = report.figures
    assert report.passed
    assert figures["posts"] == len(week) > 2500
    assert figures["urls_one_article"] == figures["urls_repeated"] > 250
    assert figures["url_pairs_found_by_content"] >= 0.98 * figures["url_pairs"] > 400
    assert figures["template_pairs"] > 10
    assert figures["template_pairs_merged"] == 0
    assert figures["reprints_by_kind"]["copy"] >= 15
    all_urls = [post.item.url for post in posts if post.item.url]
    assert len({post.article for post in posts if post.item.url}) == len(set(all_urls))


# --- news: other files ---------------------------------------------------------------------------

DATA = REPO / "tests" / "data" / "quality"
GIVEN = {
    "events": ("--labels", DATA / "events.jsonl"),
    "headlines": ("--labels", DATA / "headlines.jsonl", "--ids", DATA / "stream.json"),
    "stream": ("--labels", DATA / "events.jsonl", "--ids", DATA / "stream.json"),
    "copies": ("--labels", DATA / "copies.tsv"),
    "synthetic": ("--labels", DATA / "base.json"),
}
REPEATED = {"labels: repeated in one group": 1, "labels: not in the corpus": 1}
FIGURES = {
    # twice airport and diaspora: two groups that are one
    "events": (
        {"auc": 1.0, "accuracy": 1.0, "f1": 1.0, "pairs": 9, "same": 2, "articles": 7, "groups": 2},
        REPEATED | {"pairs: repeated": 1},
    ),
    "headlines": ({"accuracy": 1.0, "pairs": 3, "same": 1}, {"pairs: repeated": 1}),
    # the trains start again, but that this is the story of the quake is not seen
    "stream": (
        {"events_bcubed": 1.0, "events_pair_f1": 1.0, "stories_bcubed": 0.875,
         "stories_pair_f1": 0.6667, "articles": 6, "labelled": 6, "events": 4},
        REPEATED | {"pairs: repeated": 1, "labels: not in the stream": 1},
    ),
    "copies": (
        {"precision": 1.0, "recall": 1.0, "labelled": 1, "found": 1, "pairs": 3, "wrong_pairs": []},
        {"pairs: repeated": 1, "pairs: not in the corpus": 1, "pairs: of an article and itself": 1},
    ),
    # half of a text of 80 letters has too few
    "synthetic": (
        {"all": 1.0, "summary": 1.0, "false": 0.0, "articles": 2,
         "missed_articles": {"first half": ["diaspora"]},
         "recall": dict.fromkeys(CHANGES, 1.0) | {"first half": 0.5}},
        {"ids: repeated": 1, "ids: not in the corpus": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("task", list(GIVEN))
def test_labels_of_any_size_are_measured_and_what_does_not_count_is_said(
    task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, result = asked(capsys, task, "--corpus", DATA / "corpus.jsonl", *GIVEN[task])
    figures, left_out = FIGURES[task]
    assert {name: result[name] for name in figures} == figures
    assert result["left_out"] == left_out
    assert result["task"] == task
    assert result["files"]["corpus"] == str(DATA / "corpus.jsonl")
    missed = [name for name, floor in result["floors"].items() if not floor["passed"]]
    assert missed == (["first half"] if task == "synthetic" else [])
    assert status == (1 if missed else 0)


def test_files_may_be_packed_and_ids_limit_what_is_searched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = {"corpus.jsonl": "corpus.jsonl.xz", "headlines.jsonl": "headlines.jsonl.xz"}
    for name, new in packed.items():
        (tmp_path / new).write_bytes(lzma.compress((DATA / name).read_bytes()))
    ids = tmp_path / "stream_ids.json"
    ids.write_text('["cars", "trains"]', "utf-8")
    corpus, labels = tmp_path / "corpus.jsonl.xz", tmp_path / "headlines.jsonl.xz"
    _, result = asked(capsys, "headlines", "--corpus", corpus, "--labels", labels)
    assert result["pairs"] == 3
    assert result["files"]["ids"] == str(ids)  # beside the corpus
    searched = ("synthetic", "--corpus", corpus, "--labels", DATA / "base.json", "--ids", ids)
    _, result = asked(capsys, *searched)
    assert result["recall"]["header"] == 1.0
    events = DATA / "events.jsonl"
    _, result = asked(capsys, "events", "--corpus", corpus, "--labels", events)
    assert (result["pairs"], result["left_out"]["labels: not in the corpus"]) == (9, 1)
    _, result = asked(capsys, "stream", "--corpus", corpus, "--labels", events)
    assert (result["articles"], result["labelled"]) == (2, 2)
    assert result["left_out"]["labels: not in the stream"] == 5


ITEM = '{"id": "x", "feed": "f", "title": "t", "text": "t", "pub": "%s"}\n'
BAD = [
    ("events", "--corpus", "", "no articles"),
    ("events", "--corpus", "nonsense", "bad:1: not JSON"),
    ("events", "--corpus", '{"id": "x"}', "bad:1: 'feed' is missing"),
    ("stream", "--corpus", ITEM % "yesterday", "which is no ISO 8601 date"),
    ("copies", "--corpus", "[1]", "row 1: not a JSON object"),
    ("events", "--labels", "", "no article of the corpus has a label"),
    ("events", "--labels", '{"rows": []}', "bad:1: 'items' is missing; it has rows"),
    ("events", "--labels", '{"items": ["cars"]}', "'items' is no list of objects"),
    ("events", "--labels", '{"items": [{"id": "cars"}]}', "'event' is missing"),
    ("stream", "--labels", '{"items": [{"id": "cars", "event": [1]}]}', "numbers, names or null"),
    ("stream", "--labels", '{"items": [{"id": "gone", "event": 1}]}', "no article of the corpus"),
    ("events", "--labels", '{"items": [{"id": "cars", "event": 1}, {"id": "trains", "event": 2}]}',
     "all 1 pairs are different"),
    ("headlines", "--labels", '{"a": "x", "b": "y", "same": "yes"}', "neither true nor false"),
    ("headlines", "--labels", '{"a": "x", "b": 3, "same": true}', "'b' is 3, which is no string"),
    ("headlines", "--labels", '{"a": "x", "b": "y", "same": true}', "all 1 pairs are the same"),
    ("copies", "--labels", "id_a id_b label", "bad:1: not two ids and, last, a label"),
    ("copies", "--labels", "x\ty\tE", "no pair of two articles of the corpus"),
    ("copies", "--labels", "cars\ttrains\tS", "no pair has the label E"),
    ("synthetic", "--labels", '{"ids": []}', "not a JSON list of ids"),
    ("synthetic", "--labels", '["gone"]', "none of its 1 ids is in the corpus"),
    ("stream", "--ids", "[[]]", "not a JSON list of ids"),
    ("stream", "--ids", '["water"]', "no article of the stream has a label"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "option", "content", "said"), BAD)
def test_files_of_another_form_are_refused_in_a_line(
    task: str,
    option: str,
    content: str,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = tmp_path / "bad"
    bad.write_text(content, "utf-8")
    command = [task, "--corpus", DATA / "corpus.jsonl", *GIVEN[task], option, bad]
    assert main([*map(str, command)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


@pytest.mark.parametrize("name", ["gone", "bad.xz", "latin"])
def test_files_that_cannot_be_read_are_named(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    if name != "gone":
        file.write_bytes("é".encode("latin-1"))
    assert main(["events", "--corpus", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_a_table_says_which_floor_is_missed() -> None:
    floors = Floor("auc", 0.9444, 0.945), Floor("false", 0.001, 0.005, at_most=True)
    report = Report({"auc": 0.94441, "recall": {"all": 1.0}, "pairs_missed": ["a"]}, floors)
    assert [line.split() for line in as_table("events", report).splitlines()] == [
        ["events"],
        ["auc", "0.9444"],
        ["recall"],
        ["all", "1.0"],
        ["pairs_missed"],
        ["a"],
        ["floor", "of", "auc", "at", "least", "0.945:", "MISSED:", "0.9444"],
        ["floor", "of", "false", "at", "most", "0.005:", "holds"],
    ]
    assert not report.passed
    assert json.loads(as_json("events", report, {}, 0.0))["passed"] is False


def test_a_floor_is_held_against_the_figure_itself_not_what_is_shown() -> None:
    assert not Floor("auc", 0.94499, 0.945).passed
    assert Floor("auc", 0.945, 0.945).passed


@pytest.mark.skipif(find_spec("sklearn") is not None, reason="scikit-learn is there")
@pytest.mark.parametrize("command", [["train"], ["events", "--cv"]])
def test_what_needs_scikit_learn_says_so(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--corpus", DATA / "corpus.jsonl", *GIVEN["events"]]
    if command == ["train"]:
        given += ["--headlines", DATA / "headlines.jsonl"]
    assert main([*command, *map(str, given)]) == 2
    assert "pip install scikit-learn" in capsys.readouterr().err


def test_limits_are_chosen_without_what_they_are_measured_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ("copies", "--corpus", DATA / "corpus.jsonl", *GIVEN["copies"], "--cv")
    _, result = asked(capsys, *given)
    assert result["cross_validated"] == {"precision": [1.0] * 3, "recall": [1.0] * 3}
