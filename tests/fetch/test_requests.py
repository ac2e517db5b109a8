"""What a request says of us, and what it never says."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aggregator.core.model import NotModified, Retrieved
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher, shown
from tests.fetch.asking import (
    HERE,
    NOTHING,
    PUBLIC_ONLY,
    failure_at,
    fetched,
    fetching,
)
from tests.loopback import Loopback, answer, redirect

KNOWN = {"host", "user-agent", "from", "accept", "accept-encoding"}
"""All that is sent where nothing is conditional: no Referer, Cookie, Cache-Control, Pragma."""


def test_a_request_says_who_asks_and_what_it_takes() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await fetcher.feed(f"{site.origin}/feed", NOTHING)
        await fetcher.page(f"{site.origin}/page")

    _, site = fetched({"/feed": answer(b"<rss/>"), "/page": answer(b"<p>")}, ask)

    feed, robots, page = site.asked
    assert robots.target == "/robots.txt"
    assert feed.headers["user-agent"] == b"aggregator/1.2 (+editor@example.org)"
    assert feed.headers["accept"].startswith(b"application/atom+xml")
    assert page.headers["accept"].startswith(b"text/html")
    assert feed.headers["accept-encoding"] == b"gzip, deflate, br, zstd"
    for asked in site.asked:
        assert asked.method == "GET"
        assert asked.headers["user-agent"] == feed.headers["user-agent"]
        assert asked.headers.keys() <= KNOWN
    assert "if-none-match" not in feed.headers
    assert "if-modified-since" not in feed.headers
    assert "referer" not in page.headers


def test_cookies_are_not_sent_back_and_no_referer_is() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await fetcher.page(f"{site.origin}/page")
        await fetcher.page(f"{site.origin}/page")

    moved = answer(status="302 Found", location="/there", set_cookie="b=2; Path=/")
    _, site = fetched(
        {"/page": moved, "/there": answer(b"x", set_cookie="a=1; Path=/")},
        ask,
    )
    assert site.targets == ["/robots.txt", *["/page", "/there"] * 2]
    for asked in site.asked:
        assert "cookie" not in asked.headers
        assert "referer" not in asked.headers


def test_credentials_are_used_and_never_shown() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> tuple[Retrieved | NotModified, FetchError]:
        base = f"http://ann:s3cret@127.0.0.1:{site.port}"
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(f"{base}/gone", NOTHING)
        return await fetcher.feed(f"{base}/old", NOTHING), caught.value

    (got, error), site = fetched({"/old": redirect("/feed"), "/feed": answer(b"x")}, ask)
    assert site.asked[-1].headers["authorization"] == b"Basic YW5uOnMzY3JldA=="
    assert got.url == got.permanent_url == f"{site.origin}/feed"
    assert "s3cret" not in str(error)
    for url in ("http://ann:s3cret@[::1/", "http://ann:s3cret@no.invalid:x/", "//a:s3cret@/"):
        assert "s3cret" not in str(failure_at(url))
        assert "s3cret" not in shown(url)


def test_an_at_sign_in_a_path_is_no_credential() -> None:
    assert shown("https://example.org/@ann/feed") == "https://example.org/@ann/feed"
    assert shown("https://example.org?to=a@b") == "https://example.org?to=a@b"


def test_a_mail_address_to_write_to_stands_in_from_and_a_page_does_not() -> None:
    def headers(contact: str, sender: str = "", site: str = "") -> dict[str, bytes]:
        config = replace(HERE, contact=contact, sender=sender, site=site)
        _, site = fetched(
            {"/feed": answer(b"x")}, lambda f, s: f.feed(f"{s.origin}/feed", NOTHING), config
        )
        return site.asked[0].headers

    assert headers("editor@example.org")["from"] == b"editor@example.org"
    assert "from" not in headers("https://example.org/about")
    nobody = headers("")
    assert "from" not in nobody
    assert nobody["user-agent"] == b"aggregator/1.2"
    both = headers("https://example.org/about", "editor@example.org", "https://news.example.org")
    assert both["from"] == b"editor@example.org"
    assert both["user-agent"] == b"aggregator/1.2 (+https://example.org/about)"


def test_where_no_page_is_named_the_site_of_its_readers_is_told() -> None:
    def agent(contact: str) -> bytes:
        config = replace(HERE, contact=contact, site="https://news.example.org")
        _, site = fetched(
            {"/feed": answer(b"x")}, lambda f, s: f.feed(f"{s.origin}/feed", NOTHING), config
        )
        return site.asked[0].headers["user-agent"]

    assert agent("") == b"aggregator/1.2 (+https://news.example.org)"
    mail = b"aggregator/1.2 (+https://news.example.org; editor@example.org)"
    assert agent("editor@example.org") == mail


def test_credentials_do_not_go_to_another_port() -> None:
    async def scenario() -> None:
        async with Loopback({"/feed": answer(b"x")}) as other:
            moved = redirect(f"{other.origin}/feed", "302 Found")
            async with Loopback({"/feed": moved}) as site, fetching() as fetcher:
                await fetcher.feed(f"http://ann:s3cret@127.0.0.1:{site.port}/feed", NOTHING)
            assert "authorization" in site.asked[0].headers
            assert other.targets == ["/feed"]
            assert "authorization" not in other.asked[0].headers

    asyncio.run(scenario())


def test_credentials_that_a_redirect_names_are_not_used() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> Retrieved | NotModified:
        site.answers["/feed"] = redirect(f"http://bob:pw@127.0.0.1:{site.port}/there")
        return await fetcher.feed(f"{site.origin}/feed", NOTHING)

    got, site = fetched({"/there": answer(b"x")}, ask)
    assert got.url == got.permanent_url == f"{site.origin}/there"
    assert "authorization" not in site.asked[1].headers


def test_a_form_is_sent_once_and_its_status_told() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> list[int]:
        form = {"hub.mode": "subscribe", "hub.topic": "https://example.org/?a=b&c=塔"}
        urls = (f"{site.origin}/{path}" for path in ("hub", "moved", "gone"))
        return [await fetcher.post(url, form) for url in urls]

    statuses, site = fetched(
        {
            "/hub": answer(status="202 Accepted"),
            "/moved": redirect("/hub"),
            "/gone": answer(status="410 Gone"),
        },
        ask,
    )
    assert statuses == [202, 301, 410]
    assert site.targets == ["/hub", "/moved", "/gone"]
    assert site.asked[0].method == "POST"
    assert site.asked[0].body == (
        b"hub.mode=subscribe&hub.topic=https%3A%2F%2Fexample.org%2F%3Fa%3Db%26c%3D%E5%A1%94"
    )
    assert site.asked[0].headers["content-type"] == b"application/x-www-form-urlencoded"


def test_an_address_inside_gets_no_form() -> None:
    async def scenario() -> str:
        async with fetching(PUBLIC_ONLY) as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.post("http://127.0.0.1/hub", {})
            return caught.value.kind

    assert asyncio.run(scenario()) == "blocked_address"
