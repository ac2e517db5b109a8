"""A proxy is used where one is configured, and nowhere else."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aggregator.core.model import Retrieved
from aggregator.errors import FetchError
from tests.fetch.asking import HERE, NOTHING, PUBLIC_ONLY, fetched, fetching
from tests.loopback import Loopback, answer

FEED = "http://news.example/feed"


def through_proxy(
    url: str, resolve: dict[str, str], listed: tuple[str, ...] = ()
) -> tuple[Retrieved | FetchError, Loopback]:
    async def scenario() -> tuple[Retrieved | FetchError, Loopback]:
        answers = dict.fromkeys((FEED, url), answer(b"through the proxy"))
        answers["/feed"] = answer(b"without")
        async with Loopback(answers) as proxy:
            at = proxy.origin.replace("//", "//me:secret@")
            own = dict.fromkeys(resolve, proxy.origin)
            config = replace(PUBLIC_ONLY, proxy=at, resolve=own, allow_private=listed)
            async with fetching(config) as fetcher:
                try:
                    got = await fetcher.feed(url, NOTHING)
                    assert isinstance(got, Retrieved)
                    return got, proxy
                except FetchError as error:
                    return error, proxy

    return asyncio.run(scenario())


def test_what_is_asked_for_goes_through_it_with_its_credentials() -> None:
    got, proxy = through_proxy(FEED, {})
    assert isinstance(got, Retrieved)
    assert (got.url, got.body) == (FEED, b"through the proxy")
    assert proxy.targets == [FEED]
    assert proxy.asked[0].headers["host"] == b"news.example"
    assert proxy.asked[0].headers["proxy-authorization"] == b"Basic bWU6c2VjcmV0"


def test_a_proxy_that_does_not_connect_is_a_connect_failure_without_its_secret() -> None:
    error, proxy = through_proxy("https://news.example/feed", {})
    assert isinstance(error, FetchError)
    assert error.kind == "connect"
    assert "proxy" in str(error)
    assert "secret" not in str(error)
    assert proxy.asked[0].method == "CONNECT"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "[::1%25lo]", "[fe80::1]"),
        *("127.0.0.1.", "127.1", "127.1.", "0x7f.1", "2130706433", "017700000001", "0177.1"),
        *("169.254.169.254.", "0xa9fea9fe", "0xA9FEA9FE.", "127.0.0x100.1", "99999999999"),
        *("localhost", "localhost.", "LocalHost", "x.localhost", "x.localhost.", "intranet"),
        *("metadata.google.internal", "metadata.google.internal.", "nas.local", "box.home.arpa"),
        *("%31%32%37.0.0.1", "a%2eexample", "127\u30020\u30020\u30021"),
    ],
)
def test_an_address_inside_is_refused_before_the_proxy_hears_of_it(host: str) -> None:
    for scheme in ("http", "https"):
        error, proxy = through_proxy(f"{scheme}://{host}/feed", {})
        assert isinstance(error, FetchError)
        assert error.kind == "blocked_address"
        assert "allow_private" in str(error)
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("host", "listed"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3.", "10.1.2.3:80"),
        ("0xa010203", "10.0.0.0/8"),
        ("nas.local", "nas.local:80"),
        ("nas.local.", "nas.local"),
        ("localhost", "127.0.0.0/8"),
    ],
)
def test_what_the_user_lists_the_proxy_is_asked_for(host: str, listed: str) -> None:
    url = f"http://{host}/feed"
    got, _ = through_proxy(url, {}, (listed,))
    assert isinstance(got, Retrieved)
    for other in (f"http://{host}:81/feed", "http://nas.local:8080/feed", "http://10.1.2.4:81/"):
        if "/8" not in listed:
            error, proxy = through_proxy(other, {}, (listed,))
            assert isinstance(error, FetchError)
            assert error.kind == "blocked_address"
            assert proxy.asked == []


def test_what_the_resolver_map_names_is_asked_without_it() -> None:
    got, proxy = through_proxy("http://own.example/feed", {"own.example": ""})
    assert isinstance(got, Retrieved)
    assert got.body == b"without"
    assert "proxy-authorization" not in proxy.asked[0].headers


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    got, _ = fetched(
        {"/feed": answer(b"x")}, lambda f, s: f.feed(f"{s.origin}/feed", NOTHING), HERE
    )
    assert isinstance(got, Retrieved)
