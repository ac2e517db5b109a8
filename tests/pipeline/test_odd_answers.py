"""Answers that must not be believed too far: cut, partial, gone elsewhere, refused, too many."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.core.cadence import NEVER
from aggregator.engines.local import LocalEngine
from aggregator.fetch import Fetcher
from aggregator.store import polls
from tests.loopback import answer, redirect
from tests.publisher import HOUR, NOW, OWN, Desk, OnDesk, feed, item, paragraphs, rss

DAY = timedelta(days=1)
ITEMS = [item(f"/{n}", f"标题{n}", paragraphs(f"会谈{n}")) for n in range(6)]
GONE = answer(status="410 Gone")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
def test_a_feed_that_came_cut_is_asked_for_whole_the_next_time(
    on_desk: OnDesk, share: float
) -> None:
    async def play(d: Desk) -> None:
        whole = rss(*ITEMS, more="<description>" + "介绍" * 500 + "</description>")
        cut = whole[: int(len(whole) * share)]
        d.answers["/own.xml"] = answer(cut, etag='"v1"', last_modified="yesterday")
        await d.refresh("own")
        d.answers["/own.xml"] = answer(whole, etag='"v1"', last_modified="yesterday")
        d.now += DAY
        await d.refresh("own")
        assert not {"if-none-match", "if-modified-since"} & d.site.asked[-1].headers.keys()
        assert len(await d.entries()) == 6
        d.now += DAY
        await d.refresh("own")
        assert d.site.asked[-1].headers["if-none-match"] == b'"v1"'

    on_desk(play)


def test_a_part_changes_nothing_of_what_the_whole_feed_said(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        hints = "<ttl>300</ttl><skipHours><hour>3</hour></skipHours>"
        d.answers["/own.xml"] = answer(rss(*ITEMS[:2], more=hints), etag='"1"')
        before = (await d.refresh("own")).hints
        assert (before.ttl, before.skip_hours) == (300, (3,))
        d.answers["/own.xml"] = answer(rss(ITEMS[2]), status="226 IM Used", etag='"2"', im="feed")
        d.now += DAY
        assert (await d.refresh("own")).hints == before
        assert len(await d.entries()) == 3

    on_desk(play)


def test_a_part_without_entries_says_that_nothing_is_new(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(*ITEMS[:2]), etag='"1"')
        await d.refresh("own")
        d.answers["/own.xml"] = answer(rss(), status="226 IM Used", etag='"1"', im="feed")
        d.now += DAY
        assert (await d.refresh("own")).last_status == "nothing_new"
        assert d.asked("/mirror.xml") == 0

    on_desk(play, replace(OWN, urls=(OWN.urls[0], "http://mirror.test/mirror.xml")))


@pytest.mark.parametrize("status", ["302 Found", "301 Moved Permanently"])
def test_only_the_configured_address_itself_can_be_gone_for_good(
    on_desk: OnDesk, status: str
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = redirect("/elsewhere.xml", status)
        d.answers["/elsewhere.xml"] = GONE
        state = await d.refresh("own")
        assert state.next_poll_at < NEVER
        assert state.address(OWN.urls[0]).status != "gone"
        d.answers["/own.xml"] = GONE
        assert (await d.refresh("own")).next_poll_at == NEVER

    on_desk(play)


def test_where_it_had_moved_to_may_go_and_the_old_address_serves_again(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = redirect("/new.xml")
        d.answers["/new.xml"] = answer(rss(*ITEMS[:1]))
        await d.refresh("own")
        d.answers["/new.xml"] = GONE
        d.answers["/own.xml"] = answer(rss(*ITEMS[:2]))
        d.now += DAY
        state = await d.refresh("own")
        assert (state.failures, state.next_poll_at < NEVER) == (1, True)
        d.now += DAY
        assert (await d.refresh("own")).last_status == "new"

    on_desk(play)


def test_credentials_go_along_where_the_feed_moves_on_its_own_site(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = redirect("/new.xml")
        d.answers["/new.xml"] = answer(rss(*ITEMS[:1]))
        for _ in range(3):
            state = await d.refresh("own")
            d.now += DAY
        assert [asked.target for asked in d.site.asked] == ["/own.xml", *["/new.xml"] * 3]
        assert {asked.headers.get("authorization") for asked in d.site.asked} == {b"Basic YTpi"}
        assert "@" not in state.addresses[0].moved_to

    on_desk(play, replace(OWN, urls=("http://a:b@own.test/own.xml",)))


@pytest.mark.parametrize("status", ["400 Bad", "412 Failed", "431 Too Large"])
def test_a_conditional_request_that_is_refused_is_made_unconditionally_the_next_time(
    on_desk: OnDesk, status: str
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(*ITEMS[:1]), etag='"odd"')
        await d.refresh("own")
        d.answers["/own.xml"] = answer(status=status)
        d.now += DAY
        await d.refresh("own")
        assert "if-none-match" in d.site.asked[-1].headers
        d.now += DAY
        await d.refresh("own")
        assert "if-none-match" not in d.site.asked[-1].headers

    on_desk(play)


@pytest.mark.parametrize("there", ["http://xn--a/new.xml", "http://[::1", "http://own.test:99999/"])
def test_a_feed_that_says_it_moved_to_nowhere_goes_on_where_it_is(
    on_desk: OnDesk, there: str
) -> None:
    async def play(d: Desk) -> None:
        link = f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="{there}"/>'
        itunes = 'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
        more = f"{link}<itunes:new-feed-url {itunes}>{there}</itunes:new-feed-url>"
        d.answers["/own.xml"] = answer(rss(*ITEMS[:1], more=more))
        for _ in range(3):
            state = await d.refresh("own")
            assert state.failures == 0
            d.now += DAY
        assert d.asked("/own.xml") == 3

    on_desk(play)


def test_an_article_whose_link_is_no_address_is_made_of_what_its_feed_gave(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        entry = item(title="甲", body="<p>短讯……</p>", guid="1", more="<link>http://xn--a/x</link>")
        d.answers["/own.xml"] = answer(rss(entry, *ITEMS[:1]))
        await d.cycle()
        assert {one["title"] for one in d.published()} == {"甲", "标题0"}

    on_desk(play)


# --- many feeds of one host --------------------------------------------------------------------


def test_a_host_with_very_many_feeds_leaves_room_for_the_others(on_desk: OnDesk) -> None:
    many = tuple(feed(f"/many{n}.xml") for n in range(1100))
    other = feed("/other.xml", host="other.test")

    async def play(d: Desk) -> None:
        released = asyncio.Event()

        async def hanging(writer: asyncio.StreamWriter) -> None:
            await released.wait()

        d.answers |= {f"/many{n}.xml": hanging for n in range(1100)}
        d.answers["/other.xml"] = answer(rss(*ITEMS[:1]))
        # the other is due after all of them
        await d.pipeline.store.write(polls.record_begun, "other", NOW + timedelta(seconds=1))
        d.now += timedelta(seconds=2)
        settings = replace(d.config.fetch, pace=timedelta(seconds=1), timeout=timedelta(seconds=60))
        paced = replace(d.pipeline, fetcher=Fetcher(settings, "1.2", lambda: d.now))
        engine = LocalEngine(paced, lambda: d.now)
        for _ in range(100):
            await engine.poll_due()
            await asyncio.sleep(0.05)
            if (await d.state("other")).last_status:
                break
        assert (await d.state("other")).last_status == "new"
        waiting = [s for s in await d.pipeline.store.read(polls.active_feeds) if not s.last_status]
        later = [s for s in waiting if s.due_because == "others were asked first"]
        assert len(later) > 900
        # each with a turn of its own
        assert len({s.next_poll_at for s in later}) == len(later)
        assert max(s.next_poll_at for s in later) > d.now + HOUR / 4
        assert all(s.failures == 0 for s in later)
        released.set()
        await engine.close(0)
        await paced.fetcher.close()

    on_desk(play, other, *many)
