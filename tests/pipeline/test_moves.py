"""A feed that says it has moved is followed, once it is found there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.loopback import answer
from tests.publisher import HOUR, OWN, Desk, OnDesk, item, paragraphs, rss

DAY = timedelta(days=1)
ATOM = 'xmlns:atom="http://www.w3.org/2005/Atom"'
ITUNES = 'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
NEW = "http://own.test/new.xml"
FIRST = item("/1", "甲", paragraphs("甲"))
SECOND = item("/2", "乙", paragraphs("乙"))


def new_feed_url(url: str) -> str:
    return f"<itunes:new-feed-url {ITUNES}>{url}</itunes:new-feed-url>"


def self_link(url: str) -> str:
    return f'<atom:link {ATOM} rel="self" href="{url}"/>'


def test_new_feed_url_is_followed_once_a_feed_is_there_and_then_kept(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(FIRST, more=new_feed_url(NEW)), etag='"old"')
        d.answers["/new.xml"] = answer(rss(FIRST, SECOND), etag='"new"')
        await d.refresh("own")
        assert d.asked("/new.xml") == 0
        d.now += DAY
        state = await d.refresh("own")
        assert (d.asked("/own.xml"), d.asked("/new.xml")) == (1, 1)
        assert "if-none-match" not in d.site.asked[-1].headers, "those were the old address's"
        assert state.address(OWN.urls[0]).asked == NEW
        assert len(await d.entries()) == 2, "what was known stays one with what is there"
        d.now += DAY
        await d.refresh("own")
        assert (d.asked("/own.xml"), d.asked("/new.xml")) == (1, 2)
        assert d.site.asked[-1].headers["if-none-match"] == b'"new"'

    on_desk(play)


def test_where_no_feed_is_found_the_old_address_goes_on_and_the_other_is_tried_daily(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(FIRST, more=new_feed_url(NEW)))
        for hours, tried in ((0, 0), (2, 1), (2, 1), (2, 1), (19, 1), (2, 2)):
            d.now += hours * HOUR
            state = await d.refresh("own")
            assert d.asked("/new.xml") == tried
            assert (state.last_status, state.failures) in {("new", 0), ("nothing_new", 0)} or (
                state.last_status == "not_modified"
            )
        assert d.asked("/own.xml") == 6
        assert state.address(OWN.urls[0]).asked == OWN.urls[0]

    on_desk(play)


@pytest.mark.parametrize(
    "there", [b"<html><p>moved</p></html>", rss()], ids=["a page", "an empty feed"]
)
def test_what_is_there_must_be_a_feed_with_entries(on_desk: OnDesk, there: bytes) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(FIRST, more=new_feed_url(NEW)))
        d.answers["/new.xml"] = answer(there)
        await d.refresh("own")
        d.now += DAY
        state = await d.refresh("own")
        assert state.address(OWN.urls[0]).asked == OWN.urls[0]
        assert (d.asked("/own.xml"), d.asked("/new.xml")) == (2, 1)

    on_desk(play)


def test_a_self_link_that_leaves_the_address_asked_is_a_move(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(FIRST, more=self_link(OWN.urls[0])))
        d.answers["/new.xml"] = answer(rss(FIRST, more=self_link(NEW)))
        await d.refresh("own")
        d.answers["/own.xml"] = answer(rss(FIRST, SECOND, more=self_link(NEW)))
        d.now += DAY
        await d.refresh("own")
        d.now += DAY
        state = await d.refresh("own")
        assert (d.asked("/own.xml"), d.asked("/new.xml")) == (2, 1)
        assert state.address(OWN.urls[0]).asked == NEW

    on_desk(play)


def test_a_self_link_that_never_was_the_address_asked_says_nothing(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/new.xml"] = answer(rss(FIRST, more=self_link(NEW)))
        for _ in range(3):
            d.answers["/own.xml"] = answer(rss(FIRST, more=self_link(NEW)))
            d.now += DAY
            await d.refresh("own")
        assert (d.asked("/own.xml"), d.asked("/new.xml")) == (3, 0)

    on_desk(play)


def test_the_old_address_is_asked_again_where_the_new_one_dies(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(FIRST, more=new_feed_url(NEW)))
        d.answers["/new.xml"] = answer(rss(FIRST))
        for _ in range(2):
            await d.refresh("own")
            d.now += DAY
        d.answers["/new.xml"] = answer(b"", status="500 Internal Server Error")
        d.answers["/own.xml"] = answer(rss(FIRST, SECOND))
        for _ in range(4):
            state = await d.refresh("own")
            d.now += 2 * DAY
        assert state.last_status == "new"
        assert state.address(OWN.urls[0]).asked == OWN.urls[0]

    on_desk(play)
