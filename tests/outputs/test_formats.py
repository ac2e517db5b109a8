"""What the three formats say of an edition, as strict parsers and readers see it."""

from __future__ import annotations

import io
import json
import locale
import sys
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import FrameType
from typing import Any

import feedparser
import pytest
from lxml import etree

from aggregator.core.model import Article, Edition, Enclosure, Image
from aggregator.outputs import FORMATS
from tests.outputs.samples import BARE, CONSULTATION, EDITION, TALKS, edition_of

EXPECTED = Path(__file__).parents[1] / "data" / "outputs"
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
RENDER = {form.suffix: form.render for form in FORMATS}


def atom(edition: Edition) -> Any:
    return etree.fromstring(RENDER["atom"](edition))


def rss(edition: Edition) -> Any:
    return etree.fromstring(RENDER["rss"](edition))


def jsonfeed(edition: Edition) -> Any:
    return json.loads(RENDER["json"](edition))


def reader(edition: Edition, suffix: str) -> Any:
    body = io.BytesIO(RENDER[suffix](edition))
    parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    assert not parsed.bozo, parsed.bozo_exception
    return parsed


@pytest.mark.parametrize("suffix", ["atom", "rss", "json"])
def test_an_edition_gives_these_very_bytes(suffix: str) -> None:
    assert RENDER[suffix](EDITION) == (EXPECTED / f"edition.{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", ["atom", "rss", "json"])
def test_an_edition_without_articles_is_a_feed_without_entries(suffix: str) -> None:
    edition = edition_of()
    if suffix == "json":
        assert jsonfeed(edition)["items"] == []
    else:
        parsed = reader(edition, suffix)
        assert parsed.entries == []
        assert parsed.feed.title == "阿富汗"


def test_rendering_never_switches_the_locale_of_the_process() -> None:
    switched: list[str] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is locale.setlocale.__code__:
            switched.append(str(frame.f_locals))

    sys.setprofile(watch)
    try:
        for form in FORMATS:
            form.render(EDITION)
    finally:
        sys.setprofile(None)
    assert switched == []


@pytest.mark.parametrize("suffix", ["atom", "rss"])
def test_a_reader_gets_the_whole_text_and_the_outlet(suffix: str) -> None:
    first, second, third = reader(EDITION, suffix).entries
    assert first.id == f"urn:uuid:{TALKS.id}"
    assert first.link == TALKS.url
    assert first.title == TALKS.title
    assert first.content[0].value == TALKS.body
    assert first.content[0].type == "text/html"
    assert first.author == "半岛电视台 · 穆罕默德"
    assert first.source.title == "半岛电视台"
    assert first.published_parsed[:6] == (2021, 11, 24, 11, 53, 44)
    assert [tag.term for tag in first.tags] == ["新闻", "阿富汗"]
    assert first.enclosures[0].href == "https://example.com/talks.mp3"
    assert TALKS.image
    assert first.media_thumbnail[0]["url"] == TALKS.image.url
    assert second.author == "观察者网"
    assert third.title == "（无题）"


def test_the_feed_says_where_it_is_and_where_its_page_is() -> None:
    page, here = "https://news.example.org/topics/afghanistan", "https://news.example.org/topics/"
    root = atom(EDITION)
    assert root.xpath("a:link[@rel='self']/@href", namespaces=NS) == [here + "afghanistan.atom"]
    assert root.xpath("a:link[@rel='alternate']/@href", namespaces=NS) == [page]
    channel = rss(EDITION)[0]
    assert channel.findtext("link") == page
    assert channel.xpath("a:link[@rel='self']/@href", namespaces=NS) == [here + "afghanistan.rss"]
    assert jsonfeed(EDITION)["feed_url"] == here + "afghanistan.json"
    assert jsonfeed(EDITION)["home_page_url"] == page


