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
from aggregator.fetch.limits import Limits, Watch
from aggregator.fetch.names import (
    DOUBTFUL_AT_ONCE,
    MAX_ADDRESSES,
    MAX_NAMES,
    Names,
    system_addresses,
)


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

    async def has_been_asked(self, times: int) -> None:
        """Threads may take a while to begin on a busy machine."""
        async with asyncio.timeout(5):
            while len(self.asked) < times:  # noqa: ASYNC110 - they are no tasks
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def names(
        self, longest_wait: float = 10, threads: int = 2, turn_within: float = 10
    ) -> AsyncIterator[Names]:
        with ThreadPoolExecutor(threads) as pool:
            try:
                yield Names(pool, self.resolve, lambda: self.now, longest_wait, turn_within)
            finally:
                self.answering.set()


def run(scenario: Callable[[Server], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario(Server())

    asyncio.run(bounded())


async def failure(names: Names, host: str, *kinds: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await names.addresses(host)
    assert caught.value.kind in (kinds or ("dns",))
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
        async with server.names(longest_wait=0.2, threads=2, turn_within=0.4) as names:
            hosts = [f"dead{n}.example" for n in range(6)]
            asked = (failure(names, host, "dns", "busy") for host in hosts)
            errors = await asyncio.gather(*asked)
            assert [error.kind for error in errors] == ["dns"] * 2 + ["busy"] * 4
            assert all("within" in str(error) for error in errors[:2])
            # which is the fault of none of those, and nothing to be remembered of them
            assert all(error.retry_after for error in errors[2:])
            # those that had no turn are not looked up later for nobody
            server.answering.set()
            assert await names.addresses("alive.example")
            assert len(server.asked) == 3
            assert await names.addresses("dead5.example")

    run(scenario)


def test_a_look_up_has_its_time_from_when_its_thread_begins() -> None:
    async def scenario(server: Server) -> None:
        def resolve(host: str) -> list[str]:
            server.asked.append(host)
            threading.Event().wait(0.1)
            return ["93.184.216.34"]

        with ThreadPoolExecutor(1) as pool:
            names = Names(pool, resolve, longest_wait=0.25)
            await asyncio.gather(*(names.addresses(f"a{n}.example") for n in range(8)))
        assert len(server.asked) == 8

    run(scenario)


def test_a_request_does_not_lose_the_time_it_waits_for_a_thread() -> None:
    async def scenario(server: Server) -> None:
        server.answering.clear()
        async with server.names(threads=1) as names:
            before = asyncio.create_task(names.addresses("a.example"))
            await asyncio.sleep(0.02)
            asyncio.get_running_loop().call_later(0.5, server.answering.set)
            async with Watch(Limits.within(0.3), 0.3, 1).watching("a request"):
                assert await names.addresses("b.example")
            assert await before

    run(scenario)


def test_names_that_were_not_answered_leave_most_threads_to_the_others() -> None:
    async def scenario(server: Server) -> None:
        dead = [f"dead{n}.example" for n in range(DOUBTFUL_AT_ONCE + 4)]
        server.answering.clear()
        async with server.names(1.5, DOUBTFUL_AT_ONCE + 4, turn_within=5) as names:
            await asyncio.gather(*(failure(names, host) for host in dead))
            assert len(server.asked) == len(dead)
            server.answering.set()
            await asyncio.sleep(0.2)  # the threads are free again
            server.asked.clear()
            server.answering.clear()
            server.now = 10
            again = [asyncio.create_task(names.addresses(host)) for host in dead]
            await server.has_been_asked(DOUBTFUL_AT_ONCE)
            good = asyncio.create_task(names.addresses("good.example"))
            await server.has_been_asked(DOUBTFUL_AT_ONCE + 1)
            assert server.asked[-1] == "good.example"
            server.answering.set()
            assert await good
            await asyncio.gather(*again, return_exceptions=True)

    run(scenario)


def test_a_name_that_is_answered_again_is_like_any_other() -> None:
    async def scenario(server: Server) -> None:
        dead = [f"dead{n}.example" for n in range(DOUBTFUL_AT_ONCE + 4)]
        server.answers = {host: socket.gaierror(socket.EAI_AGAIN, "later") for host in dead}
        async with server.names(threads=DOUBTFUL_AT_ONCE + 4) as names:
            await asyncio.gather(*(failure(names, host) for host in dead))
            server.answers.clear()
            for server.now in (10, 100):
                server.asked.clear()
                await asyncio.gather(*(names.addresses(host) for host in dead))
            server.now = 200
            server.asked.clear()
            server.answering.clear()
            asked = [asyncio.create_task(names.addresses(host)) for host in dead]
            await server.has_been_asked(len(dead))
            server.answering.set()
            await asyncio.gather(*asked)

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
