"""Feeds that mean harm, or are far larger than any feed: what is read of them, and how long."""

from __future__ import annotations

import json
import re
import socket
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.entry_text import NAME_LIMIT, TITLE_LIMIT, is_comment_count, line, title_line
from aggregator.core.model import ParsedFeed
from aggregator.core.parse import CATEGORIES_AT_MOST, ENCLOSURES_AT_MOST, LINK_LIMIT, parse_feed
from aggregator.core.parse_bounds import (
    ENTRIES_AT_MOST,
    TEXT_AT_MOST,
    TEXTS_AT_MOST,
    TOO_LONG,
    bounded,
    newest,
    shortened,
)
from aggregator.errors import NotAFeed

URL = "https://feeds.example.org/feed.xml"
UNSOUND = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse(body: bytes | str) -> ParsedFeed:
    given = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return parse_feed(given, {"content-type": "application/xml"}, URL, "UTC")


def rss(inner: str, before: str = "") -> str:
    return f'{before}<rss version="2.0"><channel><title>t</title>{inner}</channel></rss>'


# --- characters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        "&#xd800;", "&#xDFFF;", "&#55296;", "&amp;#xd800;", "\ud83d", "\x00", "\x0b", "\x1f",
        "&#0;", "&#x1f;", "\ufffe", "&#xFFFE;", "&#xffff;", "&#99999999999999;", "&#x110000;",
    ],
)  # fmt: skip
def test_what_no_xml_can_hold_goes_and_the_rest_stays(bad: str) -> None:
    inner = f"<title>塔利班{bad}会谈</title><author>甲{bad}乙</author><guid>g{bad}</guid>"
    read = parse(rss(f"<item>{inner}<description>正{bad}文</description></item>", "\ufeff"))
    [entry] = read.entries
    # bytes that are no UTF-8, and references escaped twice, leave a mark
    assert entry.title.replace("\ufffd", "") == "塔利班会谈"
    assert entry.author.replace("\ufffd", "") == "甲乙"
    assert entry.content.replace("\ufffd", "") in ("正文", "正&#xd800;文")
    assert not UNSOUND.search("".join((entry.title, entry.author, entry.guid, entry.content)))


def test_a_title_cannot_turn_around_what_stands_beside_it() -> None:
    [entry] = parse(rss("<item><title>\u202e告警\u2066fdp.exe\u202c</title></item>")).entries
    assert entry.title == "告警fdp.exe"


def test_a_flood_of_what_shows_nothing_is_none_and_joiners_that_mean_something_stay() -> None:
    flood = "\u200b" * 100_000 + "\u2060\ufeff\u00ad" * 1000
    inner = f"<title>{flood}会{flood}谈</title><category>{flood}</category><link>/a</link>"
    [entry] = parse(rss(f"<item>{inner}</item>")).entries
    assert (entry.title, entry.categories) == ("会谈", ())
    assert line("می\u200cخواهم") == "می\u200cخواهم"
    assert line("👩\u200d👩\u200d👧") == "👩\u200d👩\u200d👧"
    assert line("a" + "\u200d" * 5000 + "b") == "a\u200db"


# --- sizes -------------------------------------------------------------------------------------


def test_short_texts_are_bounded() -> None:
    long = "标" * 1_000_000
    inner = f"<title>{long}</title><author>{long}</author><category>{long}</category>"
    [entry] = parse(rss(f"<item>{inner}<pubDate>{long}</pubDate><link>/a</link></item>")).entries
    assert entry.title == "标" * (TITLE_LIMIT - 1) + "…"
    assert len(entry.author) == len(entry.categories[0]) == NAME_LIMIT
    assert len(entry.date_given) <= 100
    assert entry.published is None
    assert parse(rss("").replace(">t<", f">{long}<")).title == "标" * (NAME_LIMIT - 1) + "…"


@given(
    st.text(st.characters(), max_size=60) | st.text("a<b>&;#x200\u200b\u202e\u200d \n", max_size=60)
)
def test_a_line_is_one_sound_line_within_its_limit(text: str) -> None:
    told = line(text, 20)
    assert len(told) <= 20
    assert told == " ".join(told.split())
    assert not UNSOUND.search(told)
    assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069\ufeff]", told)


def test_the_longest_titles_there_are_stay_whole() -> None:
    assert title_line("标" * TITLE_LIMIT) == "标" * TITLE_LIMIT