def test_times_are_the_editions_and_never_the_clocks() -> None:
    assert atom(EDITION).findtext("a:updated", namespaces=NS) == "2021-11-24T13:05:00+00:00"
    build_date = rss(EDITION)[0].findtext("lastBuildDate")
    assert parsedate_to_datetime(build_date) == EDITION.updated
    item = rss(EDITION)[0].find("item")
    assert parsedate_to_datetime(item.findtext("pubDate")) == TALKS.published


def test_an_atom_entry_has_one_alternate_and_its_enclosures_are_enclosures() -> None:
    entry = atom(EDITION).find("a:entry", NS)
    assert entry.xpath("a:link[not(@rel) or @rel='alternate']/@href", namespaces=NS) == [TALKS.url]
    assert entry.xpath("a:link[@rel='enclosure']/@href", namespaces=NS) == [
        "https://example.com/talks.mp3",
        "https://example.com/talks.mp4",
    ]
    assert entry.xpath("a:link[@rel='enclosure']/@type", namespaces=NS)[1] == "video/mp4"


def test_an_atom_source_is_complete_and_the_same_for_the_outlets_other_articles() -> None:
    root = atom(edition_of(TALKS, replace(CONSULTATION, outlet=TALKS.outlet), BARE))
    first, second = root.xpath("a:entry/a:source", namespaces=NS)
    assert first.findtext("a:title", namespaces=NS) == "半岛电视台"
    assert first.findtext("a:updated", namespaces=NS) == "2021-11-24T13:00:00+00:00"
    assert first.findtext("a:id", namespaces=NS) == second.findtext("a:id", namespaces=NS)


def test_an_rss_item_names_people_without_inventing_addresses() -> None:
    item = rss(EDITION)[0].find("item")
    assert item.find("author") is None
    assert item.findtext("dc:creator", namespaces=NS) == "半岛电视台 · 穆罕默德"
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.find("source").get("url") == "https://chinese.aljazeera.net/"
    assert len(item.findall("enclosure")) == 1
    assert item.find("enclosure").get("length") == "4242"
    assert item.find("media:content", NS).get("url") == "https://example.com/talks.mp4"
    assert item.find("media:group", NS) is None


def test_a_lead_is_plain_text_in_atom_and_escaped_html_in_rss() -> None:
    assert atom(EDITION).findtext("a:entry/a:summary", namespaces=NS) == TALKS.lead
    escaped = "美国将于下周恢复会谈：A &amp; B &lt;c&gt;"
    assert rss(EDITION)[0].findtext("item/description") == escaped


def test_without_a_lead_the_text_stays_in_its_own_place() -> None:
    item = rss(edition_of(replace(TALKS, lead="")))[0].find("item")
    assert item.find("description") is None
    assert item.findtext("content:encoded", namespaces=NS) == TALKS.body


def test_an_edition_of_summaries_carries_leads_only() -> None:
    edition = replace(EDITION, content="summary")
    for form in FORMATS:
        assert "多哈".encode() not in form.render(edition)
    entry = atom(edition).find("a:entry", NS)
    assert entry.find("a:content", NS) is None
    assert entry.xpath("a:link[@rel='alternate']/@href", namespaces=NS) == [TALKS.url]
    assert jsonfeed(edition)["items"][0]["content_text"] == TALKS.lead


@pytest.mark.parametrize(
    ("outlet_in", "title", "author"),
    [
        ("author", TALKS.title, "半岛电视台 · 穆罕默德"),
        ("title", f"{TALKS.title} - 半岛电视台", "穆罕默德"),
        ("both", f"{TALKS.title} - 半岛电视台", "半岛电视台 · 穆罕默德"),
    ],
)
def test_the_outlet_is_named_where_the_edition_wants_it(
    outlet_in: Any, title: str, author: str
) -> None:
    edition = replace(EDITION, outlet_in=outlet_in)
    for suffix in ("atom", "rss"):
        entry = reader(edition, suffix).entries[0]
        assert (entry.title, entry.author) == (title, author)
    item = jsonfeed(edition)["items"][0]
    assert (item["title"], item["authors"]) == (title, [{"name": author}])


