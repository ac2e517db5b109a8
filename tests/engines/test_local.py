"""The embedded engine: what its ticks start, and what a failure of one thing does to the rest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.engines.local import LocalEngine
from tests.engines.conftest import OnDesk
from tests.loopback import answer
from tests.publisher import Desk, item, paragraphs, rss


async def asked(d: Desk, target: str, times: int) -> None:
    for _ in range(500):
        if d.asked(target) == times:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{target} was asked for {d.asked(target)} times")


def test_ticks_carry_an_entry_to_its_editions_and_start_nothing_before_its_time(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        engine = LocalEngine(d.pipeline, lambda: d.now)

        async def tick() -> None:
            await engine.poll_due()
            await engine.enrich_due()
            await engine.publish_due()
            await asyncio.sleep(0.05)

        for _ in range(200):
            await tick()
            if d.pipeline.files.read("topics/talks.json") and len(d.published("topics/talks")) == 2:
                break
        assert {one["title"] for one in d.published("topics/talks")} == {"甲", "乙"}
        for _ in range(5):
            await tick()
        assert sorted(d.site.targets) == ["/other.xml", "/own.xml"]
        await engine.close(5)

    on_desk(play)


def test_a_feed_that_hangs_is_asked_once_and_holds_up_no_other(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        released = asyncio.Event()

        async def hanging(writer: asyncio.StreamWriter) -> None:
            await released.wait()

        d.answers["/own.xml"] = hanging
        engine = LocalEngine(d.pipeline, lambda: d.now)
        for _ in range(10):
            await engine.poll_due()
            await asyncio.sleep(0.05)
        assert d.asked("/own.xml") == d.asked("/other.xml") == 1
        assert (await d.state("other")).last_status == "new"
        released.set()
        await engine.close(5)

    on_desk(play)


def test_closing_gives_back_what_does_not_end_in_time_and_it_is_done_at_the_next_start(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        async def hanging(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        working = d.answers["/own.xml"]
        d.answers["/own.xml"] = hanging
        engine = LocalEngine(d.pipeline, lambda: d.now)
        await engine.poll_due()
        await asked(d, "/own.xml", 1)
        async with asyncio.timeout(5):
            await engine.close(0.05)
        assert (await d.state("own")).last_poll_at is None
        d.answers["/own.xml"] = working
        await d.reopen()
        again = LocalEngine(d.pipeline, lambda: d.now)
        # whoever was asked has seen us hang up: not at once again
        await again.poll_due()
        await asyncio.sleep(0.1)
        assert d.asked("/own.xml") == 1
        state = await d.state("own")
        assert timedelta(hours=1) <= state.next_poll_at - d.now < 2 * timedelta(hours=1)
        assert state.due_because == "its last poll was cut off"
        await again.close(5)
        d.now = state.next_poll_at
        later = LocalEngine(d.pipeline, lambda: d.now)
        await later.poll_due()
        await asked(d, "/own.xml", 2)
        await later.close(5)
        assert (await d.state("own")).last_status == "new"

    on_desk(play)


def test_what_is_older_than_it_is_kept_is_removed_by_its_tick_and_polls_bring_none_of_it_back(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        engine = LocalEngine(d.pipeline, lambda: d.now)

        async def titles(after: timedelta = timedelta(0)) -> set[str]:
            await d.cycle(after)
            return {one["title"] for one in d.published()}

        async def ticked(keep: timedelta | None) -> int:
            """How many articles there are once the tick has done its work."""
            store = replace(d.config.store, keep=keep)
            engine.pipeline = replace(d.pipeline, config=replace(d.config, store=store))
            before = d.pipeline.store.counts().articles
            for _ in range(20):
                await engine.remove_due()
                await asyncio.sleep(0.02)
                if d.pipeline.store.counts().articles < before:
                    break
            return d.pipeline.store.counts().articles

        assert await titles() == {"甲", "乙"}
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", paragraphs("甲")), item("/3", "丙", paragraphs("丙")))
        )
        assert await titles(timedelta(days=50)) == {"甲", "乙", "丙"}
        d.now += timedelta(days=50)
        assert await ticked(None) == 3
        assert await ticked(timedelta(days=101)) == 3
        assert await ticked(timedelta(days=90)) == 1
        assert await titles() == {"丙"}
        d.answers["/other.xml"] = answer(rss(item("/2", "乙，改了", paragraphs("乙改"))))
        report = await d.cycle(timedelta(hours=1))
        assert {poll.feed_id: poll.status for poll in report.polls}["other"] == "nothing_new"
        assert {one["title"] for one in d.published()} == {"丙"}
        await engine.close(5)

    on_desk(play)