def test_enclosures_and_categories_are_bounded_and_the_first_ones_stay() -> None:
    sounds = "".join(
        f'<enclosure url="https://x.org/{n}.mp3" length="1" type="audio/mpeg"/>'
        for n in range(20_000)
    )
    labels = "".join(f"<category>c{n}</category>" for n in range(2_000))
    [entry] = parse(rss(f"<item><title>t</title>{sounds}{labels}</item>")).entries
    assert len(entry.enclosures) == ENCLOSURES_AT_MOST
    assert entry.enclosures[0].url == "https://x.org/0.mp3"
    assert entry.categories == tuple(f"c{n}" for n in range(CATEGORIES_AT_MOST))


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", "JaVaScRiPt&#58;alert(1)", "data:text/html,x", "file:///etc/passwd",
        "vbscript:x", "mailto:a@x.org", "https://", "//", "https://[", "http://x.org:99999/",
        "https://x.org/" + "a" * LINK_LIMIT,
    ],
)  # fmt: skip
def test_a_link_that_no_browser_should_follow_is_none(link: str) -> None:
    enclosure = f'<enclosure url="{link}" type="audio/mpeg"/>'
    inner = f'<title>t</title><link>{link}</link><guid isPermaLink="true">{link}</guid>{enclosure}'
    read = parse(rss(f"<link>{link}</link><item>{inner}</item>"))
    assert read.entries[0].url == ""
    assert read.entries[0].enclosures == ()
    assert not read.url.startswith(("javascript", "data", "file"))


# --- many entries ------------------------------------------------------------------------------


def day(number: int) -> str:
    return f"2021-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}T00:00:00Z"


def as_rss(dates: list[str]) -> bytes:
    items = (
        f"<item><title>t{n}</title><link>/{n}</link><pubDate>{date}</pubDate></item>"
        for n, date in enumerate(dates)
    )
    return rss("".join(items)).encode()


def as_atom(dates: list[str]) -> bytes:
    items = (
        f"<entry><title>t{n}</title><id>{n}</id><updated><![CDATA[{date}]]></updated></entry>"
        for n, date in enumerate(dates)
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(items)}</feed>'.encode()


def as_json(dates: list[str]) -> bytes:
    items = [
        {"id": str(n), "title": f"t{n}", "date_published": date} for n, date in enumerate(dates)
    ]
    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "title": "t", "items": items}).encode()


@pytest.mark.parametrize("write", [as_rss, as_atom, as_json])
def test_of_a_hundred_thousand_entries_the_newest_ten_thousand_are_read(
    write: Callable[[list[str]], bytes],
) -> None:
    # the old ones first, as in an archive; among them the first is one of the newest
    dates = [
        "2022-01-01T00:00:00Z",
        *[day(0)] * 90_000,
        *[day(200)] * 9_998,
        "2021-12-01T00:00:00Z",
    ]
    read = parse(write(dates))
    assert ENTRIES_AT_MOST == len(read.entries) == 10_000
    assert read.notes == ("it has 100000 entries: the newest 10000 were read",)
    assert [entry.title for entry in read.entries[:2]] == ["t0", "t90001"]
    assert read.entries[-1].title == "t99999"
    assert read.title in ("t", "")


def test_entries_without_dates_are_the_first_ones_and_as_many_as_the_limit_stay_untouched() -> None:
    read = parse(as_rss([""] * (ENTRIES_AT_MOST + 1)))
    assert [read.entries[0].title, read.entries[-1].title] == ["t0", f"t{ENTRIES_AT_MOST - 1}"]
    text = as_rss([""] * ENTRIES_AT_MOST).decode()
    assert bounded(text, "UTC") == (text, ())
    assert newest([None] * 3, [1] * 3) == [0, 1, 2]


def test_what_came_of_a_long_feed_that_breaks_off_is_kept() -> None:
    body = as_rss([day(200)] * 12_000)
    read = parse(body[: body.rindex(b"<pubDate>")])
    assert 9_000 < len(read.entries) <= ENTRIES_AT_MOST
    assert read.entries[0].title == "t0"


# --- size --------------------------------------------------------------------------------------

LONG = "<p>议会开会。</p>" * 150_000


@pytest.mark.parametrize(
    "inner",
    [
        f"<content:encoded><![CDATA[{LONG}]]></content:encoded>",
        f"<description>{LONG.replace('<', '&lt;')}</description>",
    ],
    ids=["CDATA", "escaped"],
)
def test_a_text_as_long_as_no_book_keeps_its_beginning_and_what_follows_is_read(inner: str) -> None:
    space = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    body = rss(f"<item {space}>{inner}<title>长</title></item><item><title>短</title></item>")
    read = parse(body)
    assert [entry.title for entry in read.entries] == ["长", "短"]
    assert LONG.startswith(read.entries[0].content[:-20])
    assert 100_000 < len(read.entries[0].content) <= TEXT_AT_MOST < len(LONG)
    assert read.notes == (TOO_LONG,)


