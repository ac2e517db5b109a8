"""URLs of every kind."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.core.model import FeedSpec
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher, ca_file_for
from tests.fetch.asking import (
    HERE,
    NOTHING,
    PUBLIC_ONLY,
    failure_at,
    failure_of,
    failures_at,
    fetching,
)
from tests.loopback import Loopback, answer, redirect


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            " ",
            "feed",
            "//",
            "http://",
            "http:///feed",
            "https://:80/",
            "http://[::1",
            "http://]",
        ),
        *("http://exa mple.org/", "http://a..b/", "http://.../", "http://塔利班.invalid/新闻"),
        *("ftp://example.org/", "ws://example.org/", "file:///etc/passwd", "javascript:alert(1)"),
        *("http://example.org:99999/", "http://example.org:-1/", "http://example.org:abc/"),
        *("http://" + "a" * 300 + ".invalid/", "http://\udc80/", "http://a\x00b/", "http://a\nb/"),
        *("http://example.invalid/\udc80", "http://1.2.3.4.5/", "http://0x7f.1/", "http://%31/"),
        "http://example.invalid/" + "x" * 70_000,
    ],
)
def test_malformed_urls_are_fetch_failures(url: str) -> None:
    assert failure_at(url, PUBLIC_ONLY).kind in ("protocol", "dns", "blocked_address")


ODD = st.text("aA0.:/@[]%?#\\ \t\nxn-_é塔\u3002\x00\udc80", max_size=12)


@settings(max_examples=100, deadline=None)
@example("[::1")
@example("a]@b")
@example("xn--a")
@given(st.one_of(ODD, st.text(max_size=20)))
def test_no_text_after_the_scheme_gives_anything_but_a_fetch_failure(odd: str) -> None:
    # a name with two dots together is not even looked up
    places = (f"{odd}..invalid/", f"{odd}@a..b/", f"[{odd}", f"a..b:{odd}", f"127.0.0.1:1/{odd}")
    failures_at([odd, *(f"http://{place}" for place in places)], PUBLIC_ONLY)


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30))
def test_no_location_gives_anything_but_a_fetch_failure(location: str) -> None:
    for target in (f"/{location}", f"http:{location}", f"http://a..b{location}", f"?{location}"):
        failure_of(redirect(target, "302 Found"))


NOT_IDNA = ("xn--a", "xn--", "xn--a-ecp.invalid", "xn--" + "9" * 59 + ".invalid", "xn--a..b")


@pytest.mark.parametrize("host", NOT_IDNA)
def test_a_host_that_only_looks_like_an_international_name_is_a_fetch_failure(host: str) -> None:
    async def scenario() -> None:
        async with fetching(PUBLIC_ONLY) as fetcher:
            url = f"http://{host}/feed"
            for asked in (
                fetcher.feed(url, NOTHING),
                fetcher.page(url),
                fetcher.page(url, patience=1),
                fetcher.post(url, {}),
            ):
                with pytest.raises(FetchError) as caught:
                    await asked
                assert caught.value.kind in ("dns", "protocol")

    asyncio.run(scenario())
    assert failure_of(redirect(f"http://{host}/")).kind in ("dns", "protocol", "blocked_address")
    assert failure_of(redirect(f"https:///{host}", "302 Found")).kind in ("tls", "connect")
    assert ca_file_for(f"https://{host}/feed", FEEDS) == ""


def test_a_name_that_idna_allows_no_more_is_asked_all_the_same() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> tuple[str, str]:
        await fetcher.page("http://xn--zn7c.com/page")
        got = await fetcher.feed("http://xn--zn7c.com/feed", NOTHING)
        return got.url, (await fetcher.feed(f"{site.origin}/moved", NOTHING)).url

    async def scenario() -> tuple[str, str]:
        found = answer(b"x")
        answers = {"/page": found, "/feed": found, "/moved": redirect("http://xn--zn7c.com/feed")}
        async with Loopback(answers) as site:
            own = replace(HERE, resolve={"xn--zn7c.com": site.origin})
            async with fetching(own) as fetcher:
                return await ask(fetcher, site)

    assert asyncio.run(scenario()) == ("http://xn--zn7c.com/feed",) * 2


FEEDS = (
    FeedSpec("a", ("https://a.example/feed",)),
    FeedSpec("b", ("https://a.example/b", "https://b.example:8443/b"), ca_file="b.pem"),
    FeedSpec("c", ("https://c.example/feed",), ca_file="c.pem"),
)


@pytest.mark.parametrize(
    ("url", "ca_file"),
    [
        ("https://a.example/page", "b.pem"),
        ("https://B.example/page", "b.pem"),
        ("https://c.example./page", "c.pem"),
        ("https://sub.c.example/page", ""),
        ("https://elsewhere.example/?https://c.example/", ""),
        ("https://[::1", ""),
        ("", ""),
    ],
)
def test_a_ca_file_is_for_the_hosts_of_its_feed(url: str, ca_file: str) -> None:
    assert ca_file_for(url, FEEDS) == ca_file
