"""When to poll a feed next.

After a poll that brought a feed or a 304 (`after_poll`), in this order:

 1. What the user set for the feed, or for all, is the interval, within `interval_min` and
    `interval_max`; rules 2 to 6 are then for nothing.
 2. The server's freshness (RFC 9111, core/freshness.py) and the feed's `ttl` (RSS 2.0: "how long
    a channel can be cached before refreshing") say not before: the longest counts. One below
    an hour invites to come sooner than an hour, down to `interval_min`.
 3. `updatePeriod` and `updateFrequency` (RSS 1.0 syndication module) say not before too, but
    invite to nothing: blog software sends them unasked.
 4. A hint counts up to `interval_max`; up to 48 hours where that is a day, its default, as a
    longer one is then only the publisher's wish. Without a hint, it is an hour.
 5. The feed's own rhythm (core/rhythm.py) says when something is to be expected. Not before the
    hints, or the hour, and not after `interval_max`.
 6. A feed without ETag and Last-Modified comes whole each time: once a day.
 7. While its hub pushes (WebSub), a poll is only a precaution: every six hours at most, whatever
    the rules above say, the user's interval too, for pushes are faster than any.
 8. Never before `interval_min`.
 9. Later by the feed's own share of a tenth, an hour at most, so that feeds that began together
    spread. Not later than `interval_max`, or the 48 hours of a hint that reaches beyond it: what
    is about so long already is earlier by its share. But nothing is earlier than a hint that counts
    as it is (rules 2 to 4), nor than what is to be expected at a certain time (5).
10. Not in an hour of `skipHours` nor on a day of `skipDays`, which are in GMT (RSS 2.0), but at
    the feed's own moment of the next hour that is open. If all are skipped, none is.

After a poll that failed (`after_failure`):

 1. 410 Gone is for good (RFC 9110 §15.5.11): never again.
 2. An hour after the first failure, twice as long each time, up to a day; not more often than the
    user asked for. `interval_max` does not make it sooner: a site in trouble is left alone.
 3. Retry-After (RFC 9110 §10.2.3) makes it later, up to 31 days, never sooner.
 4. Spread and skipped as above, the spread within the day and the 31 days.

The due time is stored, so neither a restart nor a reload brings a poll forward. Where the clock
is set, `clock_step` finds it and `shifted` keeps what remained of each wait; after a sleep
`starts_allowed` lets the overdue ones through a few at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from aggregator.core.model import FeedHints
from aggregator.core.rhythm import next_beat

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When a feed that is gone for good is polled next."""

WITHOUT_HINTS = HOUR
LONGEST = DAY
"""How long an interval may be where the user set nothing."""

LONGEST_HINT = timedelta(hours=48)
WHILE_PUSHED = timedelta(hours=6)

FIRST_RETRY = HOUR
LONGEST_RETRY = DAY
LONGEST_RETRY_AFTER = timedelta(days=31)

SPREAD = 0.1
"""Each feed's interval is longer by a share of its own, up to this, so that feeds spread."""

LONGEST_SPREAD = HOUR
"""The most that this may be: a day stays about a day."""

PUNCTUAL_SPREAD = timedelta(minutes=15)
"""The same where the interval is to end at a certain time."""

GONE = 410

LEAST_STEP = timedelta(minutes=1)
"""Below this a clock is being kept right, not set."""

OVERDUE = timedelta(minutes=10)
"""From when on a feed that waits is part of a backlog."""

BACKLOG_SECONDS = 300

