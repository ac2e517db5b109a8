"""Ours as a contestant: polling alone, which is what the peer does, or everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aggregator.config import Config, parse_config
from aggregator.daemon import clock, open_pipeline
from aggregator.engines.round import CycleReport, Round
from aggregator.store import editions, polls
from bench.contestants import Counts, Cycle

CONFIG = """
[output]
title = "Benchmark"

[fetch]
pace = "0s"
allow_private = ["127.0.0.0/8"]

[aliases]
"塔利班" = ["Taliban"]

[[topics]]
id = "afghanistan"
title = "阿富汗"
query = "阿富汗 OR Afghan OR 塔利班"

[[topics]]
id = "refugees"
title = "难民"
query = '(难民署 OR "refugee agency") -选举'

[[topics]]
id = "kabul"
title = "喀布尔"
query = "(喀布尔 OR Kabul*) NOT title:election"
"""


def config(urls: list[str]) -> Config:
    feeds = "".join(
        f'[[feeds]]\nid = "feed{number}"\nurl = "{url}"\n' for number, url in enumerate(urls)
    )
    return parse_config(CONFIG + feeds, "the benchmark's configuration")


@asynccontextmanager
async def polling(urls: list[str], folder: Path) -> AsyncIterator[Cycle]:
    """Feeds asked for, read and stored, which is what reader does."""
    async with open_pipeline(config(urls), folder) as pipeline:
        engine = Round(pipeline, clock)

        async def cycle() -> Counts:
            states = await pipeline.store.read(polls.active_feeds)
            return await counted(engine, await engine.poll_all(states, lambda *_: None))

        yield cycle


@asynccontextmanager
async def everything(urls: list[str], folder: Path) -> AsyncIterator[Cycle]:
    """Articles made, repeats merged, topics matched and their feeds published as well."""
    async with open_pipeline(config(urls), folder) as pipeline:
        engine = Round(pipeline, clock)

        async def cycle() -> Counts:
            return await counted(engine, await engine.cycle())

        yield cycle


async def counted(engine: Round, report: CycleReport) -> Counts:
    counts = await engine.pipeline.store.read(editions.counts)
    return {
        "entries": counts.entries,
        "failed": len(report.failed),
        "articles": counts.articles,
        "duplicates": counts.duplicates,
        "pending": counts.pending,
        "in_topics": sum(counts.topics.values()),
    }
