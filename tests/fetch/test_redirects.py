"""Redirects: followed one by one, and not everywhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.core.model import Validators
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from tests.fetch.asking import (
    NOTHING,
    SHORT,
    failure_of,
    fetched,
)
from tests.loopback import Answer, Loopback, answer, redirect


def test_permanent_redirects_say_where_the_feed_has_moved() -> None:
    got, site = fetched(
        {
            "/old": redirect("/newer"),
            "/newer": redirect("/newest", "308 Permanent Redirect"),
            "/newest": answer(b"x"),
        },
        lambda f, s: f.feed(f"{s.origin}/old", NOTHING),
    )
    assert got.url == got.permanent_url == f"{site.origin}/newest"


def test_after_a_temporary_redirect_nothing_is_permanent() -> None:
    got, site = fetched(
        {
            "/old": redirect("/new"),
            "/new": redirect("/today", "302 Found"),
            "/today": redirect("/now"),
            "/now": answer(b"x"),
        },
        lambda f, s: f.feed(f"{s.origin}/old", Validators('"a"')),
    )
    assert got.url == f"{site.origin}/now"
    assert got.permanent_url == f"{site.origin}/new"
    assert [asked.headers["if-none-match"] for asked in site.asked] == [b'"a"'] * 4


def test_a_temporary_redirect_alone_moves_nothing() -> None:
    got, _ = fetched(
        {"/a": redirect("/b", "307 Temporary Redirect"), "/b": answer(b"x")},
        lambda f, s: f.feed(f"{s.origin}/a", NOTHING),
    )
    assert got.permanent_url == ""


def test_a_loop_of_redirects_is_refused() -> None:
    error = failure_of(redirect("/feed", "302 Found"))
    assert error.kind == "redirect"


@pytest.mark.parametrize(
    "location", ["ftp://example.org/", "file:///etc/passwd", "//127.0.0.1:99999/"]
)
def test_a_redirect_to_what_is_no_web_address_is_refused(location: str) -> None:
    assert failure_of(redirect(location)).kind in ("protocol", "redirect")


def test_redirects_share_one_deadline() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await fetcher.feed(f"{site.origin}/1", NOTHING)

    def pause(location: str) -> Answer:
        async def write(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.25)
            writer.write(redirect(location))
            await writer.drain()

        return write

    answers: dict[str, bytes | Answer] = {
        "/1": pause("/2"),
        "/2": pause("/3"),
        "/3": pause("/4"),
        "/4": answer(b"x"),
    }
    with pytest.raises(FetchError) as caught:
        fetched(answers, ask, replace(SHORT, timeout=timedelta(seconds=0.6)))
    assert caught.value.kind == "timeout"


def test_a_circle_of_redirects_names_its_steps() -> None:
    with pytest.raises(FetchError) as caught:
        fetched(
            {"/a": redirect("/b", "302 Found"), "/b": redirect("/a")},
            lambda f, s: f.feed(f"{s.origin}/a", NOTHING),
        )
    assert caught.value.kind == "redirect"
    assert caught.value.what.count("/a") == 2
    assert "/b" in caught.value.what


def test_five_redirects_are_followed_and_six_are_not() -> None:
    answers: dict[str, bytes | Answer] = {f"/{n}": redirect(f"/{n + 1}") for n in range(6)}
    answers["/6"] = answer(b"x")

    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        assert (await fetcher.feed(f"{site.origin}/1", NOTHING)).url.endswith("/6")
        with pytest.raises(FetchError, match="more than 5 redirects"):
            await fetcher.feed(f"{site.origin}/0", NOTHING)

    fetched(answers, ask)


def test_a_dead_target_of_a_permanent_redirect_is_told_as_its_own() -> None:
    with pytest.raises(FetchError) as caught:
        fetched({"/a": redirect("/b")}, lambda f, s: f.feed(f"{s.origin}/a", NOTHING))
    assert caught.value.status == 404
    assert caught.value.where.endswith("/b")
