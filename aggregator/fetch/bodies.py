"""An answer's body: read to its last byte, within limits of size, on the wire and unpacked.

Many large answers at once would fill the memory, so only a few at a time may become large.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

import httpx

from aggregator.errors import FetchError
from aggregator.fetch.codings import Decoder
from aggregator.fetch.limits import Watch
from aggregator.fetch.urls import first_value

LARGE = 1_000_000
"""A body of more bytes needs a permit to go on."""

LARGE_AT_ONCE = 4

SMALL = 64 * 1024
HELD = 48_000_000
"""While more bytes than this wait in bodies that are under way, what is not small needs one too."""

LONGEST_WAIT = 120.0
"""Seconds for such a permit; they do not count as the server's."""

DRAINED = 64 * 1024
"""What is read and left of an answer nobody needs, so that its connection can be used again."""

DRAIN_SECONDS = 0.5


class Bodies:
    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._held = 0

    async def read(self, response: httpx.Response, watch: Watch, cut_at: int = 0) -> bytes:
        """The body, unpacked; its first `cut_at` bytes if that is given.

        Raises FetchError without a place, Undecodable, and what the transport raises.
        """
        self._check_declared(first_value(response, b"content-length"), cut_at)
        decoder = Decoder(response.headers.get("content-encoding", ""))
        parts: list[bytes] = []
        size = wire = 0
        permitted = False
        with ExitStack() as ends:
            ends.callback(lambda: self._let_go(size))
            ends.callback(parts.clear)  # a failure would keep them, in its traceback
            async for received in response.aiter_raw():
                wire += len(received)
                if wire > self._max_bytes:
                    raise self._too_large()
                for piece in decoder.decode(received):
                    size += len(piece)
                    self._held += len(piece)
                    if size > self._max_bytes:
                        raise self._too_large()
                    parts.append(piece)
                    if cut_at and size >= cut_at:
                        return b"".join(parts)[:cut_at]
                    if not permitted and self._needs_permit(size):
                        async with watch.paused():
                            await self._permit()
                        ends.callback(self._large.release)
                        permitted = True
            decoder.finish()
            return b"".join(parts)

    def _needs_permit(self, size: int) -> bool:
        return size > LARGE or (size > SMALL and self._held > HELD)

    async def _permit(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self._large.acquire()
        except TimeoutError as error:
            raise FetchError(
                "timeout", "too many large answers at once", "", "it is tried again later"
            ) from error

    def _let_go(self, size: int) -> None:
        self._held -= size

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
