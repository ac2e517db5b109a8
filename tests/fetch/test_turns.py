"""A host's turn: how many at a time, how often, and when not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aggregator.core.model import Retrieved
from aggregator.fetch import Fetcher
from tests.fetch.asking import (
    HERE,
    NOTHING,
    SHORT,
    fetched,
    fetching,
    slowly,
)
from tests.loopback import Loopback, answer, redirect


def test_a_host_is_asked_only_so_often_at_once() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await asyncio.gather(*(fetcher.page(f"{site.origin}/{n}") for n in range(12)))

    async def pause(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(answer(b"x"))
        await writer.drain()

    _, site = fetched({f"/{n}": pause for n in range(12)}, ask, replace(HERE, per_host=3))
    assert len(site.targets) == 13  # and robots.txt
    assert site.at_once == 3


def test_a_host_that_many_are_redirected_to_is_asked_only_so_often_at_once() -> None:
    async def pause(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(answer(b"x"))
        await writer.drain()

    async def scenario() -> None:
        async with Loopback({"/feed": pause}) as main:
            to_main = redirect("http://main.example/feed", "302 Found")
            async with Loopback({"/feed": to_main}) as mirrors:
                names = [f"mirror{n}.example" for n in range(8)]
                resolve = dict.fromkeys(names, mirrors.origin) | {"main.example": main.origin}
                async with fetching(replace(HERE, per_host=2, resolve=resolve)) as fetcher:
                    await asyncio.gather(
                        *(fetcher.feed(f"http://{name}/feed", NOTHING) for name in names)
                    )
            assert len(main.asked) == 8
            assert main.at_once == 2

    asyncio.run(scenario())


def test_waiting_for_a_turn_does_not_count_as_the_servers_delay() -> None:
    async def pause(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(answer(b"x"))
        await writer.drain()

    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        await asyncio.gather(*(fetcher.page(f"{site.origin}/{n}") for n in range(6)))

    _, site = fetched({f"/{n}": pause for n in range(6)}, ask, replace(SHORT, per_host=1))
    assert len(site.targets) == 7  # and robots.txt


def test_a_cancelled_request_gives_its_turn_back() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> Retrieved:
        hanging = [asyncio.create_task(fetcher.page(f"{site.origin}/hang")) for _ in range(5)]
        await asyncio.sleep(0.1)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return await fetcher.page(f"{site.origin}/page")

    config = replace(HERE, per_host=2, concurrency=2)
    got, _ = fetched({"/hang": slowly(b"", every=60), "/page": answer(b"x")}, ask, config)
    assert got.body == b"x"
