from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.identity import entry_keys
from aggregator.core.model import ParsedFeed
from aggregator.core.parse import parse_feed
from aggregator.errors import NotAFeed
from tests.captured import CAPTURES, FEEDS, NO_FEEDS, POLLS, named, seen

DATA = Path(__file__).parents[1] / "data" / "parse"
SAMPLES = sorted(path for path in DATA.iterdir() if not path.name.endswith(".expected.json"))
URL = "https://feeds.example.org/dir/feed.xml"


def parse(body: bytes, content_type: str = "") -> ParsedFeed:
    return parse_feed(body, {"content-type": content_type}, URL, "Asia/Shanghai")


def rss(inner: str) -> bytes:
    return f'<rss version="2.0"><channel><title>t</title>{inner}</channel></rss>'.encode()


# --- samples beside what is expected of them ---------------------------------------------------


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_gives_what_stands_beside_it(path: Path) -> None:
    expected = json.loads((path.parent / f"{path.name}.expected.json").read_text("utf-8"))
    read = json.loads(json.dumps(dataclasses.asdict(parse(path.read_bytes())), default=str))
    assert len(read["entries"]) == len(expected["entries"])
    for got, wanted in zip(read["entries"], expected.pop("entries"), strict=True):
        got["enclosures"] = [list(each.values()) for each in got["enclosures"]]
        for name in ("published", "updated"):
            got[name] = got[name] and got[name].replace(" ", "T")
        assert {name: got[name] for name in wanted} == wanted
    assert {name: read[name] for name in expected} == expected


def test_the_charset_of_the_header_counts_where_the_document_names_none() -> None:
    body = rss("<item><title>Новости дня</title></item>").decode().encode("koi8-r")
    assert parse(body, "text/xml; charset=koi8-r").entries[0].title == "Новости дня"


def test_a_header_that_lies_does_no_harm() -> None:
    body = rss("<item><title>塔利班代表团抵达天津</title></item>")
    for charset in ("iso-8859-1", "us-ascii", "big5", "gbk", "utf-16", "no-such", "rot13", "hex"):
        assert (
            parse(body, f"text/xml; charset={charset}").entries[0].title == "塔利班代表团抵达天津"
        )


def test_two_characters_of_gbk_that_are_utf8_by_chance_are_read_as_labelled() -> None:
    body = b'<?xml version="1.0" encoding="gbk"?>' + rss("").replace(b">t<", b">\xd0\xa1\xc4\xa3<")
    assert parse(body).title == "小模"


def test_utf8_cut_off_inside_a_character_stays_utf8() -> None:
    text = "塔利班代表团在天津会见了中方官员" * 4
    body = rss(f"<item><title>{text}</title></item><item><title>断").replace(
        b"</channel></rss>", b""
    )
    read = parse(body[:-1])
    assert [entry.title for entry in read.entries] == [text]
    assert any("cut off" in note for note in read.notes)