@pytest.mark.parametrize("reference", ["&amp;", "&#38;", "&#x26;"])
def test_where_a_text_is_cut_no_half_reference_is_left(reference: str) -> None:
    for shift in range(len(reference)):
        body = rss(f"<item><description>{'x' * shift}{reference * 300_000}</description></item>")
        [entry] = parse(body).entries
        assert entry.content.strip("x").replace("&amp;", "&").strip("&") == ""


def test_a_long_text_of_a_json_feed_or_of_many_elements_is_cut_as_well() -> None:
    version = "https://jsonfeed.org/version/1.1"
    items = [{"id": "1", "content_html": LONG}, {"id": "2", "content_text": "短"}]
    read = parse(json.dumps({"version": version, "title": "t", "items": items}))
    assert [len(entry.content) for entry in read.entries] == [TEXT_AT_MOST, 1]
    assert read.notes == (TOO_LONG,)
    xhtml = (
        f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{LONG}</div></content>'
    )
    atom = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id>{xhtml}</entry></feed>'
    [entry] = parse(atom).entries
    assert len(entry.content) == TEXT_AT_MOST


def test_pictures_inside_a_long_text_go_before_any_of_its_words() -> None:
    picture = f'<img src="data:image/png;base64,{"iVBOR/+=" * 50_000}">'
    text = f"<p>起。</p>{picture}{picture}<p>止。</p>"
    shown = '<img src="data:image/png;base64,">'
    assert shortened(text) == f"<p>起。</p>{shown}{shown}<p>止。</p>"
    [entry] = parse(rss(f"<item><description><![CDATA[{text}]]></description></item>")).entries
    assert entry.content == "<p>起。</p><img><img><p>止。</p>"
    assert shortened(picture) == picture  # it is no longer than a text may be


@pytest.mark.parametrize("write", [as_rss, as_json])
def test_of_more_text_than_a_feed_may_have_the_newest_entries_are_read(
    write: Callable[[list[str]], bytes],
) -> None:
    dates = [day(0), *[day(200)] * 19, day(100)]
    text = "x" * 450_000
    if write is as_rss:
        whole = write(dates).replace(
            b"</item>", f"<description>{text}</description></item>".encode()
        )
    else:
        whole = write(dates).replace(b'"date_pub', f'"content_html": "{text}", "date_pub'.encode())
    read = parse(whole)
    assert [entry.title for entry in read.entries] == [f"t{n}" for n in range(1, 18)]
    assert read.notes == ("it has 21 entries: the newest 17 were read",)
    assert 17 * 450_000 <= TEXTS_AT_MOST < 18 * 450_000


def test_a_text_without_end_takes_little_more_memory_than_its_bytes_and_their_characters() -> None:
    text = "<p>The council met on the bridge.</p>" * 160_000
    body = rss(f"<item><description><![CDATA[{text}]]></description></item>").encode()
    tracemalloc.start()
    try:
        parse(body)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 4.5 * len(body)  # eight times, where feedparser meets all of it


def test_an_attribute_as_long_as_no_address_goes_with_its_element() -> None:
    enclosure = f"<enclosure url='http://a.example/{'e' * 2_000_000}' type='a/b'/>"
    [entry] = parse(rss(f"<item><title>x</title>{enclosure}</item>")).entries
    assert (entry.title, entry.enclosures) == ("x", ())
    text, _ = bounded(rss(f"<item>{enclosure}</item>"), "UTC")
    assert "<enclosure/>" in text


# --- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        rss("")[:-6] + "<" * 2_000_000,
        rss("")[:-6] + "<a>" * 700_000,
        rss("<item>" * 300_000),
        rss("<skipHours>" * 100_000),
        rss("<item><a " + " ".join(f"a{n}='b'" for n in range(200_000)) + "/></item>"),
        rss("<item><title>x</title><a " + "b=" * 1_000_000),
        rss("<item><title>x</title>" + "<!--" * 500_000),
        rss("<item><title>x</title>" + "<?x " * 400_000),
        rss("<item><title>" + "&" * 500_000 + "</title></item>"),
        rss("<item><title>" + "&x;" * 300_000 + "</title></item>"),
        "<?xml " * 300_000,
        '{"version": "https://jsonfeed.org/version/1.1", "items": ' + "[" * 500_000,
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": ' + "9" * 100_000 + "}]}",
    ],
    ids=range(13),
)  # fmt: skip
def test_a_flood_takes_seconds_and_not_minutes(body: str) -> None:
    began = time.process_time()
    with suppress(NotAFeed):
        parse(body)
    # none takes one; a worker that takes twenty is killed
    assert time.process_time() - began < 5


