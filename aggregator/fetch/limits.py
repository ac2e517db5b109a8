"""What one request may take: of time at each of its stages, and of bytes off the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from aggregator.errors import FetchError
from aggregator.real_time import ticks

Stage = Literal["connect", "answer", "more"]

MAX_HEAD = 256 * 1024
"""Bytes before the answer's body, so that nobody goes on and on with 1xx answers."""

MAX_SHARED_HEAD = 2**24 + MAX_HEAD
"""The same over HTTP/2, where whoever reads may come by what other streams have been sent."""

MOST_WRAPPING = 2**20
WRAPPING = 4
"""For each byte of a body so many may come over the wire, beyond the first million: chunks of a
few bytes, and what a chunk may have beside them, are no better than nothing.
"""

CRUMBS = 50_000
CRUMB = 128
"""Bytes that a part must have on average, if they are so many: each takes as long as a kilobyte."""

LAG = 0.05

AT_LEAST = 2.0
"""Seconds a limit of as many or more lasts by the kernel's own clock, however fast the loop's
is (libfaketime): this process and the server have to get to run.
"""

BEATS = 30
"""Into so many parts a request's time is divided: of what this process stood still in one of them,
nothing counts.
"""


def crumbs(size: int) -> FetchError:
    return FetchError("too_large", f"the answer comes in crumbs, {size} bytes each")


def lasted(since: float, limit: float) -> bool:
    """Whether a limit that is over by the loop's clock is so since those ticks as well."""
    return missing(since, limit) <= 0


def missing(since: float, limit: float) -> float:
    """The seconds that a limit lasts yet in any case."""
    return min(limit, AT_LEAST) - (ticks() - since)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for a whole request, for its connection (TLS included), until an answer begins,
    and between two parts of it.
    """

    total: float
    connect: float
    answer: float
    more: float

    @classmethod
    def within(cls, total: float) -> Limits:
        """The stages' limits, for a request that may take so many seconds in all."""
        return cls(total, total / 2, total * 2 / 3, total / 3)

    def of(self, stage: Stage) -> float:
        return {"connect": self.connect, "answer": self.answer, "more": self.more}[stage]


class Watch:
    """Watches over one request and its answer, and ends it when it is over a limit.

    `left` are the seconds left of those for the whole, over several requests if need be.
    """

    def __init__(self, limits: Limits, left: float, max_bytes: int) -> None:
        self.left = left
        self.reused = True
        """Whether it goes over a connection that was there before."""
        self.shared = False
        """Whether that is HTTP/2, where several requests go over one connection."""
        self.securing = False
        """Whether it is in the middle of a TLS handshake."""
        self.reads = 0
        self._limits = limits
        self._max_bytes = max_bytes
        self._bytes = 0
        self._body_bytes = 0
        self._connections: set[object] = set()
        self._in_body = False
        self._stage: Stage = "answer"
        self._over: Stage | Literal["total"] = "total"
        self._beat = max(LAG, limits.total / BEATS)
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def watching(self, where: str) -> AsyncIterator[None]:
        """Raises FetchError of kind `timeout` in the place of whatever takes too long inside."""
        self._loop = asyncio.get_running_loop()
        began = self._loop.time()
        self._total_due = began + self.left
        self._began = ticks()
        self._enter("answer")
        token = _WATCH.set(self)
        try:
            async with asyncio.timeout(None) as self._scope:
                self._arm()
                try:
                    yield
                finally:
                    self._disarm()
        except TimeoutError as error:
            raise FetchError("timeout", self._words(), where, "the server is too slow") from error
        finally:
            _WATCH.reset(token)
            left = self._total_due - self._loop.time()
            self.left = max(left, missing(self._began, self.left))

    async def trace(self, event: str, info: object) -> None:
        """httpcore's `trace` extension: tells how far the request has come."""
        if event == "connection.connect_tcp.started":
            self.reused = False
            self._enter("connect")
            self._arm()
        elif event == "connection.start_tls.started":
            self.securing = True
        elif event.endswith(".send_request_headers.started"):
            self.securing = False
            self.shared = event.startswith("http2.")
            self._enter("answer")
            self._arm()

    def answered(self) -> None:
        """The answer's head has come: what follows is its body."""
        self._in_body = True
        self._enter("more")
        self._arm()

    def first_from(self, connection: object) -> bool:
        """Whether this is the first that it reads from that connection."""
        first = connection not in self._connections
        self._connections.add(connection)
        return first

    def brought(self, count: int) -> None:
        """So many bytes of what came are the answer's body."""
        self._body_bytes += count

    def received(self, count: int, shared: bool) -> None:
        """So many bytes came over the connection. Raises FetchError if they are too many."""
        self.reads += 1
        self._bytes += count
        if self._stage == "more":
            self._enter("more")
        head = MAX_SHARED_HEAD if shared else MAX_HEAD
        # a body's frame costs less than the body, unless that is what it is for
        most = head + (2 * self._max_bytes if self._in_body else 0)
        if self._bytes > most:
            raise FetchError("too_large", f"more than {most:,} bytes came over the wire")
        if not shared and self._bytes > MOST_WRAPPING + WRAPPING * self._body_bytes:
            raise FetchError(
                "too_large", f"{self._bytes:,} bytes came with next to nothing in them"
            )
        if self.reads > CRUMBS and self._bytes < self.reads * CRUMB:
            raise crumbs(self._bytes // self.reads)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """For what the server is not to blame for: the clock stands still inside."""
        self._disarm()
        stopped = self._loop.time()
        try:
            yield
        finally:
            waited = self._loop.time() - stopped
            self._total_due += waited
            self._stage_due += waited
            self._arm()

    def _enter(self, stage: Stage) -> None:
        self._stage = stage
        self._entered = ticks()
        self._stage_due = self._loop.time() + self._limits.of(stage)

    def _due(self) -> float:
        return min(self._total_due, self._stage_due)

    def _arm(self, wait: float = 0.0) -> None:
        """Looks again when a limit is over, within a beat, but not before `wait` seconds."""
        self._disarm()
        now = self._loop.time()
        due = max(min(self._due(), now + self._beat), now + wait)
        self._timer = self._loop.call_at(due, self._fire, due)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _fire(self, due: float) -> None:
        now = self._loop.time()
        late = now - due
        if late > self._beat:
            # this process itself stood still: what came meanwhile may not have been read yet
            self._total_due += late
            self._stage_due += late
            self._arm(self._beat)
        elif now < self._due():
            self._arm()
        elif not self._lasted():
            self._arm(self._beat)
        elif not self._scope.expired():
            self._over = "total" if self._total_due <= self._stage_due else self._stage
            self._scope.reschedule(now)

    def _lasted(self) -> bool:
        if self._total_due <= self._stage_due:
            return lasted(self._began, self.left)
        return lasted(self._entered, self._limits.of(self._stage))

    def _words(self) -> str:
        if self._over == "connect":
            return f"no connection within {self._limits.connect:g} s"
        if self._over == "answer":
            return f"no answer within {self._limits.answer:g} s"
        if self._over == "more":
            return f"the answer stopped for {self._limits.more:g} s"
        return f"no whole answer within {self._limits.total:g} s"


_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


def watch_of_this_task() -> Watch | None:
    """Whose bytes a connection reads: httpcore reads them in the task that asks."""
    return _WATCH.get()
