"""The clock set, and the clock that merely goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from aggregator.engines.clockwatch import ClockWatch, steady_seconds

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def watched(*seconds: float) -> ClockWatch:
    """A watch whose steady clock shows these, one after another."""
    shown: Iterator[float] = iter(seconds)
    return ClockWatch(lambda: next(shown))


def test_time_that_passes_is_no_step_be_it_long_or_slept_through() -> None:
    watch = watched(0, 1, 30_000)
    steps = [watch.step(NOW + timedelta(seconds=passed)) for passed in (0, 1, 30_010)]
    assert steps == [timedelta(0)] * 3


def test_a_clock_that_is_set_is_noticed_once() -> None:
    watch = watched(0, 1, 2, 3)
    assert watch.step(NOW) == timedelta(0)
    assert watch.step(NOW + 5 * HOUR + timedelta(seconds=1)) == 5 * HOUR
    assert watch.step(NOW + 5 * HOUR + timedelta(seconds=2)) == timedelta(0)
    assert watch.step(NOW + timedelta(seconds=3)) == -5 * HOUR


def test_the_steady_clock_goes_on() -> None:
    first = steady_seconds()
    assert steady_seconds() >= first
