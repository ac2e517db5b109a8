"""An answer's body: read to its last byte, within limits of size, on the wire and unpacked.

Many large answers at once would fill the memory, so only a few at a time may become large,
and each counts until nobody has it any more: it may have to wait for whoever reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx

from aggregator.errors import FetchError
from aggregator.fetch.codings import Decoder
from aggregator.fetch.limits import CRUMB, CRUMBS, Watch, crumbs, missing
from aggregator.fetch.urls import first_value
from aggregator.real_time import ticks

LARGE = 1_000_000
"""A body of more bytes needs a permit to go on."""

LARGE_AT_ONCE = 2

SMALL = 64 * 1024
HELD = 32_000_000
"""While more bytes than this are in memory in bodies, what is not small needs one too."""

LONGEST_WAIT = 120.0
"""Seconds for such a permit; they do not count as the server's."""

AGAIN_AFTER = 3_600.0
"""Seconds after which to come back when there was none: the server has had a request for it."""

LEAST_RATE = 100_000
RATED_OVER = 3.0
"""Bytes a second, unpacked, and over how many: who is slower loses a permit that others wait for,
and has failed.
"""

TICK = 0.02
"""Seconds by which the kernel's own clock may seem to go behind."""

LATE = 0.25
"""Seconds this process may have stood still in those without their counting."""

UNREAD = 20_000_000
"""While more bytes than this wait in whole bodies for who reads them, no other becomes large."""

PATIENCE = 10.0
"""Seconds for those to be read; then it goes on all the same."""

SLICE = 0.01
"""Seconds that a body may be worked at before others have their turn."""

DRAINED = 64 * 1024
"""What is read and left of an answer nobody needs, so that its connection can be used again."""

DRAIN_SECONDS = 0.5


