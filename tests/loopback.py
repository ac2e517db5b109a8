"""A site on loopback that answers with the very bytes it is given, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer in its own time."""


@dataclass
class Asked:
    """One request: its target, and its headers with names in lower case, as bytes came."""

    target: str
    headers: dict[str, bytes] = field(default_factory=dict)
    method: str = "GET"
    body: bytes = b""


def answer(body: bytes = b"", status: str = "200 OK", **headers: str | bytes) -> bytes:
    """A whole HTTP answer. A header's `_` stands for `-`; Content-Length is added."""
    lines = [f"HTTP/1.1 {status}".encode(), b"Content-Length: %d" % len(body)]
    for name, value in headers.items():
        raw = value if isinstance(value, bytes) else value.encode("latin-1")
        lines.append(name.replace("_", "-").encode() + b": " + raw)
    return b"\r\n".join([*lines, b"", body])


def redirect(location: str, status: str = "301 Moved Permanently") -> bytes:
    return answer(status=status, location=location)


NOT_FOUND = answer(status="404 Not Found")


class Loopback:
    """`async with Loopback({"/feed": answer(b"…")}) as site`; other targets are 404."""

    def __init__(
        self,
        answers: Mapping[str, bytes | Answer],
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.asked: list[Asked] = []
        self.at_once = 0
        """The most requests that were being answered at one moment."""
        self.connections = 0
        """How many were made; over TLS, that is how many handshakes came to an end."""
        self.host = host
        self.answers = answers if isinstance(answers, dict) else dict(answers)
        self._tls = tls
        self._now = 0
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Loopback:
        self._server = await asyncio.start_server(self._serve, self.host, 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.origin = f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked = self._read(head)
                asked.body = await reader.readexactly(int(asked.headers.get("content-length", 0)))
                self.asked.append(asked)
                self._now += 1
                self.at_once = max(self.at_once, self._now)
                try:
                    given = self.answers.get(asked.target, NOT_FOUND)
                    if isinstance(given, bytes):
                        writer.write(given)
                        await writer.drain()
                        if b"Content-Length" not in given:
                            return
                    else:
                        await given(writer)
                        return
                finally:
                    self._now -= 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._running.discard(task)
            writer.close()

    @staticmethod
    def _read(head: bytes) -> Asked:
        first, *rest = head.rstrip(b"\r\n").split(b"\r\n")
        headers = (line.split(b": ", 1) for line in rest)
        method, target, _ = first.decode("latin-1").split(" ")
        return Asked(target, {name.decode().lower(): value for name, value in headers}, method)
