"""Which addresses are asked, however they are written or arrived at."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import FetchError
from aggregator.fetch.names import Resolve, system_addresses
from aggregator.fetch.network import Allowed, GuardedNetwork, is_public


def words(text: str) -> list[str]:
    return text.split()


NOT_PUBLIC = words("""
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 127.0.0.1
    127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1
    172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255
    198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255
    :: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8
    ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::808:808 64:ff9b:1::a00:1
    100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
    2001:db8:ffff::1 2002:7f00:1:: 2002:a9fe:a9fe::1 2002:808:808::1 3ffe::1 3fff::1 3fff:fff::1
    4000::1 5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254 fdff::1 fe80::1 fe80::a9fe:a9fe febf::1
    fec0::1 feff::1 ff00::1 ff02::1 ff0e::1 fe80::5efe:a00:1
    2600:1::5efe:a00:1 2600:1::200:5efe:127.0.0.1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
""")

PUBLIC = words("""
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255
    128.0.0.1 168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.1
    192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 223.255.255.255
    2001:200::1 2001:4860:4860::8888 2606:2800:220:1::1 2600:1f18::1 2a00:1450:4001:81b::200e
    2c0f:fb50::1 3ffd::1
""")


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not Allowed((), ())("example.org", 80, address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_allowed(address: str) -> None:
    assert Allowed((), ())("example.org", 80, address)


def test_a_zone_hides_no_address() -> None:
    assert not Allowed((), ())("example.org", 80, "fe80::1%eth0")
    assert not Allowed((), ())("example.org", 80, "::1%1")


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_calls_private(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    refused = ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_link_local
    # some anycast addresses of protocols are called global: nobody publishes there
    assert not (refused and is_public(ip))


# --- what the user lists -----------------------------------------------------------------------


def test_a_listed_network_allows_every_address_in_it_and_no_other() -> None:
    allowed = Allowed(("10.0.0.0/8", "192.168.1.7", "fd00::/8", "64:ff9b::/96"), ())
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "192.168.1.7", "fd00::1", "64:ff9b::808:808"):
        assert allowed("nas", 8080, address), address
    for address in ("11.0.0.0", "2600::1"):
        assert allowed("nas", 80, address), address
    for address in (
        "127.0.0.1",
        "192.168.1.8",
        "fc00::1",
        "64:ff9b:1::1",
    ):
        assert not allowed("nas", 80, address), address


def test_a_listed_host_and_port_allow_that_name_at_that_port_wherever_it_leads() -> None:
    allowed = Allowed(("NAS.local.:8080", "printer", "塔.example:81", "[::1]:82"), ())
    assert allowed("nas.local", 8080, "192.168.9.9")
    assert allowed("nas.local.", 8080, "fe80::1")
    assert allowed("printer", 80, "10.0.0.1")
    assert allowed("xn--oms.example", 81, "10.0.0.1")
    assert allowed("::1", 82, "::1")
    assert not allowed("nas.local", 80, "192.168.9.9")
    assert not allowed("nas.local", 443, "192.168.9.9")
    assert not allowed("other.local", 8080, "192.168.9.9")
    assert not allowed("sub.nas.local", 8080, "192.168.9.9")
    assert not allowed("::1", 80, "::1")


def test_a_listed_address_and_port_allow_no_other_port() -> None:
    allowed = Allowed(("127.0.0.1:8080",), ())
    assert allowed("localhost", 8080, "127.0.0.1")
    assert allowed("127.0.0.1", 8080, "127.0.0.1")
    assert allowed("localhost", 8080, "::ffff:127.0.0.1")
    assert not allowed("127.0.0.1", 80, "127.0.0.1")
    assert not allowed("localhost", 8080, "127.0.0.2")
    assert not allowed("127.0.0.1.example", 8080, "127.0.0.2")


def test_the_places_of_the_resolver_map_are_allowed() -> None:
    allowed = Allowed((), [("127.0.0.1", 9000), ("Newsroom.example", 443)])
    assert allowed("127.0.0.1", 9000, "127.0.0.1")
    assert allowed("newsroom.example", 443, "10.0.0.1")
    assert not allowed("127.0.0.1", 9001, "127.0.0.1")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.sampled_from(NOT_PUBLIC))
def test_no_name_gets_by(host: str, address: str) -> None:
    assert not Allowed(("nas.local:8080",), ())(host, 80, address)


# --- connecting --------------------------------------------------------------------------------


@asynccontextmanager
async def network(
    listed: Sequence[str] = (), resolve: Resolve = system_addresses, patience: float = 2.0
) -> AsyncIterator[GuardedNetwork]:
    with ThreadPoolExecutor(2) as threads:
        yield GuardedNetwork(Allowed(listed, ()), threads, resolve, patience)


@asynccontextmanager
async def listener(address: str, port: int = 0) -> AsyncIterator[tuple[int, list[str]]]:
    """Its port, and who came."""
    came: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("sockname")[0])
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, address, port)
    async with server:
        yield server.sockets[0].getsockname()[1], came


LOCAL = ["127.0.0.0/8"]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(bounded())


LOOPBACK_SPELLINGS = words("""
    127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0x7F.0.0.0x1 0177.0.0.1 017700000001
    0 0.0.0.0 127.0.0.1. 127.1. localhost localhost. LOCALHOST LocalHost. 127.0.0.2 127.255.255.254
    [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::1%251] [::1%lo]
    １２７.０.０.１ ①②⑦.0.0.1 127。0。0。1 ⓛⓞⓒⓐⓛⓗⓞⓢⓣ %6cocalhost 127.0.0.%31 %31%32%37.0.0.1
    user@127.0.0.1 example.org@127.0.0.1 127.0.0.1%00.example.org 127.0.0.1%2f.example.org
    169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 [::ffff:a9fe:a9fe]
    [64:ff9b::a9fe:a9fe]
