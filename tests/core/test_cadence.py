"""When a feed is polled next, and a page tried again: each rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.core.cadence import (
    LONGEST_HINT,
    LONGEST_SPREAD,
    SPREAD,
    Due,
    Heard,
    Wishes,
    after_poll,
    in_words,
)
from aggregator.core.model import FeedHints

NOW = datetime(2021, 11, 24, 12, 0, tzinfo=UTC)
"""A Wednesday."""
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOBODYS = Wishes()
UNCLEAR = Heard(validators=True)
BUSY = [NOW - nth * 6 * MINUTE for nth in range(60)]
"""An entry every six minutes."""
SLOW = [NOW - 3 * HOUR - nth * 10.2 * HOUR for nth in range(60)]
"""Two or three entries a day."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def due(heard: Heard = UNCLEAR, wishes: Wishes = NOBODYS, feed_id: str = "x") -> Due:
    return after_poll(feed_id, NOW, wishes, heard)


def is_about(wait: timedelta, found: Due) -> bool:
    """Whether it is after the wait and no more than a feed's own share."""
    return wait <= found.at - NOW <= wait + min(wait * SPREAD, LONGEST_SPREAD)


def is_at_most(wait: timedelta, found: Due) -> bool:
    """Whether it is before the end of the wait, by no more than a feed's own share."""
    return wait - min(wait * SPREAD, LONGEST_SPREAD) <= found.at - NOW <= wait


# --- after a poll: each rule --------------------------------------------------------------------


def test_without_hints_it_is_an_hour() -> None:
    assert is_about(HOUR, due())
    assert due().reason == "no hints"
    assert is_at_most(30 * MINUTE, due(wishes=Wishes(longest=30 * MINUTE)))


def test_a_feed_without_validators_comes_once_a_day() -> None:
    found = due(Heard(validators=False))
    assert is_at_most(DAY, found)
    assert found.reason == "no validators"
    assert is_at_most(DAY, due(Heard(validators=False, freshness=5 * MINUTE, rhythm=BUSY)))
    for asked in (23 * HOUR, 23.9 * HOUR):
        assert due(Heard(validators=False, freshness=asked)).at >= NOW + asked, "it is not before"


def test_a_feed_without_validators_comes_as_often_as_the_user_asks() -> None:
    bare = Heard(validators=False)
    assert is_about(2 * HOUR, due(bare, Wishes(interval=2 * HOUR)))
    assert is_at_most(3 * HOUR, due(bare, Wishes(longest=3 * HOUR)))


def test_the_user_is_asked_first() -> None:
    asked = Wishes(interval=20 * MINUTE)
    found = due(Heard(True, freshness=DAY, hints=FeedHints(ttl=60), rhythm=SLOW), asked)
    assert is_about(20 * MINUTE, found)
    assert found.reason == "you asked for 20 min"


def test_the_user_may_ask_for_less_than_a_quarter_of_an_hour() -> None:
    assert is_about(5 * MINUTE, due(wishes=Wishes(interval=5 * MINUTE, shortest=2 * MINUTE)))


def test_what_the_user_asks_for_is_kept_within_the_limits() -> None:
    hasty = due(wishes=Wishes(interval=MINUTE))
    assert is_about(15 * MINUTE, hasty)
    assert hasty.reason == "you asked for 1 min, interval_min is 15 min"
    patient = due(wishes=Wishes(interval=3 * DAY))
    assert is_at_most(DAY, patient)
    assert patient.reason == "you asked for 3 days, interval_max is 24 h"
    six = timedelta(hours=6)
    assert is_at_most(six, due(wishes=Wishes(interval=six, longest=six)))
    assert is_about(six, due(wishes=Wishes(interval=six)))


def test_where_only_one_interval_is_allowed_it_is_that_one() -> None:
    assert due(wishes=Wishes(HOUR, HOUR, HOUR)).at == NOW + HOUR


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        (Heard(True, freshness=2 * HOUR), "fresh for 2 h by its server"),
        (Heard(True, hints=FeedHints(ttl=120)), "ttl 120"),
        (
            Heard(True, hints=FeedHints(update_period="daily", update_frequency=12)),
            "updatePeriod daily 12 times",
        ),
    ],
)
def test_a_hint_is_a_not_before(heard: Heard, reason: str) -> None:
    for rhythm in ([], BUSY):
        found = due(replace(heard, rhythm=rhythm))
        assert is_about(2 * HOUR, found)
        assert found.reason == reason


