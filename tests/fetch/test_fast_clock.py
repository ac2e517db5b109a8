"""A clock that runs fast, as under libfaketime: limits still leave servers the time to answer."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.core.model import Retrieved
from aggregator.errors import FetchError
from aggregator.fetch.names import Names
from tests.fast_clock import SPEED, run_fast
from tests.fetch.asking import HERE, NOTHING, fetching
from tests.loopback import Answer, Loopback, answer

PATIENT = replace(HERE, timeout=timedelta(seconds=30))
"""An eighth of a real second."""


async def after_half_a_second(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.5 * SPEED)
    writer.write(answer(b"x"))
    await writer.drain()


async def never(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60 * SPEED)


async def in_drops(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    for _ in range(500):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02 * SPEED)


def test_an_answer_after_half_a_real_second_is_waited_for() -> None:
    async def scenario() -> object:
        async with Loopback({"/feed": after_half_a_second}) as site, fetching(PATIENT) as fetcher:
            return await fetcher.feed(f"{site.origin}/feed", NOTHING)

    assert isinstance(run_fast(scenario()), Retrieved)


@pytest.mark.parametrize("given", [never, in_drops])
def test_an_answer_that_does_not_come_ends_all_the_same(given: Answer) -> None:
    async def scenario() -> None:
        async with Loopback({"/feed": given}) as site, fetching(PATIENT) as fetcher:
            await fetcher.feed(f"{site.origin}/feed", NOTHING)

    began = time.monotonic()
    with pytest.raises(FetchError) as caught:
        run_fast(scenario())
    assert caught.value.kind == "timeout"
    assert time.monotonic() - began < 8


def test_a_name_server_that_takes_half_a_real_second_is_waited_for() -> None:
    def resolve(host: str) -> list[str]:
        time.sleep(0.5)
        return ["192.0.2.1"]

    async def scenario() -> tuple[str, ...]:
        with ThreadPoolExecutor(1) as threads:
            return await Names(threads, resolve).addresses("news.test")

    assert run_fast(scenario()) == ("192.0.2.1",)
