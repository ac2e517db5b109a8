"""A pool of connections that keeps those it will most likely use again, and for how long."""

from __future__ import annotations

import asyncio

import httpcore

from aggregator.fetch.limits import lasted
from aggregator.real_time import ticks

KEPT_ALIVE = 40
"""Connections a pool may have before it closes those that nobody uses."""

KEPT_FOR = 90.0
"""Seconds a connection that nobody uses is kept: longer than any Crawl-delay that is heeded, and
shorter than the two minutes after which routers on the way forget it without a word. A server
that wants to have it closed sooner does so itself.
"""


class Pool(httpcore.AsyncConnectionPool):
    """httpcore's, which would close the oldest first, though it be the one that is used most;
    count those in use among the unused; and know no time but that of a clock that may run fast.

    It takes neither `keepalive_expiry` nor `max_keepalive_connections`.
    """

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        unused = [c for c in self.connections if isinstance(c, _Kept) and c.is_idle()]
        surplus = len(self.connections) + 1 - KEPT_ALIVE
        if surplus > 0:
            for connection in sorted(unused, key=_Kept.unused_since)[:surplus]:
                connection.give_up()
        return _Kept(super().create_connection(origin))


class _Kept(httpcore.AsyncConnectionInterface):
    """A connection, and since when it is unused: the pool asks for `has_expired` when it gets
    so, and whenever a request begins or ends.
    """

    def __init__(self, connection: httpcore.AsyncConnectionInterface) -> None:
        self._connection = connection
        self._unused_since: float | None = None
        self._ticks = 0.0
        self._given_up = False

    def unused_since(self) -> float:
        """By the loop's clock."""
        if self._unused_since is None:
            self._unused_since, self._ticks = asyncio.get_running_loop().time(), ticks()
        return self._unused_since

    def give_up(self) -> None:
        """The pool closes it with its next request, unless it is used by then."""
        self._given_up = True

    def has_expired(self) -> bool:
        if self._connection.has_expired():
            return True
        if not self._connection.is_idle():
            self._unused_since = None
            return False
        for_seconds = asyncio.get_running_loop().time() - self.unused_since()
        return self._given_up or (for_seconds > KEPT_FOR and lasted(self._ticks, KEPT_FOR))

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        self._unused_since, self._given_up = None, False
        return await self._connection.handle_async_request(request)

    async def aclose(self) -> None:
        await self._connection.aclose()

    def info(self) -> str:
        return self._connection.info()

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        return self._connection.can_handle_request(origin)

    def is_available(self) -> bool:
        return self._connection.is_available()

    def is_idle(self) -> bool:
        return self._connection.is_idle()

    def is_closed(self) -> bool:
        return self._connection.is_closed()