def test_an_outlet_that_is_its_own_author_is_named_once() -> None:
    article = replace(TALKS, author="半岛电视台")
    assert jsonfeed(edition_of(article))["items"][0]["authors"] == [{"name": "半岛电视台"}]


def test_a_json_feed_tells_where_an_article_was_seen_and_why_it_is_here() -> None:
    extension = jsonfeed(EDITION)["items"][0]["_aggregator"]
    assert extension["outlet"] == "半岛电视台"
    assert [entry["feed"] for entry in extension["entries"]] == ["aljazeera", "feedx"]
    assert extension["reasons"] == [
        {"term": "塔利班", "where": "title", "snippet": "与塔利班恢复谈判"}
    ]


def test_an_article_without_title_is_called_by_its_leads_beginning() -> None:
    article = replace(TALKS, title=" \n ", lead="财政冻结，" * 40)
    title = reader(edition_of(article), "rss").entries[0].title
    assert title.startswith("财政冻结，财政冻结，")
    assert title.endswith("…")
    assert len(title) <= 60


@pytest.mark.parametrize("suffix", ["atom", "rss"])
def test_hostile_texts_come_out_well_formed(suffix: str) -> None:
    dirt = "\x00\x08\x0b\x1b\ud800\udfff\ufffe\uffff"
    article = replace(
        TALKS,
        title=dirt + "塔利班 ]]> <b>&amp;" + "长" * 1_000_000,
        body=f"<p>{dirt}]]&gt;&lt;/content&gt;</p>" + "文" * 1_000_000,
        lead=dirt + "]]>",
        author=dirt + "]]>&<",
        outlet=dirt + '"<&',
        categories=(dirt, "a&b" + dirt),
        entries=(),
    )
    entry = reader(edition_of(article), suffix).entries[0]
    assert entry.title.startswith("塔利班 ]]> <b>&amp;长长")
    assert len(entry.title) == 1000
    assert entry.content[0].value == "<p>]]&gt;&lt;/content&gt;</p>" + "文" * 1_000_000
    assert [tag.term for tag in entry.tags] == ["a&b"]
    assert entry.source.title == '"<&'


def test_hostile_texts_come_out_as_json() -> None:
    article = replace(TALKS, title="a\ud800\x00b", body="<p>\udfff\x0b</p>")
    item = jsonfeed(edition_of(article))["items"][0]
    assert (item["title"], item["content_html"]) == ("ab", "<p></p>")


@pytest.mark.parametrize(
    ("given", "published"),
    [
        ("https://example.com/新闻?q=塔 利班#头", "https://example.com/%E6%96%B0%E9%97%BB?"
         "q=%E5%A1%94%20%E5%88%A9%E7%8F%AD#%E5%A4%B4"),
        ("https://例子.测试/a", "https://xn--fsqu00a.xn--0zwm56d/a"),
        ("https://me:secret@example.com:8443/a[1]", "https://example.com:8443/a%5B1%5D"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("https://example.com/100%", "https://example.com/100%25"),
        ("https://example.com/a%20b?c=d&e", "https://example.com/a%20b?c=d&e"),
    ],
)  # fmt: skip
def test_addresses_are_published_in_the_characters_of_a_url(given: str, published: str) -> None:
    edition = edition_of(replace(TALKS, url=given))
    assert reader(edition, "atom").entries[0].link == published
    assert rss(edition)[0].findtext("item/link") == published


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "/relative", "https://", "http://[::", "http://a:b/", "x y"]
)
def test_an_article_without_an_address_links_to_our_page_of_it(url: str) -> None:
    article: Article = replace(
        TALKS, url=url, image=Image(url), enclosures=(Enclosure(url, "audio/mpeg"),)
    )
    item = jsonfeed(edition_of(article))["items"][0]
    assert item["url"] == f"https://news.example.org/articles/{TALKS.id}"
    assert "image" not in item
    assert "attachments" not in item
