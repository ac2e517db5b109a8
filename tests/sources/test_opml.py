"""OPML lists as readers export them, whole and broken, to tables of config.toml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config import parse_config
from aggregator.errors import ArchiveError
from aggregator.feed_tables import tables_text, with_ids
from aggregator.sources.opml import FeedList, is_opml, read_opml
from tests.conftest import REPO

DATA = REPO / "tests" / "data" / "opml"


def read(text: str) -> FeedList:
    return read_opml(text.encode(), "list.opml")


def listed(*outlines: str) -> str:
    return f"<opml version='2.0'><body>{''.join(outlines)}</body></opml>"


def test_folders_become_tags_and_each_feed_one_table() -> None:
    found = read_opml((DATA / "folders.opml").read_bytes(), "folders.opml")
    text = tables_text(with_ids(found.feeds, ["taken"]))
    assert text == (DATA / "folders.toml").read_text("utf-8").strip()
    assert parse_config(text, "config.toml").feeds == with_ids(found.feeds, ())
    assert found.notes == (
        "本地: no address that can be polled",
        "1 repeated: each feed is listed once, with all its folders",
    )


def test_a_broken_list_is_read_as_far_as_it_goes_and_opens_nothing() -> None:
    found = read_opml((DATA / "broken.opml").read_bytes(), "broken.opml")
    first, second = found.feeds
    assert first.title == "a < b — <x> &unknown; &b;"
    assert first.urls == ("https://example.org/rss?a=1&b=2",)
    assert first.tags == ("Café & Co",)
    assert second.urls == ("https://example.org/two",)
    assert found.notes[0].startswith("not well-formed (line ")


def test_entities_of_a_list_are_not_unfolded() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<!DOCTYPE opml [<!ENTITY e0 "x">{bomb}]>' + listed(
        "<outline text='&e9;' xmlUrl='https://example.org/a'/>"
    )
    [feed] = read(text).feeds
    assert feed.title == "&e9;"


def test_lists_in_other_encodings_are_read() -> None:
    text = listed("<outline text='纽约时报' xmlUrl='https://example.org/a'/>")
    for encoding in ("gb18030", "utf-16", "big5"):
        label = f"<?xml version='1.0' encoding='{encoding}'?>{text.replace('纽约时报', '时報'[1])}"
        [feed] = read_opml(label.encode(encoding), "list.opml").feeds
        assert feed.title == "報"


@pytest.mark.parametrize(
    "text", ["", "x", "<html><body>opml</body></html>", "<rss/>", "{}", "<!DOCTYPE opml [<!ENTITY"]
)
def test_what_is_no_list_says_so(text: str) -> None:
    with pytest.raises(ArchiveError, match="no OPML list"):
        read(text)
    assert not is_opml(text.encode())


def test_a_list_is_known_by_its_beginning() -> None:
    assert is_opml((DATA / "broken.opml").read_bytes())
    assert is_opml(listed().encode("utf-16"))


def test_folders_may_be_deep() -> None:
    text = "<outline text='a'>" * 200 + "<outline xmlUrl='https://example.org/a'/>"
    [feed] = read(listed(text + "</outline>" * 200)).feeds
    assert feed.tags == ("/".join("a" * 200),)


def test_a_feed_may_hold_others() -> None:
    outer = "<outline text='外' xmlUrl='https://example.org/a'>"
    found = read(listed(outer, "<outline text='内' xmlUrl='https://example.org/b'/>", "</outline>"))
    assert [feed.title for feed in found.feeds] == ["外", "内"]


WORDS = st.text(max_size=12) | st.text("&;<>\"'/, \n\x00a", max_size=12)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=6))
def test_whatever_a_list_holds_its_tables_load(rows: list[tuple[str, str, str]]) -> None:
    outlines = (
        f'<outline text="{folder}"><outline text="{title}" category="{category}"'
        f' xmlUrl="https://example.org/{number}?{category}"/></outline>'
        for number, (folder, title, category) in enumerate(rows)
    )
    try:
        found = read_opml(listed(*outlines).encode("utf-8", "replace"), "list.opml")
    except ArchiveError:
        return
    feeds = with_ids(found.feeds, ["archive", "example-1"])
    assert parse_config(tables_text(feeds), "config.toml").feeds == feeds
    assert not {feed.id for feed in feeds} & {"archive", "example-1"}
