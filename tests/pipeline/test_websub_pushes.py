"""WebSub: what hubs push, signed or not, and polls beside it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aggregator.fetch.limits import AT_LEAST
from aggregator.real_time import ticks
from aggregator.store import quarantine
from aggregator.web.websub import PUSHES_AT_ONCE, READ_SECONDS, Room
from aggregator.workers import Workers
from tests.fast_clock import SPEED, run_fast
from tests.loopback import answer
from tests.pipeline.hanging import UNFORESEEN, HangingReaders
from tests.publisher import HOUR, OTHER, OWN, Desk, OnDesk, desk, item, paragraphs, rss
from tests.websub_dance import (
    ATOM_PUSH,
    DAY,
    MINUTE,
    TOPIC,
    Dance,
    Dancing,
    dance,
    feed_answer,
    links,
    own,
)

# --- pushes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signed_push_is_taken_in_at_once(dancing: Dancing, algorithm: str) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        before = await d.desk.state("own")
        d.desk.now += MINUTE
        dates = {"pushed": "Fri, 20 Aug 2021 11:00:00 GMT"}
        assert await d.push(form, own("pushed", dates=dates), algorithm) == 202
        assert await d.titles() == {"first", "pushed"}
        after = await d.desk.state("own")
        assert after.validators == before.validators
        assert after.next_poll_at == before.next_poll_at
        assert after.last_new_at == d.desk.now
        assert after.rhythm[0] == datetime(2021, 8, 20, 11, tzinfo=UTC)
        assert d.desk.asked("/own.xml") == 1

    dancing(play)


def test_an_atom_push_to_an_rss_feed(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        assert await d.push(form, ATOM_PUSH) == 202
        [entry] = [e for e in await d.desk.entries() if e.title == "atom"]
        assert entry.link == "http://own.test/atom"  # relative to the topic

    dancing(play)


def test_what_is_pushed_is_published(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        await d.push(form, own("pushed"))
        d.desk.answers["/own.xml"] = answer(status="500 Oops")
        await d.desk.cycle(after=MINUTE)
        assert {i["title"] for i in d.desk.published()} == {"first", "pushed"}

    dancing(play)


def test_a_push_adds_and_takes_nothing_away(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        d.desk.answers["/own.xml"] = feed_answer(own("first", "second"))
        form = await d.subscribed()
        await d.push(form, own("first", "third", more=""))
        assert await d.titles() == {"first", "second", "third"}
        assert len(await d.desk.entries()) == 3
        assert (await d.known()).state == "verified"  # its links say nothing

    dancing(play)


@pytest.mark.parametrize("how", ["forged", "unsigned", "md5", "nonsense"])
def test_what_the_hub_has_not_signed_is_ignored(
    dancing: Dancing, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        body = own("forged")
        if how == "forged":
            assert await d.push(form, body, secret="guess") == 202
        elif how == "unsigned":
            assert await d.push(form, body, signed=False) == 202
        elif how == "md5":
            assert await d.push(form, body, "md5") == 202
        else:
            made = hmac.new(form["hub.secret"].encode(), body, hashlib.sha256).hexdigest()
            for bad in (
                "",
                "sha256=",
                made,
                f"sha256={made}00",
                f"sha256={made[:-2]}",
                "sha256=\xff",
            ):
                sent = await d.client.post(
                    form["hub.callback"],
                    content=body,
                    headers=[(b"X-Hub-Signature", bad.encode("latin-1"))],
                )
                assert sent.status_code == 202
        known = await d.known()
        assert (known.pushes, known.last_push_at) == (0, None)
        assert known.ignored == (6 if how == "nonsense" else 1)
        assert await d.titles() == {"first"}
        assert "a push was ignored" in caplog.text
        assert form["hub.secret"] not in caplog.text
        assert known.token not in caplog.text
        assert known.token not in repr(known)
        assert known.secret not in repr(known)

    with caplog.at_level(logging.DEBUG, "aggregator"):
        dancing(play)


def test_a_push_that_is_too_large_is_refused_unread(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        fetch = replace(d.desk.config.fetch, max_bytes=10_000)
        d.desk.config = replace(d.desk.config, fetch=fetch)
        await d.desk.reopen()
        form = await d.subscribed()
        assert await d.push(form, own("big") + b" " * 10_000) == 413

        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 1_000_000:
                sent += 1000
                yield b"x" * 1000

        chunked = await d.client.post(form["hub.callback"], content=endless())
        assert chunked.status_code == 413
        assert 0 < sent < 20_000
        sent = 0
        declared = await d.client.post(
            form["hub.callback"], content=endless(), headers={"Content-Length": "1000000"}
        )
        assert (declared.status_code, sent) == (413, 0)
        assert await d.push(form, own("small")) == 202
        assert await d.titles() == {"first", "small"}

    dancing(play)


def test_more_pushes_than_there_is_room_for_come_again_later(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        go = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"<rss>"
            await go.wait()

        held = [
            asyncio.create_task(d.client.post(form["hub.callback"], content=slow()))
            for _ in range(40)
        ]
        done = asyncio.as_completed(held)
        async with asyncio.timeout(20):
            refused = [await next(done) for _ in range(37)]
        assert {answer.status_code for answer in refused} == {503}
        assert all(answer.headers["retry-after"] for answer in refused)
        go.set()
        assert {answer.status_code for answer in await asyncio.gather(*held)} == {202, 503}
        assert await d.push(form, own("after")) == 202
        assert "after" in await d.titles()

    dancing(play)


async def of_another_feed(d: Dance) -> dict[str, str]:
    """The form that made the subscription of the other feed, at the same hub."""
    topic = "http://other.test/canonical.xml"
    more = links(topic=topic)
    d.desk.answers["/other.xml"] = feed_answer(rss(item("/1", "one", paragraphs("one")), more=more))
    await d.desk.refresh("other")
    form = await d.ask()
    assert form["hub.topic"] == topic
    assert (await d.asks_back(form)).status_code == 200
    return form


def test_a_slow_hub_keeps_no_other_from_pushing(on_desk: OnDesk) -> None:
    async def play(desk: Desk) -> None:
        desk.config = replace(desk.config, fetch=replace(desk.config.fetch, max_bytes=10_000))
        await desk.reopen()
        async with dance(desk) as d:
            slow_one = await d.subscribed()
            honest = await of_another_feed(d)
            go = asyncio.Event()

            async def slow() -> AsyncIterator[bytes]:
                yield b"x" * 3_000
                await go.wait()

            held = [
                asyncio.create_task(d.client.post(slow_one["hub.callback"], content=slow()))
                for _ in range(40)
            ]
            done = asyncio.as_completed(held)
            async with asyncio.timeout(20):
                assert [(await next(done)).status_code for _ in range(37)] == [503] * 37
            assert await d.push(honest, own("large") + b" " * 8_000) == 202
            go.set()
            await asyncio.gather(*held)

    on_desk(play, OWN, OTHER, interval=HOUR)


def test_large_pushes_at_once_are_bounded_of_each_and_together() -> None:
    room = Room()
    assert all(room.enter(token) for token in "aabc")
    assert room.grow("a", 9, most=10)
    assert not room.grow("a", 9, most=10), "more than one of the largest size"
    room.leave("a", 9)
    assert room.grow("b", 10, most=10)
    assert not room.grow("c", 2, most=10), "more than two together"
    room.leave("b", 10)
    assert room.grow("c", 8, most=10)


def test_there_is_room_for_so_many_pushes_and_for_none_that_has_not_ended() -> None:
    room = Room()
    assert sum(room.enter(str(number % 20)) for number in range(100)) == PUSHES_AT_ONCE
    room.leave("3", 0)
    assert [room.enter("3"), room.enter("3")] == [True, False]


def test_a_push_that_comes_in_drops_has_an_end_and_not_at_once_where_the_clock_runs_fast(
    tmp_path: Path, workers: Workers
) -> None:
    async def scenario() -> tuple[int, int, float]:
        async with (
            desk(tmp_path / "desk", workers, (OWN,), interval=HOUR) as made,
            dance(made) as d,
        ):
            form = await d.subscribed()
            sent = 0

            async def drops() -> AsyncIterator[bytes]:
                nonlocal sent
                while True:
                    sent += 1
                    yield b" "
                    await asyncio.sleep(1)

            began = ticks()
            answered = await d.client.post(form["hub.callback"], content=drops())
            lasted = ticks() - began
            assert await d.push(form, own("after")) == 202
            return answered.status_code, sent, lasted

    status, sent, lasted = run_fast(scenario())
    assert status == 408
    assert sent > READ_SECONDS
    assert READ_SECONDS / SPEED < AT_LEAST - 0.1 < lasted < 3 * AT_LEAST


@pytest.mark.parametrize("body", [b"", b"http://own.test/canonical.xml", b"<html>no</html>"])
def test_a_push_without_a_feed_makes_the_feed_due(dancing: Dancing, body: bytes) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        began = d.desk.now
        d.desk.now += MINUTE
        assert await d.push(form, body) == 202
        await d.ask()
        state = await d.desk.state("own")
        assert state.next_poll_at == began + timedelta(minutes=15)  # interval_min
        d.desk.now = state.next_poll_at + 10 * MINUTE
        d.desk.answers["/own.xml"] = feed_answer(own("first", "second"))
        await d.desk.refresh("own")
        assert await d.wait() > 5 * HOUR  # it was announced: pushes arrive
        await d.ask()
        assert await d.wait() > 5 * HOUR  # and is not announced twice
        d.desk.now += MINUTE
        assert await d.push(form, body) == 202
        await d.ask()
        assert await d.wait() == timedelta(minutes=14)

    dancing(play)


def test_a_push_that_takes_a_worker_down_twice_is_not_read_a_third_time(
    on_desk: OnDesk, caplog: pytest.LogCaptureFixture
) -> None:
    hostile = own(UNFORESEEN)

    async def play(desk: Desk) -> None:
        async with dance(desk) as d:
            form = await d.subscribed()
            for times in (1, 2, 2):
                assert await d.push(form, hostile) == 202
                assert slow.begun == times + 1  # with the poll's
            [aside] = await desk.pipeline.store.read(quarantine.listed)
            assert (aside.failure.feed_id, aside.failure.part, aside.tries) == ("own", "feed", 2)
            assert (aside.failure.url, aside.failure.error) == (TOPIC, "took longer than 1.5 s")
            assert "is set aside as" in caplog.messages[-2]
            desk.answers["/own.xml"] = feed_answer(hostile)
            assert (await desk.refresh("own")).last_status == "quarantine", "it is the same"
            assert slow.begun == 3
            assert await d.push(form, own("third")) == 202
            assert await d.titles() == {"first", "third"}

    slow = HangingReaders(1, seconds=1.5)
    try:
        on_desk(play, OWN, interval=HOUR, own_workers=slow)
    finally:
        slow.close()


def test_a_push_that_cannot_be_read_leaves_it_to_a_poll(on_desk: OnDesk) -> None:
    async def play(desk: Desk) -> None:
        async with dance(desk) as d:
            form = await d.subscribed()
            began = desk.now
            desk.now += MINUTE
            assert await d.push(form, own(UNFORESEEN)) == 202
            await d.ask()
            assert (await desk.state("own")).next_poll_at == began + timedelta(minutes=15)

    slow = HangingReaders(1, seconds=1.5)
    try:
        on_desk(play, OWN, interval=HOUR, own_workers=slow)
    finally:
        slow.close()


def test_a_push_makes_no_failing_feed_due(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed()
        d.desk.answers["/own.xml"] = answer(status="500 Oops")
        d.desk.now += HOUR
        failing = await d.desk.refresh("own")
        d.desk.now += MINUTE
        assert await d.push(form, b"") == 202
        await d.ask()
        assert (await d.desk.state("own")).next_poll_at == failing.next_poll_at

    dancing(play)


# --- polls beside pushes -----------------------------------------------------------------------


async def polls_within(
    d: Dance, time: timedelta, each: Callable[[datetime], Awaitable[None]]
) -> int:
    """How often the feed is polled within a time; `each` is done every half an hour."""
    end, polls = d.desk.now + time, 0
    while d.desk.now < end:
        await each(d.desk.now)
        if await d.wait() <= timedelta(0):
            await d.desk.refresh("own")
            polls += 1
        d.desk.now += HOUR / 2
    return polls


def test_while_pushes_arrive_polls_are_rare_and_come_back_when_they_stop(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed(lease_seconds=str(20 * 86400))
        names, dates = ["first"], {}

        async def more(now: datetime, pushed: bool) -> None:
            name = f"{now:%d-%H-%M}"
            names.append(name)
            dates[name] = format_datetime(now, usegmt=True)
            d.desk.answers["/own.xml"] = feed_answer(own(*names[-20:], dates=dates)).replace(
                b'"1"', name.encode()
            )
            if pushed:
                assert await d.push(form, own(name, dates=dates)) == 202

        assert await polls_within(d, DAY, lambda now: more(now, pushed=True)) <= 6
        # they stop: found out with the next poll, and then it is as it was
        assert await polls_within(d, DAY, lambda now: more(now, pushed=False)) >= 10
        assert not (await d.known()).error
        # and they come back
        await polls_within(d, 2 * HOUR, lambda now: more(now, pushed=True))
        assert await polls_within(d, DAY, lambda now: more(now, pushed=True)) <= 6

    dancing(play)


def test_a_feed_in_which_nothing_happens_needs_no_pushes(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed(lease_seconds=str(20 * 86400))
        await d.push(form, own("pushed"))

        async def nothing(_: datetime) -> None:
            pass

        assert 3 <= await polls_within(d, DAY, nothing) <= 6

    dancing(play)


def test_when_the_lease_ends_polls_are_as_before(dancing: Dancing) -> None:
    async def play(d: Dance) -> None:
        form = await d.subscribed(lease_seconds="7200")
        await d.push(form, own("pushed"))
        d.desk.now += HOUR
        await d.desk.refresh("own")
        assert await d.wait() > 5 * HOUR
        d.desk.now += 2 * HOUR
        await d.desk.refresh("own")
        assert await d.wait() < 2 * HOUR

    dancing(play)
