"""A server on loopback that records what it is asked, and when in virtual time.

Every host has an address of its own and a handler. A handler takes the request and what came
before it at that host, and gives the answer; so scenarios are plain functions.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, tzinfo=UTC)
"""When virtual time begins: a Monday, at midnight."""

SPEED = 240

IDLE = 60.0
"""Real seconds after which a connection that nobody uses is closed."""


class Clock:
    """Virtual seconds since START, from the moment it is made."""

    def __init__(self, speed: float = SPEED) -> None:
        self.speed = speed
        self._began = time.monotonic()

    def seconds(self) -> float:
        return (time.monotonic() - self._began) * self.speed

    def restart(self) -> None:
        self._began = time.monotonic()


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `at` in virtual seconds, `connection` a number, `beside` how many others were
    under way at its host."""

    at: float
    host: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    connection: int
    beside: int = 0
    body: bytes = b""
    said_host: str = ""

    def get(self, name: str) -> str | None:
        values = [value for given, value in self.headers if given.lower() == name]
        return ", ".join(values) if values else None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """`delay` in real seconds; `raw` instead of all else; `hang_up` cuts the connection after."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay: float = 0.0
    raw: bytes | None = None
    hang_up: bool = False

    def get(self, name: str) -> str | None:
        return next((value for given, value in self.headers if given.lower() == name), None)

    def wire(self) -> bytes:
        if self.raw is not None:
            return self.raw
        length = () if self.status in (204, 304) else (("Content-Length", str(len(self.body))),)
        lines = [f"{name}: {value}" for name, value in (*self.headers, *length)]
        head = "\r\n".join([f"HTTP/1.1 {self.status} Answer", *lines, "", ""])
        return head.encode("latin-1") + self.body


@dataclass(frozen=True, slots=True)
class Exchange:
    asked: Asked
    answer: Answer


Handler = Callable[[Asked, Sequence[Exchange]], Answer]
"""Takes a request and what this path of the host was asked before."""


@dataclass
class Host:
    """A host that listens: its handler, whether it speaks TLS, and its record."""

    name: str
    handler: Handler
    tls: bool = False
    http2: bool = False
    address: str = ""
    port: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    connections: int = 0
    under_way: int = 0
    protocols: list[str] = field(default_factory=list)
    """What was agreed on by ALPN, per connection."""

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}:{self.port}"


class Publisher:
    """`async with Publisher(clock, tls) as site: await site.add(host)`."""

    def __init__(self, clock: Clock, context: Callable[[tuple[str, ...]], ssl.SSLContext]) -> None:
        """Takes what makes the context of a TLS server that offers these protocols (ALPN)."""
        self.clock = clock
        self.notes: dict[str, list[Mapping[str, object]]] = {}
        """What a scenario that plays a part of its own has noted, by its name."""
        self.hosts: dict[str, Host] = {}
        self.bugs: list[str] = []
        self._context = context
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Publisher:
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    async def add(self, host: Host) -> None:
        """Begins to listen for the host, at an address that no other has."""
        number = len(self.hosts)
        host.address = f"127.77.{number // 250}.{1 + number % 250}"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._serve(host, reader, writer)
            writer.close()

        offered = ("h2", "http/1.1") if host.http2 else ("http/1.1",)
        tls = self._context(offered) if host.tls else None
        server = await asyncio.start_server(serve, host.address, 0, ssl=tls, backlog=512)
        host.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)
        self.hosts[host.name] = host

    async def _serve(
        self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host.connections += 1
        connection = host.connections
        secured = writer.get_extra_info("ssl_object")
        if secured is not None:
            host.protocols.append(secured.selected_alpn_protocol() or "")
        if host.protocols and host.protocols[-1] == "h2" and secured is not None:
            await self._serve_http2(host, connection, reader, writer)
            return
        while True:
            async with asyncio.timeout(IDLE):
                head = await reader.readuntil(b"\r\n\r\n")
            at = self.clock.seconds()
            asked = _asked(head, host.name, at, connection, host.under_way)
            length = int(asked.get("content-length") or 0)
            if length:
                body = await reader.readexactly(length)
                asked = replace(asked, body=body)
            answer = self._answer(host, asked)
            host.exchanges.append(Exchange(asked, answer))
            host.under_way += 1
            try:
                if answer.delay:
                    await asyncio.sleep(answer.delay)
                writer.write(answer.wire())
                await writer.drain()
            finally:
                host.under_way -= 1
            if answer.hang_up:
                return

    async def _serve_http2(
        self,
        host: Host,
        connection: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        from bench.manners.http2 import serve_http2  # which needs the types of this file

        async def respond(
            method: str, target: str, headers: tuple[tuple[str, str], ...], authority: str
        ) -> Answer:
            at, beside = self.clock.seconds(), host.under_way
            asked = Asked(
                at, host.name, method, target, headers, connection, beside, b"", authority
            )
            answer = self._answer(host, asked)
            host.exchanges.append(Exchange(asked, answer))
            return answer

        await serve_http2(reader, writer, respond)

    def _answer(self, host: Host, asked: Asked) -> Answer:
        before = [e for e in host.exchanges if e.asked.path == asked.path]
        try:
            return host.handler(asked, before)
        except Exception as error:  # noqa: BLE001 - a scenario's bug is told, not hidden
            self.bugs.append(f"{host.name}{asked.target}: {error!r}")
            return Answer(500)

    def everything(self) -> Iterator[Exchange]:
        for host in self.hosts.values():
            yield from host.exchanges


def _asked(head: bytes, host: str, at: float, connection: int, beside: int) -> Asked:
    request, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = request.split(" ", 2)
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name, value.strip(" \t")))
    said = next((value for name, value in headers if name.lower() == "host"), "")
    return Asked(at, host, method, target, tuple(headers), connection, beside, b"", said)


def paths(handlers: Mapping[str, Handler]) -> Handler:
    """A handler that chooses by path; what is not there is a 404."""

    def handle(asked: Asked, before: Sequence[Exchange]) -> Answer:
        handler = handlers.get(asked.path)
        return handler(asked, before) if handler else Answer(404)

    return handle
