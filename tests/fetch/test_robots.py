"""What robots.txt allows, when it is asked for, and what a bad one can do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.robots import RobotsKnown
from aggregator.errors import FetchError, StoreFull
from aggregator.fetch.robots import MAX_BYTES, MAX_ORIGINS, Robots, RobotsAnswer

T = TypeVar("T")

HOST = "http://news.example"


class Site:
    """Answers for /robots.txt, with a clock beside it that only stands where it is put."""

    def __init__(self, *answers: RobotsAnswer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.robots = Robots(self._get, "Aggregator", lambda: self.now)

    async def _get(self, url: str, ca_file: str) -> RobotsAnswer:
        self.asked.append(url)
        await asyncio.sleep(0)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        return given

    async def allows(self, path: str = "/a") -> bool:
        return await self.robots.allows(f"{HOST}{path}")


def rules(text: str | bytes) -> RobotsAnswer:
    return RobotsAnswer(200, text if isinstance(text, bytes) else text.encode())


def status(code: int) -> RobotsAnswer:
    return RobotsAnswer(code, b"User-agent: *\nDisallow: /\n")


def run(site: Site, ask: Callable[[Site], Awaitable[T]]) -> T:
    async def scenario() -> T:
        return await ask(site)

    return asyncio.run(scenario())


def allowed(robots: str | bytes, *paths: str) -> list[bool]:
    async def ask(site: Site) -> list[bool]:
        return [await site.allows(path) for path in paths]

    return run(Site(rules(robots)), ask)


# --- what a file allows ------------------------------------------------------------------------


def test_the_longest_rule_wins_and_of_two_as_long_the_one_that_allows() -> None:
    robots = """
        User-agent: *
        Disallow: /news/
        Allow: /news/world/
        Disallow: /same
        Allow: /same
    """
    paths = ("/", "/news/a", "/news/world/a", "/same", "/robots.txt")
    assert allowed(robots, *paths) == [True, False, True, True, True]


def test_stars_and_ends_are_understood() -> None:
    robots = "User-agent: *\nDisallow: /*.pdf$\nDisallow: /*?print="
    paths = ("/a.pdf", "/a.pdf?x", "/a?print=1", "/a?x=1")
    assert allowed(robots, *paths) == [False, True, False, True]


OURS = "User-agent: {}\nDisallow: /ours\n\nUser-agent: *\nDisallow: /all\n"


@pytest.mark.parametrize("agent", ["aggregator", "AGGREGATOR", "Aggregator/1.0", "aggregator *"])
def test_a_group_that_names_this_client_counts_instead_of_the_one_for_all(agent: str) -> None:
    assert allowed(OURS.format(agent), "/ours", "/all") == [False, True]


@pytest.mark.parametrize("agent", ["agg", "gator", "aggregatorbot", "my-aggregator", "塔", "", "/"])
def test_a_group_that_names_another_does_not_count(agent: str) -> None:
    assert allowed(OURS.format(agent), "/ours", "/all") == [True, False]


def test_groups_are_shared_merged_and_ended_by_their_rules() -> None:
    robots = (
        "Disallow: /before-any\n"
        "User-agent: other\nUser-agent: aggregator\nSitemap: https://a.example/s.xml\n\n"
        "Disallow: /shared\nUser-agent: other\nDisallow: /theirs\n"
        "User-agent: aggregator\nDisallow: /again\n"
        "User-agent: slow\nCrawl-delay: 9\nUser-agent: *\nDisallow: /all\n"
    )
    paths = ("/before-any", "/shared", "/theirs", "/again", "/all")
    assert allowed(robots, *paths) == [True, False, True, False, True]


def test_a_group_without_rules_allows_everything() -> None:
    assert allowed("User-agent: aggregator\nDisallow:\nUser-agent: *\nDisallow: /", "/") == [True]
    assert allowed("User-agent: aggregator", "/") == [True]


@pytest.mark.parametrize("misspelt", ["Disalow", "dissallow", "DIASLLOW", " disallow "])
def test_common_misspellings_are_understood(misspelt: str) -> None:
    assert allowed(f"user agent: *\n{misspelt} : /a", "/a", "/b") == [False, True]


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_comments_and_a_byte_order_mark_are_read_over(ending: str, mark: bytes) -> None:
    robots = ending.join(["User-agent: * # all", "# nothing", "Disallow: /a#b", ""])
    assert allowed(mark + robots.encode(), "/a", "/b") == [False, True]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_paths_are_compared_as_bytes(encoding: str) -> None:
    robots = "User-agent: *\nDisallow: /café\u0085é".encode(encoding)
    escaped = "".join(f"%{byte:02x}" for byte in "é\u0085é".encode(encoding))
    assert allowed(robots, f"/caf{escaped}/1", "/caf") == [False, True]
    if encoding == "utf-8":
        assert allowed(robots, "/café\u0085é") == [False]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html><html><body><h1>Not found</h1>Disallow: /</body></html>",
        "User-agent: *\nDisallow: /".encode("utf-16"),
        b"\x1f\x8b\x08\x00\x00",
        b"\xff" * 1000,
        b"Disallow: /\n",
    ],
)
def test_what_is_no_robots_file_allows_everything(body: bytes) -> None:
    assert allowed(body, "/", "/a?b") == [True, True]


LINES = st.sampled_from(
    ["user-agent: *", "User-agent aggregator", "allow: /*$", "disallow: /a", "crawl-delay: nan"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=300), st.lists(LINES | st.text(max_size=20)).map("\n".join)),
    st.text(max_size=30),
)
def test_no_file_and_no_url_raise(body: bytes | str, path: str) -> None:
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")

    async def ask(site: Site) -> None:
        for url in (f"{HOST}/{path}", path, f"http:{path}", f"http://[{path}"):
            assert await site.robots.allows(url) in (True, False)
            site.robots.delay(url)

    run(Site(rules(data)), ask)


def test_only_the_first_500_kib_are_read() -> None:
    head, padding = b"User-agent: *\nDisallow: /a\n", b"#" * 99 + b"\n"
    filled = head + padding * ((MAX_BYTES - len(head)) // len(padding) + 1)
    late = filled + b"Disallow: /late\n"
    cut = head + b"#" * (MAX_BYTES - len(head) - len("\nDisallow: /")) + b"\nDisallow: /private"
    assert allowed(late, "/a", "/late") == [False, True]
    assert allowed(cut, "/a", "/b") == [False, True]
    whole = cut[:MAX_BYTES]
    assert allowed(whole, "/b") == allowed(whole + b"\nAllow: /", "/b") == [False]


def test_half_a_megabyte_of_agents_and_rules_is_read_in_time() -> None:
    agents = "".join(f"user-agent:{'x' * (n % 7)}*{n}\n" for n in range(15_000))
    everyone = "user-agent:*\n" * 5_000
    robots = agents + everyone + "disallow:/a\n" * 20_000

    async def ask(site: Site) -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert not await site.allows("/a")
        return loop.time() - started

    assert run(Site(rules(robots)), ask) < 2


# --- what stands where no file came ------------------------------------------------------------


def test_half_a_megabyte_of_odd_bytes_costs_little_work() -> None:
    async def ask(site: Site) -> float:
        began = time.process_time()
        await site.allows()
        return time.process_time() - began

    binary = rules(b"User-agent: *\n" + b"\xff" * MAX_BYTES)
    assert min(run(Site(binary), ask) for _ in range(3)) < 0.09


@pytest.mark.parametrize("filler", [b"Allow: /a\n", b"Disallow: /\xe9*\n", b"a:\n"])
def test_others_have_their_turn_while_half_a_megabyte_is_read(filler: bytes) -> None:
    async def ask(site: Site) -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        await site.allows()
        counting.cancel()
        return turns

    body = b"User-agent: *\n" + filler * (MAX_BYTES // len(filler))
    assert run(Site(rules(body)), ask) > 12


def test_that_there_was_no_room_to_ask_says_nothing_about_a_site() -> None:
    async def ask(site: Site) -> bool:
        with pytest.raises(FetchError) as caught:
            await site.allows()
        assert (caught.value.kind, caught.value.retry_after) == ("busy", 60)
        return await site.allows()

    busy = FetchError("busy", "too many names are looked up", HOST, retry_after=60)
    assert run(Site(busy, rules("")), ask)


@pytest.mark.parametrize("code", [301, 400, 401, 403, 404, 410, 451])
def test_a_site_that_has_no_file_allows_everything_for_a_day(code: int) -> None:
    async def ask(site: Site) -> None:
        assert await site.allows()
        site.now += timedelta(hours=23)
        assert await site.allows()

    site = Site(status(code))
    run(site, ask)
    assert len(site.asked) == 1


UNREACHABLE = [status(429), status(500), status(503), status(999), FetchError("dns", "")]


@pytest.mark.parametrize("failure", UNREACHABLE)
def test_a_site_that_cannot_say_allows_nothing_and_is_asked_again_after_an_hour(
    failure: RobotsAnswer | Exception,
) -> None:
    async def ask(site: Site) -> None:
        assert not await site.allows()
        site.now += timedelta(minutes=59)
        assert not await site.allows()
        assert len(site.asked) == 1
        site.now += timedelta(minutes=1)
        assert await site.allows()

    site = Site(failure, rules(""))
    run(site, ask)
    assert len(site.asked) == 2


def test_it_is_left_alone_twice_as_long_each_time_and_a_day_at_most() -> None:
    async def ask(site: Site) -> list[int]:
        hours = []
        for hour in range(100):
            before = len(site.asked)
            await site.allows()
            hours += [hour] * (len(site.asked) - before)
            site.now += timedelta(hours=1)
        return hours

    assert run(Site(status(503)), ask) == [0, 1, 3, 7, 15, 31, 55, 79]


def test_why_it_could_not_be_had_is_told_as_it_was() -> None:
    async def ask(site: Site) -> list[FetchError | None]:
        told = []
        for _ in range(4):
            await site.allows()
            told.append(site.robots.failure(f"{HOST}/a"))
            site.now += timedelta(days=1)
        return told

    site = Site(FetchError("dns", "not known", "x"), status(503), status(404), rules("disallow: /"))
    unknown, broken, *others = run(site, ask)
    assert unknown is not None
    assert unknown.kind == "dns"
    assert "not known" in str(unknown)
    assert broken is not None
    assert (broken.kind, broken.status) == ("http_status", 503)
    assert "503" in str(broken)
    assert others == [None, None]


def test_a_successor_knows_what_was_told() -> None:
    async def ask(site: Site) -> None:
        assert not await site.allows()
        other = Site(rules(""))
        other.robots.take_over(site.robots)
        assert not await other.allows()
        assert other.asked == []
        other.now += timedelta(days=1)
        assert await other.allows()

    run(Site(rules("User-agent: *\nDisallow: /")), ask)


def test_what_is_learnt_is_kept_before_it_is_acted_upon_and_taken_up_again() -> None:
    kept: dict[str, RobotsKnown] = {}

    async def keep(origin: str, known: RobotsKnown) -> None:
        kept[origin] = known

    async def ask(site: Site) -> None:
        site.robots.keep({}, keep)
        assert not await site.allows()
        assert kept.keys() == {HOST}
        later = Site(rules(""))
        later.now = site.now + timedelta(hours=23)
        later.robots.keep(kept, keep)
        assert not await later.allows()
        assert later.robots.delay(f"{HOST}/a") == 7
        assert later.asked == []
        later.now += timedelta(hours=1)
        assert await later.allows()
        assert later.asked == [f"{HOST}/robots.txt"]
        assert kept[HOST] == RobotsKnown(later.now, "")

    run(Site(rules("User-agent: *\nDisallow: /\nCrawl-delay: 7")), ask)


def test_what_cannot_be_kept_is_known_all_the_same() -> None:
    async def keep(origin: str, known: RobotsKnown) -> None:
        raise StoreFull("the disk is full")

    async def ask(site: Site) -> None:
        site.robots.keep({}, keep)
        with pytest.raises(StoreFull):
            await site.allows()
        assert not await site.allows()
        assert len(site.asked) == 1

    run(Site(rules("User-agent: *\nDisallow: /")), ask)


def test_a_client_that_closes_learns_nothing_by_it() -> None:
    kept: list[str] = []

    async def keep(origin: str, known: RobotsKnown) -> None:
        kept.append(origin)

    class Slow(Site):
        async def _get(self, url: str, ca_file: str) -> RobotsAnswer:
            try:
                await asyncio.sleep(60)
            finally:
                self.asked.append(url)
            return rules("")

    async def ask(site: Site) -> None:
        site.robots.keep({}, keep)
        asking = asyncio.create_task(site.allows())
        await asyncio.sleep(0.01)
        await site.robots.close()
        assert site.asked == [f"{HOST}/robots.txt"], "it has ended"
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert kept == []

    run(Slow(rules("")), ask)


def test_a_site_that_could_not_say_for_a_month_counts_as_having_no_file() -> None:
    async def ask(site: Site) -> list[bool]:
        given = []
        for _ in range(32):
            given.append(await site.allows())
            site.now += timedelta(days=1)
        return given

    assert run(Site(status(503)), ask) == [False] * 31 + [True]


# --- how often, and how many -------------------------------------------------------------------


def test_a_file_is_asked_for_once_a_day() -> None:
    async def ask(site: Site) -> None:
        for _ in range(4):
            assert not await site.allows()
            site.now += timedelta(hours=8)
        assert len(site.asked) == 2

    run(Site(rules("User-agent: *\nDisallow: /")), ask)


def test_a_clock_put_back_has_it_asked_for_again() -> None:
    async def ask(site: Site) -> None:
        await site.allows()
        site.now -= timedelta(days=400)
        await site.allows()
        assert len(site.asked) == 2

    run(Site(rules("")), ask)


def test_each_origin_has_its_own_file_and_credentials_are_not_part_of_it() -> None:
    async def ask(site: Site) -> None:
        same = ("http://a.example/1", "http://A.example:80/2", "http://ann:s3cret@a.example/3#x")
        others = (
            "https://a.example",
            "http://a.example:8080",
            "http://[::1]:81",
            "http://塔.example",
        )
        for url in (*same, *others):
            await site.robots.allows(url)

    site = Site(rules(""))
    run(site, ask)
    assert site.asked == [
        "http://a.example/robots.txt",
        "https://a.example/robots.txt",
        "http://a.example:8080/robots.txt",
        "http://[::1]:81/robots.txt",
        "http://xn--oms.example/robots.txt",
    ]


def test_what_is_no_web_address_is_not_asked_about() -> None:
    async def ask(site: Site) -> None:
        for url in ("", "/a", "mailto:a@b", "ftp://a.example/", "http://", "http://[::1/"):
            assert await site.robots.allows(url)

    site = Site(status(500))
    run(site, ask)
    assert site.asked == []


def test_those_who_ask_at_once_cause_one_request() -> None:
    async def ask(site: Site) -> list[bool]:
        return await asyncio.gather(*(site.allows(f"/{n}") for n in range(20)))

    site = Site(rules("User-agent: *\nDisallow: /1"))
    assert run(site, ask) == [not str(n).startswith("1") for n in range(20)]
    assert len(site.asked) == 1


def test_when_the_first_who_asked_is_cancelled_the_others_get_their_answer() -> None:
    async def ask(site: Site) -> bool:
        first = asyncio.create_task(site.allows())
        second = asyncio.create_task(site.allows())
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.wait_for(second, 5)

    site = Site(rules("User-agent: *\nDisallow: /"))
    assert run(site, ask) is False
    assert len(site.asked) == 1


def test_a_bug_in_asking_comes_through_to_all_and_is_not_kept() -> None:
    async def ask(site: Site) -> list[bool | BaseException]:
        got = await asyncio.gather(*(site.allows() for _ in range(2)), return_exceptions=True)
        return [*got, await site.allows()]

    first, second, later = run(Site(RuntimeError("bug"), rules("")), ask)
    assert isinstance(first, RuntimeError)
    assert isinstance(second, RuntimeError)
    assert later is True


def ask_hosts(hosts: range) -> Callable[[Site], Awaitable[None]]:
    async def ask(site: Site) -> None:
        for n in hosts:
            await site.robots.allows(f"http://host{n}.example/")
        for n in (1, 0, 1):
            await site.robots.allows(f"http://host{n}.example/")

    return ask


def test_only_so_many_origins_are_kept_and_the_one_used_longest_ago_goes_first() -> None:
    site = Site(rules(""))
    run(site, ask_hosts(range(MAX_ORIGINS + 1)))
    assert len(site.asked) == MAX_ORIGINS + 2
    assert site.asked[-1] == "http://host0.example/robots.txt"


def test_large_files_of_many_origins_do_not_pile_up() -> None:
    site = Site(rules(b"User-agent: *\nDisallow: /" + b"x" * (MAX_BYTES - 30)))
    run(site, ask_hosts(range(40)))
    assert len(site.asked) > 41


# --- crawl-delay -------------------------------------------------------------------------------


def test_the_delay_of_our_group_is_told_once_the_file_is_known() -> None:
    async def ask(site: Site) -> tuple[float | None, float | None, float | None]:
        before = site.robots.delay(f"{HOST}/a")
        await site.allows()
        other = site.robots.delay("http://other.example/")
        return before, site.robots.delay(f"{HOST}/b"), other

    robots = "User-agent: aggregator\nCrawl-delay: 2.5\nUser-agent: *\nCrawl-delay: 60\n"
    assert run(Site(rules(robots)), ask) == (None, 2.5, None)


@pytest.mark.parametrize("odd", ["", "soon", "-1", "nan", "inf", "1e999"])
def test_a_delay_that_is_no_time_is_none(odd: str) -> None:
    async def ask(site: Site) -> float | None:
        await site.allows()
        return site.robots.delay(HOST)

    assert run(Site(rules(f"User-agent: *\nCrawl-delay: {odd}\nDisallow: /x")), ask) is None
