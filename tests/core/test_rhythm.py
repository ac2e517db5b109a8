"""A feed's own rhythm: polled as its entries come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.cadence import Heard, Wishes, after_poll
from aggregator.core.rhythm import next_beat

MONDAY = datetime(2021, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
LATER = [7, -3, 12, 0, -11, 5, -8, 2, 9, -1]
"""Minutes by which a punctual feed is not."""


def polled(published: Sequence[datetime], days: int) -> tuple[list[datetime], list[timedelta]]:
    """Lives through the last days of a feed: when it was polled, and how late each entry was."""
    published = sorted(published)
    now = last = published[-1] - days * DAY
    polls, delays = [], []
    while now < published[-1]:
        past = [time for time in published if time <= now]
        delays += [now - time for time in past if time > last]
        polls.append(now)
        last = now
        now = after_poll("a feed", now, Wishes(), Heard(True, rhythm=past[-60:])).at
    return polls, delays


def daily(days: int, hour: int, on: Sequence[int] = range(7)) -> list[datetime]:
    return [
        MONDAY + day * DAY + hour * HOUR + LATER[day % 10] * MINUTE
        for day in range(days)
        if day % 7 in on
    ]


def test_a_daily_feed_is_polled_soon_after_its_hour_and_rarely_else() -> None:
    polls, delays = polled(daily(70, 6), 30)
    assert len(polls) <= 36
    assert max(delays) < 2 * HOUR
    assert sum(delays, timedelta(0)) / len(delays) < HOUR / 2
    at = Counter(poll.hour for poll in polls)
    assert at[5] + at[6] + at[7] >= len(polls) - 3, "a day is the longest, so some are too early"


def test_a_feed_of_two_hours_a_day_is_polled_after_both() -> None:
    polls, delays = polled(daily(40, 6) + daily(40, 18), 20)
    assert len(polls) <= 45
    assert max(delays) < 2 * HOUR
    at = Counter(poll.hour for poll in polls)
    assert at[6] + at[7] + at[18] + at[19] >= len(polls) - 3


def test_a_weekly_feed_is_caught_on_its_day_soon_after_its_hour() -> None:
    polls, delays = polled(daily(120, 6, on=[0]), 60)
    assert len(polls) <= 90, "a little more than once a day, which is interval_max"
    assert max(delays) < 2 * HOUR


def test_a_feed_of_working_days_rests_at_the_weekend() -> None:
    polls, delays = polled(daily(90, 6, on=range(5)), 42)
    assert max(delays) < 2 * HOUR
    weekend = sum(poll.weekday() >= 5 for poll in polls)
    assert weekend <= 12 * 5


def test_entries_by_day_are_not_looked_for_at_night() -> None:
    published = [
        MONDAY + day * DAY + (8 + 2 * nth) * HOUR + LATER[(3 * day + nth) % 10] * MINUTE
        for day in range(20)
        for nth in range(6)
    ]
    polls, delays = polled(published, 10)
    by_night = sum(poll.hour < 7 or poll.hour > 20 for poll in polls)
    assert by_night <= 2 * 10
    assert sum(delays, timedelta(0)) / len(delays) < 1.5 * HOUR


def test_a_feed_of_an_entry_each_hour_is_polled_each_hour() -> None:
    polls, delays = polled([MONDAY + nth * HOUR for nth in range(200)], 4)
    assert 4 * 21 <= len(polls) <= 4 * 24 + 1
    assert max(delays) < 1.2 * HOUR


@pytest.mark.parametrize("gap", [5, 10.2, 17, 31])
def test_a_feed_without_hours_is_polled_a_few_times_between_entries(gap: float) -> None:
    polls, delays = polled([MONDAY + nth * gap * HOUR for nth in range(int(1440 / gap))], 30)
    assert 1.5 <= len(polls) / len(delays) <= 5.5
    assert sum(delays, timedelta(0)) / len(delays) < gap / 2 * HOUR
    assert max(delays) < gap * HOUR


def wait_at(published: Sequence[datetime], now: datetime) -> timedelta:
    beat = next_beat([time for time in published if time <= now], now)
    assert beat is not None
    return beat.wait


def test_an_entry_a_little_before_its_hour_is_not_looked_for_again() -> None:
    published = [*daily(30, 6), MONDAY + 30 * DAY + 5.75 * HOUR]
    assert wait_at(published, published[-1] + 2 * MINUTE) > 20 * HOUR


def test_it_is_waited_until_most_would_have_come_and_a_little_for_their_publishing() -> None:
    now = MONDAY + 30 * DAY + HOUR
    due = now + wait_at(daily(31, 6), now)
    latest = MONDAY + 30 * DAY + 6 * HOUR + max(LATER) * MINUTE
    assert latest + 4 * MINUTE <= due <= latest + 10 * MINUTE


def test_what_is_long_ago_says_nothing_of_today() -> None:
    busy = [MONDAY - nth * 90 * MINUTE for nth in range(30)]
    once = [MONDAY - 200 * DAY - nth * DAY for nth in range(30)]
    assert wait_at(once + busy, MONDAY) == wait_at(busy, MONDAY) < HOUR


def test_an_entry_that_misses_its_hour_is_looked_for_soon_and_then_ever_later() -> None:
    published = daily(30, 6)
    now = published[-1] + DAY + HOUR
    waits = []
    for _ in range(4):
        beat = next_beat(published, now)
        assert beat is not None
        waits.append(beat.wait)
        now += beat.wait
    assert waits[0] == HOUR
    assert waits == sorted(waits)
    assert waits[-1] >= 4 * HOUR


def test_silence_beyond_its_gaps_makes_a_feed_rare() -> None:
    busy = [MONDAY - nth * 10 * MINUTE for nth in range(60)]

    def wait(days: float) -> timedelta:
        beat = next_beat(busy, MONDAY + days * DAY)
        assert beat is not None
        return beat.wait

    assert wait(0) < HOUR
    waits = [wait(days) for days in (0, 2, 7, 14, 30, 400)]
    assert waits == sorted(waits)
    assert waits[2] > 8 * HOUR
    assert waits[3] > 22 * HOUR
    assert waits[-1] > DAY


def test_the_reason_tells_rate_or_silence() -> None:
    def reason(published: Sequence[datetime], now: datetime) -> str:
        beat = next_beat(published, now)
        return beat.reason if beat else ""

    assert reason(daily(30, 6), MONDAY + 30 * DAY) == "about 1 entry a day"
    assert reason(daily(60, 6, on=[0]), MONDAY + 60 * DAY) == "about 1 entry a week"
    monthly = [MONDAY + nth * 30 * DAY for nth in range(10)]
    assert reason(monthly, monthly[-1] + HOUR) == "about 1 entry a month"
    assert reason([MONDAY], MONDAY + 1.5 * DAY) == "quiet for 36 hours"
    assert reason([MONDAY], MONDAY + 5 * DAY) == "quiet for 5 days"
    assert reason([MONDAY], MONDAY + 30 * DAY) == "quiet for 4 weeks"


def test_garbage_says_nothing() -> None:
    now = MONDAY
    assert next_beat([], now) is None
    assert next_beat([now + DAY, now + 1000 * DAY], now) is None, "the future"
    assert next_beat([now - HOUR] * 60, now) is None, "all at the same second"
    bulk = [now - HOUR - nth * timedelta(seconds=2) for nth in range(60)]
    assert next_beat(bulk, now) is None, "a bulk"


def test_bulks_count_as_one_coming_each() -> None:
    single = [MONDAY + day * DAY for day in range(20)]
    bulks = [time + nth * timedelta(seconds=20) for time in single for nth in range(5)]
    now = MONDAY + 19 * DAY + 8 * HOUR
    one, many = next_beat(single, now), next_beat(bulks, now)
    assert one is not None
    assert many is not None
    assert many.wait == one.wait
    assert many.reason == "about 5 entries a day"


def test_dates_in_the_future_and_pinned_entries_do_not_hide_the_rhythm() -> None:
    published = [MONDAY - nth * 45 * MINUTE for nth in range(58)]
    plain = next_beat(published, MONDAY)
    odd = next_beat([*published, MONDAY + DAY, MONDAY - 40 * DAY, MONDAY - 900 * DAY], MONDAY)
    assert plain is not None
    assert odd is not None
    assert plain.wait < HOUR
    assert odd.wait < HOUR


TIMES = st.lists(
    st.timedeltas(-300 * DAY, 430 * DAY).map(lambda ago: MONDAY - ago)
    | st.timedeltas(timedelta(0), 4 * DAY).map(lambda ago: MONDAY - ago),
    max_size=60,
)


@given(TIMES)
def test_any_times_in_any_order_give_a_wait_above_zero(published: list[datetime]) -> None:
    beat = next_beat(published, MONDAY)
    assert beat is None or beat.wait > timedelta(0)
    assert next_beat(sorted(published), MONDAY) == beat
    assert next_beat(sorted(published, reverse=True), MONDAY) == beat