def test_of_several_hints_the_longest_counts() -> None:
    hints = FeedHints(ttl=180, update_period="hourly")
    assert due(Heard(True, 2 * HOUR, hints)).reason == "ttl 180"
    assert due(Heard(True, 4 * HOUR, hints)).reason == "fresh for 4 h by its server"
    hints = FeedHints(ttl=60, update_period="daily")
    assert due(Heard(True, 4 * HOUR, hints)).reason == "updatePeriod daily"


@pytest.mark.parametrize(
    "heard", [Heard(True, freshness=20 * MINUTE), Heard(True, hints=FeedHints(ttl=20))]
)
def test_a_hint_below_an_hour_invites_where_there_is_something_to_catch(heard: Heard) -> None:
    assert is_about(20 * MINUTE, due(heard)), "nothing is known of the rhythm"
    assert is_about(20 * MINUTE, due(replace(heard, rhythm=BUSY)))
    assert due(replace(heard, rhythm=SLOW)).at - NOW > HOUR
    assert "entries a day" in due(replace(heard, rhythm=SLOW)).reason


def test_an_invitation_is_followed_down_to_interval_min() -> None:
    for heard in (Heard(True, timedelta(seconds=1)), Heard(True, hints=FeedHints(ttl=1))):
        assert is_about(15 * MINUTE, due(heard))
        assert is_about(5 * MINUTE, due(heard, Wishes(shortest=5 * MINUTE)))
        assert is_about(2 * HOUR, due(heard, Wishes(shortest=2 * HOUR)))


def test_interval_min_is_kept_where_it_is_longer_than_the_hour() -> None:
    assert is_about(2 * HOUR, due(wishes=Wishes(shortest=2 * HOUR)))


def test_an_invitation_is_followed_as_far_as_there_is_something_to_catch() -> None:
    each_80_minutes = [NOW - nth * 80 * MINUTE for nth in range(40)]
    found = due(Heard(True, freshness=20 * MINUTE, rhythm=each_80_minutes))
    assert 30 * MINUTE < found.at - NOW < 50 * MINUTE
    assert found.reason == "about 18 entries a day"


def test_update_period_invites_to_nothing() -> None:
    hints = FeedHints(update_period="hourly", update_frequency=60)
    assert is_about(HOUR, due(Heard(True, hints=hints)))
    assert is_about(HOUR, due(Heard(True, freshness=5 * MINUTE, hints=hints)))


def test_without_an_invitation_a_busy_feed_is_polled_each_hour() -> None:
    found = due(Heard(True, rhythm=BUSY))
    assert is_about(HOUR, found)
    assert found.reason == "about 244 entries a day, an hour at least"


def test_the_rhythm_makes_a_slow_feed_rarer_and_a_silent_one_as_rare_as_may_be() -> None:
    found = due(Heard(True, rhythm=SLOW))
    assert HOUR < found.at - NOW < 12 * HOUR
    assert found.reason == "about 2 entries a day"
    silent = due(Heard(True, rhythm=[NOW - 30 * DAY]))
    assert is_at_most(DAY, silent)
    assert silent.reason == "quiet for 4 weeks"
    six = Wishes(longest=6 * HOUR)
    assert is_at_most(6 * HOUR, due(Heard(True, rhythm=[NOW - 30 * DAY]), six))


@pytest.mark.parametrize(
    "heard",
    [
        Heard(True, freshness=timedelta(days=24855)),
        Heard(True, hints=FeedHints(ttl=10**30)),
        Heard(True, hints=FeedHints(update_period="yearly")),
    ],
)
def test_absurd_hints_count_for_two_days(heard: Heard) -> None:
    assert is_at_most(LONGEST_HINT, due(heard))
    assert is_at_most(LONGEST_HINT, due(heard, Wishes(longest=7 * DAY)))


@pytest.mark.parametrize("hours", [24, 30, 47, 47.9])
def test_a_hint_may_reach_beyond_interval_max_if_that_is_nobodys_wish(hours: float) -> None:
    heard = Heard(True, freshness=hours * HOUR)
    assert NOW + hours * HOUR <= due(heard).at <= NOW + min(hours * HOUR + HOUR, LONGEST_HINT)