def test_more_tags_than_any_feed_has_are_no_feed_and_bodies_in_cdata_do_not_count() -> None:
    with pytest.raises(NotAFeed, match="700005 tags"):
        parse(rss("")[:-6] + "<a>" * 700_000)
    [entry] = parse(
        rss(f"<item><description><![CDATA[{'<b>' * 600_000}]]></description></item>")
    ).entries
    assert len(entry.content) == TEXT_AT_MOST


def test_an_element_of_many_attributes_keeps_its_place_and_loses_them() -> None:
    flood = " ".join(f"a{n}='b'" for n in range(2000))
    read = parse(rss(f"<item {flood}><title>x</title><b {flood}/><link>/y</link></item>"))
    assert [(entry.title, entry.url) for entry in read.entries] == [
        ("x", "https://feeds.example.org/y")
    ]
    assert "an element has too many attributes, or too long: they were left out" in read.notes
    image = f"<img src='data:image/png;base64,{'A' * 90_000}='/>"
    kept = parse(rss(f"<item><description>{image}</description></item>"))
    assert kept.notes == ()


# --- entities and instructions -----------------------------------------------------------------


def test_entities_that_multiply_are_not_multiplied() -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE rss [<!ENTITY a0 "{"ha" * 50}">{levels}]>'
    for start in ("", '<?xml version="1.0"?>\n'):
        read = parse(rss("<item><title>x &a9;</title><link>/a</link></item>", start + bomb))
        assert len(read.entries[0].title) < 20


def test_what_is_outside_the_feed_is_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        there = f"http://127.0.0.1:{server.getsockname()[1]}"
        doctype = (
            f'<!DOCTYPE rss SYSTEM "{there}/a.dtd" [<!ENTITY f SYSTEM "file://{quote(str(secret))}">'
            f'<!ENTITY n SYSTEM "{there}/n"><!ENTITY % p SYSTEM "{there}/p">%p;]>'
        )
        instructions = f'<?xml-stylesheet type="text/xsl" href="{there}/s.xsl"?>'
        included = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{there}/i"/>'
        for start in (
            doctype,
            '<?xml version="1.0"?>' + doctype,
            instructions,
            instructions + doctype,
        ):
            inner = f"<title>x &f;&n;</title><description>{included}&f;</description>"
            read = parse(rss(f"<item>{inner}</item>", start))
            assert read.entries[0].title.startswith("x")
            assert "hunter2" not in repr(read)
        with pytest.raises(TimeoutError):
            server.accept()


def test_processing_instructions_are_no_part_of_what_is_read() -> None:
    before = '<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><?php echo 1 ?><!-- hi -->'
    inner = "<item><?x y?><title>a<?x y?>b</title><link>/a</link></item>"
    [entry] = parse(rss(inner, before)).entries
    assert entry.title == "ab"


# --- titles that are none ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "title",
    [
        "6 条评论", "12条评论", "1,204 則評論", "评论(12)", "评论 0", "3.2万跟贴", "12 留言",
        "暂无评论", "共12条评论", "查看 8 条评论",
        "0 Comments", "1 comment", "Comments (3)", "5 replies",
    ],
)  # fmt: skip
def test_a_scraped_count_of_comments_is_no_title(title: str) -> None:
    assert is_comment_count(title)
    [entry] = parse(rss(f"<item><title>{title}</title><link>/a</link></item>")).entries
    assert (entry.title, entry.url) == ("", "https://feeds.example.org/a")


@pytest.mark.parametrize(
    "title",
    [
        "1984", "2046", "72小时", "评论", "一条评论毁掉一家餐馆", "10条评论被删：平台回应",
        "社论(3)", "评论：3 个问题", "评论：刺激措施比美国大选更重要", "6 条新闻",
        "October 28, 2024",
        "No comment, says minister", "Comments on 1984", "49 responses to the war",
    ],
)  # fmt: skip
def test_a_number_or_an_opinion_is_a_title(title: str) -> None:
    assert not is_comment_count(title)
    assert title_line(title) == title
