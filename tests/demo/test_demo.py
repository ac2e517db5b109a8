"""The demo as a person runs it: a process, its output, the files it leaves."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.reading import read, seed_blocks, seeds


def aggregator(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "aggregator", *arguments]


def demo_once(state: Path) -> dict[str, Any]:
    done = subprocess.run(
        aggregator("demo", "--once", "--json", "--state", str(state)),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(state: Path) -> dict[str, Any]:
    return demo_once(state)


@pytest.fixture(scope="module")
def items(first: dict[str, Any]) -> list[dict[str, Any]]:
    published = Path(first["topics"]["afghanistan"]["json"]).read_bytes()
    found: list[dict[str, Any]] = json.loads(published)["items"]
    return found


def test_one_cycle_polls_extracts_merges_and_filters(first: dict[str, Any]) -> None:
    assert first["feeds"] == {"polled": 5, "failed": 1, "not_modified": 0}
    assert (first["entries"], first["articles"], first["duplicates"]) == (6, 5, 1)
    assert first["topics"]["afghanistan"]["articles"] == 5
    assert first["topics"]["afghanistan"]["url"].endswith("/topics/afghanistan.atom")
    for suffix in ("atom", "rss", "json"):
        assert Path(first["topics"]["afghanistan"][suffix]).stat().st_size > 10_000


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.stem)
def test_a_body_is_the_seeds_body_block_by_block(seed: Path, items: list[dict[str, Any]]) -> None:
    expected = seed_blocks(seed)
    found = [read(item["content_html"]) for item in items]
    assert expected in found


def test_titles_outlets_and_addresses_are_the_originals(items: list[dict[str, Any]]) -> None:
    outlets = {item["url"].split("/")[2]: item["authors"][0]["name"] for item in items}
    assert outlets == {
        "chinese.aljazeera.net": "半岛电视台",
        "www.guancha.cn": "观察者网",
        "www.voachinese.com": "美国之音",
    }
    assert len({item["id"] for item in items}) == 5


def test_the_same_cycle_again_adds_nothing_and_changes_no_byte(
    state: Path, first: dict[str, Any]
) -> None:
    files = {path: path.read_bytes() for path in state.glob("editions/**/*.*")}
    second = demo_once(state)
    assert second["feeds"] == {"polled": 5, "failed": 1, "not_modified": 4}
    assert second["new"] == {"entries": 0, "articles": 0, "duplicates": 0}
    assert second["topics"] == first["topics"]
    assert {path: path.read_bytes() for path in state.glob("editions/**/*.*")} == files


def test_a_rebuilt_store_publishes_the_same_bytes(
    tmp_path: Path, state: Path, first: dict[str, Any]
) -> None:
    again = demo_once(tmp_path)
    for suffix in ("atom", "rss", "json"):
        old = Path(first["topics"]["afghanistan"][suffix]).read_bytes()
        assert Path(again["topics"]["afghanistan"][suffix]).read_bytes() == old


def test_killed_at_any_moment_it_loses_and_doubles_nothing(
    tmp_path: Path, first: dict[str, Any]
) -> None:
    """Twenty times SIGKILL, at moments spread over the time a whole cycle takes."""
    started = time.monotonic()
    demo_once(tmp_path / "whole")
    whole = time.monotonic() - started
    moments = random.Random(20)
    state = tmp_path / "killed"
    for _ in range(20):
        process = subprocess.Popen(
            aggregator("demo", "--once", "--json", "--state", str(state)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=moments.uniform(0.3, 1.0) * whole)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    after = demo_once(state)
    for name in ("entries", "articles", "duplicates", "pending"):
        assert after[name] == first[name]
    for suffix in ("atom", "rss", "json"):
        whole_file = Path(first["topics"]["afghanistan"][suffix]).read_bytes()
        assert Path(after["topics"]["afghanistan"][suffix]).read_bytes() == whole_file
    assert not list(state.glob("editions/**/.*"))
