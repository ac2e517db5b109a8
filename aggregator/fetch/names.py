"""Host names and the addresses they stand for: looked up in threads, once for all who ask.

A name whose server does not answer holds its thread for long, whatever is done, so those that
did so the last time get few threads, and leave the others to all other names.

What was found is kept for a minute. It is only what the name server said: whoever connects
checks each address, each time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from aggregator.errors import FetchError
from aggregator.fetch.limits import lasted, watch_of_this_task
from aggregator.real_time import ticks

KEPT_FOR = 60.0
"""Seconds. The system's resolver tells no lifetime."""

FAILURE_KEPT_FOR = 10.0
LONGEST_WAIT = 10.0
"""Seconds for one look-up, from when its thread begins: a dead name server takes longer."""

TURN_WITHIN = 30.0
"""Seconds for a thread to be free, which are not the host's fault."""

AGAIN_AFTER = 60.0
"""Seconds after which to come back when none was."""

DOUBTFUL_AT_ONCE = 16
"""Threads for all names together that were not answered the last time."""

MAX_NAMES = 4_096
MAX_ADDRESSES = 32

Resolve = Callable[[str], list[str]]
"""From a host to its addresses, best first; raises OSError or ValueError. May take long."""


def system_addresses(host: str) -> list[str]:
    """What the system's resolver says, in its order (RFC 6724); a zone is kept: `fe80::1%2`."""
    found = []
    for _, _, _, _, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        address = str(place[0])
        zone = place[3] if len(place) == 4 else 0
        found.append(f"{address}%{zone}" if zone and "%" not in address else address)
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...]
    until: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _LookUp:
    begun: asyncio.Future[None]
    """Done once it has a thread."""
    answer: asyncio.Task[_Answer]


class Names:
    """`await names.addresses(host)`."""

    def __init__(
        self,
        threads: ThreadPoolExecutor,
        resolve: Resolve = system_addresses,
        now: Callable[[], float] = time.monotonic,
        longest_wait: float = LONGEST_WAIT,
        turn_within: float = TURN_WITHIN,
    ) -> None:
        self._threads = threads
        self._resolve = resolve
        self._now = now
        self._longest_wait = longest_wait
        self._turn_within = turn_within
        self._known: OrderedDict[str, _Answer] = OrderedDict()
        self._asking: dict[str, _LookUp] = {}
        self._doubtful: OrderedDict[str, None] = OrderedDict()
        self._doubtful_room = asyncio.Semaphore(DOUBTFUL_AT_ONCE)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """At least one. Raises FetchError (`dns`, and `busy` where no thread was free)."""
        if _is_address(host):
            return (host,)
        answer = self._known.get(host)
        if answer is None or answer.until <= self._now():
            asked = self._asked(host)
            await self._begun(asked)
            # whoever asked first may be cancelled while others wait for the same answer
            answer = await asyncio.shield(asked.answer)
        if not answer.addresses:
            raise FetchError("dns", answer.failure, host, "check the URL and the network")
        return answer.addresses

    async def _begun(self, asked: _LookUp) -> None:
        """Waits for its thread; the clock of the request that asks stands still meanwhile."""
        if asked.begun.done():
            return
        watch = watch_of_this_task()
        async with watch.paused() if watch else nullcontext():
            await asyncio.wait((asked.begun, asked.answer), return_when=asyncio.FIRST_COMPLETED)

    def _asked(self, host: str) -> _LookUp:
        asking = self._asking.get(host)
        if asking is None:
            begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            answer = asyncio.create_task(self._look_up(host, begun))
            asking = self._asking[host] = _LookUp(begun, answer)
            answer.add_done_callback(lambda task: self._keep(host, task))
        return asking

    async def _look_up(self, host: str, begun: asyncio.Future[None]) -> _Answer:
        doubtful = host in self._doubtful
        if doubtful and not await self._room_for_doubtful():
            return self._answer([], "the host name was not found in time the last time")
        loop = asyncio.get_running_loop()

        def look_up() -> list[str]:
            _tell(loop, _set, begun)
            return self._resolve(host)

        looking = self._threads.submit(look_up)
        if doubtful:  # which it is until its thread is free again
            looking.add_done_callback(lambda _: _tell(loop, self._doubtful_room.release))
        answer = asyncio.wrap_future(looking)
        try:
            return await self._answered(host, answer, begun)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not looking.cancelled() or (task is not None and task.cancelling()):
                raise
            return self._answer([], "the look-up was called off")  # the threads were shut down
        finally:
            answer.cancel()

    async def _answered(
        self, host: str, answer: asyncio.Future[list[str]], begun: asyncio.Future[None]
    ) -> _Answer:
        first = await self._first(self._turn_within, begun, answer)
        if not first:
            raise FetchError(
                "busy", "too many other names are looked up", host, retry_after=AGAIN_AFTER
            )
        self._doubtful.pop(host, None)
        if not await self._first(self._longest_wait, answer):
            self._doubt(host)
            return self._answer([], f"the host name was not found within {self._longest_wait:g} s")
        try:
            return self._answer(answer.result(), "the host name is not known")
        except (OSError, ValueError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                self._doubt(host)
                return self._answer([], "the name server does not answer")
            return self._answer([], "the host name is not known")

    async def _first(self, within: float, *awaited: asyncio.Future[Any]) -> bool:
        """Whether one of them is done within so many seconds, by the kernel's clock as well."""
        began = ticks()
        while True:
            done, _ = await asyncio.wait(
                awaited, timeout=within, return_when=asyncio.FIRST_COMPLETED
            )
            if done or lasted(began, within):
                return bool(done)

    async def _room_for_doubtful(self) -> bool:
        try:
            async with asyncio.timeout(self._turn_within):
                await self._doubtful_room.acquire()
        except TimeoutError:
            return False
        return True

    def _doubt(self, host: str) -> None:
        self._doubtful[host] = None
        while len(self._doubtful) > MAX_NAMES:
            self._doubtful.popitem(last=False)

    def _answer(self, found: list[str], failure: str) -> _Answer:
        kept_for = KEPT_FOR if found else FAILURE_KEPT_FOR
        return _Answer(tuple(found[:MAX_ADDRESSES]), self._now() + kept_for, failure)

    def _keep(self, host: str, task: asyncio.Task[_Answer]) -> None:
        del self._asking[host]
        if task.cancelled() or task.exception() is not None:
            return
        self._known[host] = task.result()
        self._known.move_to_end(host)
        while len(self._known) > MAX_NAMES:
            self._known.popitem(last=False)


def _set(begun: asyncio.Future[None]) -> None:
    if not begun.done():
        begun.set_result(None)


def _tell(loop: asyncio.AbstractEventLoop, *call: Any) -> None:
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(*call)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
