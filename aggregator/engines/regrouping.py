"""What articles are grouped by, made anew and forgotten: a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from aggregator.engines.round import Progress
from aggregator.pipeline import Pipeline
from aggregator.store import Store, copies, regrouping, story_places

GROUPED = timedelta(days=30)
"""So long after its publication others may join an article: twice what a story may rest, and four
times what a copy may be late. By then its sketch and print, 3 KB, are forgotten.
"""

HASHES_TOGETHER = 20_000
PRINTS_TOGETHER = 500
"""Of sketches and of prints so many are deleted in one transaction: some tenths of a second."""

PAUSE = 0.1
"""Seconds between two batches, for what polls have to write."""


async def regroup(
    pipeline: Pipeline,
    clock: Callable[[], datetime],
    tell: Progress,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Lets all stored articles settle again, if that is under way. Raises StoreError, WorkerError.

    Each batch is a transaction, so whatever ends this loses nothing.
    """
    total = await pipeline.store.read(regrouping.last_number)
    while not stopping():
        after = await pipeline.store.read(regrouping.reached)
        if after is None:
            return
        tell("group", min(after, total), total)
        oldest = await pipeline.regroup(after, clock())
        if oldest is not None:  # of what is grouped in the order of time, no more is needed
            await forget_old(pipeline.store, oldest, stopping)


async def forget_old(
    store: Store, now: datetime, stopping: Callable[[], bool] = lambda: False
) -> None:
    """Articles published long before `now` are found no more by their sketches and prints; what
    they were grouped to stays. Raises StoreError.
    """
    before = now - GROUPED
    await _all(lambda: store.write(copies.forget_older, before, HASHES_TOGETHER), stopping)
    await _all(lambda: store.write(story_places.forget_older, before, PRINTS_TOGETHER), stopping)


async def _all(forget: Callable[[], Awaitable[int]], stopping: Callable[[], bool]) -> None:
    deleted = 1
    while deleted and not stopping():
        deleted = await forget()
        if deleted:
            await asyncio.sleep(PAUSE)