# --- what is no feed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"<!DOCTYPE html><html><body>hi</body></html>", "web page"),
        (b"<!doctype html><p>\xc3\xa9<feed><entry></feed>", "web page"),
        (b"<html><head><title>404</title>", "web page"),
        (b'{"error": "not found"}', "JSON"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [{"id"', "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[1, 2]", "JSON"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "JPEG"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"%PDF-1.7", "PDF"),
        (b"Service unavailable", "text"),
        (b"DIRC\x00\x01\x02<rss><item>", "text"),
        (b'<opml version="2.0"><body><outline xmlUrl="x"/></body></opml>', "OPML"),
        (b'<?xml version="1.0"?><urlset><url><loc>https://x.org/</loc></url></urlset>', "XML"),
    ],
)
def test_what_is_no_feed_says_what_it_is_and_what_to_do(body: bytes, what: str) -> None:
    with pytest.raises(NotAFeed) as caught:
        parse(body)
    assert what in caught.value.what
    assert caught.value.where == URL
    assert caught.value.hint


def test_a_web_page_points_to_discover() -> None:
    with pytest.raises(NotAFeed, match="aggregator discover"):
        parse(b"<html></html>")


def test_a_feed_without_entries_is_a_feed() -> None:
    assert parse(rss("")).entries == ()
    assert parse(b'<feed xmlns="http://www.w3.org/2005/Atom"/>').entries == ()
    assert parse(b'{"version": "https://jsonfeed.org/version/1", "items": []}').entries == ()


# --- what must hold whatever comes -------------------------------------------------------------

# fmt: off
PIECES = st.sampled_from((
    "<rss", "version='2.0'>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<link>",
    "</link>", "<links>", "<feed>", "<entry>", "<content", "type='image/png'>",
    "<content:encoded>", "<description>", "</description>", "<guid>", "<pubDate>",
    "9999-12-31T23:59:59-12:00", "<category/>", "<enclosure", "url='x'/>", "<source>",
    "</source>", "&#xD800;", "&#99999999999;", "&#0;", "&nbsp;", "&x;", "<![CDATA[", "]]>", "<!",
    "<!DOCTYPE", "<!ENTITY", "<?", "?>", "&#", "<", ">", "https://[", "//x", "http://a:b/",
    "\ud83d", "<svg>", "<image>", "<author>", "<tags>", "xml:base='//'", "标题", "<ttl>x",
    "<dc:date>", "<skipHours><hour>99999", "<media:content", "url='y'/>", "<summary>", "{\"", "[",
))
# fmt: on


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=40))
def test_hostile_markup_gives_a_feed_or_no_feed(pieces: list[str]) -> None:
    body = "<rss version='2.0'><channel>" + " ".join(pieces)
    check_sound(body.encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_give_a_feed_or_no_feed(noise: bytes, charset: str) -> None:
    for body in (noise, rss("<item><title>x</title></item>").replace(b"x", noise)):
        check_sound(body, f"text/xml; charset={charset}")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "url", "size_in_bytes"]), inner, max_size=3)
    ),
    max_leaves=6,
)
# fmt: off
JSON_NAMES = st.sampled_from((
    "id", "url", "external_url", "title", "content_html", "content_text", "summary",
    "date_published", "date_modified", "author", "authors", "tags", "attachments", "language",
))
# fmt: on


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(JSON_NAMES, JSON_VALUES), max_size=3))
def test_json_of_the_wrong_types_does_no_harm(items: list[object]) -> None:
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}).encode()
    check_sound(body)


def check_sound(body: bytes, content_type: str = "") -> None:
    """No exception but NotAFeed, no string that XML cannot hold, no link that is no link."""
    try:
        read = parse(body, content_type)
    except NotAFeed:
        return
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", flat(read))
    for entry in read.entries:
        links = [entry.url or "https://", *(each.url for each in entry.enclosures)]
        assert all(link.startswith(("http://", "https://")) for link in links)
        assert entry.base.startswith("https://")


def flat(value: object) -> str:
    if isinstance(value, dict):
        return "".join(map(flat, value.values()))
    if isinstance(value, (list, tuple)):
        return "".join(map(flat, value))
    return flat(dataclasses.asdict(value)) if isinstance(value, ParsedFeed) else str(value)


def test_deep_nesting_is_no_danger() -> None:
    depth = sys.getrecursionlimit() * 2
    body = rss(f"<item><title>x</title><description>{'<b>' * depth}</description></item>")
    assert parse(body).entries[0].title == "x"


# --- real feeds --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FEEDS, ids=named)
def test_a_captured_feed_is_read_whole(path: Path) -> None:
    body = path.read_bytes()
    if path.name in NO_FEEDS or not body.strip():
        with pytest.raises(NotAFeed):
            parse(body)
        return
    read = parse(body)
    left_out = sum(int(note.split()[0]) for note in read.notes if "empty entries" in note)
    assert len(read.entries) + left_out == seen(body)
    assert entry_keys(read.entries) == entry_keys(parse(body).entries)
    assert all(entry.title or entry.content for entry in read.entries)
    dated = [entry for entry in read.entries if entry.date_given]
    assert all(entry.published for entry in dated)


@pytest.mark.parametrize("folder", POLLS, ids=lambda path: path.name)
def test_an_entry_of_one_poll_has_the_same_key_in_the_next(folder: Path) -> None:
    keys_of: dict[tuple[str, str], str] = {}
    for path in sorted(folder.iterdir()):
        entries = parse(path.read_bytes()).entries
        for entry, key in zip(entries, entry_keys(entries), strict=True):
            known = keys_of.setdefault((entry.guid, entry.url), key)
            assert known == key
    assert len(set(keys_of.values())) == len(keys_of)


@pytest.mark.skipif(not FEEDS, reason="no captures beside the project")
def test_a_page_with_several_links_is_the_first_that_is_a_page() -> None:
    read = parse((CAPTURES / "newsboat" / "multiple_item_links.atom").read_bytes())
    assert read.entries[0].url == "http://www.test.org/tests"
