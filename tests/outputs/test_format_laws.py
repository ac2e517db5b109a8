"""Whatever articles come in, feeds go out that strict parsers read, saying the same."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import feedparser
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from aggregator.core.model import Article, Edition, Enclosure, EntryRef, Image, Reason
from aggregator.outputs.atom import render_atom
from aggregator.outputs.item import clean_text, one_line
from aggregator.outputs.jsonfeed import render_jsonfeed
from aggregator.outputs.rss import render_rss

NS = {"a": "http://www.w3.org/2005/Atom", "c": "http://purl.org/rss/1.0/modules/content/"}

# With lone surrogates and controls, and with what is special in XML often.
texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.text(st.sampled_from("<>&'\"]塔 a\x00\x0b\r\n\ud800\ufffe"), max_size=20),
)
urls = st.one_of(texts, st.builds("https://example.com/{}".format, texts))
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis wants bounds without zone
articles = st.builds(
    Article,
    id=st.uuids().map(str),
    url=urls,
    title=texts,
    author=texts,
    outlet=texts,
    published=times,
    updated=times,
    first_seen=times,
    language=texts,
    body=texts,
    lead=texts,
    image=st.none() | st.builds(Image, urls, texts),
    categories=st.lists(texts, max_size=3).map(tuple),
    enclosures=st.lists(st.builds(Enclosure, urls, texts, st.integers(-1, 2**63)), max_size=3).map(
        tuple
    ),
    entries=st.lists(st.builds(EntryRef, texts, texts, texts, urls), max_size=2).map(tuple),
    reasons=st.lists(st.builds(Reason, texts, texts, texts), max_size=2).map(tuple),
)
editions = st.builds(
    Edition,
    id=st.uuids().map(str),
    title=texts,
    path=st.just("topics/t"),
    public_url=st.just("https://news.example.org"),
    page_path=st.just("/topics/t"),
    language=texts,
    updated=times,
    articles=st.lists(articles, max_size=3).map(tuple),
    content=st.sampled_from(["full", "summary"]),
    outlet_in=st.sampled_from(["author", "title", "both"]),
)


def expected_bodies(edition: Edition) -> list[str]:
    if edition.content == "summary":
        return ["" for _ in edition.articles]
    return [clean_text(article.body) for article in edition.articles]


@given(editions)
@settings(max_examples=150, deadline=None)
def test_atom_says_what_the_edition_says(edition: Edition) -> None:
    root: Any = etree.fromstring(render_atom(edition))
    entries = root.findall("a:entry", NS)
    ids = [entry.findtext("a:id", namespaces=NS) for entry in entries]
    assert ids == [f"urn:uuid:{article.id}" for article in edition.articles]
    bodies = [entry.findtext("a:content", "", NS) for entry in entries]
    assert bodies == expected_bodies(edition)
    leads = [entry.findtext("a:summary", "", NS) for entry in entries]
    assert leads == [clean_text(article.lead).strip() for article in edition.articles]
    for entry, article in zip(entries, edition.articles, strict=True):
        title = entry.findtext("a:title", namespaces=NS)
        assert title.startswith(one_line(article.title))
        assert title
        moment = datetime.fromisoformat(entry.findtext("a:published", namespaces=NS))
        assert moment == article.published.replace(microsecond=0)
        assert len(entry.xpath("a:link[@rel='alternate']", namespaces=NS)) == 1


@given(editions)
@settings(max_examples=150, deadline=None)
def test_rss_says_what_the_edition_says(edition: Edition) -> None:
    channel: Any = etree.fromstring(render_rss(edition))[0]
    found = channel.findall("item")
    assert [item.findtext("guid") for item in found] == [
        f"urn:uuid:{article.id}" for article in edition.articles
    ]
    bodies = [item.findtext("c:encoded", "", NS) for item in found]
    assert bodies == expected_bodies(edition)
    for item, article in zip(found, edition.articles, strict=True):
        assert item.findtext("title").startswith(one_line(article.title))
        assert len(item.findall("enclosure")) <= 1


@given(editions)
@settings(max_examples=100, deadline=None)
def test_json_says_what_the_edition_says(edition: Edition) -> None:
    feed = json.loads(render_jsonfeed(edition))
    assert [item["id"] for item in feed["items"]] == [
        f"urn:uuid:{article.id}" for article in edition.articles
    ]
    assert [item.get("content_html", "") for item in feed["items"]] == expected_bodies(edition)
    for item in feed["items"]:
        assert ("content_html" in item) != ("content_text" in item)
        assert item["url"].startswith(("https://", "http://"))


@given(editions)
@settings(max_examples=100, deadline=None)
def test_a_reader_finds_nothing_wrong(edition: Edition) -> None:
    for render in (render_atom, render_rss):
        parsed = feedparser.parse(
            io.BytesIO(render(edition)), sanitize_html=False, resolve_relative_uris=False
        )
        assert not parsed.bozo, parsed.bozo_exception
        assert [entry.id for entry in parsed.entries] == [
            f"urn:uuid:{article.id}" for article in edition.articles
        ]


@given(editions)
@settings(max_examples=30, deadline=None)
def test_the_same_edition_gives_the_same_bytes(edition: Edition) -> None:
    for render in (render_atom, render_rss, render_jsonfeed):
        assert render(edition) == render(edition)
