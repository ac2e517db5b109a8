"""When a feed is polled next: what holds whatever was heard, and how feeds spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.cadence import (
    LONGEST_HINT,
    SPREAD,
    Due,
    Heard,
    Wishes,
    after_poll,
)
from aggregator.core.model import FeedHints

NOW = datetime(2021, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOBODYS = Wishes()
UNCLEAR = Heard(validators=True)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def due(heard: Heard = UNCLEAR, *, feed_id: str) -> Due:
    return after_poll(feed_id, NOW, NOBODYS, heard)


# --- after a poll: the laws ---------------------------------------------------------------------

LENGTHS = st.timedeltas(timedelta(0), timedelta(days=400))
MOMENTS = st.timedeltas(-10_000 * DAY, 10_000 * DAY).map(lambda since: NOW + since)
HINTS = st.builds(
    FeedHints,
    ttl=st.none() | st.integers(-5, 10**12),
    skip_hours=st.lists(st.integers(-2, 30), max_size=26).map(tuple),
    skip_days=st.lists(st.sampled_from([*DAYS, "Someday"]), max_size=9).map(tuple),
    update_period=st.sampled_from(["", "hourly", "daily", "weekly", "monthly", "yearly", "x"]),
    update_frequency=st.integers(-2, 10**9),
)
WISHES = st.builds(
    Wishes,
    interval=st.none() | st.timedeltas(MINUTE, 7 * DAY),
    shortest=st.timedeltas(MINUTE, 2 * HOUR),
    longest=st.timedeltas(2 * HOUR, 3 * DAY) | st.just(Wishes().longest),
)


@st.composite
def heards(draw: st.DrawFn, hints: st.SearchStrategy[FeedHints] = HINTS) -> Heard:
    ago = st.timedeltas(-2 * DAY, 90 * DAY).map(lambda length: NOW - length)
    return Heard(
        validators=draw(st.booleans()),
        freshness=draw(st.none() | LENGTHS),
        hints=draw(hints),
        rhythm=draw(st.lists(ago | MOMENTS, max_size=60)),
        pushed=draw(st.booleans()),
    )


@given(st.text(), MOMENTS, WISHES, heards())
def test_it_is_never_before_interval_min_and_the_same_each_time(
    feed_id: str, now: datetime, wishes: Wishes, heard: Heard
) -> None:
    found = after_poll(feed_id, now, wishes, heard)
    assert found.at >= now + wishes.shortest
    assert found.reason
    assert found == after_poll(feed_id, now, wishes, heard)


@given(st.text(), MOMENTS, WISHES, heards())
def test_it_is_never_after_interval_max_unless_a_hint_says_so(
    feed_id: str, now: datetime, wishes: Wishes, heard: Heard
) -> None:
    never_skips = replace(heard.hints, skip_hours=(), skip_days=())
    found = after_poll(feed_id, now, wishes, replace(heard, hints=never_skips))
    assert found.at <= now + max(LONGEST_HINT, wishes.longest)
    if wishes.longest != Wishes().longest or wishes.interval:
        assert found.at <= now + wishes.longest
    unclear = replace(heard, hints=FeedHints(), freshness=None)
    found = after_poll(feed_id, now, wishes, unclear)
    assert found.at <= now + wishes.longest
    skipping = after_poll(feed_id, now, wishes, heard)
    assert skipping.at <= now + max(LONGEST_HINT, wishes.longest) + 7 * DAY


@given(st.text(), MOMENTS, heards(), st.timedeltas(timedelta(0), LONGEST_HINT))
def test_nobody_is_polled_while_the_last_answer_is_fresh(
    feed_id: str, now: datetime, heard: Heard, freshness: timedelta
) -> None:
    found = after_poll(feed_id, now, NOBODYS, replace(heard, freshness=freshness))
    assert found.at >= now + min(freshness, LONGEST_HINT - HOUR)


@given(st.text(), MOMENTS, WISHES, heards())
def test_nobody_is_polled_below_an_hour_uninvited(
    feed_id: str, now: datetime, wishes: Wishes, heard: Heard
) -> None:
    hints = replace(heard.hints, ttl=None)
    uninvited = replace(heard, hints=hints, freshness=None)
    found = after_poll(feed_id, now, replace(wishes, interval=None), uninvited)
    assert found.at >= now + HOUR


@given(st.text(), MOMENTS, WISHES, heards())
def test_a_skipped_hour_or_day_is_never_polled_in(
    feed_id: str, now: datetime, wishes: Wishes, heard: Heard
) -> None:
    at = after_poll(feed_id, now, wishes, heard).at
    hours = {hour % 24 for hour in heard.hints.skip_hours if 0 <= hour <= 24}
    days = {day for day in heard.hints.skip_days if day in DAYS}
    assert at.hour not in hours or len(hours) == 24
    assert DAYS[at.weekday()] not in days or len(days) == 7


@given(st.text(), MOMENTS, WISHES, heards(st.just(FeedHints())), LENGTHS, LENGTHS)
def test_longer_freshness_never_brings_a_poll_forward_by_more_than_the_spread(
    feed_id: str, now: datetime, wishes: Wishes, heard: Heard, one: timedelta, two: timedelta
) -> None:
    shorter, longer = sorted((max(one, MINUTE), max(two, MINUTE)))
    early = after_poll(feed_id, now, wishes, replace(heard, freshness=shorter)).at - now
    late = after_poll(feed_id, now, wishes, replace(heard, freshness=longer)).at - now
    assert late * (1 + SPREAD) + timedelta(milliseconds=1) >= early


# --- the spread ---------------------------------------------------------------------------------


def chi_square(counts: Sequence[int]) -> float:
    mean = sum(counts) / len(counts)
    return sum((count - mean) ** 2 / mean for count in counts)


def minutes_of(times: Sequence[datetime], since: datetime, minutes: int) -> list[int]:
    found = Counter((time - since) // MINUTE for time in times)
    assert set(found) <= set(range(minutes))
    return [found[minute] for minute in range(minutes)]


def test_ten_thousand_feeds_that_began_together_spread_evenly_at_once() -> None:
    times = [due(feed_id=f"feed-{nth}").at for nth in range(10_000)]
    counts = minutes_of(times, NOW + HOUR, 6)
    assert chi_square(counts) < 20.5, "one in a thousand by chance, 5 degrees of freedom"


def of_the_hour_after(rounds: int) -> list[int]:
    """Polls by the minute of the hour, of feeds that began together and are polled a bit late."""
    times = []
    for nth in range(10_000):
        time = NOW
        for again in range(rounds):
            late = timedelta(seconds=(nth * 7 + again * 3) % 20)
            time = due_at(f"feed-{nth}", time + late)
        times.append(NOW + (time - NOW) % HOUR)
    return minutes_of(times, NOW, 60)


def due_at(feed_id: str, now: datetime) -> datetime:
    return after_poll(feed_id, now, NOBODYS, UNCLEAR).at


def test_ten_thousand_feeds_that_began_together_fill_the_hour_evenly_after_ten_polls() -> None:
    counts = of_the_hour_after(10)
    assert chi_square(counts) < 99.7, "one in a thousand by chance, 59 degrees of freedom"


@pytest.mark.parametrize("rounds", [24, 36])
def test_feeds_that_have_spread_do_not_gather_again(rounds: int) -> None:
    counts = of_the_hour_after(rounds)
    assert max(counts) < 1.5 * 10_000 / 60
    assert min(counts) > 0.6 * 10_000 / 60


def test_feeds_of_a_day_spread_over_an_hour_and_those_of_an_hour_of_the_day_stay_close() -> None:
    bare = [due(Heard(validators=False), feed_id=f"feed-{nth}").at for nth in range(6000)]
    assert chi_square(minutes_of(bare, NOW + 23 * HOUR, 60)) < 99.7
    at_six = [NOW - nth * DAY - 6 * HOUR for nth in range(40)]
    timed = [due(Heard(True, rhythm=at_six), feed_id=f"feed-{nth}").at for nth in range(1000)]
    assert 10 * MINUTE < max(timed) - min(timed) <= 15 * MINUTE


def test_feeds_moved_out_of_a_skipped_hour_spread_over_the_next() -> None:
    skipping = Heard(True, hints=FeedHints(skip_hours=(13,)))
    times = [due(skipping, feed_id=f"feed-{nth}").at for nth in range(6000)]
    assert chi_square(minutes_of(times, NOW + 2 * HOUR, 60)) < 99.7
