"""What is cancelled anywhere, what is very large, what takes its worker down."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from multiprocessing import active_children
from pathlib import Path

import pytest

from aggregator.config import OutputSettings
from aggregator.core.model import TopicSpec
from aggregator.store import quarantine
from aggregator.workers import Workers
from tests.loopback import Loopback, answer
from tests.pipeline.hanging import UNFORESEEN, HangingReaders, HangingWorkers
from tests.publisher import (
    HOUR,
    LONG,
    MIRROR,
    OTHER,
    OWN,
    Desk,
    OnDesk,
    desk,
    item,
    page,
    paragraphs,
    rss,
    summary,
)


def test_cancelled_anywhere_and_begun_again_the_result_is_that_of_an_uninterrupted_run(
    tmp_path: Path, workers: Workers
) -> None:
    chance = random.Random(20210820)
    topics = (TopicSpec("talks", "会谈", "会谈 OR 局势"),)
    feeds = (OWN, MIRROR, OTHER)
    answers = {
        "/own.xml": answer(
            rss(
                item("/1", "谈判重启", summary("会谈")),
                item("/2", "局势", paragraphs("局势")),
                item("/3", "无页", summary("无页")),
            ),
            etag='"1"',
        ),
        "/mirror.xml": answer(
            rss(item("/2", "局势", paragraphs("局势")), item("/4", "另一篇", paragraphs("另"))),
            etag='"2"',
        ),
        "/other.xml": answer(rss(item("/5", "折页", summary("折页")))),
        "/1": page("谈判重启", LONG),
        "/5": page("折页", paragraphs("折页", 3) + '<p><a href="/5_s">余下全文</a></p>'),
        "/5_s": page("折页", paragraphs("折页")),
    }

    async def play() -> None:
        async with Loopback(answers) as site:
            async with desk(tmp_path / "whole", workers, feeds, topics, site=site) as whole:
                await whole.cycle()
                expected, counts = whole.bytes_published(), whole.pipeline.store.counts()
            assert counts.articles == 5
            for number in range(15):
                folder = tmp_path / str(number)
                async with desk(folder, workers, feeds, topics, site=site) as d:
                    for _ in range(3):
                        cycle = asyncio.create_task(d.cycle())
                        await asyncio.sleep(chance.uniform(0, 0.25))
                        cycle.cancel()
                        await asyncio.gather(cycle, return_exceptions=True)
                        await d.reopen()
                    await d.cycle()
                    assert d.bytes_published() == expected, number
                    assert d.pipeline.store.counts() == counts

    asyncio.run(play())


def test_very_large_things_take_bounded_time_and_leave_other_feeds_alone(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        many = [item(f"/m{n}", f"第{n}条", paragraphs(f"第{n}条", 4)) for n in range(1000)]
        large = [
            item("/large", "大文", paragraphs("大文", 6) * 2400),
            item("/title", "长" * 1_000_000, paragraphs("长题")),
            item("/deep", "深", "<div>" * 3000 + paragraphs("深") + "</div>" * 3000),
        ]
        d.answers["/own.xml"] = answer(rss(*many))
        d.answers["/mirror.xml"] = answer(rss(*large))
        d.answers["/other.xml"] = answer(rss(item("/1", "其他", paragraphs("其他"))))
        started = time.monotonic()
        report = await d.cycle()
        assert time.monotonic() - started < 60
        assert {poll.feed_id: poll.new for poll in report.polls} == {
            "own": 1000,
            "mirror": 3,
            "other": 1,
        }
        assert d.pipeline.store.counts().articles == 1004

    on_desk(play, OWN, MIRROR, OTHER, output=OutputSettings(limit=2000))


HOSTILE = page("甲", f"{LONG}<p>{UNFORESEEN}</p>{LONG}")


def test_a_page_that_hangs_its_worker_leaves_its_article_and_the_others(
    on_desk: OnDesk, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(d: Desk) -> None:
        others = [item(f"/{n}", f"第{n}篇", paragraphs(f"第{n}篇")) for n in range(2, 9)]
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈")), *others))
        d.answers["/1"] = HOSTILE
        await d.cycle()
        assert len(d.published()) == 8
        short = next(one for one in d.published() if one["title"] == "甲")
        assert "交换了意见" in short["content_html"]
        assert any("/1" in line and "longer than" in line for line in caplog.messages)
        await d.cycle(after=HOUR)
        [aside] = await d.pipeline.store.read(quarantine.listed)
        assert aside.failure.name.startswith("page-")
        await d.cycle(after=timedelta(days=9))
        assert d.asked("/1") == 2, "it is set aside"
        d.answers["/own.xml"] = answer(rss(item("/1", "甲之二", summary("会谈")), *others))
        d.answers["/1"] = page("甲", LONG)
        await d.cycle(after=HOUR)
        assert sum("第6段" in one["content_html"] for one in d.published()) == 8

    slow = HangingWorkers(1, seconds=1.5)
    try:
        on_desk(play, own_workers=slow)
    finally:
        slow.close()


def test_a_body_that_hangs_its_worker_is_tried_again_and_then_set_aside(
    on_desk: OnDesk, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", paragraphs(UNFORESEEN)), item("/2", "乙", paragraphs("乙")))
        )
        await d.cycle()
        assert [one["title"] for one in d.published()] == ["乙"]
        assert any("cannot be made" in line for line in caplog.messages)
        assert d.pipeline.store.counts().pending == 1
        assert await d.entries() == ()
        assert await d.pipeline.store.read(quarantine.listed) == ()
        d.answers["/1"] = page("甲", LONG)
        await d.cycle(after=HOUR)
        # it is made without what its feed gave
        by_title = {one["title"]: one for one in d.published()}
        assert by_title.keys() == {"甲", "乙"}
        assert "第6段" in by_title["甲"]["content_html"]
        [aside] = await d.pipeline.store.read(quarantine.listed)
        assert (aside.failure.feed_id, aside.tries) == ("own", 2)
        assert "longer than" in aside.failure.error
        d.answers["/own.xml"] = answer(
            rss(item("/1", "甲", LONG), item("/2", "乙", paragraphs("乙")))
        )
        await d.cycle(after=timedelta(minutes=1))
        assert UNFORESEEN not in str(d.published())
        assert len(d.published()) == 2

    slow = HangingWorkers(1, seconds=1.5)
    try:
        on_desk(play, own_workers=slow)
    finally:
        slow.close()


def test_a_feed_that_takes_workers_down_with_other_bytes_each_time_is_read_once_a_day(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        asked = 0

        async def changing(writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            writer.write(answer(rss(item("/1", UNFORESEEN, LONG), title=f"{asked}"), etag='"1"'))
            await writer.drain()

        async def set_aside() -> list[tuple[str, str, int]]:
            listed = await d.pipeline.store.read(quarantine.listed)
            return [(one.failure.name, one.failure.part, one.tries) for one in listed]

        d.answers["/own.xml"] = changing
        begun = []
        for after in (0, 49, 2, 20, 2, 22):  # hours
            d.now += after * HOUR
            state = await d.refresh("own")
            assert state.last_status == "worker"
            begun.append(slow.begun)
        assert begun == [1, 2, 2, 2, 3, 3]
        assert (asked, state.failures) == (6, 6)
        assert "is set aside as feed-own" in state.error
        assert await set_aside() == [("feed-own", "changing", 3)]
        assert "if-none-match" not in d.site.asked[-1].headers, "what was not read is not seen"
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG)), etag='"2"')
        assert (await d.refresh("own")).last_status == "worker", "it is not a day yet"
        d.now += HOUR
        assert (await d.refresh("own")).last_status == "new"
        assert await set_aside() == []
        d.answers["/own.xml"] = changing
        state = await d.refresh("own")
        assert "set aside" not in state.error, "it begins anew"

    slow = HangingReaders(1, seconds=1.5)
    try:
        on_desk(play, own_workers=slow)
    finally:
        slow.close()


def test_a_feed_that_takes_a_worker_down_twice_is_set_aside_until_it_changes(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        bytes_of = rss(item("/1", UNFORESEEN, LONG))
        d.answers["/own.xml"] = answer(bytes_of, etag='"1"')
        kinds = []
        for _ in range(3):
            kinds.append((await d.refresh("own")).last_status)
            d.now += timedelta(days=2)
        assert kinds == ["worker", "quarantine", "quarantine"]
        [aside] = await d.pipeline.store.read(quarantine.listed)
        assert (aside.failure.feed_id, aside.tries) == ("own", 2), "it is not read a third time"
        # who has seen it needs not send it again
        assert d.site.asked[-1].headers["if-none-match"] == b'"1"'
        d.answers["/own.xml"] = answer(b"", status="304 Not Modified")
        state = await d.refresh("own")
        assert (state.last_status, state.failures) == ("quarantine", 4)
        assert aside.failure.name in state.error
        d.now += timedelta(days=2)
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", LONG)), etag='"2"')
        assert (await d.refresh("own")).last_status == "new"

    slow = HangingReaders(1, seconds=1.5)
    try:
        on_desk(play, own_workers=slow)
    finally:
        slow.close()


def test_killed_workers_cost_nothing(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        body = [item(f"/{n}", f"第{n}篇", paragraphs(f"第{n}篇")) for n in range(40)]
        d.answers["/own.xml"] = answer(rss(*body))
        cycle = asyncio.create_task(d.cycle())
        for _ in range(3):
            await asyncio.sleep(0.2)
            for process in set(active_children()) - others:
                process.kill()
        await cycle
        for _ in range(3):
            await d.cycle(after=HOUR)
        assert len(d.published()) == 40

    others = set(active_children())
    mortal = Workers(2)
    try:
        on_desk(play, own_workers=mortal)
    finally:
        mortal.close()
