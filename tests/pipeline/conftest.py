"""The desk that a scenario is played on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.config import OutputSettings
from aggregator.core.model import FeedSpec, TopicSpec
from aggregator.workers import Workers
from tests.publisher import (
    INTERVAL,
    OUTPUT,
    OWN,
    OnDesk,
    Play,
    desk,
)


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    pool = Workers(2)
    yield pool
    pool.close()


@pytest.fixture
def on_desk(tmp_path: Path, workers: Workers) -> OnDesk:
    """Plays a scenario on a desk for some feeds: `on_desk(play, OWN, topics=(…))`."""

    def run(
        play: Play,
        *feeds: FeedSpec,
        topics: tuple[TopicSpec, ...] = (),
        output: OutputSettings = OUTPUT,
        own_workers: Workers | None = None,
        aliases: dict[str, tuple[str, ...]] | None = None,
        interval: timedelta = INTERVAL,
    ) -> None:
        async def scenario() -> None:
            async with desk(
                tmp_path / "desk",
                own_workers or workers,
                feeds or (OWN,),
                topics,
                output=output,
                aliases=aliases,
                interval=interval,
            ) as made:
                await play(made)

        asyncio.run(scenario())

    return run
