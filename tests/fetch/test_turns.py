"""A host's turn: how many at a time, how often, and when not at all."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.config import FetchSettings
from aggregator.core.model import Retrieved
from aggregator.errors import FetchError
from aggregator.fetch import Fetcher
from tests.fetch.asking import (
    HERE,
    NOTHING,
    PUBLIC_ONLY,
    SHORT,
    fetched,
    fetching,
    slowly,
)
from tests.loopback import Answer, Loopback, answer, redirect


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

    _, site = fetched(
        {f"/{n}": pause for n in range(6)},
        ask,
        replace(SHORT, per_host=1, timeout=timedelta(seconds=0.9)),
    )
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


# --- how often ---------------------------------------------------------------------------------

PACED = replace(HERE, pace=timedelta(seconds=0.1), per_host=8)
"""A tenth of the time there is in earnest."""


def times_of(count: int, config: FetchSettings, robots: bytes = b"") -> list[float]:
    """When each of so many requests, made at once, came."""
    came: list[float] = []

    async def note(writer: asyncio.StreamWriter) -> None:
        came.append(time.monotonic())
        writer.write(answer(b"x"))
        await writer.drain()

    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        if robots:
            await fetcher.page(f"{site.origin}/0")
            await asyncio.sleep(0.7)  # however long it was left in peace
            came.clear()
        await asyncio.gather(
            *(fetcher.feed(f"{site.origin}/{number}", NOTHING) for number in range(count))
        )

    answers: dict[str, bytes | Answer] = {f"/{number}": note for number in range(count)}
    fetched(answers | ({"/robots.txt": answer(robots)} if robots else {}), ask, config)
    return came


def test_after_two_requests_a_host_gets_one_in_each_while() -> None:
    came = times_of(7, PACED)
    assert came[1] - came[0] < 0.1
    assert came[-1] - came[0] >= 5 * 0.1 * 0.9


def test_without_a_pace_they_come_at_once() -> None:
    came = times_of(7, replace(PACED, pace=timedelta(0)))
    assert came[-1] - came[0] < 0.5


def test_a_crawl_delay_lengthens_it() -> None:
    came = times_of(3, PACED, b"User-agent: *\nCrawl-delay: 0.3\nAllow: /\n")
    assert came[-1] - came[0] >= 2 * 0.3 * 0.9


def test_a_crawl_delay_is_kept_from_robots_txt_on() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> float:
        began = time.monotonic()
        await fetcher.page(f"{site.origin}/page")
        return time.monotonic() - began

    robots = answer(b"User-agent: *\nCrawl-delay: 0.5\n")
    took, _ = fetched({"/robots.txt": robots, "/page": answer(b"x")}, ask, PACED)
    assert took >= 0.5 * 0.9


def test_redirects_and_robots_txt_count_as_well_whatever_the_port() -> None:
    async def scenario() -> None:
        async with Loopback({"/page": answer(b"x")}) as other:
            there = redirect(f"{other.origin}/page", "302 Found")
            async with Loopback({"/page": there}) as site, fetching(PACED) as fetcher:
                began = time.monotonic()
                await fetcher.page(f"{site.origin}/page")
            assert len(site.asked) + len(other.asked) == 4  # each has a robots.txt
            assert time.monotonic() - began >= 2 * 0.1 * 0.9

    asyncio.run(scenario())


def test_other_hosts_do_not_wait_for_a_paced_one() -> None:
    def site(host: str) -> Loopback:
        return Loopback({"/feed": answer(b"x")}, host=host)

    async def scenario() -> None:
        config = replace(HERE, pace=timedelta(seconds=60), concurrency=2)
        async with site("127.0.0.1") as one, site("127.0.0.2") as two, fetching(config) as fetcher:
            many = [
                asyncio.create_task(fetcher.feed(f"{one.origin}/feed", NOTHING)) for _ in range(10)
            ]
            await fetcher.feed(f"{two.origin}/feed", NOTHING)
            await asyncio.sleep(0.1)
            assert len(one.asked) == 2
            for task in many:
                task.cancel()
            await asyncio.gather(*many, return_exceptions=True)

    asyncio.run(scenario())


# --- hosts on hold -----------------------------------------------------------------------------

NOON = datetime(2021, 8, 20, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize("wait", ["600", "Fri, 20 Aug 2021 12:10:00 GMT"])
def test_a_host_that_asks_for_peace_gets_it_for_everything(status: str, wait: str) -> None:
    async def scenario() -> None:
        clock = Clock()
        answers = {"/feed": answer(status=status, retry_after=wait), "/page": answer(b"x")}
        async with Loopback(answers) as site:
            fetcher = Fetcher(HERE, "1.2", clock)
            with pytest.raises(FetchError) as caught:
                await fetcher.feed(f"{site.origin}/feed", NOTHING)
            assert (caught.value.kind, caught.value.retry_after) == ("http_status", 600)
            assert fetcher.held() == {"127.0.0.1": NOON + timedelta(minutes=10)}
            clock.now += timedelta(minutes=4)
            for ask in (
                fetcher.feed(f"{site.origin}/x", NOTHING),
                fetcher.page(f"{site.origin}/page"),
                fetcher.post(f"{site.origin}/hub", {}),
            ):
                with pytest.raises(FetchError) as caught:
                    await ask
                assert (caught.value.kind, caught.value.retry_after) == ("held", 360)
            assert site.targets == ["/feed"]
            clock.now += timedelta(minutes=6)
            assert fetcher.held() == {}
            await fetcher.page(f"{site.origin}/page")
            await fetcher.close()

    asyncio.run(scenario())


def test_those_that_wait_for_their_turn_meanwhile_are_not_sent_either() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> list[str]:
        asked = (fetcher.feed(f"{site.origin}/{number}", NOTHING) for number in range(5))
        failures = await asyncio.gather(*asked, return_exceptions=True)
        return [failure.kind for failure in failures if isinstance(failure, FetchError)]

    enough = answer(status="429 Too Many Requests", retry_after="600")
    config = replace(PACED, pace=timedelta(seconds=0.5))
    kinds, site = fetched({f"/{number}": enough for number in range(5)}, ask, config)
    assert kinds == ["http_status"] * 2 + ["held"] * 3
    assert len(site.asked) == 2


def test_other_failures_hold_no_host_but_say_how_long() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> float | None:
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(f"{site.origin}/feed", NOTHING)
        assert fetcher.held() == {}
        return caught.value.retry_after

    assert fetched({"/feed": answer(status="404 Not Found", retry_after="60")}, ask)[0] == 60
    assert fetched({"/feed": answer(status="429 Too Many Requests")}, ask)[0] is None


def test_a_hold_is_never_longer_than_31_days_nor_ended_by_a_shorter_one() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> float | None:
        with pytest.raises(FetchError) as caught:
            await fetcher.feed(f"{site.origin}/feed", NOTHING)
        until = fetcher.held()["127.0.0.1"]
        fetcher.hold("127.0.0.1", until - timedelta(days=1))
        assert fetcher.held()["127.0.0.1"] == until
        return caught.value.retry_after

    forever = answer(status="503 Service Unavailable", retry_after="9" * 400)
    assert fetched({"/feed": forever}, ask)[0] == timedelta(days=31).total_seconds()


def test_a_hold_that_was_kept_is_taken_up_again() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> str:
        fetcher.hold("NEWS.example.", datetime.now(UTC) + timedelta(hours=1))
        with pytest.raises(FetchError) as caught:
            await fetcher.feed("http://news.example/feed", NOTHING)
        return caught.value.kind

    assert fetched({}, ask)[0] == "held"


def test_a_redirect_to_a_host_on_hold_is_not_followed() -> None:
    async def scenario() -> None:
        async with Loopback({"/feed": answer(b"x")}, host="127.0.0.2") as held:
            answers = {"/feed": redirect(f"{held.origin}/feed")}
            async with Loopback(answers) as site, fetching() as fetcher:
                fetcher.hold("127.0.0.2", datetime.now(UTC) + timedelta(hours=1))
                with pytest.raises(FetchError) as caught:
                    await fetcher.feed(f"{site.origin}/feed", NOTHING)
            assert caught.value.kind == "held"
            assert held.asked == []

    asyncio.run(scenario())


# --- robots.txt --------------------------------------------------------------------------------


def test_a_page_that_robots_txt_forbids_is_not_asked_for_and_a_feed_is() -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        with pytest.raises(FetchError) as caught:
            await fetcher.page(f"{site.origin}/no/page")
        assert caught.value.kind == "robots"
        assert "/no/page" in caught.value.where
        with pytest.raises(FetchError, match="robots"):
            await fetcher.page(f"{site.origin}/moved")
        await fetcher.feed(f"{site.origin}/no/feed", NOTHING)

    _, site = fetched(
        {
            "/robots.txt": answer(b"User-agent: aggregator\nDisallow: /no/\n"),
            "/no/page": answer(b"x"),
            "/no/feed": answer(b"x"),
            "/moved": redirect("/no/page"),
        },
        ask,
    )
    assert site.targets == ["/robots.txt", "/moved", "/no/feed"]


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        (answer(status="404 Not Found"), True),
        (answer(b""), True),
        (redirect("/robots.txt"), True),
        (answer(status="503 Service Unavailable"), False),
        (b"garbage\r\n\r\n", False),
        (answer(b"User-agent: *\nDisallow: /\n" + b"#" * 2_000_000), False),
        (answer(b"#" * 2_000_000 + b"\nUser-agent: *\nDisallow: /\n"), True),
    ],
    ids=["none", "empty", "circle", "503", "garbage", "long", "late"],
)
def test_whatever_robots_txt_is_a_page_is_asked_for_or_not(robots: bytes, allowed: bool) -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> None:
        for _ in range(2):
            if allowed:
                await fetcher.page(f"{site.origin}/page")
            else:
                with pytest.raises(FetchError, match=r"robots\.txt"):
                    await fetcher.page(f"{site.origin}/page")

    _, site = fetched({"/robots.txt": robots, "/page": answer(b"x")}, ask)
    assert site.targets == ["/robots.txt", *["/page"] * (2 if allowed else 0)]


@pytest.mark.parametrize("given", [b"", slowly(b"", every=60)], ids=["hang-up", "silence"])
def test_why_robots_txt_could_not_be_had_is_what_is_told_of_the_page(given: bytes | Answer) -> None:
    async def ask(fetcher: Fetcher, site: Loopback) -> str:
        with pytest.raises(FetchError, match=r"robots\.txt could not be had") as caught:
            await fetcher.page(f"{site.origin}/page")
        return caught.value.kind

    kind, site = fetched({"/robots.txt": given, "/page": answer(b"x")}, ask, SHORT)
    assert kind == ("timeout" if given else "protocol")
    assert "/page" not in site.targets


def test_a_site_that_is_not_reached_at_all_is_not_said_to_forbid_anything() -> None:
    async def kind_of(url: str, config: FetchSettings) -> str:
        async with fetching(config) as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.page(url)
            return caught.value.kind

    assert asyncio.run(kind_of("http://127.0.0.1:9/page", HERE)) == "connect"
    assert asyncio.run(kind_of("http://127.0.0.1:9/page", PUBLIC_ONLY)) == "blocked_address"
    assert asyncio.run(kind_of("http://nowhere.invalid/page", HERE)) == "dns"


# --- a reload ----------------------------------------------------------------------------------


@pytest.mark.parametrize("per_host", [HERE.per_host, HERE.per_host + 1])
def test_a_client_that_takes_anothers_place_knows_who_wants_peace_and_what_is_forbidden(
    per_host: int,
) -> None:
    async def ask(old: Fetcher, site: Loopback) -> None:
        await old.page(f"{site.origin}/page")
        with pytest.raises(FetchError, match="429"):
            await old.feed(f"http://localhost:{site.port}/busy", NOTHING)
        async with fetching(replace(HERE, per_host=per_host)) as new:
            new.take_over(old)
            await new.page(f"{site.origin}/page")
            with pytest.raises(FetchError) as caught:
                await new.feed(f"http://localhost:{site.port}/page", NOTHING)
            assert caught.value.kind == "held"

    busy = answer(status="429 Too Many Requests", retry_after="100")
    _, site = fetched({"/page": answer(b"x"), "/busy": busy}, ask)
    assert site.targets == ["/robots.txt", "/page", "/busy", "/page"]