NO_HINTS = FeedHints()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS = {
    "hourly": HOUR,
    "daily": DAY,
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user set: `interval` for the feed or for all, None if nobody did."""

    interval: timedelta | None = None
    shortest: timedelta = timedelta(minutes=15)
    longest: timedelta = LONGEST


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer, the feed in it and its past say of when to come again."""

    validators: bool
    """Whether there is an ETag or a Last-Modified to ask with."""
    freshness: timedelta | None = None
    """As core/freshness.py reads it from the answer's headers, those of a 304 too."""
    hints: FeedHints = NO_HINTS
    rhythm: Sequence[datetime] = ()
    """When its latest entries were published, in any order."""
    pushed: bool = False
    """Its hub pushes, and pushes have been arriving."""


@dataclass(frozen=True, slots=True)
class Due:
    """When a feed is polled next, and why then, in words."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class _Wait:
    """How long until the next poll, and within what it may be changed to spread the feeds."""

    length: timedelta
    reason: str
    most: timedelta
    least: timedelta = timedelta(0)
    room: timedelta = LONGEST_SPREAD


# --- after a poll ------------------------------------------------------------------------------


def after_poll(feed_id: str, now: datetime, wishes: Wishes, heard: Heard) -> Due:
    """When to poll next after a poll that brought a feed, or the news that it is unchanged."""
    wait = _asked_for(wishes) or _adapted(now, wishes, heard)
    if heard.pushed and wait.length < (rare := min(WHILE_PUSHED, wishes.longest)):
        wait = _Wait(rare, "pushes arrive", wishes.longest)
    if wait.length < wishes.shortest:
        wait = _Wait(wishes.shortest, wait.reason, wishes.longest)
    least = max(wait.least, wishes.shortest)
    return _due(feed_id, now, replace(wait, least=least), heard.hints)


def _asked_for(wishes: Wishes) -> _Wait | None:
    asked = wishes.interval
    if asked is None:
        return None
    reason = f"you asked for {in_words(asked)}"
    if asked < wishes.shortest:
        reason = f"{reason}, interval_min is {in_words(wishes.shortest)}"
        return _Wait(wishes.shortest, reason, wishes.longest)
    if asked > wishes.longest:
        reason = f"{reason}, interval_max is {in_words(wishes.longest)}"
        return _Wait(wishes.longest, reason, wishes.longest)
    return _Wait(asked, reason, wishes.longest)


def _adapted(now: datetime, wishes: Wishes, heard: Heard) -> _Wait:
    hint = _hint(heard, wishes)
    floor = hint or _Wait(min(WITHOUT_HINTS, wishes.longest), "no hints", wishes.longest)
    wait = floor
    beat = next_beat(heard.rhythm, now)
    if beat is not None:
        expected = min(beat.wait, wishes.longest)
        if expected > floor.length and beat.wait < wishes.longest:
            wait = _Wait(expected, beat.reason, wishes.longest, expected, PUNCTUAL_SPREAD)
        elif expected > floor.length:
            wait = _Wait(expected, beat.reason, wishes.longest, floor.least)
        elif hint is None:
            wait = replace(floor, reason=f"{beat.reason}, an hour at least")
    if not heard.validators and wait.length < (day := min(DAY, wishes.longest)):
        return _Wait(day, "no validators", wishes.longest, floor.least)
    return wait


def _hint(heard: Heard, wishes: Wishes) -> _Wait | None:
    """The longest of what server and feed ask for, not below `shortest`."""
    asked: list[tuple[timedelta, str]] = []
    if heard.freshness is not None and heard.freshness > timedelta(0):
        length = min(heard.freshness, LONGEST_HINT)
        asked.append((length, f"fresh for {in_words(length)} by its server"))
    hints = heard.hints
    if hints.ttl is not None and hints.ttl > 0:
        minutes = min(hints.ttl, LONGEST_HINT // timedelta(minutes=1))
        asked.append((timedelta(minutes=minutes), f"ttl {hints.ttl}"))
    if hints.update_period in _PERIODS:
        times = max(hints.update_frequency, 1)
        length = min(max(_PERIODS[hints.update_period] / times, WITHOUT_HINTS), LONGEST_HINT)
        often = f" {times} times" if times > 1 else ""
        asked.append((length, f"updatePeriod {hints.update_period}{often}"))
    if not asked:
        return None
    length, reason = max(asked, key=lambda hint: hint[0])
    length = max(length, wishes.shortest)
    beyond = length >= wishes.longest == LONGEST
    most = LONGEST_HINT if beyond else min(wishes.longest, LONGEST_HINT)
    if length >= most:
        return _Wait(most, reason, most)  # less than was asked for in any case
    return _Wait(length, reason, most, least=length)


# --- after a failure ---------------------------------------------------------------------------


def after_failure(
    feed_id: str,
    now: datetime,
    wishes: Wishes,
    failures: int,
    *,
    status: int = 0,
    retry_after: timedelta | None = None,
    hints: FeedHints = NO_HINTS,
) -> Due:
    """When to poll next after a poll that failed, however it failed.

    Takes the number of failed polls in a row before this one, the HTTP status (0 where none
    came), what the server asked for in Retry-After, and the hints that the feed gave before.
    """
    if status == GONE:
        return Due(NEVER, "gone for good (410)")
    backoff = min(FIRST_RETRY * float(2 ** min(failures, 10)), LONGEST_RETRY)
    asked = _asked_for(wishes)
    length = max(backoff, asked.length) if asked else backoff
    most = LONGEST_RETRY if length <= LONGEST_RETRY else wishes.longest
    least = asked.length if asked and asked.length < wishes.longest else FIRST_RETRY
    wait = _Wait(length, f"{_nth(failures + 1)} failure in a row", most, least)
    if retry_after is not None and retry_after >= length:
        length = min(retry_after, LONGEST_RETRY_AFTER)
        wait = _Wait(length, "Retry-After", LONGEST_RETRY_AFTER, length, PUNCTUAL_SPREAD)
    elif retry_after is not None:
        wait = replace(wait, least=max(least, retry_after))
    return _due(feed_id, now, wait, hints)


def _nth(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number % 10, 'th')}"


# --- the moment --------------------------------------------------------------------------------


def _due(feed_id: str, now: datetime, wait: _Wait, hints: FeedHints) -> Due:
    at = _spread(feed_id, now, wait)
    open_at, skipped = _open(feed_id, at, hints)
    return Due(open_at, f"{wait.reason}, {skipped}" if skipped else wait.reason)


def _spread(feed_id: str, now: datetime, wait: _Wait) -> datetime:
    """Later by the feed's own share of a tenth, or, where it would be too late, earlier.

    Feeds polled together, at a start or after a sleep, are so spread evenly over a tenth of the
    interval at the next poll, over the whole of it after ten (of intervals up to ten hours), and
    stay so.
    """
    room = min(wait.length * SPREAD, wait.room)
    latest = min(wait.length + room, wait.most)
    earliest = max(latest - room, wait.least)
    return now + earliest + max(latest - earliest, timedelta(0)) * _share(feed_id)


def _open(feed_id: str, at: datetime, hints: FeedHints) -> tuple[datetime, str]:
    """The first time from `at` on that the feed does not want skipped, and what was skipped."""
    hours = {hour % 24 for hour in hints.skip_hours if 0 <= hour <= 24}
    named = {day.strip().lower() for day in hints.skip_days}
    days = {number for number, day in enumerate(_WEEKDAYS) if day in named}
    hours = set() if len(hours) == 24 else hours
    days = set() if len(days) == 7 else days
    if at.hour not in hours and at.weekday() not in days:
        return at, ""
    skipped = "skipDays" if at.weekday() in days else "skipHours"
    hour = at.replace(minute=0, second=0, microsecond=0)
    while hour.hour in hours or hour.weekday() in days:
        hour += HOUR
    return hour + HOUR * _share(feed_id), skipped


def _share(feed_id: str) -> float:
    """A number in [0, 1) that is always the same for one feed."""
    return zlib.crc32(feed_id.encode()) / 2**32


def in_words(length: timedelta) -> str:
    """`20 min`, `90 min`, `6 h`, `2 days`, `45 s`: in the largest unit that gives a whole number,
    of minutes below two hours."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 7200 or seconds % 3600 >= 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600 or seconds % 86400 >= 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} days"


# --- the clock ---------------------------------------------------------------------------------


def clock_step(
    wall_before: datetime, wall_now: datetime, steady_before_s: float, steady_now_s: float
) -> timedelta:
    """By how much the clock was set between two looks at it; zero below a minute.

    Takes the clock's times, and in seconds those of a clock that cannot be set and goes on in
    sleep (CLOCK_BOOTTIME): by one that stands still in sleep, each sleep is a step forward.
    """
    passed = timedelta(seconds=steady_now_s - steady_before_s)
    step = (wall_now - wall_before) - passed
    return step if abs(step) >= LEAST_STEP else timedelta(0)


def shifted(next_poll_at: datetime, step: timedelta) -> datetime:
    """A due time after the clock was set by `step`: what remained of the wait remains."""
    if next_poll_at >= NEVER:
        return NEVER
    try:
        return min(next_poll_at + step, NEVER)
    except OverflowError:
        return NEVER if step > timedelta(0) else _EPOCH


def starts_allowed(overdue: int, backlog: int = 0) -> int:
    """How many overdue feeds may be started this second; one at least.

    Takes how many are overdue now by more than OVERDUE, without those never polled, and how
    many were when the backlog was found: it is then through in five minutes. Without the
    second number it thins out more and more slowly.
    """
    return max(1, -(-max(overdue, backlog) // BACKLOG_SECONDS))
