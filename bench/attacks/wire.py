"""What an attack writes with, and what is remembered of each time it was asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["transfer", "document", "address", "markup", "page"]

LONGEST_S = 60.0
"""An attack that goes on without end gives up after this, twice what a request may take."""


@dataclass
class Visit:
    """One connection of the client: what it asked, and what it got."""

    at: float
    request: str = ""
    sent: int = 0
    lasted: float = 0.0


class Wire:
    """`await wire.send(…)` writes and counts; it raises ConnectionError once the client is gone."""

    def __init__(
        self,
        visit: Visit,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        origin: str,
    ) -> None:
        self.visit = visit
        self.origin = origin
        """The server's own scheme, host and port, as the client asked it."""
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        for start in range(0, len(data), 65_536):
            part = data[start : start + 65_536]
            self._writer.write(part)
            await self._writer.drain()
            self.visit.sent += len(part)
            if self._writer.is_closing():
                raise ConnectionResetError
            await asyncio.sleep(0)

    async def answer(self, body: bytes, status: str = "200 OK", *headers: str) -> None:
        """A whole answer, with Content-Type and Content-Length unless given."""
        given = [header.partition(":")[0].lower() for header in headers]
        more = [] if "content-type" in given else ["Content-Type: application/rss+xml"]
        if "content-length" not in given:
            more.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([f"HTTP/1.1 {status}", *headers, *more, "", ""])
        await self.send(head.encode("latin-1", "replace") + body)

    def reset(self) -> None:
        self._writer.transport.abort()

    async def forever(self, data: bytes, pause: float = 0.0) -> None:
        ends = time.monotonic() + LONGEST_S
        while time.monotonic() < ends:
            await self.send(data)
            waits = time.monotonic() + pause
            await asyncio.sleep(0)
            while not self._gone() and time.monotonic() < waits:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(min(pause, 0.5))
            if self._gone():
                raise ConnectionResetError

    def _gone(self) -> bool:
        return self._reader.at_eof() or self._writer.is_closing()


Send = Callable[[Wire], Awaitable[None]]


@dataclass
class Attack:
    """`statuses`: those the feed may have afterwards, empty for any; `delivered`: a text that must
    be among what is published, `absent` one that must not. `url` instead of the attack's own.
    """

    name: str
    kind: Kind
    send: Send
    statuses: tuple[str, ...] = ()
    delivered: str = ""
    absent: str = ""
    url: str = ""
    config: str = ""
    most_bytes: int = 40_000_000
    visits: list[Visit] = field(default_factory=list)


def fixed(body: bytes, status: str = "200 OK", *headers: str) -> Send:
    async def send(wire: Wire) -> None:
        await wire.answer(body, status, *headers)

    return send


def raw(data: bytes) -> Send:
    async def send(wire: Wire) -> None:
        await wire.send(data)

    return send
