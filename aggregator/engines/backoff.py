"""What failed is left alone for a while, longer each time it fails again.

For failures that the store could not be told of: what it is told of has its time there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)


class Backoff:
    """Keys (ids of feeds, articles, editions) and until when each is left alone."""

    def __init__(self, first: timedelta = FIRST_WAIT, longest: timedelta = LONGEST_WAIT) -> None:
        self._first = first
        self._longest = longest
        self._failed: dict[str, tuple[int, datetime]] = {}
        """How often in a row, and until when it is left alone."""

    def failed(self, keys: Iterable[str], now: datetime) -> None:
        for key in keys:
            times = self._failed[key][0] if key in self._failed else 0
            wait = min(self._longest, self._first * 2 ** min(times, 16))
            self._failed[key] = (times + 1, now + wait)

    def worked(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._failed.pop(key, None)

    def held(self, now: datetime) -> tuple[str, ...]:
        """The keys that are to be left alone now."""
        forgotten = [key for key, (_, until) in self._failed.items() if until + self._longest < now]
        self.worked(forgotten)
        return tuple(key for key, (_, until) in self._failed.items() if now < until)

    def __contains__(self, key: str) -> bool:
        """Whether it failed when it was last tried."""
        return key in self._failed
