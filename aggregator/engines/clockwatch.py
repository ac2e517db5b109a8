"""Notices when the clock is set, by a second one that cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from aggregator.core.cadence import clock_step


def steady_seconds() -> float:
    """Seconds that go on in sleep and that nobody can set."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        return time.monotonic()


class ClockWatch:
    """`step(now)` gives by how much the clock was set since it was asked last; mostly zero."""

    def __init__(self, steady: Callable[[], float] = steady_seconds) -> None:
        self._steady = steady
        self._last: tuple[datetime, float] | None = None

    def step(self, now: datetime) -> timedelta:
        before, self._last = self._last, (now, self._steady())
        if before is None:
            return timedelta(0)
        return clock_step(before[0], now, before[1], self._last[1])
