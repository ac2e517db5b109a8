"""Feeds over HTTP: the bytes on disk, told apart by their validators."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from aggregator.web import Site, create_app
from tests.outputs.samples import EDITION
from tests.web.newsroom_site import Client, publish

PATHS = [
    ("/all.atom", "application/atom+xml"),
    ("/all.rss", "application/rss+xml"),
    ("/all.json", "application/feed+json"),
    ("/topics/afghanistan.atom", "application/atom+xml"),
    ("/topics/afghanistan.rss", "application/rss+xml"),
    ("/topics/afghanistan.json", "application/feed+json"),
]


@pytest.mark.parametrize(("path", "media_type"), PATHS)
def test_a_feed_is_served_as_it_lies_on_disk(
    site: Site, client: Client, path: str, media_type: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content == (site.files.folder / path[1:]).read_bytes()
    assert answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["Last-Modified"] == "Wed, 24 Nov 2021 13:05:00 GMT"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Cache-Control"].startswith("public, max-age=")
    assert "Content-Encoding" not in answer.headers


def test_the_gzip_form_is_the_same_feed_under_its_own_tag(client: Client) -> None:
    plain = client.get("/all.atom")
    zipped = client.get("/all.atom", {"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.content == plain.content
    assert int(zipped.headers["Content-Length"]) < len(plain.content)
    assert zipped.headers["ETag"] != plain.headers["ETag"]
    assert not zipped.headers["ETag"].startswith("W/")


@pytest.mark.parametrize("held", ["", "gzip"])
@pytest.mark.parametrize("wanted", ["", "gzip"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_whoever_holds_either_form_is_sent_nothing(
    client: Client, held: str, wanted: str, form: str
) -> None:
    tag = client.get("/all.atom", {"Accept-Encoding": held}).headers["ETag"]
    answer = client.get("/all.atom", {"Accept-Encoding": wanted, "If-None-Match": form.format(tag)})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["ETag"] == tag
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_a_tag_counts_and_a_date_beside_it_does_not(client: Client) -> None:
    date = client.get("/all.atom").headers["Last-Modified"]
    assert client.get("/all.atom", {"If-Modified-Since": date}).status_code == 304
    both = {"If-Modified-Since": date, "If-None-Match": '"other"'}
    assert client.get("/all.atom", both).status_code == 200


def test_a_new_edition_is_a_new_answer(site: Site, client: Client) -> None:
    before = client.get("/all.atom")
    publish(site.files, replace(EDITION, path="all", title="别的"))
    validators = {
        "If-None-Match": before.headers["ETag"],
        "If-Modified-Since": before.headers["Last-Modified"],
    }
    assert client.get("/all.atom", validators).status_code == 200
    by_date = {"If-Modified-Since": before.headers["Last-Modified"]}
    assert client.get("/all.atom", by_date).status_code == 200


@pytest.mark.parametrize("path", ["/all.atom", "/feeds.opml", "/", "/healthz", "/nope"])
def test_head_has_the_headers_of_get_and_no_body(client: Client, path: str) -> None:
    got, head = client.get(path), client.get(path, method="HEAD")
    assert head.content == b""
    assert head.status_code == got.status_code
    assert dict(head.headers) == dict(got.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/all.xml",
        "/all.atom.gz",
        "/topics/other.atom",
        "/topics/afghanistan.atom.gz",
        "/topics/..%2Fall.atom",
        "/topics/afghanistan%00.atom",
        "/topics/.atom",
    ],
)
def test_what_is_not_published_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_topic_that_waits_for_its_first_edition_is_to_be_asked_for_again(client: Client) -> None:
    answer = client.get("/topics/empty.atom")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_topic_no_longer_configured_is_gone_at_once(site: Site) -> None:
    now = [site]
    client = Client(create_app(lambda: now[0]))
    assert client.get("/topics/afghanistan.atom").status_code == 200
    now[0] = replace(site, topics=())
    assert client.get("/topics/afghanistan.atom").status_code == 404


def test_a_database_that_cannot_be_read_does_not_take_the_feeds_down(
    site: Site, client: Client
) -> None:
    site.store.close()
    for file in site.files.folder.parent.glob("aggregator.db*"):
        file.unlink()
    (site.files.folder.parent / "aggregator.db").mkdir()
    page = client.get("/")
    assert page.status_code == 503
    assert "/all.atom" in page.text
    assert "Traceback" not in page.text
    for path, _ in PATHS:
        assert client.get(path).status_code == 200
    for path in ("/feeds.opml", "/topics.opml", "/healthz", "/readyz"):
        assert client.get(path).status_code == 200


def test_the_lists_of_feeds_can_be_imported_and_keep_secrets(client: Client) -> None:
    answer = client.get("/feeds.opml")
    assert answer.headers["Content-Type"].startswith("text/x-opml")
    outlines = etree.fromstring(answer.content).findall("body/outline")
    assert [outline.get("xmlUrl") for outline in outlines] == ["https://feedx.example/a.xml"]
    assert "geheim" not in answer.text
    tag = answer.headers["ETag"]
    assert client.get("/feeds.opml", {"If-None-Match": tag}).status_code == 304


def test_the_list_of_topics_names_every_feed(client: Client) -> None:
    outlines = etree.fromstring(client.get("/topics.opml").content).findall("body/outline")
    assert [outline.get("xmlUrl") for outline in outlines] == [
        "https://news.example.org/all.atom",
        "https://news.example.org/topics/afghanistan.atom",
        "https://news.example.org/topics/empty.atom",
    ]
