"""`aggregator preview` as a person runs it."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.demo.newsroom import Newsroom, find_seeds, serve
from tests.running import Installation
from tests.test_cli import SEEDS, of_newsroom, one_line


@pytest.fixture(scope="module")
def newsroom() -> Iterator[tuple[Newsroom, str]]:
    rooms = Newsroom(find_seeds())
    with serve(rooms) as origin:
        yield rooms, origin


@pytest.fixture
def place(tmp_path: Path, newsroom: tuple[Newsroom, str]) -> Installation:
    made = Installation(tmp_path)
    made.configure(of_newsroom(newsroom))
    return made


@pytest.fixture
def url(newsroom: tuple[Newsroom, str]) -> str:
    return next(post.url for post in newsroom[0].posts if "guancha" in post.url)


def test_a_page_is_shown_step_by_step_and_no_store_is_made(
    place: Installation, newsroom: tuple[Newsroom, str]
) -> None:
    post = next(post for post in newsroom[0].posts if "aljazeera" in post.url)
    done = place.do("preview", post.url)
    assert done.returncode == 0
    assert f"\ntitle: {post.title}\n" in done.stdout
    assert post.published is not None
    assert f"\npublished: {post.published:%Y-%m-%d}" in done.stdout
    assert "article found by: the container div.wysiwyg of aljazeera" in done.stdout
    assert "[image: " in done.stdout
    assert "<p>" not in done.stdout
    assert "<p>" in place.do("preview", post.url, "--html").stdout
    assert not place.state.exists()
    told = place.told("preview", post.url)
    assert told["title"] == post.title
    assert told["pages"][0]["answer"]["status"] == 200
    assert told["stored"] is None


def test_what_is_stored_is_shown_by_url_id_and_beginning(place: Installation, url: str) -> None:
    place.do("poll")
    told = place.told("preview", url)
    assert told["stored"]["state"] == "ready"
    assert told["pages"][0]["kept"]
    assert told["differences"] == []
    for name in (told["id"], f"urn:uuid:{told['id']}", told["id"][:8]):
        assert place.told("preview", name, "--offline")["id"] == told["id"]
    fetched = place.told("preview", told["id"], "--page")
    assert (fetched["stored"], fetched["feed"]) == (None, "guancha")
    assert fetched["pages"][0]["answer"]["status"] == 200
    assert fetched["body"] == told["body"]
    assert place.told("preview", url, "--feed", "voa")["feed"] == "voa"


def test_what_is_not_to_be_had_or_not_stored_ends_with_1(place: Installation, url: str) -> None:
    for arguments, said in (
        (("https://chinese.aljazeera.net/news/nothing",), "404"),
        (("deadbeef",), "article deadbeef: no such article is stored"),
        ((url, "--offline"), "leave out --offline"),
    ):
        done = place.do("preview", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in one_line(done)


def test_wrong_use_ends_with_2_and_says_what_to_do(place: Installation, url: str) -> None:
    for arguments, said in (
        (("no url",), "neither a URL (https://…) nor an article's id"),
        (("www.guancha.cn/a",), "neither a URL"),
        ((url, "--feed", "vao"), "did you mean voa?"),
        ((url, "--page", "--offline"), "--offline fetches nothing"),
    ):
        done = place.do("preview", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_beginning_that_several_ids_have_is_asked_back(place: Installation) -> None:
    place.do("import", SEEDS)
    with sqlite3.connect(place.database) as database:
        for number, [old] in enumerate(list(database.execute("SELECT id FROM articles"))[:2]):
            new = f"00000000-0000-5000-8000-00000000000{number}"
            database.execute("UPDATE articles SET id = ? WHERE id = ?", (new, old))
            database.execute("UPDATE entries SET article_id = ? WHERE article_id = ?", (new, old))
    done = place.do("preview", "00000000")
    assert done.returncode == 2
    assert "several articles are meant" in done.stderr
    assert "00000000-0000-5000-8000-000000000001" in done.stderr


def test_it_is_shown_in_any_encoding_and_to_whoever_goes_away(
    place: Installation, url: str
) -> None:
    for encoding in ("ascii", "gbk", "latin-1"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        done = subprocess.run(
            place.command("preview", url), capture_output=True, env=environment, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
    shell = f"{' '.join(place.command('preview', url))} | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"Feed\n", b"")


def test_it_is_shown_on_a_narrow_dumb_terminal(place: Installation, url: str) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "10"}
    process = subprocess.Popen(
        place.command("preview", url), stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            got = os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not got:
            break
        shown += got
    os.close(ours)
    assert process.wait() == 0
    assert "阿富汗".encode() in shown
    assert b"\x1b" not in shown
