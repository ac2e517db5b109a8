"""What leaves as files: feeds as OPML, articles as JSON lines and archives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model import Article, Enclosure, EntryRef, FeedSpec, Image
from aggregator.errors import OutputError
from aggregator.export import json_line, opml, write_archive, write_json_lines
from aggregator.feed_tables import with_ids
from aggregator.sources.archives import WRITERS, archives_in, read_archive
from aggregator.sources.opml import read_opml

THEN = datetime(2021, 10, 21, 10, 42, 36, tzinfo=UTC)
ARTICLE = Article(
    id="6f6a2a49-9b1d-5b44-8a3c-0f7f3b0f6f10", url="https://example.org/a", title="题\u2028目",
    author="某人", outlet="某报", published=THEN, updated=THEN, first_seen=THEN, language="zh",
    body="<p>一段。</p>", lead="一段。", image=Image("https://example.org/a.png", "图"),
    categories=("国际",), enclosures=(Enclosure("https://example.org/a.mp3", "audio/mpeg", 5),),
    entries=(EntryRef("f", "某报", "题目", "https://example.org/a"),),
)  # fmt: skip


def no_count(number: int) -> None:
    pass


# --- feeds -------------------------------------------------------------------------------------


def test_tags_are_folders_and_a_password_stays_at_home() -> None:
    feeds = (
        FeedSpec("a", ("https://me:secret@example.org/a", "https://mirror.example/a"), "甲 & <乙>",
                 tags=("新闻/国际", "要闻")),
        FeedSpec("b", ("https://example.org/b",), tags=("新闻",)),
        FeedSpec("c", ("https://example.org/c",), "丙"),
    )  # fmt: skip
    text = opml("feeds", feeds).decode()
    assert "secret" not in text
    assert text.split("<body>")[1].split("</body>")[0].split("\n")[1:-1] == [
        '    <outline text="新闻" title="新闻">',
        '      <outline text="国际" title="国际">',
        '        <outline text="甲 &amp; &lt;乙&gt;" title="甲 &amp; &lt;乙&gt;" type="rss"'
        ' xmlUrl="https://example.org/a"/>',
        "      </outline>",
        '      <outline text="b" title="b" type="rss" xmlUrl="https://example.org/b"/>',
        "    </outline>",
        '    <outline text="要闻" title="要闻">',
        '      <outline text="甲 &amp; &lt;乙&gt;" title="甲 &amp; &lt;乙&gt;" type="rss"'
        ' xmlUrl="https://example.org/a"/>',
        "    </outline>",
        '    <outline text="丙" title="丙" type="rss" xmlUrl="https://example.org/c"/>',
    ]


LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(LINE, st.lists(LINE, max_size=3, unique=True)), max_size=5))
def test_a_list_read_again_has_the_same_feeds(rows: list[tuple[str, list[str]]]) -> None:
    feeds = tuple(
        FeedSpec("", (f"https://example.org/{number}",), title,
                 tags=tuple(dict.fromkeys("/".join(filter(None, t.split("/"))) for t in tags)))
        for number, (title, tags) in enumerate(rows)
    )  # fmt: skip
    feeds = tuple(replace(feed, tags=tuple(filter(None, feed.tags))) for feed in feeds)
    again = read_opml(opml("feeds", with_ids(feeds, ())), "feeds.opml").feeds
    assert {feed.urls: (feed.title, set(feed.tags)) for feed in again} == {
        feed.urls: (feed.title, set(feed.tags)) for feed in feeds
    }


# --- articles ----------------------------------------------------------------------------------


def test_an_article_is_one_line_of_json() -> None:
    line = json_line(ARTICLE)
    assert len(line.splitlines()) == 1
    told = json.loads(line)
    assert set(told) == {field.name for field in fields(Article)} - {"reasons"}
    assert told == told | {
        "id": ARTICLE.id, "url": "https://example.org/a", "title": "题\u2028目", "author": "某人",
        "outlet": "某报", "published": "2021-10-21T10:42:36+00:00",
        "updated": "2021-10-21T10:42:36+00:00", "first_seen": "2021-10-21T10:42:36+00:00",
        "language": "zh", "body": "<p>一段。</p>", "lead": "一段。",
        "image": {"url": "https://example.org/a.png", "alt": "图"}, "categories": ["国际"],
        "enclosures": [
            {"url": "https://example.org/a.mp3", "media_type": "audio/mpeg", "length": 5}
        ],
        "entries": [
            {"feed_id": "f", "outlet": "某报", "title": "题目", "url": "https://example.org/a"}
        ],
    }  # fmt: skip


@pytest.mark.parametrize("form", WRITERS)
def test_an_archive_has_a_file_for_each_article_and_is_the_same_each_time(
    form: str, tmp_path: Path
) -> None:
    several = [replace(ARTICLE, id=f"6f6a2a49-9b1d-5b44-8a3c-00000000000{n}") for n in range(3)]
    counted: list[int] = []
    for _ in range(2):
        assert write_archive(several, WRITERS[form], tmp_path, counted.append) == 3
    assert counted == [1, 2, 3, 1, 2, 3]
    paths = list(archives_in([tmp_path]))
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        f"2021/2021-10-21-{article.id}.md" for article in several
    ]
    assert [read_archive(path).id for path in paths] == [article.id for article in several]
    assert not list(tmp_path.rglob("*.part"))


def test_articles_are_taken_one_by_one(tmp_path: Path) -> None:
    written: list[int] = []

    def articles() -> Iterator[Article]:
        for number in range(50):
            assert len(written) == number  # the one before is on disk before the next is read
            yield ARTICLE

    assert write_json_lines(articles(), tmp_path / "a.jsonl", written.append) == 50
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 50


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("before")

    def half() -> Iterator[Article]:
        yield ARTICLE
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_json_lines(half(), path, no_count)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.jsonl"]


def test_what_cannot_be_written_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_json_lines([ARTICLE], tmp_path / "file" / "a.jsonl", no_count)
    assert caught.value.where.endswith("file/a.jsonl")
