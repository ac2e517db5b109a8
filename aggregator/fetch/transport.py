"""The connections: pools of them, sharded by host, behind the resolver map and the proxy."""

from __future__ import annotations

import os
import ssl
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from aggregator.config import FetchSettings
from aggregator.errors import FetchError
from aggregator.fetch.frames import Frames
from aggregator.fetch.kept import Pool
from aggregator.fetch.lanes import AT_MOST
from aggregator.fetch.limits import watch_of_this_task
from aggregator.fetch.network import Allowed, GuardedNetwork
from aggregator.fetch.urls import host_of, port_of

SHARDS = 16
"""A pool that holds many connections costs time on every request."""


class Transport:
    """`response = await transport.send(request)`, and then `await response.aclose()`."""

    def __init__(self, settings: FetchSettings) -> None:
        self._origins = {
            host.lower(): httpx.URL(origin) for host, origin in settings.resolve.items()
        }
        self._proxy = httpx.URL(settings.proxy) if settings.proxy else None
        named = [*self._origins.values(), *([self._proxy] if self._proxy else [])]
        allowed = Allowed(
            settings.allow_private, [(host_of(origin), port_of(origin)) for origin in named]
        )
        # look-ups wait in threads of their own: a dead name server must not take those
        # that the rest of the program works with, nor keep any request from its look-up
        self._look_ups = ThreadPoolExecutor(AT_MOST, "look-up")
        self._guard = GuardedNetwork(allowed, self._look_ups)
        self._network = _Metered(self._guard)
        trusted = ssl.create_default_context()
        self._shards = [self._shard(trusted, self._proxy) for _ in range(SHARDS)]
        # what the resolver map names is nothing a proxy elsewhere could reach
        self._direct = [self._shard(trusted, None)] if self._proxy and self._origins else []
        self._of_ca: dict[str, _OfCa] = {}
        self._outdated: list[_Shard] = []

    async def send(self, request: httpx.Request, ca_file: str) -> httpx.Response:
        """The answer's head; its body is still to be read. `ca_file` is trusted besides."""
        origin = self._origins.get(host_of(request.url))
        if origin is not None:
            request = httpx.Request(
                request.method,
                request.url.copy_with(scheme=origin.scheme, host=host_of(origin), port=origin.port),
                headers=request.headers,  # with the Host that was asked for
                stream=request.stream,
                extensions=request.extensions,
            )
        elif self._proxy is not None:
            await self._guard.check_unconnected(
                request.url.raw_host.decode("ascii"), port_of(request.url)
            )
        await self._close_outdated()
        return await self._shard_for(request.url, ca_file).handle_async_request(request)

    async def drop(self, url: httpx.URL, ca_file: str) -> None:
        """Closes what HTTP/2 connections there are: an answer that was given up goes on there."""
        origin = self._origins.get(host_of(url))
        if origin is not None:
            url = url.copy_with(scheme=origin.scheme, host=host_of(origin), port=origin.port)
        if url.scheme == "https":
            await self._shard_for(url, ca_file).drop(url)

    async def aclose(self) -> None:
        of_ca = (known.shard for known in self._of_ca.values())
        for shard in (*self._shards, *self._direct, *of_ca, *self._outdated):
            await shard.aclose()
        self._look_ups.shutdown(wait=False, cancel_futures=True)

    def _shard_for(self, url: httpx.URL, ca_file: str) -> _Shard:
        if ca_file and url.scheme == "https":
            return self._shard_of_ca(ca_file)
        if self._direct and (url.raw_host, url.port) in {
            (origin.raw_host, origin.port) for origin in self._origins.values()
        }:
            return self._direct[0]
        return self._shards[zlib.crc32(url.raw_host) % SHARDS]

    def _shard_of_ca(self, ca_file: str) -> _Shard:
        """The one that trusts the file as it is now: a renewed one counts from here on."""
        version, known = _version(ca_file), self._of_ca.get(ca_file)
        if known is not None and known.version == version:
            return known.shard
        renewed = _OfCa(version, self._shard(_trusting(ca_file), self._proxy))
        self._of_ca[ca_file] = renewed
        if known is not None:
            self._outdated.append(known.shard)
        return renewed.shard

    async def _close_outdated(self) -> None:
        """What trusts a file as it was is closed, once its last answer is read."""
        done = [shard for shard in self._outdated if shard.idle()]
        self._outdated = [shard for shard in self._outdated if shard not in done]
        for shard in done:
            await shard.aclose()

    def _shard(self, trusted: ssl.SSLContext, proxy: httpx.URL | None) -> _Shard:
        return _Shard(trusted, self._network, proxy)


def _trusting(ca_file: str) -> ssl.SSLContext:
    """The system's trust store, and the certificates of one file besides."""
    trusted = ssl.create_default_context()
    try:
        trusted.load_verify_locations(ca_file)
    except (OSError, ValueError) as error:
        raise FetchError(
            "tls", "the CA file cannot be read", ca_file, "it needs certificates in PEM form"
        ) from error
    return trusted


def _version(ca_file: str) -> tuple[int, ...]:
    """What is another whenever the file is written again or replaced."""
    try:
        found = os.stat(ca_file)
    except (OSError, ValueError):
        return ()  # reading it says what is wrong
    return (found.st_mtime_ns, found.st_size, found.st_ino)


class _Shard(httpx.AsyncHTTPTransport):
    def __init__(
        self,
        trusted: ssl.SSLContext,
        network: httpcore.AsyncNetworkBackend,
        proxy: httpx.URL | None,
    ) -> None:
        super().__init__(verify=trusted)
        # httpx has no way to hand in a network backend, which is where an address can be
        # checked between its resolution and its use
        self._pool = self._connections = Pool(
            ssl_context=trusted,
            proxy=_proxy(proxy, trusted) if proxy else None,
            max_connections=None,  # the lanes see to that
            http2=True,
            network_backend=network,
        )

    def idle(self) -> bool:
        return all(connection.is_idle() for connection in self._connections.connections)

    async def drop(self, url: httpx.URL) -> None:
        origin = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"
        ).origin
        for connection in self._connections.connections:
            if connection.can_handle_request(origin) and "HTTP/2" in connection.info():
                await connection.aclose()


@dataclass(frozen=True, slots=True)
class _OfCa:
    """The connections that trust a file of certificates, and which version of it."""

    version: tuple[int, ...]
    shard: _Shard


def _proxy(url: httpx.URL, trusted: ssl.SSLContext) -> httpcore.Proxy:
    auth = (url.username, url.password) if url.userinfo else None
    address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/")
    return httpcore.Proxy(address, auth, ssl_context=trusted if url.scheme == "https" else None)


class _Metered(httpcore.AsyncNetworkBackend):
    """The network below, with what is read of it told to whoever reads it."""

    def __init__(self, network: httpcore.AsyncNetworkBackend) -> None:
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _MeteredStream(
            await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _MeteredStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        secured = stream.get_extra_info("ssl_object")
        shared = secured is not None and secured.selected_alpn_protocol() == "h2"
        self._frames = Frames() if shared else None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        received = await self._stream.read(max_bytes, timeout)
        watch = watch_of_this_task()
        if watch is not None:
            if watch.first_from(self) and self._frames is not None:
                self._frames.ask()
            watch.received(len(received), self._frames is not None)
        if self._frames is not None:
            self._frames.count(received)
        return received

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        return _MeteredStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:  # httpcore's: an untyped edge
        return self._stream.get_extra_info(info)
