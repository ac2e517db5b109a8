"""Pages: asked for once, in their turn, conditionally when asked for again, and never in vain."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from aggregator.config import FetchSettings
from aggregator.core.page_tries import WAITS
from aggregator.fetch import Fetcher
from aggregator.making import PATIENCE, PageOwed
from aggregator.pipeline import Pipeline
from aggregator.store import materials
from tests.loopback import Asked, answer
from tests.publisher import HOUR, LONG, Desk, OnDesk, item, page, paragraphs, rss, summary

DAY = timedelta(days=1)


def with_validators(body: bytes, etag: str) -> bytes:
    head, _, rest = body.partition(b"\r\n")
    return head + f"\r\nETag: {etag}\r\n".encode() + rest


def requests_of(d: Desk, target: str) -> list[Asked]:
    return [asked for asked in d.site.asked if asked.target == target]


UNCHANGED = answer(b"", status="304 Not Modified")


def test_a_page_is_asked_for_conditionally_when_its_entry_has_changed(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = with_validators(page("甲", LONG), '"p1"')
        await d.cycle()
        d.answers["/own.xml"] = answer(rss(item("/1", "甲之二", summary("会谈"))))
        d.answers["/1"] = UNCHANGED
        await d.cycle(after=DAY)
        first, second = requests_of(d, "/1")
        assert "if-none-match" not in first.headers
        assert second.headers["if-none-match"] == b'"p1"'
        [article] = d.published()
        assert article["title"] == "甲之二"
        assert "第6段" in article["content_html"], "the text of the first visit still holds"
        # and it holds for good
        await d.cycle(after=DAY)
        assert d.asked("/1") == 2

    on_desk(play)


def test_a_page_that_changed_with_its_entry_is_read_again(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = with_validators(page("甲", LONG), '"p1"')
        await d.cycle()
        d.answers["/own.xml"] = answer(rss(item("/1", "甲之二", summary("会谈"))))
        d.answers["/1"] = with_validators(page("甲", paragraphs("新的会谈")), '"p2"')
        await d.cycle(after=DAY)
        assert "新的会谈第6段" in d.published()[0]["content_html"]

    on_desk(play)


def test_a_page_without_an_article_is_asked_for_conditionally_the_next_time(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = with_validators(page("甲", "<p>请稍候</p>"), '"wait"')
        await d.cycle()
        d.answers["/1"] = UNCHANGED
        await d.cycle(after=WAITS[0])
        assert requests_of(d, "/1")[1].headers["if-none-match"] == b'"wait"'
        assert "交换了意见" in d.published()[0]["content_html"]
        d.answers["/1"] = with_validators(page("甲", LONG), '"p1"')
        await d.cycle(after=WAITS[1])
        assert "第6段" in d.published()[0]["content_html"]

    on_desk(play)


def test_a_restart_does_not_ask_for_robots_txt_again_within_a_day(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/robots.txt"] = answer(b"User-agent: *\nDisallow: /2\nCrawl-delay: 0.01")
        names = ("/1", "/2", "/3", "/4")
        for number, name in enumerate(names, start=1):
            d.answers[name] = page(name, LONG)
            items = (item(each, each, summary(each)) for each in names[:number])
            d.answers["/own.xml"] = answer(rss(*items))
            await d.cycle(after=timedelta(hours=8))
            await d.reopen()
        assert [d.asked(name) for name in names] == [1, 0, 1, 1]
        assert d.asked("/robots.txt") == 2, "once in the first 24 hours, once after"

    on_desk(play)


def test_a_restart_does_not_ask_a_site_sooner_that_could_not_give_its_robots_txt(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        d.answers["/robots.txt"] = answer(status="503 Service Unavailable")
        items = [item(f"/{n}", str(n), summary(str(n))) for n in range(4)]
        for number, times in ((1, 1), (2, 1), (3, 1), (4, 2)):
            d.answers["/own.xml"] = answer(rss(*items[:number]))
            await d.cycle(after=timedelta(minutes=25))
            await d.reopen()
            assert d.asked("/robots.txt") == times

    on_desk(play)


def test_a_page_that_robots_txt_forbids_is_never_asked_for(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/robots.txt"] = answer(b"User-agent: *\nDisallow: /")
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = page("甲", LONG)
        for _ in range(6):
            await d.cycle(after=2 * DAY)
        assert d.asked("/1") == 0
        assert d.pipeline.store.counts().pending == 0
        assert "交换了意见" in d.published()[0]["content_html"]

    on_desk(play)


def test_a_page_whose_robots_txt_could_not_be_had_is_asked_for_when_it_can(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        d.answers["/robots.txt"] = answer(status="503 Service Unavailable")
        d.answers["/own.xml"] = answer(rss(item("/1", "甲", summary("会谈"))))
        d.answers["/1"] = page("甲", LONG)
        await d.cycle()
        assert d.asked("/1") == 0
        d.answers["/robots.txt"] = answer(status="404 Not Found")
        await d.cycle(after=DAY)
        assert d.asked("/1") == 1
        assert "第6段" in d.published()[0]["content_html"]

    on_desk(play)


# --- turns -------------------------------------------------------------------------------------


class Paced:
    """The desk's pipeline with a pace of its own, and its articles that need a page."""

    def __init__(self, d: Desk, pace: timedelta) -> None:
        settings: FetchSettings = replace(d.config.fetch, pace=pace)
        self.pipeline: Pipeline = replace(
            d.pipeline, fetcher=Fetcher(settings, "1.2", lambda: d.now)
        )
        self.desk = d

    async def owed(self) -> tuple[PageOwed, ...]:
        waiting = await self.pipeline.store.read(materials.pending, self.desk.now, 500)
        return await self.pipeline.enrich(waiting.materials, self.desk.now)

    async def complete(self, owed: tuple[PageOwed, ...]) -> None:
        await asyncio.gather(
            *(self.pipeline.complete(one, self.desk.now, PATIENCE) for one in owed)
        )


