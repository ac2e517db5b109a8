"""discover, import and export as a person runs them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from aggregator.config import parse_config
from tests.conftest import REPO
from tests.loopback import Loopback, answer
from tests.running import Installation

SEEDS = str(REPO / "seeds")
LIST = str(REPO / "tests" / "data" / "opml" / "folders.opml")
FEEDS = """
[fetch]
pace = "0s"
allow_private = ["127.0.0.1"]

[[feeds]]
id = "dw"
title = "德国之声"
url = "https://rss.example.org/dw"
tags = ["新闻/国际"]
"""
FEED = (
    b"<rss version='2.0'><channel><title>News</title><item><title>a</title></item></channel></rss>"
)
PAGE = b'<html><head><link rel="alternate" type="application/rss+xml" href="/rss"></head></html>'


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    made = Installation(tmp_path / "here")
    made.folder.mkdir()
    made.configure(FEEDS)
    return made


def other(tmp_path: Path) -> Installation:
    """A second installation, with nothing in it."""
    made = Installation(tmp_path / "there")
    made.folder.mkdir()
    made.configure("")
    return made


def asked_beside(
    answers: dict[str, bytes], place: Installation, *arguments: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Runs a command with the origin of a site as its last argument."""

    async def both() -> tuple[subprocess.CompletedProcess[str], str]:
        async with Loopback(answers) as site:
            return await asyncio.to_thread(place.do, *arguments, site.origin), site.origin

    return asyncio.run(both())


# --- discover ----------------------------------------------------------------------------------


def test_discover_prints_tables_to_paste(place: Installation) -> None:
    done, origin = asked_beside({"/": answer(PAGE), "/rss": answer(FEED)}, place, "discover")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# the page declares it; 1 entry\n[[feeds]]\n")
    [feed] = parse_config(done.stdout, "config.toml").feeds
    assert (feed.id, feed.title, feed.urls) == ("news", "News", (f"{origin}/rss",))
    parse_config(place.config.read_text() + done.stdout, "config.toml")


def test_discover_tells_machines_what_it_found(place: Installation) -> None:
    done, origin = asked_beside({"/": answer(FEED)}, place, "discover", "--json")
    told = json.loads(done.stdout)
    assert (told["url"], told["feeds"][0]["id"], told["feeds"][0]["how"]) == (
        origin, "news", "itself",
    )  # fmt: skip


def test_discover_says_what_is_configured_already(place: Installation) -> None:
    async def found() -> subprocess.CompletedProcess[str]:
        async with Loopback({"/": answer(FEED)}) as site:
            place.configure(FEEDS.replace("https://rss.example.org/dw", site.origin))
            return await asyncio.to_thread(place.do, "discover", site.origin)

    done = asyncio.run(found())
    assert done.returncode == 0
    assert done.stdout.endswith('is configured already, as "dw"\n')
    assert "[[feeds]]" not in done.stdout


def test_discover_of_a_site_without_feeds_is_a_failure_in_one_line(place: Installation) -> None:
    done, origin = asked_beside({"/": answer(b"<html></html>")}, place, "discover")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"aggregator: {origin}: no feeds found" in done.stderr.splitlines()[-1]


# --- import ------------------------------------------------------------------------------------


def test_a_list_is_printed_as_tables_and_changes_nothing(place: Installation) -> None:
    done = place.do("import", LIST)
    assert done.returncode == 0
    assert 'https://rss.example.org/dw is configured already, as "dw"' in done.stderr
    both = parse_config(place.config.read_text() + done.stdout, "config.toml")
    assert len(both.feeds) == 5
    assert both.feeds[3].tags == ("Technology",)
    assert not place.database.exists()


def test_lists_together_have_each_feed_once(place: Installation, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xml"
    copy.write_bytes(Path(LIST).read_bytes())
    told = json.loads(place.do("import", "--json", LIST, str(copy)).stdout)
    assert [feed["id"] for feed in told["feeds"]] == [
        "example-aljazeera", "example-rfi", "tech-example", "deutsche-welle",
    ]  # fmt: skip


def test_lists_and_archives_are_not_imported_together(place: Installation) -> None:
    done = place.do("import", LIST, SEEDS)
    assert done.returncode == 2
    assert "apart" in done.stderr


# --- export ------------------------------------------------------------------------------------


def lines(place: Installation, *arguments: str) -> list[dict[str, object]]:
    done = place.do("export", "jsonl", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


SAME = ("id", "title", "published", "outlet", "author", "url", "categories", "language", "lead")


def shown(articles: list[dict[str, object]]) -> list[dict[str, object]]:
    """What has to survive, with the body as its words."""
    return [
        {key: article[key] for key in SAME} | {"body": str(article["body"]).split()}
        for article in articles
    ]


@pytest.mark.parametrize("form", ["hexo", "markdown"])
def test_an_exported_archive_is_imported_as_the_same_articles(
    form: str, place: Installation, tmp_path: Path
) -> None:
    assert place.do("import", SEEDS).returncode == 0
    before = lines(place)
    assert len(before) == 5
    folder = tmp_path / "archive"
    told = json.loads(place.do("export", form, "--to", str(folder), "--json").stdout)
    assert told == {"articles": 5, "to": str(folder)}
    elsewhere = other(tmp_path)
    assert elsewhere.do("import", str(folder)).returncode == 0
    assert shown(lines(elsewhere)) == shown(before)


def test_articles_can_be_exported_from_a_day_on_and_to_a_file(
    place: Installation, tmp_path: Path
) -> None:
    place.do("import", SEEDS)
    assert lines(place, "--since", "1d") == []
    file = tmp_path / "new" / "articles.jsonl"
    done = place.do("export", "jsonl", "--to", str(file))
    assert done.stdout == f"5 articles written to {file}\n"
    assert [json.loads(line) for line in file.read_text("utf-8").splitlines()] == lines(place)


def test_json_lines_are_utf_8_wherever_they_go(place: Installation) -> None:
    place.do("import", SEEDS)
    done = place.do("export", "jsonl", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert "塔利班" in done.stdout


def test_exported_feeds_are_imported_as_the_same_tables(
    place: Installation, tmp_path: Path
) -> None:
    done = place.do("export", "opml")
    file = tmp_path / "feeds.opml"
    file.write_text(done.stdout, "utf-8")
    imported = other(tmp_path).do("import", str(file))
    [feed] = parse_config(imported.stdout, "config.toml").feeds
    assert (feed.title, feed.tags) == ("德国之声", ("新闻/国际",))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("hexo",), "say --to DIR"),
        (("jsonl", "--json"), "--to a file"),
        (("opml", "--since", "1d"), "--since is for articles"),
        (("jsonl", "--since", "soon"), "a duration"),
        (("rss",), "'rss' is not one of"),
    ],
)
def test_an_export_that_makes_no_sense_is_wrong_use(
    arguments: tuple[str, ...], told: str, place: Installation
) -> None:
    done = place.do("export", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_folder_that_cannot_be_written_is_told_in_a_line(
    place: Installation, tmp_path: Path
) -> None:
    place.do("import", SEEDS)
    (tmp_path / "file").touch()
    done = place.do("export", "hexo", "--to", os.fspath(tmp_path / "file"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
