"""Conditional requests: what a server gave is sent back, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.core.model import NotModified, Retrieved, Validators
from aggregator.fetch import Fetcher
from tests.fetch.asking import (
    NOTHING,
    failure_of,
    feed_of,
    fetched,
)
from tests.loopback import Loopback, answer, redirect


def test_an_answer_comes_with_its_validators_and_headers() -> None:
    given = answer(b"<rss/>", etag='"a"', last_modified="Wed, 28 Jul 2021", Content_Type="text/xml")
    got = feed_of(given)
    assert isinstance(got, Retrieved)
    assert got.body == b"<rss/>"
    assert got.status == 200
    assert got.headers["content-type"] == "text/xml"
    assert (got.validators.etag, got.validators.last_modified) == ('"a"', "Wed, 28 Jul 2021")
    assert got.validators.body_hash
    assert got.elapsed > 0
    assert got.permanent_url == ""


@pytest.mark.parametrize(
    ("etag", "last_modified"),
    [
        (b'"686897696a7c876b7e"', b"Wed, 28 Jul 2021 21:05:25 GMT"),
        (b'W/"with, comma and ""quotes"""', b"not a date at all"),
        (b"unquoted", b"0"),
        ("“é塔利班”".encode(), "星期三".encode()),
        (b'"\xff\xfe"', b"\x80"),
    ],
)
def test_validators_are_sent_back_byte_for_byte(etag: bytes, last_modified: bytes) -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        first = await fetcher.feed(f"{site.origin}/feed", NOTHING)
        await fetcher.feed(f"{site.origin}/feed", first.validators)

    _, site = fetched({"/feed": answer(b"x", etag=etag, last_modified=last_modified)}, ask)

    assert site.asked[1].headers["if-none-match"] == etag
    assert site.asked[1].headers["if-modified-since"] == last_modified


def test_a_304_is_not_modified_and_keeps_what_it_does_not_renew() -> None:
    asked = Validators('"a"', "Wed, 28 Jul 2021", "hash")
    got = feed_of(answer(status="304 Not Modified", etag='"b"'), asked)
    assert isinstance(got, NotModified)
    assert got.validators == Validators('"b"', "Wed, 28 Jul 2021", "hash")


def test_the_same_body_under_a_new_etag_is_not_modified() -> None:
    first = feed_of(answer(b"<rss/>", etag='"a"'))
    again = feed_of(answer(b"<rss/>", etag='"b"'), first.validators)
    assert isinstance(again, NotModified)
    assert again.validators == replace(first.validators, etag='"b"')
    assert isinstance(feed_of(answer(b"<rss />"), first.validators), Retrieved)


def test_a_304_that_was_not_asked_for_is_a_failure() -> None:
    error = failure_of(answer(status="304 Not Modified"), Validators(body_hash="hash"))
    assert (error.kind, error.status) == ("http_status", 304)


def test_a_304_gives_its_headers() -> None:
    got = feed_of(answer(status="304 Not Modified", cache_control="max-age=60"), Validators('"a"'))
    assert isinstance(got, NotModified)
    assert got.headers["cache-control"] == "max-age=60"


def test_what_the_last_answer_did_not_give_is_not_sent_again() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        first = await fetcher.feed(f"{site.origin}/feed", NOTHING)
        site.answers["/feed"] = answer(b"x", etag='"b"')  # the same bytes, no date any more
        second = await fetcher.feed(f"{site.origin}/feed", first.validators)
        await fetcher.feed(f"{site.origin}/feed", second.validators)

    dated = answer(b"x", etag='"a"', last_modified="yesterday")
    _, site = fetched({"/feed": dated}, ask)
    assert site.asked[1].headers["if-modified-since"] == b"yesterday"
    assert site.asked[2].headers["if-none-match"] == b'"b"'
    assert "if-modified-since" not in site.asked[2].headers


