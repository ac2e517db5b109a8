"""The network the HTTP client stands on: names are looked up here, and addresses checked
between their look-up and their use, so that no answer and no redirect leads inside.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

import httpcore

from aggregator.errors import FetchError

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052 §2.1."""

PUBLIC_PORT = 80
"""What an `allow_private` entry that names no port stands for."""


class Allowed:
    """Which addresses may be connected to: public ones, and those the user listed."""

    def __init__(self, listed: Iterable[str], places: Collection[tuple[str, int]]) -> None:
        """Takes `[fetch] allow_private`, and the hosts and ports that are allowed besides."""
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._places = set(places)
        for entry in listed:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                parts = urlsplit(f"//{entry}")
                self._places.add((parts.hostname or "", parts.port or PUBLIC_PORT))

    def __call__(self, host: str, port: int, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address):
            ip = _embedded(ip) or ip
        if ip.is_global and not ip.is_multicast:
            return True
        listed = (host, port) in self._places or (str(ip), port) in self._places
        return listed or any(ip in network for network in self._networks)


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address is only another way to."""
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name itself, and connects to nothing but the addresses it has checked."""

    def __init__(self, allowed: Allowed, look_ups: ThreadPoolExecutor) -> None:
        self._network = httpcore.AnyIOBackend()
        self._allowed = allowed
        self._look_ups = look_ups

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            loop = asyncio.get_running_loop()
            look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
            found = await loop.run_in_executor(self._look_ups, look_up)
        except (OSError, ValueError) as error:
            raise FetchError(
                "dns", "the host name is not known", host, "check the URL and the network"
            ) from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        usable = [address for address in addresses if self._allowed(host, port, address)]
        if not usable:
            raise FetchError(
                "blocked_address",
                f"{host} is at {', '.join(addresses)}, which is not public",
                f"{host}:{port}",
                "list it in [fetch] allow_private if it is yours",
            )
        failure: Exception | None = None
        for address in usable:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
