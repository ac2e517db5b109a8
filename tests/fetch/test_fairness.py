"""Slow and large answers do not stand in the way of others, nor fill the memory."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from traceback import walk_tb

import pytest

from aggregator.core.model import Retrieved
from aggregator.errors import FetchError
from aggregator.fetch.bodies import LARGE, LARGE_AT_ONCE
from aggregator.fetch.lanes import AT_MOST, MOMENT, Lanes
from tests.fetch.asking import HERE, NOTHING, failure_of, fetching
from tests.loopback import Answer, Loopback, answer


def test_fast_hosts_are_answered_while_slow_ones_still_wait() -> None:
    go = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(answer(b"slow"))
        await writer.drain()

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            answers: dict[str, bytes | Answer] = {"/slow": slow, "/fast": answer(b"fast")}
            sites = [
                await stack.enter_async_context(Loopback(answers, host=f"127.0.0.{number}"))
                for number in range(2, 62)
            ]
            config = replace(HERE, concurrency=20, timeout=4 * HERE.timeout)
            fetcher = await stack.enter_async_context(fetching(config))

            def ask(path: str) -> list[asyncio.Task[object]]:
                return [
                    asyncio.ensure_future(fetcher.feed(f"{site.origin}{path}", NOTHING))
                    for site in sites
                ]

            slow_ones = ask("/slow")
            fast_ones = ask("/fast")
            await asyncio.gather(*fast_ones)
            assert not any(task.done() for task in slow_ones)
            assert fetcher.room() == AT_MOST - 60
            go.set()
            await asyncio.gather(*slow_ones)

    asyncio.run(scenario())


def test_a_host_that_was_slow_begins_in_the_slow_lane() -> None:
    async def scenario() -> None:
        lanes = Lanes(1)
        async with lanes.lane("slow"):
            await asyncio.sleep(1.1)
        async with lanes.lane("fast"), asyncio.timeout(MOMENT / 2), lanes.lane("slow"):
            pass
        # this time it was quick, so that it is like others again
        async with lanes.lane("fast"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(MOMENT / 2), lanes.lane("slow"):
                    pass

    asyncio.run(scenario())


def test_there_is_an_end_to_what_is_in_flight() -> None:
    async def scenario() -> None:
        lanes = Lanes(10_000)
        inside = 0

        async def take() -> None:
            nonlocal inside
            async with lanes.lane("host"):
                inside += 1
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(take()) for _ in range(AT_MOST + 50)]
        await asyncio.sleep(0.6)
        assert inside == AT_MOST
        assert lanes.room() == 0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert lanes.room() == AT_MOST

    asyncio.run(scenario())


def test_only_a_few_answers_may_be_large_at_once() -> None:
    sent = [0] * 12
    part = b"x" * 65_536

    async def scenario() -> list[FetchError]:
        async with AsyncExitStack() as stack:

            def endless(number: int) -> Loopback:
                async def write(writer: asyncio.StreamWriter) -> None:
                    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    while True:
                        writer.write(part)
                        await writer.drain()
                        sent[number] += len(part)
                        if number < LARGE_AT_ONCE and sent[number] > 4 * LARGE:
                            await holding.wait()

                return Loopback({"/feed": write}, host=f"127.0.0.{number + 2}")

            holding = asyncio.Event()
            sites = [await stack.enter_async_context(endless(number)) for number in range(12)]
            fetcher = await stack.enter_async_context(fetching(HERE))
            first, rest = sites[:LARGE_AT_ONCE], sites[LARGE_AT_ONCE:]
            tasks = [asyncio.create_task(fetcher.feed(f"{s.origin}/feed", NOTHING)) for s in first]
            await asyncio.sleep(0.5)
            tasks += [asyncio.create_task(fetcher.feed(f"{s.origin}/feed", NOTHING)) for s in rest]
            await asyncio.sleep(0.5)
            # what is beyond a megabyte is in the buffers of the system
            before = list(sent)
            assert all(count > 2 * LARGE for count in before[:LARGE_AT_ONCE])
            await asyncio.sleep(0.2)
            assert sent == before  # the others wait as well, though nobody reads slowly
            small = await stack.enter_async_context(Loopback({"/feed": answer(b"x" * LARGE)}))
            got = await fetcher.feed(f"{small.origin}/feed", NOTHING)
            assert isinstance(got, Retrieved)
            assert len(got.body) == LARGE
            holding.set()
            failures = await asyncio.gather(*tasks, return_exceptions=True)
            return [failure for failure in failures if isinstance(failure, FetchError)]

    failures = asyncio.run(scenario())
    assert [failure.kind for failure in failures] == ["too_large"] * 12


def test_waiting_for_room_in_memory_is_not_the_servers_delay() -> None:
    """The last may stop for a second, and waits longer for the others to come to their end."""
    big = LARGE + 200_000

    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * big)
        for _ in range(15):
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.write(b"x")

    async def scenario() -> None:
        answers: dict[str, bytes | Answer] = {f"/{n}": slowly for n in range(LARGE_AT_ONCE)}
        answers["/last"] = answer(b"x" * big)
        config = replace(HERE, per_host=9, timeout=timedelta(seconds=3))
        async with Loopback(answers) as site, fetching(config) as fetcher:
            tasks = [
                asyncio.create_task(fetcher.feed(site.origin + path, NOTHING)) for path in answers
            ]
            for task in tasks:
                got = await task
                assert isinstance(got, Retrieved)
                assert len(got.body) >= big

    asyncio.run(scenario())


def test_what_is_declared_as_too_large_is_not_begun() -> None:
    async def scenario() -> FetchError:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"

        async def write(writer: asyncio.StreamWriter) -> None:
            writer.write(head)
            await writer.drain()
            await asyncio.sleep(60)

        async with Loopback({"/feed": write}) as site, fetching() as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.feed(f"{site.origin}/feed", NOTHING)
            return caught.value

    assert asyncio.run(scenario()).kind == "too_large"


def test_a_failure_keeps_no_more_than_a_part_of_what_came() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    error: BaseException | None = failure_of(endless)
    kept = 0
    while error is not None:
        for frame, _ in walk_tb(error.__traceback__):
            there = frame.f_locals.values()
            kept += sum(len(value) for value in there if isinstance(value, (bytes, bytearray)))
        error = error.__cause__
    assert kept < 1_000_000
