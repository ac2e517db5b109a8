"""Names looked up once for all, kept for a while, and never waited for too long."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from aggregator.errors import FetchError
from aggregator.fetch.names import MAX_ADDRESSES, MAX_NAMES, Names, system_addresses


class Server:
    """What knows the names; it can be held back, and the clock stands where it is put."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, list[str] | Exception] = {}
        self.answering = threading.Event()
        self.answering.set()
        self.now = 0.0

    def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        self.answering.wait(10)
        given = self.answers.get(host, ["93.184.216.34"])
        if isinstance(given, Exception):
            raise given
        return given

    @asynccontextmanager
    async def names(self, longest_wait: float = 10, threads: int = 2) -> AsyncIterator[Names]:
        with ThreadPoolExecutor(threads) as pool:
            yield Names(pool, self.resolve, lambda: self.now, longest_wait)
            self.answering.set()


def run(scenario: Callable[[Server], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario(Server())

    asyncio.run(bounded())


async def failure(names: Names, host: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await names.addresses(host)
    assert caught.value.kind == "dns"
    assert host in str(caught.value)
    return caught.value


def test_what_was_found_is_kept_for_a_minute() -> None:
    async def scenario(server: Server) -> None:
        async with server.names() as names:
            for server.now in (0, 59, 60, 119):
                assert await names.addresses("a.example") == ("93.184.216.34",)
            assert len(server.asked) == 2

    run(scenario)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "not known"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "name server does not answer"),
        (UnicodeError("label too long"), "not known"),
        (OSError("no network"), "not known"),
    ],
)
def test_a_failure_is_kept_for_ten_seconds(error: Exception, told: str) -> None:
    async def scenario(server: Server) -> None:
        server.answers["a.example"] = error
        async with server.names() as names:
            for server.now in (0, 9):
                assert told in str(await failure(names, "a.example"))
            assert len(server.asked) == 1
            server.now = 10
            server.answers.clear()
            assert await names.addresses("a.example")

    run(scenario)


def test_those_who_ask_at_once_cause_one_look_up() -> None:
    async def scenario(server: Server) -> None:
        async with server.names() as names:
            await asyncio.gather(*(names.addresses("a.example") for _ in range(50)))
            assert len(server.asked) == 1

    run(scenario)


def test_when_the_first_who_asked_is_cancelled_the_others_get_their_answer() -> None:
    async def scenario(server: Server) -> None:
        server.answering.clear()
        async with server.names() as names:
            first = asyncio.create_task(names.addresses("a.example"))
            second = asyncio.create_task(names.addresses("a.example"))
            await asyncio.sleep(0.02)
            first.cancel()
            await asyncio.sleep(0.02)
            server.answering.set()
            assert await second == ("93.184.216.34",)
            assert len(server.asked) == 1

    run(scenario)


def test_a_dead_name_server_is_not_waited_for_too_long_even_when_it_fills_the_threads() -> None:
    async def scenario(server: Server) -> None:
        server.answering.clear()
        async with server.names(longest_wait=0.2, threads=2) as names:
            hosts = [f"dead{n}.example" for n in range(6)]
            errors = await asyncio.gather(*(failure(names, host) for host in hosts))
            assert all("within" in str(error) for error in errors)
            # those that had no turn are not looked up later for nobody
            server.answering.set()
            server.now = 10
            assert await names.addresses("alive.example")
            assert len(server.asked) == 3

    run(scenario)


def test_a_look_up_called_off_by_the_end_of_its_threads_is_a_failure() -> None:
    async def scenario(server: Server) -> None:
        server.answering.clear()
        with ThreadPoolExecutor(1) as pool:
            names = Names(pool, server.resolve, lambda: server.now)
            running = asyncio.create_task(names.addresses("a.example"))
            queued = asyncio.create_task(failure(names, "b.example"))
            await asyncio.sleep(0.02)
            pool.shutdown(wait=False, cancel_futures=True)
            assert "called off" in str(await queued)
            server.answering.set()
            assert await running

    run(scenario)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "93.184.216.34", "fe80::1%2"])
def test_an_address_is_not_looked_up(address: str) -> None:
    async def scenario(server: Server) -> None:
        async with server.names() as names:
            assert await names.addresses(address) == (address,)
        assert server.asked == []

    run(scenario)


def test_a_name_without_addresses_is_unknown() -> None:
    async def scenario(server: Server) -> None:
        server.answers["a.example"] = []
        async with server.names() as names:
            await failure(names, "a.example")

    run(scenario)


def test_only_so_many_names_and_addresses_are_kept() -> None:
    async def scenario(server: Server) -> None:
        server.answers["many.example"] = [f"93.184.{n // 256}.{n % 256}" for n in range(1000)]
        async with server.names() as names:
            assert len(await names.addresses("many.example")) == MAX_ADDRESSES
            for n in range(MAX_NAMES):
                await names.addresses(f"a{n}.example")
            await names.addresses("a0.example")
            assert len(server.asked) == MAX_NAMES + 1
            await names.addresses("many.example")
            assert len(server.asked) == MAX_NAMES + 2
            server.now = 60
            await names.addresses("a2.example")  # now the newest
            for n in range(MAX_NAMES - 1):
                await names.addresses(f"b{n}.example")
            server.asked.clear()
            await names.addresses("a2.example")
            assert server.asked == []

    run(scenario)


def test_the_system_knows_its_own_names() -> None:
    assert {"127.0.0.1", "::1"} & set(system_addresses("localhost"))
    assert system_addresses("127.1") == ["127.0.0.1"]
    with pytest.raises(OSError, match=r"."):
        system_addresses("no-such-host.invalid")
