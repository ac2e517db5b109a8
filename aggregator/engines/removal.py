"""Retention at work: a batch at a time, with room between for what polls have to write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import perf_counter

from aggregator.store import Store, retention

log = logging.getLogger(__name__)

PAUSE = 0.1
"""Seconds between two batches at least; after one that took longer, as long as that took."""


async def remove_old(
    store: Store, keep: timedelta, now: datetime, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Removes what was last heard of longer than `keep` before `now`; gives how many articles.

    Each batch is a transaction of its own, so whatever ends this loses nothing; `stopping` is
    asked before each. Raises StoreError.
    """
    before, removed = now - keep, 0
    place: retention.Place | None = retention.Place()
    try:
        while place is not None and not stopping():
            look = await store.read(retention.look, place, before)
            place = look.then
            if look.ids:
                began = perf_counter()
                removed += await store.write(retention.remove, look.ids, before, now)
                await asyncio.sleep(max(PAUSE, perf_counter() - began))
    finally:
        if removed:
            log.info("%d articles first seen before %s were removed", removed, f"{before:%F %R}")
    return removed
