"""What robots.txt said, kept over restarts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.core.robots import RobotsKnown
from aggregator.store import Store, robots

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SAID = RobotsKnown(NOW, "user-agent: *\ndisallow: /a%20b\n", 2.5)
SILENT = RobotsKnown(NOW, "user-agent: *\ndisallow: /\n", None, 4 * HOUR, NOW - 9 * HOUR,
                     "http_status", "the server answered 503", 503)  # fmt: skip


def kept(url: str, *learnt: tuple[str, RobotsKnown]) -> dict[str, RobotsKnown]:
    """What is known after all that was learnt, and a restart."""
    store = Store.open(url)
    for origin, known in learnt:
        asyncio.run(store.write(robots.record, origin, known))
    store.close()
    again = Store.open(url)
    found = dict(again.read_now(robots.known))
    again.close()
    return found


@pytest.mark.parametrize("known", [SAID, SILENT, RobotsKnown(NOW, "")])
def test_it_comes_back_as_it_was(url: str, known: RobotsKnown) -> None:
    assert kept(url, ("https://a.example", known)) == {"https://a.example": known}


def test_the_latest_of_a_site_counts_and_comes_last(url: str) -> None:
    later = RobotsKnown(NOW + HOUR, "")
    found = kept(url, ("https://b", SAID), ("https://a", SAID), ("https://b", later))
    assert list(found.items()) == [("https://a", SAID), ("https://b", later)]


@pytest.mark.parametrize(
    ("days", "left"),
    [(0.9, {"said", "silent"}), (1.1, {"silent"}), (30, {"silent"}), (32, set())],
)
def test_what_no_longer_holds_is_forgotten_and_a_silent_site_after_a_month(
    url: str, days: float, left: set[str]
) -> None:
    learnt = RobotsKnown(NOW + days * DAY, "")
    found = kept(url, ("said", SAID), ("silent", SILENT), ("other", learnt))
    assert found.keys() == {*left, "other"}


def test_no_more_are_read_back_than_are_kept_in_memory(url: str) -> None:
    learnt = [(f"https://{n}", RobotsKnown(NOW + n * timedelta(seconds=1), "")) for n in range(5)]
    store = Store.open(url)
    for origin, known in learnt:
        asyncio.run(store.write(robots.record, origin, known))
    assert dict(store.read_now(robots.known, 2)) == dict(learnt[3:])
    store.close()
