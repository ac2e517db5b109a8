"""The ticks of the daemon (APScheduler): what is due is asked of the store, never kept here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler


class Ticks:
    """Calls each of the ticks once a second. A tick only starts work: it returns at once."""

    def __init__(self, ticks: tuple[Callable[[], Awaitable[None]], ...]) -> None:
        # that it missed a tick is no news: the next one does the rest
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        for tick in ticks:
            self._scheduler.add_job(
                tick, "interval", seconds=1, max_instances=1, coalesce=True, misfire_grace_time=None
            )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """No tick begins any more."""
        # a tick that this cancels is no error
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler.shutdown(wait=False)