class Bodies:
    def __init__(
        self,
        max_bytes: int,
        longest_wait: float = LONGEST_WAIT,
        rated_over: float = RATED_OVER,
    ) -> None:
        """Takes the most that a body may have, and, for tests, other times than those above."""
        self._max_bytes = max_bytes
        self._room = _Room(longest_wait, rated_over)

    @property
    def held(self) -> int:
        """Bytes that are in memory now, in bodies that are not small or not yet read."""
        return self._room.held

    async def read(self, response: httpx.Response, watch: Watch, cut_at: int = 0) -> bytes:
        """The body, unpacked; its first `cut_at` bytes if that is given.

        Raises FetchError without a place, Undecodable, and what the transport raises.
        """
        self._check_declared(first_value(response, b"content-length"), cut_at)
        share = _Share(self._room)
        body = bytearray()
        try:
            async with share.in_time():
                await self._fill(body, share, response, watch, cut_at)
            if cut_at or len(body) <= SMALL:
                return bytes(body[: cut_at or None])
            return _Counted.of(body, share)
        finally:
            body.clear()  # a failure would keep it, in its traceback
            share.end()

    async def _fill(
        self, body: bytearray, share: _Share, response: httpx.Response, watch: Watch, cut_at: int
    ) -> None:
        decoder = Decoder(response.headers.get("content-encoding", ""))
        clock = asyncio.get_running_loop().time
        slice_ends = clock() + SLICE
        wire = parts = 0
        async for received in response.aiter_raw():
            wire += len(received)
            watch.brought(len(received))
            parts += 1
            if wire > self._max_bytes:
                raise self._too_large()
            if parts > CRUMBS and wire < parts * CRUMB:
                raise crumbs(wire // parts)
            for piece in decoder.decode(received):
                body += piece
                share.grow(len(piece))
                if len(body) > self._max_bytes:
                    raise self._too_large()
                if cut_at and len(body) >= cut_at:
                    return
                if share.needs_permit():
                    async with watch.paused():
                        await share.permit()
                if clock() > slice_ends:
                    await asyncio.sleep(0)
                    slice_ends = clock() + SLICE
        decoder.finish()

    def _check_declared(self, length: str, cut_at: int) -> None:
        is_number = length.isascii() and length.isdigit()
        if not cut_at and is_number and (len(length) > 18 or int(length) > self._max_bytes):
            raise self._too_large()

    def _too_large(self) -> FetchError:
        return FetchError(
            "too_large",
            f"the answer is larger than {self._max_bytes:,} bytes",
            "",
            "raise [fetch] max_bytes if that is right",
        )


class _Room:
    """The memory that bodies take, of all requests together."""

    def __init__(self, longest_wait: float, rated_over: float) -> None:
        self.rated_over = rated_over
        self._longest_wait = longest_wait
        self.held = 0
        """Bytes of those that are read and of those that have been."""
        self.large = asyncio.Semaphore(LARGE_AT_ONCE)
        self.wanted = 0
        """How many wait for one of those permits."""
        self.unread = 0
        """Bytes of those that somebody still has."""
        self.free = asyncio.Event()
        self.free.set()

    async def permitted(self) -> bool:
        """Waits for a permit to become large, but not for ever."""
        began, limit = ticks(), self._longest_wait
        self.wanted += 1
        try:
            while limit > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(limit):
                        return await self.large.acquire()
                limit = missing(began, self._longest_wait)
            return False
        finally:
            self.wanted -= 1

    def count(self, unread: int) -> None:
        self.unread += unread
        if self.unread > UNREAD:
            self.free.clear()
        else:
            self.free.set()

    def let_go(self, size: int) -> None:
        self.held -= size
        self.count(-size)


class _Share:
    """What one body has of the room while it is read: its bytes, and a permit if it needs one."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._size = 0
        self._permitted = False
        self._scope = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Raises FetchError (`timeout`) in the place of what is too slow inside."""
        try:
            async with self._scope:
                yield
        except TimeoutError as error:
            if not self._scope.expired():
                raise
            what = f"the answer is large, and slower than {LEAST_RATE // 1000} kB/s"
            raise FetchError("timeout", what, "", "others wait for its place") from error

    def grow(self, size: int) -> None:
        self._size += size
        self._room.held += size

    def needs_permit(self) -> bool:
        crowded = self._size > SMALL and self._room.held > HELD
        return not self._permitted and (self._size > LARGE or crowded)

    async def permit(self) -> None:
        """Raises FetchError (`busy`) if there is none in time."""
        if not await self._room.permitted():
            raise FetchError(
                "busy",
                "too many large answers at once",
                "",
                "it is tried again later",
                retry_after=AGAIN_AFTER,
            )
        self._permitted = True
        # whoever has a body may be waiting for this one: not for ever
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._room.free.wait()
        self._rate()

    def _rate(self) -> None:
        self._since, self._size_then = ticks(), self._size
        self._judge_later()

    def _judge_later(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._room.rated_over
        self._timer = loop.call_at(due, self._judge, due)

    def _judge(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        took = ticks() - self._since
        if took < self._room.rated_over - TICK:  # the loop's clock runs fast
            self._judge_later()
            return
        slow = self._size - self._size_then < LEAST_RATE * took
        stood_still = loop.time() - due > LATE
        if slow and self._room.wanted and not stood_still:
            self._scope.reschedule(loop.time())
        else:
            self._rate()

    def keep(self) -> Callable[[], None]:
        """Leaves the bytes counted; gives what lets them go, from any thread."""
        loop, size = asyncio.get_running_loop(), self._size
        self._room.count(size)
        self._size = 0

        def let_go() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._room.let_go, size)

        return let_go

    def end(self) -> None:
        self._room.held -= self._size
        if self._timer is not None:
            self._timer.cancel()
        if self._permitted:
            self._room.large.release()
        self._size, self._permitted = 0, False


class _Counted(bytes):
    """A body that counts as long as anybody has it."""

    _let_go: Callable[[], None] | None = None

    @classmethod
    def of(cls, body: bytearray, share: _Share) -> _Counted:
        counted = cls(body)
        counted._let_go = share.keep()
        return counted

    def __del__(self) -> None:
        if self._let_go is not None:
            self._let_go()

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self),)  # in another process it is not ours to count


async def drain(response: httpx.Response) -> None:
    """Reads what is left of a small answer nobody needs; of any other, nothing is awaited."""
    size = 0
    # whatever is wrong with it: what it was needed for has come already
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for part in response.aiter_raw():
                size += len(part)
                if size > DRAINED:
                    return