def flood(d: Desk, count: int) -> None:
    items = [item(f"/{n}", f"标题{n}", summary(f"会谈{n}")) for n in range(count)]
    d.answers["/own.xml"] = answer(rss(*items))
    for n in range(count):
        d.answers[f"/{n}"] = page(f"标题{n}", paragraphs(f"会谈{n}"))


def test_an_article_whose_host_has_no_turn_soon_comes_back_when_it_has(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        flood(d, 30)
        await d.refresh("own")
        paced = Paced(d, timedelta(seconds=1))
        await asyncio.wait_for(paced.complete(await paced.owed()), 20)
        asked = sum(d.asked(f"/{n}") for n in range(30))
        assert 1 <= asked <= 6
        # each of the others has a turn of its own, a second after the one before
        times = []
        for seconds in range(60):
            waiting = await d.pipeline.store.read(
                materials.pending, d.now + timedelta(seconds=seconds), 500
            )
            times.append(len(waiting.materials))
        assert times[0] == 0
        assert times[-1] == 30 - asked
        steps = [later - earlier for earlier, later in pairwise(times)]
        assert max(steps) <= 2
        await paced.pipeline.fetcher.close()

    on_desk(play)


def test_where_the_turn_is_far_the_feeds_text_is_published_meanwhile(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        flood(d, 12)
        await d.refresh("own")
        paced = Paced(d, timedelta(minutes=10))
        await asyncio.wait_for(paced.complete(await paced.owed()), 20)
        asked = {n for n in range(12) if d.asked(f"/{n}")}
        await paced.pipeline.publish("all", 1)
        published = {one["title"]: one["content_html"] for one in d.published()}
        assert len(published) >= 11
        short = [title for title, body in published.items() if "交换了意见……" in body]
        assert len(short) >= 9
        assert len(asked) <= 2
        # none of them counts as tried
        waiting = await d.pipeline.store.read(materials.pending, d.now + 3 * HOUR, 500)
        assert len(waiting.materials) >= 10
        assert {material.tries for material in waiting.materials} == {0}
        await paced.pipeline.fetcher.close()

    on_desk(play)
