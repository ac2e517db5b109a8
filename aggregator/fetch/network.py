"""The network the HTTP client stands on: names are looked up here, and addresses checked
between their look-up and their use, so that no answer and no redirect leads inside.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

import httpcore
import httpx

from aggregator.errors import FetchError
from aggregator.fetch.limits import lasted
from aggregator.fetch.names import Names, Resolve, system_addresses
from aggregator.fetch.streams import Stream, connect
from aggregator.fetch.urls import host_of
from aggregator.real_time import ticks

PUBLIC_PORT = 80
"""What an `allow_private` entry that names no port stands for."""

PATIENCE = 2.0
"""Seconds after which the next address is tried beside the one that has not answered."""

MAX_TRIED = 8
"""A name with more addresses that do not answer is down."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# `is_global` of the standard library means something else in each of its versions, so what
# is not public stands here, after the special-purpose registries (RFC 6890) of 2025
NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # shared (RFC 6598); the metadata of one cloud is inside
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # looks public, but is the host of every machine of one cloud
        "169.254.0.0/16",  # link-local (RFC 3927), and with it the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
"""All that is given to the public internet; NAT64 (RFC 6052, 8215), unique-local, link-local,
site-local, multicast, and IPv4-mapped and -compatible addresses are outside of it."""

NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, and with them Teredo (RFC 4380) and benchmarks
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 (RFC 7526)
        "3ffe::/16",  # the experiment that was IPv6 (RFC 3701)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
LOOKED_UP_FOR = 2.0
"""Seconds a name is looked up that a proxy is asked for: many a network with one has no other
way to know names outside."""

_INSIDE = re.compile(
    r"^[^.]*\.?$|(?:^|\.)(?:localhost|local|internal|home\.arpa|\d+|0x[0-9a-f]*)\.?$", re.I
)
"""Names without a dot, those for one machine or network (RFC 6761, 6762, 8375; ICANN's), and what
can only be an address that is written wrong."""

_HOST = re.compile(r"[a-z0-9._-]+", re.I)
"""What a name on the internet is made of: a proxy might unpack anything else."""

ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The third quarter of an address that leads to the IPv4 address in its last (RFC 5214 §6.1)."""


class Allowed:
    """Which addresses may be connected to: public ones, and those the user listed."""

    def __init__(self, listed: Iterable[str], places: Collection[tuple[str, int]]) -> None:
        """Takes `[fetch] allow_private`, and the hosts and ports that are allowed besides.

        A network allows every address in it, at every port and for every name; `address:port`
        that address at that port; `host:port` that name at that port, wherever it leads.
        """
        self._networks: list[Network] = []
        self._places = {(_name(host), port) for host, port in places}
        for entry in listed:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                url = httpx.URL(f"http://{entry}")
                self._places.add((_name(host_of(url)), url.port or PUBLIC_PORT))

    def __call__(self, host: str, port: int, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if is_public(ip):
            return True
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped  # the system connects to the very same place
        listed = (_name(host), port) in self._places or (str(ip), port) in self._places
        return listed or any(ip in network for network in self._networks)

    def lists(self, host: str, port: int) -> bool:
        """Whether that name at that port is listed itself, wherever it leads."""
        return (_name(host), port) in self._places


def is_public(ip: Address) -> bool:
    """Whether the address can only be a host of the public internet."""
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in NOT_PUBLIC_4)
    isatap = (int(ip) >> 32) & 0xFFFF_FFFF in ISATAP
    return ip in PUBLIC_6 and not isatap and not any(ip in network for network in NOT_PUBLIC_6)


def _name(host: str) -> str:
    """The one spelling of a host: of an address, or of a name as it is looked up."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        return httpx.URL(scheme="http", host=host).raw_host.decode("ascii").rstrip(".").lower()
    except httpx.InvalidURL:
        return host


