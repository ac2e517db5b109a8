"""The ticks of the daemon (APScheduler): what is due is asked of the store, never kept here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

Tick = Callable[[], Awaitable[None]]


class Ticks:
    """Calls each of the ticks once a second, and each of the `hourly` ones at once and then every
    hour. A tick only starts work: it returns at once.
    """

    def __init__(self, ticks: tuple[Tick, ...], hourly: tuple[Tick, ...] = ()) -> None:
        # that it missed a tick is no news: the next one does the rest
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        for tick in ticks:
            self._add(tick, seconds=1)
        for tick in hourly:
            self._add(tick, hours=1, next_run_time=datetime.now(UTC))

    def _add(self, tick: Tick, **when: object) -> None:
        self._scheduler.add_job(
            tick, "interval", max_instances=1, coalesce=True, misfire_grace_time=None, **when
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """No tick begins any more."""
        # a tick that this cancels is no error
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler.shutdown(wait=False)
