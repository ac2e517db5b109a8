"""What bench.copies measures, and the floors on the data beside the project."""

from __future__ import annotations

import json
import lzma
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.copies import (
    CORPUS,
    IDS,
    LABELS,
    Judged,
    archive,
    count,
    cross_validate,
    evidence,
    main,
    synthetic,
)
from bench.copies_data import Item, read_corpus, read_ids, read_pairs, read_posts
from bench.perturb import CHANGES, Source
from tests.conftest import SHARED

STORIES = SHARED / "stories"
POSTS = SHARED / "captures" / "posts"
SUMS = {"summary", "selected", "all"}
"""Changes that leave little to recognise."""


@pytest.mark.parametrize("stories", [STORIES] if (STORIES / CORPUS).exists() else [])
def test_labelled_pairs_and_changed_articles_are_recognised_as_well_as_they_were(
    stories: Path,
) -> None:
    items = read_corpus(stories / CORPUS)
    pairs = evidence(read_pairs(stories / LABELS, items), items)
    judged = count(pairs)
    assert judged.precision >= 0.92
    assert judged.recall >= 0.85
    assert cross_validate(pairs, 0).precision >= 0.92
    results = synthetic(items, read_ids(stories / IDS, items)[::4])
    assert set(results) == {"untouched", *CHANGES}
    for name, result in results.items():
        assert result["false"] <= 0.005, name
        if name != "untouched":
            assert result["recall"] >= (0.97 if name in SUMS else 0.99), name


@pytest.mark.parametrize("folder", [POSTS] if POSTS.exists() else [])
def test_posts_of_2020_are_joined_by_content_and_daily_notes_are_not(folder: Path) -> None:
    posts = read_posts(folder)
    week = [post for post in posts if "07-15" <= f"{post.published:%m-%d}" <= "07-21"]
    result = archive(week)
    assert result["posts"] == len(week) > 2500
    assert result["of them found by content alone"] >= 0.98 * result["pairs of one URL"] > 400
    assert result["pairs of one title, RTHK, three times or more"] > 10
    assert result["of them merged"] == 0
    assert result["relations"]["two outlets: copy"] >= 15


# --- the measure itself --------------------------------------------------------------------------

TEXT = (
    "喀布尔国际机场自2月3日起重新接待国际航班，首批航班来自多哈、伊斯坦布尔和迪拜，每周共12班。"
    "该部门负责人在记者会上说，跑道和导航设备的修复工作已经全部结束，票价将在两周之内公布。"
)
OTHER = (
    "旅行社的电话响个不停，许多在外的侨民说他们等这一天已经等了很久，准备春天带孩子回乡探亲；"
    "也有人担心冬季的大雾，打算先看几个月再作决定，药品与医护人员则可以更快到达南部各省。"
)


def written(folder: Path) -> Path:
    """A folder of data: two outlets with one article, and another article."""
    stories = folder / "stories"
    stories.mkdir()
    rows = [
        {"id": name, "feed": name, "url": f"https://example.org/{name}", "title": title,
         "text": text, "pub": "2026-01-28T04:00:00.000Z"}
        for name, title, text in (
            ("a", "喀布尔机场重开", TEXT), ("b", "喀布尔机场重开", TEXT), ("c", "侨民盼航班", OTHER)
        )
    ]  # fmt: skip
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (stories / CORPUS).write_bytes(lzma.compress(lines.encode()))
    (stories / LABELS).write_text(
        "id_a\tid_b\tc\tj\tlabel\na\tb\t1\t1\tE\na\tc\t0\t0\tS\n", "utf-8"
    )
    (stories / IDS).write_text('["a", "c"]', "utf-8")
    return folder


def test_all_figures_are_given_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(written(tmp_path))
    assert main(["--data", data, "--cv", "--synthetic", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["labelled pairs"]["as they are"] == {
        "precision": 1.0, "recall": 1.0, "right": 1, "wrong": 0, "missed": 0
    }  # fmt: skip
    assert list(results["changed articles"]) == ["untouched", *CHANGES]
    assert results["changed articles"]["header"] == {"recall": 1.0, "false": 0.0}


def test_a_table_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(written(tmp_path))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "labelled pairs"
    figures = ["precision", "1.0", "recall", "1.0", "right", "1", "wrong", "0", "missed", "0"]
    assert lines[1].split()[3:] == figures


@pytest.mark.parametrize(
    ("name", "content"), [(IDS, '["x"]'), (LABELS, "id\nx\ty\tE\n"), (CORPUS, "nonsense")]
)
def test_other_data_are_refused_in_words(
    tmp_path: Path, name: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (written(tmp_path) / "stories" / name).write_text(content, "utf-8")
    assert main(["--data", str(tmp_path), "--synthetic"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_wrong_one_and_a_missed_one_count() -> None:
    judged = Judged(right=3, wrong=1, missed=2)
    assert (judged.precision, judged.recall) == (0.75, 0.6)
    assert judged.f1 == pytest.approx(2 / 3)


def item(text: str) -> Item:
    published = datetime(2026, 1, 28, tzinfo=UTC)
    return Item("a", "f", "f", "https://example.org/a", "标题", text, published)


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"and back"}))
def test_every_change_changes_the_text_and_does_so_alike_in_every_run(name: str) -> None:
    first, second = (
        CHANGES[name](item(TEXT * 4), Source(random.Random(1), "的一是在", [OTHER]))
        for _ in range(2)
    )
    assert first == second
    assert first.text != TEXT * 4
