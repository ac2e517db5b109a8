"""What bench.quality measures, and the floors that the captures beside the project must reach."""

from __future__ import annotations

import gzip
import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from bench.quality import main
from bench.quality_extract import f1, measure, read_pages
from tests.conftest import REPO, SHARED

PAGES = SHARED / "captures" / "pages"
SETS = [
    # the folder, its truth, the least mean, the least of any page
    ("gne", "DERIVED_bodies.json", 0.98, 0.94),
    ("scrapinghub", "ground-truth.json", 0.965, 0.70),
]
TEXT = "第一段正文，讲的是一件事情的来龙去脉，以及各方对此的反应。"


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