def written_address(host: str) -> str:
    """The address a host is written as, if it is one, in any of the spellings that the system
    takes: `127.0.0.1.`, `127.1`, `0x7f.1`, `017700000001` and `2130706433` are one.
    """
    bare = host.rstrip(".")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare))
    except (OSError, ValueError):
        return ""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name itself, and connects to nothing but the addresses it has checked."""

    def __init__(
        self,
        allowed: Allowed,
        look_ups: ThreadPoolExecutor,
        resolve: Resolve = system_addresses,
        patience: float = PATIENCE,
    ) -> None:
        """Takes what may be asked, the threads that look-ups wait in, and, for tests, what
        knows the names, and the seconds before the next address is tried.
        """
        self._allowed = allowed
        self._names = Names(look_ups, resolve)
        self._patience = patience

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to one of the host's allowed addresses, the first that answers.

        Raises FetchError (`dns`, `blocked_address`), and httpcore's ConnectError and
        ConnectTimeout.
        """
        addresses = await self._names.addresses(host)
        usable = [address for address in addresses if self._allowed(host, port, address)]
        if not usable:
            raise _blocked(_not_public(host, addresses), host, port)
        options = list(socket_options or ())

        def open_to(address: str) -> Coroutine[None, None, Stream]:
            return connect(address, port, local_address, options)

        try:
            async with asyncio.timeout(timeout):
                return await _first(_alternating(usable)[:MAX_TRIED], open_to, self._patience)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"no answer within {timeout:g} s") from error

    async def check_unconnected(self, host: str, port: int) -> None:
        """For what a proxy is to connect to, which looks names up itself, and maybe elsewhere.

        Raises FetchError (`blocked_address`) for an address that is not allowed in whatever
        spelling, a name that leads to none that is, as far as it is known here, and a name that
        means something inside of a network only.
        """
        address = written_address(host)
        if address:
            if not self._allowed(host, port, address):
                raise _blocked(f"{address} is not public", host, port)
            return
        if self._allowed.lists(host, port):
            return
        inside = _INSIDE.search(host) is not None or _HOST.fullmatch(host) is None
        addresses = await self._known_here(host)
        usable = [address for address in addresses if self._allowed(host, port, address)]
        if addresses and not usable:
            raise _blocked(_not_public(host, addresses), host, port)
        if inside and (not usable or any(map(_is_public, usable))):
            raise _blocked(f"{host} is a name for inside of a network", host, port)

    async def _known_here(self, host: str) -> tuple[str, ...]:
        """The addresses the name has here, where it may well be unknown: then there are none."""
        began = ticks()
        looking = asyncio.create_task(self._names.addresses(host))
        try:
            while not (await asyncio.wait((looking,), timeout=LOOKED_UP_FOR))[0]:
                if lasted(began, LOOKED_UP_FOR):
                    return ()
            return looking.result()
        except FetchError:
            return ()
        finally:
            looking.cancel()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _blocked(what: str, host: str, port: int) -> FetchError:
    hint = "list it in [fetch] allow_private if it is yours"
    return FetchError("blocked_address", what, f"{host}:{port}", hint)


def _not_public(host: str, addresses: Sequence[str]) -> str:
    return f"{host} is at {', '.join(addresses[:4])}, which is not public"


def _is_public(address: str) -> bool:
    return is_public(ipaddress.ip_address(address.partition("%")[0]))


def _alternating(addresses: Sequence[str]) -> list[str]:
    """In the order given, but of both kinds in turns: one of them may lead nowhere."""
    first = ":" in addresses[0]
    same = [address for address in addresses if (":" in address) == first]
    others = [address for address in addresses if (":" in address) != first]
    return [address for pair in zip_longest(same, others) for address in pair if address]


async def _first(
    addresses: Sequence[str],
    open_to: Callable[[str], Coroutine[None, None, Stream]],
    patience: float,
) -> Stream:
    """The first to answer of the addresses, each tried when those before have failed or have
    been silent for `patience` seconds (RFC 8305, without its look-ups in parallel).
    """
    left = list(addresses)
    trying: set[asyncio.Task[Stream]] = set()
    failure: BaseException | None = None
    try:
        while left or trying:
            if left:
                trying.add(asyncio.create_task(open_to(left.pop(0))))
            wait_for = patience if left else None
            done, _ = await asyncio.wait(
                trying, timeout=wait_for, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                trying.discard(task)
                failure = task.exception()
                if failure is None:
                    return task.result()
    finally:
        for task in trying:
            task.add_done_callback(_close)
            task.cancel()
    assert failure is not None
    raise failure


def _close(task: asyncio.Task[Stream]) -> None:
    """What connected too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
