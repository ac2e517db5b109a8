"""Failures wait longer each time, and are forgotten after a success."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aggregator.engines.backoff import Backoff

NOW = datetime(2021, 8, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_what_fails_again_is_left_alone_for_longer_up_to_a_limit() -> None:
    backoff = Backoff(MINUTE, 10 * MINUTE)
    now, waits = NOW, []
    for _ in range(6):
        backoff.failed(["a"], now)
        start = now
        while backoff.held(now):
            now += MINUTE
        waits.append((now - start) // MINUTE)
    assert waits == [1, 2, 4, 8, 10, 10]


def test_a_success_ends_it() -> None:
    backoff = Backoff(MINUTE)
    backoff.failed(["a", "b"], NOW)
    backoff.worked(["a", "c"])
    assert backoff.held(NOW) == ("b",)
    assert "a" not in backoff
    assert "b" in backoff


def test_what_never_comes_again_is_forgotten() -> None:
    backoff = Backoff(MINUTE, 10 * MINUTE)
    backoff.failed(["a"], NOW)
    assert backoff.held(NOW + 5 * MINUTE) == ()
    assert "a" in backoff
    assert backoff.held(NOW + 12 * MINUTE) == ()
    assert "a" not in backoff