def test_validators_are_sent_to_the_url_that_gave_them_and_to_no_other() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        first = await fetcher.feed(f"{site.origin}/feed", NOTHING)
        await fetcher.feed(f"{site.origin}/feed", first.validators)
        site.answers["/feed"] = redirect("/tomorrow", "302 Found")
        await fetcher.feed(f"{site.origin}/feed", first.validators)

    _, site = fetched(
        {
            "/feed": redirect("/today", "302 Found"),
            "/today": answer(b"x", etag='"1"'),
            "/tomorrow": answer(b"y", etag='"1"'),
        },
        ask,
    )
    sent = [(asked.target, asked.headers.get("if-none-match")) for asked in site.asked]
    assert sent == [
        *[("/feed", None), ("/today", None)],
        *[("/feed", None), ("/today", b'"1"')],
        *[("/feed", None), ("/tomorrow", None)],
    ]


def test_a_value_that_could_not_stand_in_a_request_is_not_kept() -> None:
    got = feed_of(answer(b"x", etag=b'"a\tb"', last_modified=b""))
    assert (got.validators.etag, got.validators.last_modified) == ('"a\tb"', "")


@pytest.mark.parametrize(("size", "kept"), [(4_096, True), (4_097, False), (20_000, False)])
def test_a_value_too_long_for_many_a_server_is_not_sent_back(size: int, kept: bool) -> None:
    etag = '"' + "e" * (size - 2) + '"'

    async def ask(fetcher: Fetcher, site: Loopback) -> Validators:
        first = await fetcher.feed(f"{site.origin}/feed", NOTHING)
        await fetcher.feed(f"{site.origin}/feed", first.validators)
        site.answers["/feed"] = answer(status="304 Not Modified", etag=etag)
        known = Validators('"short"', "yesterday")
        return (await fetcher.feed(f"{site.origin}/feed", known)).validators

    given = answer(b"x", etag=etag, last_modified="d" * size)
    again, site = fetched({"/feed": given}, ask)
    sent = (etag.encode(), b"d" * size) if kept else (None, None)
    headers = site.asked[1].headers
    assert (headers.get("if-none-match"), headers.get("if-modified-since")) == sent
    assert again.etag == (etag if kept else '"short"')


# --- RFC 3229 ----------------------------------------------------------------------------------


def test_only_what_is_new_may_come_where_it_was_asked_for() -> None:
    part = answer(b"<new/>", status="226 IM Used", im="feed", etag='"b"')
    got, site = fetched(
        {"/feed": part}, lambda f, s: f.feed(f"{s.origin}/feed", Validators('"a"', "", "hash"))
    )
    assert isinstance(got, Retrieved)
    assert (got.status, got.body) == (226, b"<new/>")
    assert got.validators == Validators('"b"', "", "")
    assert site.asked[0].headers["a-im"] == b"feed"
    assert site.targets == ["/feed"]


def test_the_whole_is_asked_for_where_there_is_nothing_to_compare_with() -> None:
    _, site = fetched(
        {"/feed": answer(b"x")},
        lambda f, s: f.feed(f"{s.origin}/feed", Validators("", "yesterday")),
    )
    assert "a-im" not in site.asked[0].headers


@pytest.mark.parametrize(
    ("im", "asked"), [("feed", NOTHING), ("vcdiff", Validators('"a"')), ("feed, gzip", NOTHING)]
)
def test_a_226_that_was_not_asked_for_is_refused(im: str, asked: Validators) -> None:
    error = failure_of(answer(b"x", status="226 IM Used", im=im), asked)
    assert (error.kind, error.status) == ("http_status", 226)


# --- pages -------------------------------------------------------------------------------------


def test_a_page_can_be_revisited_conditionally() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> Retrieved | NotModified:
        first = await fetcher.page(f"{site.origin}/page")
        site.answers["/page"] = answer(status="304 Not Modified")
        return await fetcher.page(f"{site.origin}/page", first.validators)

    again, site = fetched({"/page": answer(b"x", etag='"a"')}, ask)
    assert isinstance(again, NotModified)
    assert site.targets == ["/robots.txt", "/page", "/page"]
    assert site.asked[2].headers["if-none-match"] == b'"a"'
    assert "a-im" not in site.asked[2].headers
