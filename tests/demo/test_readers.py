"""Real readers subscribe to the demo as it is served, in each of its formats."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from reader import make_reader

from tests.reading import Block, read, seed_blocks, seeds

OUTLETS = ["半岛电视台"] * 3 + ["美国之音", "观察者网"]


@dataclass(frozen=True)
class Seen:
    """What a reader knows of an article."""

    title: str
    author: str
    body: list[Block]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The running demo's address, once all its articles are published."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    state = tmp_path_factory.mktemp("served")
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator", "demo", "--listen", listen, "--state", str(state)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while _articles(f"http://{listen}/topics/afghanistan.json") < 5:
            assert process.poll() is None, "the demo ended"
            assert time.monotonic() < deadline, "the demo published nothing in a minute"
            time.sleep(0.2)
        yield f"http://{listen}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0
    finally:
        process.kill()
        process.wait()


def _articles(url: str) -> int:
    try:
        with urlopen(url, timeout=5) as answer:
            return len(json.load(answer)["items"])
    except OSError:
        return 0


def check(seen: list[Seen]) -> None:
    """The five articles, each with its whole body, named as written by their outlets."""
    bodies = [article.body for article in seen]
    for seed in seeds():
        assert seed_blocks(seed) in bodies
    assert len(seen) == 5
    assert sorted(article.author for article in seen) == OUTLETS
    assert all(article.title for article in seen)


@pytest.mark.parametrize("suffix", ["atom", "rss", "json"])
def test_reader_lists_the_articles(site: str, suffix: str) -> None:
    with make_reader(":memory:") as reader:
        url = f"{site}/topics/afghanistan.{suffix}"
        reader.add_feed(url)
        reader.update_feeds()
        feed = reader.get_feed(url)
        assert feed.last_exception is None
        check(
            [
                Seen(entry.title or "", entry.authors_str or "", read(entry.get_content().value))
                for entry in reader.get_entries()
            ]
        )
        again = reader.update_feed(url)
        assert again is None or not again.new


@pytest.mark.parametrize("suffix", ["atom", "rss"])
def test_newsboat_lists_the_articles(site: str, suffix: str, tmp_path: Path) -> None:
    (tmp_path / "urls").write_text(f"{site}/topics/afghanistan.{suffix}\n")
    (tmp_path / "config").write_text("")
    subprocess.run(
        [
            "newsboat",
            *("-u", str(tmp_path / "urls"), "-C", str(tmp_path / "config")),
            *("-c", str(tmp_path / "cache.db"), "-x", "reload"),
        ],
        check=True,
        timeout=60,
        env={**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
    )
    with sqlite3.connect(tmp_path / "cache.db") as cache:
        rows = cache.execute("SELECT title, author, content FROM rss_item").fetchall()
    check([Seen(title, author, read(content)) for title, author, content in rows])


@pytest.mark.parametrize("suffix", ["atom", "rss"])
def test_sfeed_lists_the_articles(site: str, suffix: str) -> None:
    with urlopen(f"{site}/topics/afghanistan.{suffix}", timeout=10) as answer:
        feed = answer.read()
    lines = subprocess.run(["sfeed"], input=feed, capture_output=True, check=True).stdout
    fields = [line.split("\t") for line in lines.decode().splitlines()]
    unescaped = (
        (title, author, content.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\"))
        for _, title, _, content, _, _, author, *_ in fields
    )
    check([Seen(title, author, read(content)) for title, author, content in unescaped])


def test_a_second_request_with_the_etag_is_answered_304(site: str) -> None:
    url = f"{site}/topics/afghanistan.atom"
    with urlopen(url, timeout=10) as answer:
        etag = answer.headers["ETag"]
    with pytest.raises(OSError, match="304"):
        urlopen(Request(url, headers={"If-None-Match": etag}), timeout=10)
