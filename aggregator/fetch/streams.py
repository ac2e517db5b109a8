"""Connections for httpcore on asyncio alone: each request takes two thirds of the time it
takes through the library that serves several event loops.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable

import httpcore

MAX_WAITING = 256 * 1024
"""Bytes that may have come and not been read; then the other side has to wait."""

HANDSHAKE = 3600.0
"""Seconds asyncio itself gives a TLS handshake: whoever asks ends it sooner."""

AT_ONCE = 32 * 1024
"""Bytes handed on at once: answers of a line each they make for a tenth of a second's work. With
fewer, a large body would hold its permit for as many more rounds of a busy event loop."""


class _Wire(asyncio.Protocol):
    """What has come from the other side, whether it has ended, and whether it takes more."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting = bytearray()
        self.ended = False
        self.failure: Exception | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self._reader: asyncio.Future[None] | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if len(self.waiting) > MAX_WAITING and not self._paused and self.transport is not None:
            self.transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.failure = True, exc
        self.writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def take(self, max_bytes: int) -> bytes:
        taken = bytes(self.waiting[:max_bytes])
        del self.waiting[:max_bytes]
        if self._paused and len(self.waiting) <= MAX_WAITING // 2 and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return taken

    async def something(self) -> None:
        """Returns when there is something to take, or nothing will come any more."""
        while not self.waiting and not self.ended:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Stream(httpcore.AsyncNetworkStream):
    """A connection; one task may read while another writes."""

    def __init__(self, transport: asyncio.Transport, wire: _Wire) -> None:
        self._transport = transport
        self._wire = wire

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """At least a byte, or none at the end. Raises httpcore's ReadTimeout and ReadError."""
        wire = self._wire
        if wire.waiting:
            await asyncio.sleep(0)  # who has sent a lot must not keep others from their turn
        elif not wire.ended:
            try:
                async with asyncio.timeout(timeout):
                    await wire.something()
            except TimeoutError as error:
                raise httpcore.ReadTimeout(f"nothing came for {timeout:g} s") from error
        if not wire.waiting and wire.failure is not None:
            raise httpcore.ReadError(str(wire.failure)) from wire.failure
        return wire.take(min(max_bytes, AT_ONCE))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Raises httpcore's WriteTimeout and WriteError."""
        if not buffer:
            return
        self._check_open()
        self._transport.write(buffer)
        if self._wire.writable.is_set():
            return
        try:
            async with asyncio.timeout(timeout):
                await self._wire.writable.wait()
        except TimeoutError as error:
            raise httpcore.WriteTimeout(f"nothing was taken for {timeout:g} s") from error
        self._check_open()

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """At once: a server that does not say goodbye would hold the socket for half a minute."""
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> Stream:
        """Raises httpcore's ConnectError, from ssl.SSLError, and ConnectTimeout."""
        loop = asyncio.get_running_loop()
        try:
            if self._wire.waiting or self._wire.ended:
                # what came in the open must never be read as if it had come inside of TLS
                raise ssl.SSLError(1, "the server did not wait for the handshake")
            async with asyncio.timeout(timeout):
                secured = await loop.start_tls(
                    self._transport,
                    self._wire,
                    ssl_context,
                    server_hostname=server_hostname,
                    ssl_handshake_timeout=HANDSHAKE,
                )
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout(f"no TLS handshake within {timeout:g} s") from error
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            self.close()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            self.close()
            raise
        if secured is None:
            raise httpcore.ConnectError("the connection was lost in the TLS handshake")
        self._wire.transport = secured
        return Stream(secured, self._wire)

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable":  # a connection at rest that has something to say is over
            return bool(self._wire.waiting) or self._wire.ended
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))

    def _check_open(self) -> None:
        if self._wire.ended or self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed") from self._wire.failure


async def connect(
    address: str,
    port: int,
    local_address: str | None = None,
    options: Iterable[httpcore.SOCKET_OPTION] = (),
) -> Stream:
    """Takes an address, not a name, with no limit of time. Raises httpcore's ConnectError."""
    local = (local_address, 0) if local_address else None
    loop = asyncio.get_running_loop()
    try:
        transport, wire = await loop.create_connection(_Wire, address, port, local_addr=local)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    for option in options:
        transport.get_extra_info("socket").setsockopt(*option)
    return Stream(transport, wire)
