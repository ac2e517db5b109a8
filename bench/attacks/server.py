"""One listener for all addresses of loopback: a /16 plays hosts that may be asked, the rest canary.

Who connects to any address outside of ALLOWED has been led where it must not go.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bench.attacks.wire import LONGEST_S, Attack, Send, Visit, Wire

ALLOWED = ipaddress.ip_network("127.78.0.0/16")
ATTACKS, SLOW, GOOD, PAGES = 0, 100, 200, 220
"""The third number of the addresses of each kind of host."""

Good = Callable[[str], bytes]
"""What a good host answers to a request's target."""


def address(kind: int, number: int) -> str:
    return f"127.78.{kind + number // 250}.{1 + number % 250}"


class Attacker:
    """`async with Attacker(good) as server: server.place(attack)`."""

    def __init__(self, good: Good) -> None:
        self.port = 0
        self.canaries: list[str] = []
        """Where the client went though it must not, and what it asked for there."""
        self.slow_visits = 0
        self._good = good
        self._attacks: dict[str, Attack] = {}
        self._paths: dict[str, Send] = {}
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Attacker:
        first = await asyncio.start_server(self._serve, "0.0.0.0", 0, backlog=2048)
        self.port = first.sockets[0].getsockname()[1]
        self._servers.append(first)
        with suppress(OSError):  # a machine without IPv6 has no such canary
            bound = socket.socket(socket.AF_INET6)
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind(("::", self.port))
            self._servers.append(await asyncio.start_server(self._serve, sock=bound))
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    def place(self, attack: Attack) -> str:
        """Gives the attack an address, and gives its URL."""
        where = address(ATTACKS, len(self._attacks))
        self._attacks[where] = attack
        return attack.url or f"http://{where}:{self.port}/feed"

    def place_page(self, path: str, send: Send) -> str:
        """A page at a host of its own, asked by whoever follows an item's link."""
        self._paths[path] = send
        return f"http://{address(PAGES, len(self._paths))}:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        where, port = writer.get_extra_info("sockname")[:2]
        visit = Visit(time.monotonic())
        wire = Wire(visit, reader, writer, f"http://{where}:{port}")
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(LONGEST_S):
                await self._play(where, wire, reader)
        visit.lasted = time.monotonic() - visit.at
        with suppress(OSError):
            writer.close()

    async def _play(self, where: str, wire: Wire, reader: asyncio.StreamReader) -> None:
        ip = ipaddress.ip_address(where)
        if ip not in ALLOWED:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    wire.visit.request = (await reader.readline()).decode("latin-1").strip()
            self.canaries.append(f"{where} {wire.visit.request}")
            await wire.answer(b"canary", "200 OK", "Connection: close")
            return
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            wire.visit.request = head.partition("\r\n")[0]
            await self._answer(where, wire)

    async def _answer(self, where: str, wire: Wire) -> None:
        target = wire.visit.request.split(" ")[1]
        kind = int(where.split(".")[2])
        if target == "/robots.txt":
            await wire.answer(b"", "404 Not Found")
        elif kind >= PAGES:
            await self._end_after(self._paths.get(target, _not_found), wire)
        elif kind >= GOOD:
            await wire.answer(self._good(target))
        elif kind >= SLOW:
            self.slow_visits += 1
            await _slow(wire)
        else:
            attack = self._attacks[where]
            attack.visits.append(wire.visit)
            await self._end_after(attack.send, wire)

    async def _end_after(self, send: Callable[[Wire], Awaitable[None]], wire: Wire) -> None:
        """An attack is one answer; its end is that of the connection."""
        await send(wire)
        raise ConnectionAbortedError


async def _slow(wire: Wire) -> None:
    """Speaks a byte a second of what looks like the beginning of an answer."""
    await wire.send(b"HTTP/1.1 200 OK\r\nX-Waiting: ")
    await wire.forever(b".", pause=1.0)


async def _not_found(wire: Wire) -> None:
    await wire.answer(b"", "404 Not Found")
