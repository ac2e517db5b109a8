"""A page that could not be had: when it is asked for again, and when never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.core.page_tries import LONGEST_WAIT, PageTry, after_page_failure

NOW = datetime(2021, 8, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_page_is_tried_again_ever_later_and_then_no_more() -> None:
    times = [after_page_failure(NOW, tries, "timeout").at for tries in range(6)]
    found = [time for time in times if time is not None]
    assert found == sorted(set(found))
    assert found[0] - NOW == HOUR
    assert times[len(found) :] == [None] * (6 - len(found))


@pytest.mark.parametrize(
    ("kind", "status"),
    [("robots", 0), ("too_large", 200), ("http_status", 410), ("http_status", 451)],
)
def test_what_will_not_change_is_not_tried_again(kind: str, status: int) -> None:
    assert after_page_failure(NOW, 0, kind, status) == PageTry(None)


def test_a_page_that_is_missing_may_only_be_late_once() -> None:
    assert after_page_failure(NOW, 0, "http_status", 404).at == NOW + HOUR
    assert after_page_failure(NOW, 1, "http_status", 404).at is None


@pytest.mark.parametrize("kind", ["busy", "held"])
def test_a_page_that_was_not_asked_for_waits_its_turn_and_counts_no_try(kind: str) -> None:
    wait = timedelta(minutes=3)
    assert after_page_failure(NOW, 2, kind, wait=wait) == PageTry(NOW + wait, counts=False)
    assert after_page_failure(NOW, 2, kind, wait=100 * LONGEST_WAIT).at == NOW + LONGEST_WAIT


def test_what_the_server_asks_for_makes_it_later_and_never_sooner() -> None:
    assert after_page_failure(NOW, 0, "http_status", 503, 5 * HOUR).at == NOW + 5 * HOUR
    assert after_page_failure(NOW, 0, "http_status", 503, HOUR / 9).at == NOW + HOUR
