"""Connections that are kept: for the next request, not for ever, and those that are used."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from aggregator.fetch.kept import KEPT_ALIVE, KEPT_FOR
from tests.fast_clock import SPEED, run_fast
from tests.fetch.asking import HERE, NOTHING, fetching
from tests.loopback import Loopback, answer

FEED = answer(b"x")


async def connections_after(seconds: float) -> int:
    """How many two requests take, so many seconds of the loop's clock apart."""
    async with Loopback({"/feed": FEED}) as site, fetching() as fetcher:
        await fetcher.feed(f"{site.origin}/feed", NOTHING)
        await asyncio.sleep(seconds)
        await fetcher.feed(f"{site.origin}/feed", NOTHING)
        return site.connections


def test_on_a_fast_clock_a_connection_is_still_there_after_half_a_real_second() -> None:
    seconds = 0.5 * SPEED
    assert seconds > KEPT_FOR
    assert run_fast(connections_after(seconds)) == 1


def test_a_connection_that_nobody_uses_for_long_is_not_used_again() -> None:
    assert run_fast(connections_after(2.2 * SPEED)) == 2


def test_one_that_is_used_now_and_then_stays() -> None:
    async def scenario() -> int:
        async with Loopback({"/feed": FEED}) as site, fetching() as fetcher:
            for _ in range(4):
                await fetcher.feed(f"{site.origin}/feed", NOTHING)
                await asyncio.sleep(0.8 * SPEED)
            return site.connections

    assert run_fast(scenario()) == 1


@pytest.mark.parametrize("others", [KEPT_ALIVE // 2, 2 * KEPT_ALIVE])
def test_a_host_that_is_asked_again_and_again_keeps_its_connection(others: int) -> None:
    async def scenario() -> tuple[int, int]:
        async with AsyncExitStack() as stack, fetching(HERE) as fetcher:
            busy, *quiet = [
                await stack.enter_async_context(Loopback({"/feed": FEED}))
                for _ in range(1 + others)
            ]
            await fetcher.feed(f"{busy.origin}/feed", NOTHING)
            for site in quiet:
                await fetcher.feed(f"{site.origin}/feed", NOTHING)
                await fetcher.feed(f"{busy.origin}/feed", NOTHING)
            await fetcher.feed(f"{quiet[0].origin}/feed", NOTHING)
            return busy.connections, quiet[0].connections

    of_busy, of_quiet = asyncio.run(scenario())
    assert of_busy == 1
    assert of_quiet == (2 if others > KEPT_ALIVE else 1)  # whose place another took


def test_connections_in_use_do_not_count_among_those_kept() -> None:
    """While as many as are kept wait for answers, a host is asked again and again."""

    async def scenario() -> int:
        begun, done = asyncio.Semaphore(0), asyncio.Event()

        async def when_done(writer: asyncio.StreamWriter) -> None:
            begun.release()
            await done.wait()
            writer.write(FEED)
            await writer.drain()

        many = replace(HERE, per_host=2 * KEPT_ALIVE)  # ports are no hosts of their own
        async with AsyncExitStack() as stack, fetching(many) as fetcher:
            slow = await stack.enter_async_context(Loopback({"/feed": when_done}))
            busy = await stack.enter_async_context(Loopback({"/feed": FEED}))
            asking = [
                asyncio.create_task(fetcher.feed(f"{slow.origin}/feed", NOTHING))
                for _ in range(KEPT_ALIVE)
            ]
            for _ in asking:
                await begun.acquire()
            for _ in range(3):
                await fetcher.feed(f"{busy.origin}/feed", NOTHING)
            done.set()
            await asyncio.gather(*asking)
            return busy.connections

    assert asyncio.run(scenario()) == 1
