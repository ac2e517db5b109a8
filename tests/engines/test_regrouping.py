"""Grouping anew and forgetting, as the daemon's tick does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import Connection, func, select

from aggregator.core.composed import Stored
from aggregator.engines.local import LocalEngine
from aggregator.engines.regrouping import GROUPED
from aggregator.engines.round import Round
from aggregator.errors import WorkerError
from aggregator.store import regrouping
from aggregator.store.group_tables import MEMBERS, SKETCH_HASHES, SKETCHES, STORY_PRINTS
from aggregator.workers import Workers
from tests.engines.conftest import OnDesk
from tests.publisher import Desk


def groups(connection: Connection) -> list[tuple[int, str]]:
    asked = select(MEMBERS.c.number, MEMBERS.c.event_id).order_by(MEMBERS.c.number)
    return [(row.number, row.event_id) for row in connection.execute(asked)]


def kept(connection: Connection) -> tuple[int, int]:
    """How many hashes of sketches, and how many prints."""
    hashes = connection.execute(select(func.count()).select_from(SKETCH_HASHES)).scalar_one()
    prints = connection.execute(select(func.count()).select_from(STORY_PRINTS)).scalar_one()
    return hashes, prints


async def ended(engine: LocalEngine, d: Desk, still: tuple[int, int] | None = None) -> None:
    """Until the tick has done its work."""
    for _ in range(500):
        await engine.group_due()
        now = d.pipeline.store.read_now(kept)
        if d.pipeline.store.read_now(regrouping.reached) is None and now != still:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the tick did not end its work")


def test_a_tick_groups_anew_what_was_begun(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        await Round(d.pipeline, lambda: d.now).cycle()
        before = d.pipeline.store.read_now(groups)
        assert len(before) == 2
        await d.pipeline.store.write(regrouping.begin)
        assert d.pipeline.store.read_now(groups) == []
        engine = LocalEngine(d.pipeline, lambda: d.now)
        await ended(engine, d)
        await engine.close(5)
        assert d.pipeline.store.read_now(groups) == before

    on_desk(play)


class Fragile:
    """Workers of which each fails that is given the article of this title."""

    def __init__(self, sound: Workers, title: str) -> None:
        self._sound = sound
        self._title = title

    async def run(self, step: Callable[..., object], stored: Sequence[Stored]) -> object:
        if any(one.title == self._title for one in stored):
            raise WorkerError("took more than its time", "a worker", "")
        return await self._sound.run(step, stored)


def test_an_article_that_no_worker_can_read_is_grouped_by_its_title_and_holds_up_no_other(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        await Round(d.pipeline, lambda: d.now).cycle()
        await d.pipeline.store.write(regrouping.begin)
        fragile = cast(Workers, Fragile(d.pipeline.workers, "甲"))
        engine = LocalEngine(replace(d.pipeline, workers=fragile), lambda: d.now)
        await ended(engine, d)
        await engine.close(5)
        assert len(d.pipeline.store.read_now(groups)) == 2
        sizes = d.pipeline.store.read_now(
            lambda c: c.execute(select(SKETCHES.c.size).order_by(SKETCHES.c.size)).scalars().all()
        )
        assert sizes[0] == 0 < sizes[1]

    on_desk(play)


def test_a_tick_forgets_what_nothing_can_join_any_more_and_leaves_the_groups(
    on_desk: OnDesk,
) -> None:
    async def play(d: Desk) -> None:
        await Round(d.pipeline, lambda: d.now).cycle()
        before, there = d.pipeline.store.read_now(groups), d.pipeline.store.read_now(kept)
        assert min(there) > 0
        d.now += GROUPED - timedelta(days=2)
        engine = LocalEngine(d.pipeline, lambda: d.now)
        await engine.group_due()
        await asyncio.sleep(0.1)
        assert d.pipeline.store.read_now(kept) == there, "not yet"
        d.now += timedelta(days=10)
        await ended(engine, d, still=there)
        for _ in range(500):
            if d.pipeline.store.read_now(kept) == (0, 0):
                break
            await asyncio.sleep(0.02)
        await engine.close(5)
        assert d.pipeline.store.read_now(kept) == (0, 0)
        assert d.pipeline.store.read_now(groups) == before

    on_desk(play)
