"""When to poll a feed next."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

FIRST_RETRY = timedelta(hours=1)
LONGEST_RETRY = timedelta(days=1)
LONGEST_RETRY_AFTER = timedelta(days=31)
SPREAD = 0.1
"""Each feed's interval is longer by a share of its own, up to this, so that feeds spread."""


def next_poll(feed_id: str, now: datetime, interval: timedelta) -> datetime:
    """After a good poll: one interval from now, longer by the feed's own share."""
    return now + interval * (1 + SPREAD * _share(feed_id))


def next_try(
    feed_id: str,
    now: datetime,
    interval: timedelta,
    failures: int,
    retry_after: timedelta | None = None,
) -> datetime:
    """After a failed poll: an hour at least, twice as long for each failure before it, up to a day.

    Takes the number of failed polls in a row before this one, and what the server asked for
    in Retry-After, which is kept to where it asks for more.
    """
    wait = min(FIRST_RETRY * float(2 ** min(failures, 10)), LONGEST_RETRY)
    wait = max(wait, interval) * (1 + SPREAD * _share(feed_id))
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
    return now + wait


def next_page_try(now: datetime, tries: int) -> datetime | None:
    """When an article's page is tried again after `tries` failed tries; None: not any more."""
    waits = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
    return now + waits[tries] if tries < len(waits) else None


def _share(feed_id: str) -> float:
    """A number in [0, 1) that is always the same for one feed."""
    return zlib.crc32(feed_id.encode()) / 2**32