@pytest.mark.parametrize("longest", [6 * HOUR, 23 * HOUR, 36 * HOUR])
@pytest.mark.parametrize(
    "heard",
    [
        Heard(True, freshness=48 * HOUR),
        Heard(True, hints=FeedHints(ttl=48 * 60)),
        Heard(True, hints=FeedHints(update_period="weekly")),
    ],
)
def test_an_interval_max_that_the_user_set_goes_before_every_hint(
    heard: Heard, longest: timedelta
) -> None:
    assert is_at_most(longest, due(heard, Wishes(longest=longest)))
    near = replace(heard, hints=FeedHints(), freshness=longest - MINUTE)
    found = due(near, Wishes(longest=longest)).at
    assert NOW + longest - MINUTE <= found <= NOW + longest


@pytest.mark.parametrize(
    "heard",
    [
        Heard(True, freshness=timedelta(0)),
        Heard(True, freshness=-DAY),
        Heard(True, hints=FeedHints(ttl=0)),
        Heard(True, hints=FeedHints(ttl=-5)),
        Heard(True, hints=FeedHints(update_period="fortnightly", update_frequency=0)),
    ],
)
def test_hints_that_mean_nothing_say_nothing(heard: Heard) -> None:
    assert due(heard) == due()


def test_a_period_of_no_times_is_one_of_once() -> None:
    for times in (0, -3, 1):
        hints = FeedHints(update_period="daily", update_frequency=times)
        assert due(Heard(True, hints=hints)) == due(
            Heard(True, hints=FeedHints(update_period="daily"))
        )


def test_while_pushes_arrive_it_is_polled_a_few_times_a_day() -> None:
    for heard in (Heard(True, pushed=True), Heard(True, 5 * MINUTE, rhythm=BUSY, pushed=True)):
        for wishes in (NOBODYS, Wishes(interval=20 * MINUTE)):
            found = due(heard, wishes)
            assert is_about(6 * HOUR, found)
            assert found.reason == "pushes arrive"
    assert is_about(DAY, due(Heard(True, freshness=DAY, pushed=True))), "a longer wait stays"
    assert is_at_most(2 * HOUR, due(Heard(True, pushed=True), Wishes(longest=2 * HOUR)))


def test_skipped_hours_are_in_gmt_and_not_polled_in() -> None:
    found = due(Heard(True, hints=FeedHints(skip_hours=(13, 14, 15))))
    assert NOW + 4 * HOUR <= found.at < NOW + 5 * HOUR
    assert found.reason == "no hints, skipHours"


def test_the_hour_24_is_that_after_midnight() -> None:
    night = after_poll(
        "x", NOW + 10.5 * HOUR, NOBODYS, Heard(True, hints=FeedHints(skip_hours=(23, 24)))
    )
    assert night.at.hour == 1


def test_skipped_days_are_not_polled_on() -> None:
    hints = FeedHints(skip_days=("thursday", " Friday ", "Someday"))
    evening = after_poll("x", NOW + 11.5 * HOUR, NOBODYS, Heard(True, hints=hints))
    assert evening.at.strftime("%a %H") == "Sat 00"
    assert evening.reason == "no hints, skipDays"
    both = replace(hints, skip_hours=(0, 1))
    evening = after_poll("x", NOW + 11.5 * HOUR, NOBODYS, Heard(True, hints=both))
    assert evening.at.strftime("%a %H") == "Sat 02"


def test_where_all_are_skipped_none_is() -> None:
    hints = FeedHints(skip_hours=tuple(range(24)), skip_days=DAYS)
    assert due(Heard(True, hints=hints)) == due()
    assert due(Heard(True, hints=replace(hints, skip_hours=(13,)))).at.hour == 14


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (45 * timedelta(seconds=1), "45 s"),
        (20 * MINUTE, "20 min"),
        (90 * MINUTE, "90 min"),
        (2 * HOUR, "2 h"),
        (150 * MINUTE, "150 min"),
        (DAY, "24 h"),
        (2 * DAY, "2 days"),
        (50 * HOUR, "50 h"),
        (7 * DAY, "7 days"),
    ],
)
def test_lengths_in_words(length: timedelta, words: str) -> None:
    assert in_words(length) == words