""")


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
def test_no_spelling_of_an_address_gets_by(host: str) -> None:
    async def scenario() -> None:
        async with listener("127.0.0.1") as (port, came), network() as guarded:
            try:
                url = httpx.URL(f"http://{host}:{port}/")
            except httpx.InvalidURL:
                return
            with pytest.raises(FetchError) as caught:
                await guarded.connect_tcp(url.raw_host.decode("ascii"), port, 5)
            assert caught.value.kind in ("blocked_address", "dns")
            assert came == []

    run(scenario)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "localhost"])
def test_these_spellings_would_get_by_without_the_guard(host: str) -> None:
    async def scenario() -> None:
        async with listener("127.0.0.1") as (port, _), network(LOCAL) as guarded:
            stream = await guarded.connect_tcp(host, port, 5)
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
            await stream.aclose()

    run(scenario)


def test_a_refusal_says_where_the_name_leads_and_what_to_do() -> None:
    async def scenario() -> None:
        async with network(resolve=lambda host: ["10.0.0.1", "fd00::1"]) as guarded:
            with pytest.raises(FetchError) as caught:
                await guarded.connect_tcp("nas.example", 81)
        assert caught.value.kind == "blocked_address"
        told = str(caught.value)
        assert "nas.example:81" in told
        assert "10.0.0.1, fd00::1" in told
        assert "allow_private" in told

    run(scenario)


def test_of_public_and_private_addresses_only_the_allowed_are_tried() -> None:
    async def scenario() -> None:
        async with (
            listener("127.0.0.1") as (port, inside),
            listener("127.0.0.3", port) as (_, outside),
        ):
            addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
            async with network(["127.0.0.3"], lambda host: addresses) as guarded:
                stream = await guarded.connect_tcp("mixed.example", port, 5)
                assert stream.get_extra_info("server_addr") == ("127.0.0.3", port)
                await stream.aclose()
            assert inside == []
            assert set(outside) <= {"127.0.0.3"}

    run(scenario)


def test_a_name_that_leads_elsewhere_the_second_time_is_not_looked_up_in_between() -> None:
    answers = [["127.0.0.3"], ["127.0.0.1"]]

    async def scenario() -> None:
        async with listener("127.0.0.1") as (port, inside), listener("127.0.0.3", port):
            async with network(["127.0.0.3"], lambda host: answers.pop(0)) as guarded:
                stream = await guarded.connect_tcp("rebinding.example", port, 5)
                assert stream.get_extra_info("server_addr") == ("127.0.0.3", port)
                await stream.aclose()
            assert len(answers) == 1
            assert inside == []

    run(scenario)


def test_what_is_kept_of_a_name_is_checked_for_each_port() -> None:
    async def scenario() -> None:
        async with (
            listener("127.0.0.1") as (port, _),
            network([f"nas.example:{port}"], lambda _: ["127.0.0.1"]) as guarded,
        ):
            await (await guarded.connect_tcp("nas.example", port, 5)).aclose()
            with pytest.raises(FetchError) as caught:
                await guarded.connect_tcp("nas.example", port + 1, 5)
            assert caught.value.kind == "blocked_address"

    run(scenario)


# --- addresses that do not answer --------------------------------------------------------------


@asynccontextmanager
async def deaf(address: str, port: int) -> AsyncIterator[None]:
    """Takes no connection and refuses none: its queue is full."""
    with socket.socket() as full:
        full.bind((address, port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((address, port))
        await asyncio.sleep(0.05)
        try:
            yield
        finally:
            for one in waiting:
                one.close()


def test_an_address_that_is_silent_gives_way_to_the_next() -> None:
    async def scenario() -> None:
        async with (
            listener("127.0.0.1") as (port, _),
            deaf("127.0.0.2", port),
            network(LOCAL, lambda _: ["127.0.0.2", "127.0.0.1"], 0.2) as guarded,
        ):
            stream = await guarded.connect_tcp("two.example", port, 10)
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
            await stream.aclose()

    run(scenario)


def test_an_address_that_refuses_gives_way_at_once() -> None:
    async def scenario() -> None:
        async with (
            listener("127.0.0.1") as (port, _),
            network(LOCAL, lambda _: ["127.0.0.2", "127.0.0.1"], 60) as guarded,
        ):
            await (await guarded.connect_tcp("two.example", port, 10)).aclose()

    run(scenario)


def test_addresses_that_are_all_silent_end_at_the_limit_of_time() -> None:
    async def scenario() -> None:
        async with (
            listener("127.0.0.1") as (port, _),
            deaf("127.0.0.2", port),
            network(LOCAL, lambda _: ["127.0.0.2"] * 5, 0.1) as guarded,
        ):
            started = asyncio.get_running_loop().time()
            with pytest.raises(httpcore.ConnectTimeout):
                await guarded.connect_tcp("dead.example", port, 0.5)
            assert asyncio.get_running_loop().time() - started < 5

    run(scenario)


def test_when_all_addresses_refuse_that_is_the_failure() -> None:
    async def scenario() -> None:
        async with (
            listener("127.0.0.1") as (port, _),
            network(LOCAL, lambda _: ["127.0.0.2", "127.0.0.3"]) as guarded,
        ):
            with pytest.raises(httpcore.ConnectError):
                await guarded.connect_tcp("down.example", port, 10)

    run(scenario)


def test_both_kinds_of_addresses_are_tried_in_turns() -> None:
    async def scenario() -> None:
        async with listener("127.0.0.1") as (port, _):
            # nobody listens at ::1, and only eight are tried
            addresses = [*["::1"] * 20, "127.0.0.1"]
            async with network([*LOCAL, "::1"], lambda _: addresses) as guarded:
                await (await guarded.connect_tcp("both.example", port, 10)).aclose()

    run(scenario)


# --- what a proxy is to connect to -------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "listed", "found", "passes"),
    [
        ("news.example", (), ["93.184.216.34"], True),
        ("news.example", (), ["93.184.216.34", "10.0.0.1"], True),
        ("news.example", (), [], True),
        ("rebound.example", (), ["127.0.0.1"], False),
        ("rebound.example", (), ["10.0.0.1", "::1"], False),
        ("rebound.example", ("10.0.0.0/8",), ["10.0.0.1", "::1"], True),
        ("rebound.example", ("rebound.example:443",), ["127.0.0.1"], True),
        ("rebound.example", ("rebound.example:444",), ["127.0.0.1"], False),
        # the proxy may know another of that name
        ("nas.local", (), ["93.184.216.34"], False),
        ("nas.local", ("10.0.0.0/8",), ["10.0.0.1"], True),
        ("nas.local", ("10.0.0.0/8",), ["10.0.0.1", "93.184.216.34"], False),
        ("nas.local", ("10.0.0.0/8",), [], False),
        ("nas.local", ("nas.local:443",), [], True),
        ("93.184.216.34.", (), [], True),
    ],
)
def test_a_name_that_is_known_here_is_checked_before_a_proxy_hears_of_it(
    host: str, listed: tuple[str, ...], found: list[str], passes: bool
) -> None:
    async def scenario() -> None:
        with ThreadPoolExecutor(1) as threads:
            network = GuardedNetwork(Allowed(listed, ()), threads, lambda _: found)
            if passes:
                await network.check_unconnected(host, 443)
                return
            with pytest.raises(FetchError) as caught:
                await network.check_unconnected(host, 443)
            assert caught.value.kind == "blocked_address"

    asyncio.run(scenario())
