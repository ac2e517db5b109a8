"""What bodies take of the memory: it counts until nobody has them, and is given back always."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from aggregator.errors import FetchError
from aggregator.fetch.bodies import LARGE, SMALL, UNREAD, Bodies
from aggregator.fetch.limits import CRUMB, CRUMBS, Limits, Watch

MOST = 25_000_000
PART = b"x" * 65_536


class Parts(httpx.AsyncByteStream):
    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


async def read(bodies: Bodies, size: int, cut_at: int = 0) -> bytes:
    parts = [PART] * (size // len(PART)) + [b"x" * (size % len(PART))]
    return await read_parts(bodies, parts, cut_at)


async def read_parts(bodies: Bodies, parts: Sequence[bytes], cut_at: int = 0) -> bytes:
    watch = Watch(Limits.within(30), 30, MOST)
    async with watch.watching("here"):
        return await bodies.read(httpx.Response(200, stream=Parts(parts)), watch, cut_at)


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
