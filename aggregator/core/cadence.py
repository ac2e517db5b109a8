"""When to poll a feed next.

After a poll that brought a feed or a 304 (`after_poll`), in this order:

 1. What the user set for the feed, or for all, is the interval, within `interval_min` and
    `interval_max`; rules 2 to 6 are then for nothing.
 2. The server's freshness (RFC 9111, core/freshness.py) and the feed's `ttl` (RSS 2.0: "how long
    a channel can be cached before refreshing") say not before: the longest counts. One below
    an hour invites to come sooner than an hour, down to `interval_min`.
 3. `updatePeriod` and `updateFrequency` (RSS 1.0 syndication module) say not before too, but
    invite to nothing: blog software sends them unasked.
 4. A hint counts up to 48 hours. Without one, it is an hour.
 5. The feed's own rhythm (core/rhythm.py) says when something is to be expected. Not before the
    hints, or the hour, and not after `interval_max`.
 6. A feed without ETag and Last-Modified comes whole each time: once a day.
 7. While its hub pushes (WebSub), a poll is only a precaution: every six hours at most, whatever
    the rules above say, the user's interval too, for pushes are faster than any.
 8. Never before `interval_min`.
 9. Later by the feed's own share of a tenth, so that feeds that began together spread.
10. Not in an hour of `skipHours` nor on a day of `skipDays`, which are in GMT (RSS 2.0), but at
    the feed's own moment of the next hour that is open. If all are skipped, none is.

After a poll that failed (`after_failure`):

 1. 410 Gone is for good (RFC 9110 §15.5.11): never again.
 2. An hour after the first failure, twice as long each time, up to a day; not more often than the
    user asked for.
 3. Retry-After (RFC 9110 §10.2.3) makes it later, up to 31 days, never sooner.
 4. Spread and skipped as above.

The due time is stored, so neither a restart nor a reload brings a poll forward. Where the clock
is set, `clock_step` finds it and `shifted` keeps what remained of each wait; after a sleep
`starts_allowed` lets the overdue ones through a few at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aggregator.core.model import FeedHints
from aggregator.core.rhythm import next_beat

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When a feed that is gone for good is polled next."""

WITHOUT_HINTS = HOUR
LONGEST_HINT = timedelta(hours=48)
WHILE_PUSHED = timedelta(hours=6)

FIRST_RETRY = HOUR
LONGEST_RETRY = DAY
LONGEST_RETRY_AFTER = timedelta(days=31)

SPREAD = 0.1
"""Each feed's interval is longer by a share of its own, up to this, so that feeds spread."""

PUNCTUAL_SPREAD = timedelta(minutes=15)
"""The most by which it is longer where it is to end at a certain time."""

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
    longest: timedelta = timedelta(hours=24)


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
    """How long until the next poll, and how much longer it may be made to spread the feeds."""

    length: timedelta
    reason: str
    room: timedelta = timedelta.max


# --- after a poll ------------------------------------------------------------------------------


def after_poll(feed_id: str, now: datetime, wishes: Wishes, heard: Heard) -> Due:
    """When to poll next after a poll that brought a feed, or the news that it is unchanged."""
    wait = _asked_for(wishes) or _adapted(now, wishes, heard)
    if heard.pushed and wait.length < (rare := min(WHILE_PUSHED, wishes.longest)):
        wait = _Wait(rare, "pushes arrive")
    if wait.length < wishes.shortest:
        wait = _Wait(wishes.shortest, wait.reason)
    return _due(feed_id, now, wait, heard.hints)


def _asked_for(wishes: Wishes) -> _Wait | None:
    asked = wishes.interval
    if asked is None:
        return None
    reason = f"you asked for {in_words(asked)}"
    if asked < wishes.shortest:
        return _Wait(wishes.shortest, f"{reason}, interval_min is {in_words(wishes.shortest)}")
    if asked > wishes.longest:
        return _Wait(wishes.longest, f"{reason}, interval_max is {in_words(wishes.longest)}")
    return _Wait(asked, reason)


def _adapted(now: datetime, wishes: Wishes, heard: Heard) -> _Wait:
    hint = _hint(heard, wishes)
    floor = hint or _Wait(min(WITHOUT_HINTS, wishes.longest), "no hints")
    wait = floor
    beat = next_beat(heard.rhythm, now)
    if beat is not None:
        expected = min(beat.wait, wishes.longest)
        if expected > floor.length:
            room = PUNCTUAL_SPREAD if expected == beat.wait else timedelta.max
            wait = _Wait(expected, beat.reason, room)
        elif hint is None:
            wait = _Wait(floor.length, f"{beat.reason}, an hour at least")
    if not heard.validators and wait.length < (day := min(DAY, wishes.longest)):
        return _Wait(day, "no validators")
    return wait


def _hint(heard: Heard, wishes: Wishes) -> _Wait | None:
    """The longest of what server and feed ask for, not below `shortest`."""
    asked: list[_Wait] = []
    if heard.freshness is not None and heard.freshness > timedelta(0):
        length = min(heard.freshness, LONGEST_HINT)
        asked.append(_Wait(length, f"fresh for {in_words(length)} by its server"))
    hints = heard.hints
    if hints.ttl is not None and hints.ttl > 0:
        most = LONGEST_HINT // timedelta(minutes=1)
        asked.append(_Wait(timedelta(minutes=min(hints.ttl, most)), f"ttl {hints.ttl}"))
    if hints.update_period in _PERIODS:
        times = max(hints.update_frequency, 1)
        length = min(max(_PERIODS[hints.update_period] / times, WITHOUT_HINTS), LONGEST_HINT)
        often = f" {times} times" if times > 1 else ""
        asked.append(_Wait(length, f"updatePeriod {hints.update_period}{often}"))
    if not asked:
        return None
    longest = max(asked, key=lambda wait: wait.length)
    return _Wait(max(longest.length, wishes.shortest), longest.reason)


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
    wait = _Wait(
        max(backoff, asked.length) if asked else backoff, f"{_nth(failures + 1)} failure in a row"
    )
    if retry_after is not None and retry_after > wait.length:
        length = min(retry_after, LONGEST_RETRY_AFTER)
        room = min(PUNCTUAL_SPREAD, LONGEST_RETRY_AFTER - length)
        wait = _Wait(length, "Retry-After", room)
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
    """Later by the feed's own share of a tenth.

    Feeds polled together, at a start or after a sleep, are so spread evenly over a tenth of the
    interval at the next poll, over the whole of it after ten, and stay so.
    """
    room = min(wait.length * SPREAD, wait.room)
    return now + wait.length + room * _share(feed_id)


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
