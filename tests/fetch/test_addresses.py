"""Addresses that are not public are not asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aggregator.errors import FetchError
from aggregator.fetch.network import Allowed
from tests.fetch.asking import (
    HERE,
    NOTHING,
    PUBLIC_ONLY,
    failure_at,
    fetching,
)
from tests.loopback import Loopback, answer, redirect


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254"),
        *("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "2130706433", "127.1"),
        *("[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:a00:1]"),
        *("[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[64:ff9b::a00:1]", "[ff02::1]"),
    ],
)
def test_addresses_that_are_not_public_are_not_asked(host: str) -> None:
    error = failure_at(f"http://{host}/feed", PUBLIC_ONLY)
    assert error.kind == "blocked_address"
    assert "allow_private" in str(error)


def test_a_redirect_to_an_address_that_is_not_public_is_not_followed() -> None:
    async def scenario() -> None:
        async with Loopback({"/secret": answer(b"secret")}) as inside:
            to_inside = redirect(f"http://localhost:{inside.port}/secret", "302 Found")
            async with Loopback({"/feed": to_inside}) as outside:
                config = replace(HERE, allow_private=(f"127.0.0.1:{outside.port}",))
                async with fetching(config) as fetcher:
                    with pytest.raises(FetchError) as caught:
                        await fetcher.feed(f"{outside.origin}/feed", NOTHING)
                assert caught.value.kind == "blocked_address"
                assert outside.targets == ["/feed"]
            assert inside.asked == []

    asyncio.run(scenario())


def test_what_the_user_lists_is_allowed() -> None:
    allowed = Allowed(("10.0.0.0/8", "192.168.1.7", "nas.local:8080", "fd00::/8"), ())
    assert allowed("nas", 80, "10.1.2.3")
    assert allowed("nas", 80, "::ffff:10.1.2.3")
    assert allowed("nas", 80, "192.168.1.7")
    assert allowed("nas.local", 8080, "192.168.9.9")
    assert allowed("nas", 80, "fd00::1")
    assert allowed("example.org", 443, "93.184.216.34")
    assert allowed("example.org", 443, "2606:2800:220:1::1")
    assert not allowed("nas.local", 80, "192.168.9.9")
    assert not allowed("nas", 80, "192.168.1.8")
    assert not allowed("nas", 80, "127.0.0.1")


def test_the_resolver_map_keeps_the_real_host_in_the_request_and_in_the_urls() -> None:
    async def scenario() -> None:
        async with Loopback({"/rss": redirect("/feed"), "/feed": answer(b"x")}) as site:
            config = replace(PUBLIC_ONLY, resolve={"News.example.ORG": site.origin})
            async with fetching(config) as fetcher:
                got = await fetcher.feed("https://news.example.org/rss", NOTHING)
            assert got.url == got.permanent_url == "https://news.example.org/feed"
            assert [asked.headers["host"] for asked in site.asked] == [b"news.example.org"] * 2

    asyncio.run(scenario())
