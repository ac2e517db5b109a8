"""A feed's own rhythm: when, going by its past, something new is to be expected.

The same stretch of time is looked at on each of the past days, and in each of the past weeks: by
when had half of them brought something? So the hour of the day and the weekday are learned
without a word about either, and a feed that brings an entry every few hours is to be asked after
a good half of its usual gap.

- Entries that came in bulk, as when a mirror stamps all with the time of its crawl, are one.
- Dates in the future are no past, and what is older than eight weeks says nothing of today.
- A feed that misses its time is to be asked again soon after, then ever later.
- A feed silent beyond its usual gaps is waited for a fourteenth of its silence: after two weeks
  a day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)

BULK = timedelta(minutes=5)
"""Entries this close together came together: asking between them is of no use."""

REMEMBERED = timedelta(weeks=8)
FEWEST = 3
"""Times of which a rhythm can be made."""

PUBLISHING = timedelta(minutes=5)
"""How long after its date an entry may be in the feed, where its date is known beforehand."""

REST_SHARE = 8
"""The part of its usual gap in which nothing is expected after an entry."""

QUIET_SHARE = 14


@dataclass(frozen=True, slots=True)
class Beat:
    """What a rhythm says: after which time to ask again, and why, in words."""

    wait: timedelta
    reason: str


def next_beat(published: Sequence[datetime], now: datetime) -> Beat | None:
    """When something new is to be expected, from now; None where the past does not tell.

    Takes when the feed's latest entries were published, in any order. The wait is above zero,
    and otherwise not bounded.
    """
    past = sorted(time for time in published if time <= now)
    if not past:
        return None
    silence = now - past[-1]
    times = _apart(past)
    recent = [time for time in times if time > now - REMEMBERED]
    if len(times) < FEWEST:
        return Beat(silence / QUIET_SHARE, _quiet(silence)) if silence > DAY else None
    if len(recent) < FEWEST:
        expected = _middle(_gaps(times)) / 2
    else:
        times = recent
        expected = _expected(times, now)
    quiet_for = (silence - 2 * _middle(_gaps(times))) / QUIET_SHARE
    if quiet_for > expected:
        return Beat(quiet_for, _quiet(silence))
    entries = sum(time >= times[0] for time in past)
    return Beat(expected, _rate(entries / ((now - times[0]) / DAY)))


def _apart(past: Sequence[datetime]) -> list[datetime]:
    """The times, bulks made one: of each the first."""
    times: list[datetime] = []
    for time in past:
        if not times or time - times[-1] > BULK:
            times.append(time)
    return times


def _gaps(times: Sequence[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(times)]


def _middle(lengths: Sequence[timedelta]) -> timedelta:
    """The median; of two, the shorter."""
    return sorted(lengths)[(len(lengths) - 1) // 2]


def _expected(times: Sequence[datetime], now: datetime) -> timedelta:
    """After how long something new is to be expected, by what past days and weeks had brought."""
    # a pinned entry or two must not make the past look long and empty
    known_for = now - times[len(times) // 20]
    if known_for < FEWEST * DAY:
        return known_for / len(times) / 2
    # today's entry may have come a little before its hour: it is not to be expected again
    rest_until = times[-1] + _middle(_gaps(times)) / REST_SHARE
    begin = max(now, rest_until)
    due = begin + _usual_wait(times, begin, known_for)
    was_due = rest_until + _usual_wait(times[:-1], rest_until, known_for)
    if was_due < now:
        due = min(due, now + max(now - was_due, HOUR))
    return due - now


def _usual_wait(times: Sequence[datetime], moment: datetime, known_for: timedelta) -> timedelta:
    """By days, and by weeks where enough are known: whichever expects something sooner."""
    return min(
        _half_had_one(times, moment, period, known_for // period)
        for period in (DAY, WEEK)
        if known_for >= FEWEST * period
    )


def _half_had_one(
    times: Sequence[datetime], moment: datetime, period: timedelta, past_periods: int
) -> timedelta:
    """After how long half of the past periods had brought something, from the same moment on.

    At least a period where half of them brought nothing at all. Where most had theirs soon
    after the middle one, it is waited for them, so that one poll gets what comes about then.
    """
    waits: list[timedelta] = []
    for back in range(1, past_periods + 1):
        start = moment - back * period
        following = bisect_right(times, start)
        wait = times[following] - start if following < len(times) else period
        waits.append(min(wait, period))
    middle = _middle(waits)
    if middle == period:
        return period
    grace = min(HOUR, middle / 8)
    last = max(wait for wait in waits if wait <= middle + grace)
    return last + min(PUBLISHING, grace)


def _rate(a_day: float) -> str:
    for per, count in (("day", a_day), ("week", a_day * 7), ("month", a_day * 30)):
        if count >= 0.75 or per == "month":
            break
    count = max(1, round(count))
    return f"about {count} {'entry' if count == 1 else 'entries'} a {per}"


def _quiet(silence: timedelta) -> str:
    if silence >= 2 * WEEK:
        return f"quiet for {silence // WEEK} weeks"
    if silence >= 2 * DAY:
        return f"quiet for {silence // DAY} days"
    return f"quiet for {silence // HOUR} hours"
