"""URLs of every kind."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.core.model import FeedSpec
from aggregator.fetch import ca_file_for
from tests.fetch.asking import (
    PUBLIC_ONLY,
    failure_at,
    failure_of,
    failures_at,
)
from tests.loopback import redirect


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


ODD = st.text("aA0.:/@[]%?#\\ \t\n-_é塔\u3002\x00\udc80", max_size=12)


@settings(max_examples=100, deadline=None)
@example("[::1")
@example("a]@b")
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
