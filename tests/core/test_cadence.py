"""When a feed is polled next, and a page tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.cadence import (
    FIRST_RETRY,
    LONGEST_RETRY,
    LONGEST_RETRY_AFTER,
    SPREAD,
    next_page_try,
    next_poll,
    next_try,
)

NOW = datetime(2021, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
INTERVALS = st.timedeltas(timedelta(minutes=15), timedelta(hours=24))


@given(st.text(), INTERVALS)
def test_a_good_poll_is_followed_by_one_after_the_interval_and_a_bit(
    feed_id: str, interval: timedelta
) -> None:
    wait = next_poll(feed_id, NOW, interval) - NOW
    assert interval <= wait <= interval * (1 + SPREAD)
    assert wait == next_poll(feed_id, NOW, interval) - NOW, "the same each time"


def test_feeds_that_began_together_spread_over_the_tenth_of_an_hour() -> None:
    waits = sorted(next_poll(f"feed {n}", NOW, HOUR) - NOW for n in range(200))
    gaps = [later - earlier for earlier, later in pairwise(waits)]
    assert max(gaps) < timedelta(seconds=20)
    assert waits[-1] - waits[0] > timedelta(minutes=5)


def test_failures_wait_an_hour_and_twice_as_long_each_time_up_to_a_day() -> None:
    waits = [next_try("x", NOW, HOUR / 4, failures) - NOW for failures in range(12)]
    own = waits[0] / FIRST_RETRY
    assert 1 <= own <= 1 + SPREAD
    assert [round(wait / own / HOUR, 6) for wait in waits] == [1, 2, 4, 8, 16, *[24] * 7]


def test_a_failing_feed_is_not_polled_more_often_than_a_good_one() -> None:
    week = timedelta(days=7)
    assert next_try("x", NOW, week, 0) == next_poll("x", NOW, week)


@given(
    st.text(),
    INTERVALS,
    st.integers(0, 10**9),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=10**5)),
)
def test_every_failed_feed_is_tried_again_at_a_time_within_bounds(
    feed_id: str, interval: timedelta, failures: int, retry_after: timedelta | None
) -> None:
    wait = next_try(feed_id, NOW, interval, failures, retry_after) - NOW
    assert wait >= max(FIRST_RETRY, interval)
    assert wait <= max(LONGEST_RETRY * (1 + SPREAD), LONGEST_RETRY_AFTER)
    if retry_after is not None:
        assert wait >= min(retry_after, LONGEST_RETRY_AFTER)
    if failures:
        assert wait >= next_try(feed_id, NOW, interval, failures - 1, retry_after) - NOW


def test_retry_after_counts_only_where_it_asks_for_more() -> None:
    def wait(retry_after: timedelta) -> timedelta:
        return next_try("x", NOW, HOUR, 0, retry_after) - NOW

    assert wait(timedelta(seconds=1)) == next_try("x", NOW, HOUR, 0) - NOW
    assert wait(5 * HOUR) == 5 * HOUR
    assert wait(timedelta(days=365)) == LONGEST_RETRY_AFTER


def test_a_page_is_tried_again_ever_later_and_then_no_more() -> None:
    times = [next_page_try(NOW, tries) for tries in range(6)]
    found = [time for time in times if time is not None]
    assert found == sorted(set(found))
    assert found[0] - NOW == timedelta(minutes=15)
    assert times[len(found) :] == [None] * (6 - len(found))
    assert len(found) == 4
