"""A publisher on loopback whose answers a test scripts, and the whole pipeline that polls it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from random import Random
from typing import Any

from aggregator.config import Config, FetchSettings, OutputSettings, ServerSettings
from aggregator.core.feed_state import FeedState
from aggregator.core.model import Entry, FeedSpec, TopicSpec
from aggregator.engines.round import CycleReport, Round
from aggregator.fetch import Fetcher
from aggregator.outputs.files import EditionFiles
from aggregator.pipeline import Pipeline
from aggregator.store import Store, materials, polls
from aggregator.workers import Workers
from tests.loopback import Answer, Loopback, answer

NOW = datetime(2021, 8, 20, 12, tzinfo=UTC)
DATE = "Fri, 20 Aug 2021 08:00:00 GMT"
HOSTS = ("own.test", "mirror.test", "other.test")
OUTPUT = OutputSettings()
NOBODY = "nobody.test"
"""A host at a port where nothing listens."""


WORDS = (
    "会谈多哈代表局势意见交换各方观察人士认为结果公布记者报道边境口岸援助粮食学校医院道路电力银行市场价格难民安置"
    "检查车队机场航班使馆声明发言会议主席部长省份城市村庄居民商店工人工资合同项目水库农田冬季降雪救援物资药品疫苗"
)
"""Of two characters each."""


def paragraphs(name: str, count: int = 6) -> str:
    """A text of its own for each name, long enough to be a whole article."""
    chosen = Random(name)

    def some(number: int) -> str:
        places = chosen.choices(range(0, len(WORDS), 2), k=number)
        return "".join(WORDS[at : at + 2] for at in places)

    return "".join(
        f"<p>{name}第{n}段：{some(12)}，{name}的代表{some(8)}，届时会继续报道。</p>"
        for n in range(1, count + 1)
    )


def summary(name: str) -> str:
    return f"<p>{name}：各方就局势交换了意见……</p>"


def item(
    path: str = "",
    title: str = "",
    body: str = "",
    guid: str = "",
    date: str = DATE,
    host: str = "own.test",
    more: str = "",
) -> str:
    """One RSS item; what is empty is left out."""
    parts = {
        "title": escape(title),
        "link": f"http://{host}{path}" if path else "",
        "guid": escape(guid),
        "pubDate": date,
        "description": escape(body),
    }
    tags = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value)
    return f"<item>{tags}{more}</item>"


def rss(*items: str, title: str = "半岛电视台", more: str = "") -> bytes:
    inner = f"<title>{title}</title><link>http://own.test/</link>{more}{''.join(items)}"
    return f'<rss version="2.0"><channel>{inner}</channel></rss>'.encode()


def page(title: str, body: str, more: str = "") -> bytes:
    return answer(
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1>"
        f"<article>{body}</article>{more}</body></html>".encode(),
        content_type="text/html; charset=utf-8",
    )


def feed(path: str, host: str = "own.test", **settings: Any) -> FeedSpec:
    """A feed whose id is the first word of its path."""
    given = {"id": path.strip("/").partition(".")[0], "urls": (f"http://{host}{path}",)}
    return FeedSpec(**(given | settings))


@dataclass
class Desk:
    """The pipeline at a time that the test sets, and what it has published."""

    site: Loopback
    answers: dict[str, bytes | Answer]
    folder: Path
    workers: Workers
    config: Config
    pipeline: Pipeline
    now: datetime = NOW

    async def reopen(
        self, feeds: tuple[FeedSpec, ...] | None = None, topics: tuple[TopicSpec, ...] | None = None
    ) -> None:
        """A new pipeline on the same store and files, as after a restart with another config."""
        await self.close()
        self.config = replace(
            self.config,
            feeds=self.config.feeds if feeds is None else feeds,
            topics=self.config.topics if topics is None else topics,
        )
        self.pipeline = await opened(
            self.config, self.folder, self.workers, self.now, lambda: self.now
        )

    async def close(self) -> None:
        await self.pipeline.fetcher.close()
        self.pipeline.store.close()

    async def cycle(self, after: timedelta = timedelta(0)) -> CycleReport:
        """One whole round, so long after the one before."""
        self.now += after
        return await Round(self.pipeline, lambda: self.now).cycle()

    async def refresh(self, feed_id: str) -> FeedState:
        """One poll of one feed; how the feed is doing then."""
        await self.pipeline.refresh(await self.state(feed_id), self.now)
        return await self.state(feed_id)

    async def state(self, feed_id: str) -> FeedState:
        states = await self.pipeline.store.read(polls.active_feeds)
        return next(state for state in states if state.feed_id == feed_id)

    async def entries(self) -> tuple[Entry, ...]:
        """The entries of the articles that wait to be made."""
        waiting = await self.pipeline.store.read(materials.pending, self.now, 5000)
        return tuple(entry for material in waiting.materials for entry in material.entries)

    def published(self, edition: str = "all") -> list[dict[str, Any]]:
        """The edition's items, from its JSON Feed."""
        found = self.pipeline.files.read(f"{edition}.json")
        assert found is not None
        items: list[dict[str, Any]] = json.loads(found.body)["items"]
        return items

    def bytes_published(self) -> Mapping[str, bytes]:
        files = self.pipeline.files
        return {path: (files.folder / path).read_bytes() for path in files.paths()}

    def asked(self, target: str) -> int:
        return self.site.targets.count(target)


async def opened(
    config: Config,
    folder: Path,
    workers: Workers,
    now: datetime,
    clock: Callable[[], datetime],
) -> Pipeline:
    pipeline = Pipeline(
        config,
        Store.open(f"sqlite:///{folder / 'aggregator.db'}"),
        Fetcher(config.fetch, "1.2", clock),
        workers,
        EditionFiles(folder / "editions"),
    )
    await pipeline.prepare(now)
    return pipeline


@asynccontextmanager
async def desk(
    folder: Path,
    workers: Workers,
    feeds: tuple[FeedSpec, ...],
    topics: tuple[TopicSpec, ...] = (),
    site: Loopback | None = None,
    output: OutputSettings = OUTPUT,
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    interval: timedelta = timedelta(minutes=30),
) -> AsyncIterator[Desk]:
    """A desk for these feeds, with a site of its own unless one is given."""
    answers: dict[str, bytes | Answer] = {}
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    async with Loopback(answers) as own:
        origin = (site or own).origin
        config = Config(
            path=folder / "config.toml",
            server=ServerSettings(public_url="https://news.example.org"),
            output=output,
            fetch=FetchSettings(
                interval=interval,
                timeout=timedelta(seconds=1),
                pace=timedelta(0),
                resolve=dict.fromkeys(HOSTS, origin) | {NOBODY: "http://127.0.0.1:9"},
            ),
            aliases=aliases or {},
            feeds=feeds,
            topics=topics,
        )
        pipeline = await opened(config, folder, workers, NOW, lambda: made.now)
        made = Desk(site or own, answers, folder, workers, config, pipeline)
        try:
            yield made
        finally:
            await made.close()


Play = Callable[[Desk], Awaitable[None]]
OnDesk = Callable[..., None]

OWN = feed("/own.xml", outlet="半岛电视台")
MIRROR = feed("/mirror.xml", host="mirror.test", outlet="镜像站", source="feedx")
OTHER = feed("/other.xml", host="other.test", outlet="观察者网")
HOUR = timedelta(hours=1)
INTERVAL = timedelta(minutes=30)
LONG = paragraphs("会谈")
