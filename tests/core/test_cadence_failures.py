"""When a feed is tried again after a failure, and what a clock that is set or a sleep does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.cadence import (
    FIRST_RETRY,
    GONE,
    LONGEST_RETRY,
    LONGEST_RETRY_AFTER,
    NEVER,
    SPREAD,
    Due,
    Wishes,
    after_failure,
    clock_step,
    shifted,
    starts_allowed,
)
from aggregator.core.model import FeedHints

NOW = datetime(2021, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOBODYS = Wishes()
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=400))
MOMENTS = st.timedeltas(-10_000 * DAY, 10_000 * DAY).map(lambda since: NOW + since)
WISHES = st.builds(
    Wishes,
    interval=st.none() | st.timedeltas(MINUTE, 7 * DAY),
    shortest=st.timedeltas(MINUTE, 2 * HOUR),
    longest=st.timedeltas(2 * HOUR, 3 * DAY),
)


def is_about(wait: timedelta, found: Due) -> bool:
    """Whether it is after the wait and no more than a feed's own share."""
    return wait <= found.at - NOW <= wait * (1 + SPREAD)


# --- after a failure ----------------------------------------------------------------------------


def wait_after(failures: int, **heard: object) -> timedelta:
    return after_failure("x", NOW, NOBODYS, failures, **heard).at - NOW  # type: ignore[arg-type]


def test_failures_wait_an_hour_and_twice_as_long_each_time_up_to_a_day() -> None:
    for failures, hours in enumerate([1, 2, 4, 8, 16]):
        assert hours * HOUR <= wait_after(failures) <= hours * HOUR * (1 + SPREAD)
    for failures in (5, 6, 7, 10**9):
        assert LONGEST_RETRY - HOUR <= wait_after(failures) <= LONGEST_RETRY


def test_a_short_interval_max_makes_no_failing_feed_be_asked_sooner() -> None:
    hasty = Wishes(longest=HOUR / 2)
    waits = [after_failure("x", NOW, hasty, failures).at - NOW for failures in range(6)]
    assert waits == [wait_after(failures) for failures in range(6)]


@pytest.mark.parametrize("status", [0, 200, 403, 404, 429, 500, 503])
def test_every_failure_but_gone_is_tried_again(status: int) -> None:
    found = after_failure("x", NOW, NOBODYS, 2, status=status)
    assert is_about(4 * HOUR, found)
    assert found.reason == "3rd failure in a row"


def test_gone_is_for_good() -> None:
    found = after_failure("x", NOW, NOBODYS, 0, status=GONE, retry_after=HOUR)
    assert found == Due(NEVER, "gone for good (410)")


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "1st"), (2, "2nd"), (4, "4th"), (11, "11th"), (12, "12th"), (23, "23rd"), (112, "112th")],
)
def test_the_reason_counts_the_failures(number: int, said: str) -> None:
    assert after_failure("x", NOW, NOBODYS, number - 1).reason == f"{said} failure in a row"


def test_a_failing_feed_is_not_polled_more_often_than_the_user_asked() -> None:
    found = after_failure("x", NOW, Wishes(interval=6 * HOUR), 0)
    assert is_about(6 * HOUR, found)
    hasty = after_failure("x", NOW, Wishes(interval=15 * MINUTE), 0)
    assert is_about(HOUR, hasty)


def test_retry_after_counts_only_where_it_asks_for_more() -> None:
    assert wait_after(0, retry_after=timedelta(seconds=1)) == wait_after(0)
    assert wait_after(0, retry_after=-DAY) == wait_after(0)
    found = after_failure("x", NOW, NOBODYS, 0, retry_after=5 * HOUR)
    assert NOW + 5 * HOUR <= found.at <= NOW + 5.25 * HOUR
    assert found.reason == "Retry-After"
    assert wait_after(0, retry_after=timedelta(days=365)) <= LONGEST_RETRY_AFTER


def test_a_retry_keeps_out_of_skipped_hours_too() -> None:
    found = after_failure("x", NOW, NOBODYS, 0, hints=FeedHints(skip_hours=(13, 14)))
    assert found.at.hour == 15
    assert found.reason == "1st failure in a row, skipHours"


@given(
    st.text(),
    MOMENTS,
    WISHES,
    st.integers(0, 10**9),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=10**5)),
)
def test_a_failed_feed_is_tried_again_within_bounds_and_the_later_the_more_it_failed(
    feed_id: str,
    now: datetime,
    wishes: Wishes,
    failures: int,
    retry_after: timedelta | None,
) -> None:
    def at(failures: int) -> datetime:
        return after_failure(feed_id, now, wishes, failures, retry_after=retry_after).at

    assert now + FIRST_RETRY <= at(failures)
    assert at(failures) <= now + max(
        wishes.longest, LONGEST_RETRY, min(retry_after or HOUR, LONGEST_RETRY_AFTER) + HOUR / 4
    )
    assert at(failures) <= now + LONGEST_RETRY_AFTER
    if wishes.interval:
        assert at(failures) >= now + min(wishes.interval, wishes.longest - HOUR)
    if retry_after is not None:
        assert at(failures) >= now + min(retry_after, LONGEST_RETRY_AFTER)
    if failures:
        assert at(failures) >= at(failures - 1)


# --- the clock ----------------------------------------------------------------------------------


def test_a_clock_that_is_set_makes_a_step_and_one_that_is_kept_right_none() -> None:
    assert clock_step(NOW, NOW + HOUR, 100.0, 3700.0) == timedelta(0)
    assert clock_step(NOW, NOW + 59 * timedelta(seconds=1), 100.0, 100.0) == timedelta(0)
    assert clock_step(NOW, NOW + MINUTE, 100.0, 100.0) == MINUTE
    assert clock_step(NOW, NOW + 3 * HOUR, 100.0, 110.0) == 3 * HOUR - timedelta(seconds=10)
    assert clock_step(NOW, NOW - DAY, 100.0, 160.0) == -DAY - MINUTE


@given(MOMENTS, st.timedeltas(-20000 * DAY, 20000 * DAY), LENGTHS)
def test_what_remained_of_a_wait_remains_when_the_clock_is_set(
    now: datetime, step: timedelta, remains: timedelta
) -> None:
    assert shifted(now + remains, step) - (now + step) == remains


def test_never_stays_never_whatever_the_clock() -> None:
    for step in (HOUR, -HOUR, -20000 * DAY, timedelta.max, timedelta.min):
        assert shifted(NEVER, step) == NEVER
    assert shifted(NOW, timedelta.max) == NEVER
    assert shifted(NOW, timedelta.min) < NOW
    assert shifted(NEVER - HOUR, DAY) == NEVER


@pytest.mark.parametrize("backlog", [1, 7, 299, 300, 301, 10_000])
def test_a_backlog_is_through_in_five_minutes_a_few_at_a_time(backlog: int) -> None:
    left, seconds = backlog, 0
    while left > 0:
        starts = starts_allowed(left, backlog)
        assert 1 <= starts <= backlog / 300 + 1
        left -= starts
        seconds += 1
    assert seconds <= 300
    assert seconds >= min(backlog, 150)


def test_one_at_least_may_start() -> None:
    assert starts_allowed(0) == starts_allowed(-1) == 1
