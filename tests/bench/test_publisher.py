"""What the benchmark serves: the same for everyone, valid, and conditional as HTTP wants it."""

from __future__ import annotations

import gzip
from xml.etree import ElementTree

import pytest

from bench.cycle import BenchmarkError, check
from bench.publisher import NEW_ITEMS, ONE_SHARED, Publication, feed_url, feed_xml

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"


def items(xml: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(xml).findall("channel/item")


def guids(xml: str) -> list[str]:
    return [item.findtext("guid", "") for item in items(xml)]


def ask(publication: Publication, *headers: str, path: str = "/3.xml") -> tuple[str, bytes]:
    head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.1.0.4", *headers])
    answered, _, body = publication.answer(head.encode()).partition(b"\r\n\r\n")
    return answered.decode(), body


@pytest.mark.parametrize("feed", [0, 1, 2, 3])
def test_a_feed_is_well_formed_and_of_the_size_it_says(feed: int) -> None:
    xml = feed_xml(feed, 0, 20)

    assert len(set(guids(xml))) == 20
    assert 40_000 < len(xml.encode()) < 52_000


def test_a_change_brings_new_items_in_at_the_top() -> None:
    before, after = guids(feed_xml(5, 0, 20)), guids(feed_xml(5, 1, 20))

    assert len(set(after) - set(before)) == NEW_ITEMS
    assert after[NEW_ITEMS:] == before[:-NEW_ITEMS]


def test_every_second_feed_shares_some_texts_with_the_one_before() -> None:
    texts = [{item.findtext(CONTENT) for item in items(feed_xml(feed, 0, 20))} for feed in (0, 1)]

    assert len(texts[0] & texts[1]) == 20 // ONE_SHARED


def test_feeds_have_addresses_of_their_own() -> None:
    hosts = {feed_url(number, 80).split("/")[2] for number in range(70_000)}

    assert len(hosts) == 70_000


def test_validators_that_are_still_good_get_a_304() -> None:
    publication = Publication(4, 3)
    head, body = ask(publication)
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    etag, modified = f"If-None-Match: {fields['ETag']}", fields["Last-Modified"]

    assert len(body) == int(fields["Content-Length"])
    assert ask(publication, etag)[0].startswith("HTTP/1.1 304 ")
    assert ask(publication, f"If-Modified-Since: {modified}")[0].startswith("HTTP/1.1 304 ")
    assert publication.change(100) == 4
    assert ask(publication, etag)[0].startswith("HTTP/1.1 200 ")
    assert ask(publication, f"If-Modified-Since: {modified}")[0].startswith("HTTP/1.1 200 ")


def test_gzip_is_for_who_takes_it() -> None:
    publication = Publication(4, 3)

    head, body = ask(publication, "Accept-Encoding: gzip, br")

    assert "Content-Encoding: gzip" in head
    assert gzip.decompress(body) == ask(publication)[1] == feed_xml(3, 0, 3).encode()


def test_a_share_of_the_feeds_changes() -> None:
    publication = Publication(40, 1)

    assert publication.change(10) == 4


@pytest.mark.parametrize("path", ["/4.xml", "/", "/x.xml"])
def test_what_is_no_feed_is_not_found(path: str) -> None:
    assert ask(Publication(4, 1), path=path)[0].startswith("HTTP/1.1 404 ")


@pytest.mark.parametrize("counts", [{"entries": 9, "failed": 0}, {"entries": 10, "failed": 1}])
def test_a_contestant_that_left_something_out_has_no_numbers(counts: dict[str, int]) -> None:
    check("reader, 1 worker", "first", {"entries": 10, "failed": 0}, 10)
    with pytest.raises(BenchmarkError, match="first cycle"):
        check("reader, 1 worker", "first", counts, 10)
