"""Manners towards a host: few requests at a time, one a second, none while it asks for peace.

A host is its name, whatever the port, and whatever it is asked for: feeds, pages, redirects
and robots.txt count together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from aggregator.errors import FetchError

BURST = 2
"""Requests a host that was left in peace may get without a pause between them."""

LONGEST_DELAY = 60.0
"""Seconds a Crawl-delay may ask for."""

LONGEST_HOLD = timedelta(days=31)

HOSTS_KEPT = 1_000


class Manners:
    """`async with manners.place(host) as pace`, then `await pace.due()` and `pace.take()`."""

    def __init__(self, per_host: int, pace: timedelta, now: Callable[[], datetime]) -> None:
        """Takes how many requests a host gets at once, the time between two of them, the clock."""
        self._per_host = per_host
        self._pace = pace.total_seconds()
        self._now = now
        self._hosts: dict[str, Pace] = {}
        self._holds: dict[str, datetime] = {}

    @asynccontextmanager
    async def place(self, host: str, patience: float | None = None) -> AsyncIterator[Pace]:
        """One of the host's places, waited for: with `patience` only where its turn is not more
        than so many seconds away.

        Raises FetchError of kind `held`, and `busy` where its turn is too far; its `retry_after`
        is then when there will be one, after all that were turned away before.
        """
        self.check(host)
        pace = self._of(host)
        if patience is not None and pace.expected() > patience:
            raise FetchError(
                "busy", "others are asked for there first", host, retry_after=pace.promise()
            )
        pace.wanted += 1
        try:
            async with pace.places:
                self.check(host)
                yield pace
        finally:
            pace.wanted -= 1

    def slow_down(self, host: str, delay: float) -> None:
        """Takes what robots.txt asks for (Crawl-delay), in seconds between two requests."""
        self._of(host).slow_down(min(delay, LONGEST_DELAY))

    def hold(self, host: str, until: datetime) -> None:
        """The host is not asked before then; an earlier hold does not end a longer one."""
        until = min(until, self._now() + LONGEST_HOLD)
        name = host_key(host)
        if until > self._holds.get(name, self._now()):
            self._holds[name] = until

    def held(self) -> Mapping[str, datetime]:
        """The hosts on hold, and until when."""
        now = self._now()
        self._holds = {host: until for host, until in self._holds.items() if until > now}
        return dict(self._holds)

    def check(self, host: str) -> None:
        """Raises FetchError of kind `held` if the host is on hold."""
        until = self._holds.get(host_key(host))
        if until is None:
            return
        left = (until - self._now()).total_seconds()
        if left <= 0:
            del self._holds[host_key(host)]
            return
        raise FetchError(
            "held",
            f"the host asked not to be asked before {until:%Y-%m-%d %H:%M:%S} UTC",
            host,
            "it is left in peace until then",
            retry_after=left,
        )

    def _of(self, host: str) -> Pace:
        name = host_key(host)
        if name not in self._hosts:
            if len(self._hosts) >= HOSTS_KEPT:
                self._hosts = {n: pace for n, pace in self._hosts.items() if not pace.idle()}
            self._hosts[name] = Pace(self._per_host, self._pace)
        return self._hosts[name]


class Pace:
    """A host's places, and its bucket of tokens: one comes with every `delay` seconds."""

    def __init__(self, per_host: int, delay: float) -> None:
        self.places = asyncio.Semaphore(per_host)
        self.wanted = 0
        """Requests that run or wait."""
        self._per_host = per_host
        self._promised = 0.0
        """Until when, by the loop's clock, turns are promised to those turned away."""
        self._least = self._delay = delay
        self._burst = float(BURST)
        self._tokens = self._burst
        self._at = asyncio.get_running_loop().time()

    async def due(self) -> None:
        """Waits until the host may be asked, which somebody else may then do first."""
        while (missing := 1 - self._fill()) > 0:  # noqa: ASYNC110 - there is only time to wait for
            await asyncio.sleep(missing * self._delay + 0.001)

    def take(self) -> bool:
        """Takes the turn, unless somebody else just did."""
        if self._fill() < 1:
            return False
        if self._delay:
            self._tokens -= 1
        return True

    def expected(self) -> float:
        """Seconds until one more may be asked, if those before it take no time themselves."""
        waiting = max(0, self.wanted - self._per_host)
        return max(0.0, waiting + 1 - self._fill()) * self._delay

    def promise(self) -> float:
        """A turn of its own for one that does not wait here: in so many seconds."""
        now = asyncio.get_running_loop().time()
        self._promised = max(self._promised, now + self.expected()) + self._delay
        return self._promised - now

    def slow_down(self, delay: float) -> None:
        self._fill()
        if delay > self._delay:
            self._tokens = min(self._tokens, 0.0)  # robots.txt itself was the last request
        self._delay = max(self._least, delay)
        self._burst = float(BURST) if self._delay == self._least else 1.0
        self._tokens = min(self._tokens, self._burst)

    def idle(self) -> bool:
        return not self.wanted and self._fill() >= self._burst and self._delay == self._least

    def _fill(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._delay:
            gained = (now - self._at) / self._delay
            self._tokens = min(self._burst, self._tokens + gained)
        self._at = now
        return self._tokens if self._delay else 1.0


def host_key(host: str) -> str:
    """One name for one host: `Example.org.` is `example.org`."""
    return host.lower().rstrip(".")
