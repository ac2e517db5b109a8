"""Room for requests: those that go quickly have a lane that slow ones leave.

What takes long costs a socket and little else, so it must not keep others from being asked.
Only fresh requests count against `concurrency`: where others wait for a place, whoever has had
his for a moment goes on in the slow lane; and a host that was slow the last time begins there.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOMENT = 0.05
"""Seconds a request is fresh: hundreds of hosts that do not answer are got over in one."""

SLOW = 1.0
"""Seconds after which a host is remembered as slow."""

AT_MOST = 800
"""Requests in flight altogether: each is an open file, of which a process may have 1,024."""

HOSTS_REMEMBERED = 10_000


class Lanes:
    """`async with lanes.lane(host)` waits until there is room for one more request."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = min(concurrency, AT_MOST)
        self._fresh = asyncio.Semaphore(self._concurrency)
        self._slow_room = AT_MOST - self._concurrency
        self._in_fresh = self._in_slow = self._queued = 0
        self._slow_hosts: OrderedDict[str, None] = OrderedDict()

    def room(self) -> int:
        """How many more requests may be in flight, or wait for a place there."""
        return max(0, AT_MOST - self._in_slow - self._in_fresh - self._queued)

    @asynccontextmanager
    async def lane(self, host: str) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        place = _Place(self, host in self._slow_hosts)
        await place.enter()
        began = loop.time()
        try:
            yield
        finally:
            place.leave()
            self._remember(host, loop.time() - began > SLOW)

    def _remember(self, host: str, slow: bool) -> None:
        self._slow_hosts.pop(host, None)
        if slow:
            self._slow_hosts[host] = None
            if len(self._slow_hosts) > HOSTS_REMEMBERED:
                self._slow_hosts.popitem(last=False)

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for a place in the fresh lane."""
        return self._queued > 0

    def take_slow(self) -> bool:
        if self._in_slow >= self._slow_room:
            return False
        self._in_slow += 1
        return True

    def leave_slow(self) -> None:
        self._in_slow -= 1

    async def take_fresh(self) -> None:
        self._queued += 1
        try:
            await self._fresh.acquire()
        finally:
            self._queued -= 1
        self._in_fresh += 1

    def leave_fresh(self) -> None:
        self._in_fresh -= 1
        self._fresh.release()


class _Place:
    """One request's place: in the fresh lane until its moment is over and others wait."""

    def __init__(self, lanes: Lanes, known_as_slow: bool) -> None:
        self._lanes = lanes
        self._slow = known_as_slow
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self) -> None:
        self._slow = self._slow and self._lanes.take_slow()
        if not self._slow:
            await self._lanes.take_fresh()
            self._wait_a_moment()

    def leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._slow:
            self._lanes.leave_slow()
        else:
            self._lanes.leave_fresh()

    def _wait_a_moment(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(MOMENT, self._change)

    def _change(self) -> None:
        if self._lanes.wanted and self._lanes.take_slow():
            self._slow = True
            self._lanes.leave_fresh()
        else:
            self._wait_a_moment()
