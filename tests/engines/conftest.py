"""A publisher with two feeds, an article each, and the pipeline that polls it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from aggregator.core.model import TopicSpec
from aggregator.workers import Workers
from tests.loopback import answer
from tests.publisher import Desk, desk, feed, item, paragraphs, rss

OWN = feed("/own.xml", outlet="半岛电视台")
OTHER = feed("/other.xml", host="other.test", outlet="观察者网")
TALKS = TopicSpec("talks", "会谈", "会谈 OR 代表")


Play = Callable[[Desk], Awaitable[None]]
OnDesk = Callable[[Play], None]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    pool = Workers(1)
    yield pool
    pool.close()


@pytest.fixture
def on_desk(tmp_path: Path, workers: Workers) -> OnDesk:
    def run(play: Play) -> None:
        async def scenario() -> None:
            async with desk(tmp_path / "desk", workers, (OWN, OTHER), (TALKS,)) as made:
                made.answers["/own.xml"] = answer(rss(item("/1", "甲", paragraphs("甲"))))
                made.answers["/other.xml"] = answer(rss(item("/2", "乙", paragraphs("乙"))))
                await play(made)

        asyncio.run(scenario())

    return run
