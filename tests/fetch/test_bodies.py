"""What bodies take of the memory: it counts until nobody has them, and is given back always."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence

import httpx
import pytest

from aggregator.errors import FetchError
from aggregator.fetch.bodies import LARGE, LARGE_AT_ONCE, SMALL, UNREAD, Bodies
from aggregator.fetch.limits import CRUMB, CRUMBS, Limits, Watch
from tests.fast_clock import SPEED, run_fast

MOST = 25_000_000
PART = b"x" * 65_536


class Parts(httpx.AsyncByteStream):
    def __init__(self, parts: Sequence[bytes], every: float = 0.0) -> None:
        self._parts = parts
        self._every = every

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
            if self._every:
                await asyncio.sleep(self._every)


async def read(bodies: Bodies, size: int, cut_at: int = 0) -> bytes:
    parts = [PART] * (size // len(PART)) + [b"x" * (size % len(PART))]
    return await read_parts(bodies, parts, cut_at)


async def read_parts(
    bodies: Bodies, parts: Sequence[bytes], cut_at: int = 0, every: float = 0.0
) -> bytes:
    watch = Watch(Limits.within(30), 30, MOST)
    async with watch.watching("here"):
        return await bodies.read(httpx.Response(200, stream=Parts(parts, every)), watch, cut_at)


async def failure(reading: Awaitable[bytes]) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await reading
    return caught.value


@pytest.mark.parametrize("size", [SMALL + 1, LARGE, LARGE + 1, 5 * LARGE])
def test_a_body_counts_until_nobody_has_it(size: int) -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST)
        body = await read(bodies, size)
        assert (len(body), bodies.held) == (size, size)
        other = body
        del body
        await asyncio.sleep(0)
        assert bodies.held == size
        del other
        await asyncio.sleep(0)
        assert bodies.held == 0

    asyncio.run(scenario())


def test_a_small_body_and_the_beginning_of_a_large_one_do_not_count() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST)
        small, begun = await read(bodies, SMALL), await read(bodies, 5 * LARGE, cut_at=500)
        assert (len(small), len(begun), bodies.held) == (SMALL, 500, 0)

    asyncio.run(scenario())


def test_what_failed_is_let_go_although_its_error_is_kept() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST)
        with pytest.raises(FetchError) as caught:
            await read(bodies, MOST + 1)
        assert (caught.value.kind, bodies.held) == ("too_large", 0)
        assert len(await read(bodies, 5 * LARGE)) == 5 * LARGE  # its permit as well

    asyncio.run(scenario())


def test_no_body_becomes_large_while_larger_ones_wait_for_who_reads_them() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST)
        unread = await read(bodies, UNREAD + 1)
        waiting = asyncio.create_task(read(bodies, 5 * LARGE))
        beside = await read(bodies, LARGE)
        await asyncio.sleep(0.3)  # which is ample for one that does not wait
        assert not waiting.done()
        assert bodies.held <= UNREAD + 1 + 2 * LARGE + len(PART)
        del unread
        assert len(await waiting) == 5 * LARGE
        assert len(beside) == LARGE

    asyncio.run(scenario())


def test_it_travels_to_another_process_as_plain_bytes() -> None:
    async def scenario() -> None:
        body = await read(Bodies(MOST), 2 * LARGE)
        arrived = pickle.loads(pickle.dumps(body))
        assert (type(arrived), arrived == body) == (bytes, True)

    asyncio.run(scenario())


def test_others_have_their_turn_while_a_body_is_there_as_a_whole() -> None:
    """A stream that never waits would keep the event loop until its end."""

    async def scenario() -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        await read_parts(Bodies(MOST), [b"x" * CRUMB] * 150_000)
        counting.cancel()
        return turns

    assert asyncio.run(scenario()) >= 3


def test_an_answer_in_crumbs_is_ended_and_one_in_small_parts_is_not() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST)
        with pytest.raises(FetchError, match="crumbs, 1 bytes each") as caught:
            await read_parts(bodies, [b"x"] * 100_000)
        assert (caught.value.kind, bodies.held) == ("too_large", 0)
        assert len(await read_parts(bodies, [b"x"] * CRUMBS)) == CRUMBS
        assert len(await read_parts(bodies, [b"x" * CRUMB] * 2 * CRUMBS)) == 2 * CRUMB * CRUMBS

    asyncio.run(scenario())


# --- a place that others wait for --------------------------------------------------------------


def dripping(bodies: Bodies) -> Coroutine[None, None, bytes]:
    return read_parts(bodies, [b"x" * 2 * LARGE, *[b"x" * 1_000] * 200], every=0.05)


def test_large_bodies_that_only_drip_lose_their_places_to_those_who_wait() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST, rated_over=0.3)
        bad = [asyncio.create_task(failure(dripping(bodies))) for _ in range(3 * LARGE_AT_ONCE)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            assert len(await read(bodies, 2 * LARGE)) == 2 * LARGE
        await asyncio.gather(*(read(bodies, 2 * LARGE) for _ in range(5)))
        errors = await asyncio.gather(*bad[: 2 * LARGE_AT_ONCE])
        assert {error.kind for error in errors} == {"timeout"}
        assert all("slower than 100 kB/s" in str(error) for error in errors)
        for task in bad:
            task.cancel()
        await asyncio.gather(*bad, return_exceptions=True)

    asyncio.run(scenario())


def test_a_slow_body_that_nobody_waits_for_is_read_to_its_end() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST, rated_over=0.1)
        parts = [b"x" * 2 * LARGE, *[b"x" * 1_000] * 10]
        assert len(await read_parts(bodies, parts, every=0.05)) == 2 * LARGE + 10_000

    asyncio.run(scenario())


def quick(bodies: Bodies, every: float) -> Coroutine[None, None, bytes]:
    return read_parts(bodies, [b"x" * LARGE, *[b"x" * 40_000] * 20], every=every)


def test_a_body_that_comes_quickly_keeps_its_place_whoever_waits() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST, rated_over=0.2)
        got = await asyncio.gather(*(quick(bodies, every=0.05) for _ in range(2 * LARGE_AT_ONCE)))
        assert {len(body) for body in got} == {LARGE + 800_000}

    asyncio.run(scenario())


def test_how_quickly_it_comes_goes_by_real_time() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST)
        waiting = (quick(bodies, every=0.02 * SPEED) for _ in range(LARGE_AT_ONCE + 1))
        assert {len(body) for body in await asyncio.gather(*waiting)} == {LARGE + 800_000}

    run_fast(scenario())


def test_to_find_no_place_in_time_is_not_the_feeds_fault() -> None:
    async def scenario() -> None:
        bodies = Bodies(MOST, longest_wait=0.2)
        before = [asyncio.create_task(dripping(bodies)) for _ in range(LARGE_AT_ONCE)]
        await asyncio.sleep(0.05)
        error = await failure(read(bodies, 2 * LARGE))
        assert error.kind == "busy"
        assert error.retry_after
        for task in before:
            task.cancel()
        await asyncio.gather(*before, return_exceptions=True)
        assert len(await read(bodies, 2 * LARGE)) == 2 * LARGE

    asyncio.run(scenario())
