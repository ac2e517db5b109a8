"""The desk that a scenario is played on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.config import OutputSettings
from aggregator.core.model import FeedSpec, TopicSpec
from aggregator.workers import Workers
from tests.publisher import (
    HOUR,
    INTERVAL,
    OUTPUT,
    OWN,
    Desk,
    OnDesk,
    Play,
    desk,
)
from tests.websub_dance import Dance, dance


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


@pytest.fixture
def dancing(on_desk: OnDesk) -> Callable[..., None]:
    """Plays a scenario: `dancing(play)`; `interval` is an hour, so that nothing is set."""

    def run(play: Callable[[Dance], Awaitable[None]]) -> None:
        async def scenario(desk: Desk) -> None:
            async with dance(desk) as made:
                await play(made)

        on_desk(scenario, OWN, interval=HOUR)

    return run
