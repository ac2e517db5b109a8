from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.feed_links import HUBS_AT_MOST, feed_links, read_link_header
from aggregator.core.model import FeedLinks
from aggregator.core.parse import parse_feed

URL = "https://feeds.example.org/dir/feed.xml"
ATOM_NS = 'xmlns:atom="http://www.w3.org/2005/Atom"'
ITUNES = 'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'


def links(body: str, link: str = "") -> FeedLinks:
    headers = {"content-type": "application/xml"} | ({"link": link} if link else {})
    return parse_feed(body.encode(), headers, URL, "UTC").links


def rss(inner: str) -> str:
    return f'<rss version="2.0" {ATOM_NS} {ITUNES}><channel><title>t</title>{inner}</channel></rss>'


def test_rss_names_its_hub_itself_and_its_new_address() -> None:
    found = links(
        rss(
            '<atom:link rel="hub" href="https://hub.example.org/"/>'
            '<atom:link rel="self" type="application/rss+xml" href="main.xml"/>'
            "<itunes:new-feed-url> https://new.example.org/feed </itunes:new-feed-url>"
            '<item><title>e</title><atom:link rel="self" href="https://item.example.org/"/></item>'
        )
    )
    assert found == FeedLinks(
        ("https://hub.example.org/",),
        "https://feeds.example.org/dir/main.xml",
        "https://new.example.org/feed",
    )


def test_atom_names_several_hubs_and_those_of_a_source_are_not_its_own() -> None:
    found = links(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>'
        '<link rel="hub" href="https://one.example.org/"/><link rel="HUB" href="/two"/>'
        '<link rel="hub" href="https://one.example.org/"/><link rel="self" href="/self"/>'
        '<entry><title>e</title><source><link rel="self" href="https://other.example.org/"/>'
        '<link rel="hub" href="https://other.example.org/hub"/></source></entry></feed>'
    )
    assert found.hubs == ("https://one.example.org/", "https://feeds.example.org/two")
    assert found.self_url == "https://feeds.example.org/self"


def test_rdf_names_its_hub() -> None:
    found = links(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        f' xmlns="http://purl.org/rss/1.0/" {ATOM_NS}><channel rdf:about="https://a.example.org/">'
        '<title>t</title><atom:link rel="hub" href="https://hub.example.org/"/>'
        '<atom:link rel="self" href="https://a.example.org/rdf"/></channel>'
        '<item rdf:about="https://a.example.org/1"><title>e</title></item></rdf:RDF>'
    )
    assert found == FeedLinks(("https://hub.example.org/",), "https://a.example.org/rdf")


def test_json_feed_names_its_hubs_of_websub_only() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "t",
        "feed_url": "https://a.example.org/feed.json",
        "hubs": [
            {"type": "rssCloud", "url": "https://cloud.example.org/"},
            {"type": "WebSub", "url": "https://hub.example.org/"},
            {"type": "WebSub"},
            "https://no.example.org/",
        ],
        "items": [{"id": "1", "title": "e"}],
    }
    found = links(json.dumps(feed))
    assert found == FeedLinks(("https://hub.example.org/",), "https://a.example.org/feed.json")


def test_a_feed_that_names_nothing() -> None:
    assert links(rss("<item><title>e</title></item>")) == FeedLinks()


@pytest.mark.parametrize(
    "bad", ["javascript:alert(1)", "ftp://x.example.org/", "http://", "//", ""]
)
def test_only_addresses_that_can_be_asked(bad: str) -> None:
    found = links(
        rss(
            f'<atom:link rel="hub" href="{bad}"/><atom:link rel="self" href="{bad}"/>'
            f"<itunes:new-feed-url>{bad}</itunes:new-feed-url>"
        )
    )
    assert found == FeedLinks()


def test_hubs_have_an_end() -> None:
    many = "".join(f'<atom:link rel="hub" href="https://h{n}.example.org/"/>' for n in range(50))
    assert len(links(rss(many)).hubs) == HUBS_AT_MOST


# --- Link headers ------------------------------------------------------------------------------


def test_link_headers_win_over_the_document_each_for_what_it_says() -> None:
    body = rss(
        '<atom:link rel="hub" href="https://doc.example.org/"/>'
        '<atom:link rel="self" href="https://doc.example.org/feed"/>'
    )
    both = '</hub>; rel="hub", <https://a.example.org/feed>; rel=self'
    assert links(body, both) == FeedLinks(
        ("https://feeds.example.org/hub",), "https://a.example.org/feed"
    )
    assert links(body, "<https://hub.example.org/>; rel=hub") == FeedLinks(
        ("https://hub.example.org/",), "https://doc.example.org/feed"
    )
    assert links(body, "<https://x.example.org/>; rel=preload") == links(body)


@pytest.mark.parametrize(
    ("header", "hubs", "self_url"),
    [
        ("<http://h/>; rel=hub", ("http://h/",), ""),
        ('<http://h/>;rel="hub self"', ("http://h/",), "http://h/"),
        ('<http://h/>; title="a, <b>; rel=self \\" c" ; REL = "Hub"', ("http://h/",), ""),
        ("<http://a/>; rel=hub, <http://b/>; rel=hub,<http://s/>; rel=self",
         ("http://a/", "http://b/"), "http://s/"),
        ("<http://a/,b;c>; rel=hub", ("http://a/,b;c",), ""),
        ("<http://a/>; rel=next; rel=hub", (), ""),
        ('<http://a/>; rel=hub; anchor="http://elsewhere/"', (), ""),
        ("rubbish, <http://a/>; rel=hub", ("http://a/",), ""),
        ("<http://a/; rel=hub", (), ""),
        ("<http://a/> rel=self, <http://b/>;; rel=hub;", ("http://b/",), ""),
        ('<http://a/>; rel="hub', (), ""),
        ("<>; rel=hub", (), ""),
        ("", (), ""),
    ],
)  # fmt: skip
def test_link_headers_are_read(header: str, hubs: tuple[str, ...], self_url: str) -> None:
    assert feed_links(read_link_header(header)) == FeedLinks(hubs, self_url)


@given(st.text(alphabet='<>;,="\\ relhubsf:/a', max_size=200))
def test_no_link_header_is_too_odd(header: str) -> None:
    found = read_link_header(header)
    assert len(found) <= header.count("<")
    assert all(link.target in header for link in found)


@pytest.mark.parametrize(
    "piece", ["<a>; rel=hub, ", "<", ",<", ';"', "; a", '<a>; b="', ",", " ", "x,"]
)
def test_a_huge_link_header_takes_no_time(piece: str) -> None:
    began = time.process_time()
    read_link_header(piece * 200_000)
    assert time.process_time() - began < 0.15


def test_the_links_of_a_header_have_an_end() -> None:
    header = "".join(f"<http://{number}/>," for number in range(500))
    found = read_link_header(header + "<http://late/>; rel=hub")
    assert [link.target for link in found] == [f"http://{number}/" for number in range(100)]
