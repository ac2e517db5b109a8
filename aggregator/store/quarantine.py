"""What took a worker down: counted, and set aside by name once it has done so twice.

Of a feed whose bytes differ each time, none would be met twice. So those that are new count for
the feed as well, by the name `feed-ID`, until some can be read: after two in a row it is left
unread for a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from aggregator.store.tables import QUARANTINE

TRIES = 2
"""So often something is tried before it is set aside."""

Part = Literal["feed", "changing", "text", "page"]
"""What is set aside: a feed's bytes, whatever the feed's bytes are, what a feed gave of an article,
an article's page.
"""

REST = timedelta(hours=23)
"""How long such a feed is left unread: it is polled once in 23 to 24 hours by then."""

KEPT = timedelta(days=90)
"""How long it is remembered after it was last met."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be read or made: by its name, the feed and the article (if it is one's)
    that brought it, where it is from, and what happened.
    """

    name: str
    feed_id: str
    article_id: str
    url: str
    error: str

    @property
    def part(self) -> Part:
        if not self.article_id:
            return "changing" if self.name == _of_feed(self.feed_id) else "feed"
        return "page" if self.name.startswith("page-") else "text"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A failure met often enough, with how often and when last."""

    failure: Failure
    tries: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """How often the same bytes of a feed failed, how many different ones of it in a row, and when
    the last of those did.
    """

    same: int
    in_a_row: int
    last_at: datetime | None

    def rests(self, now: datetime) -> bool:
        """Whether the feed is not to be read, whatever its bytes are."""
        if self.in_a_row < TRIES or self.last_at is None:
            return False
        return self.last_at <= now < self.last_at + REST


def _of_feed(feed_id: str) -> str:
    return f"feed-{feed_id}"


def record(connection: Connection, failure: Failure, now: datetime) -> int:
    """Counts the failure; gives how often it was met by now."""
    connection.execute(delete(QUARANTINE).where(QUARANTINE.c.last_at < now - KEPT))
    known = QUARANTINE.c.name == failure.name
    before = tries(connection, failure.name)
    if not before:
        values = asdict(failure) | {"tries": 1, "first_at": now, "last_at": now}
        connection.execute(insert(QUARANTINE).values(values))
        return 1
    met = {"tries": before + 1, "last_at": now, "error": failure.error}
    connection.execute(update(QUARANTINE).where(known).values(met))
    return before + 1


def tries(connection: Connection, name: str) -> int:
    """How often something of this name failed."""
    known = select(QUARANTINE.c.tries).where(QUARANTINE.c.name == name)
    return connection.execute(known).scalar() or 0


def tried(connection: Connection, feed_id: str, name: str) -> Tried:
    """What is known of the bytes of that name, and of the feed."""
    columns = select(QUARANTINE.c.tries, QUARANTINE.c.last_at)
    row = connection.execute(columns.where(QUARANTINE.c.name == _of_feed(feed_id))).first()
    return Tried(tries(connection, name), row.tries if row else 0, row.last_at if row else None)


def record_feed(connection: Connection, failure: Failure, now: datetime) -> Tried:
    """Counts bytes that failed, for themselves, and if they are new for their feed too."""
    if record(connection, failure, now) == 1:
        record(connection, replace(failure, name=_of_feed(failure.feed_id)), now)
    return tried(connection, failure.feed_id, failure.name)


def forgive(connection: Connection, feed_id: str) -> None:
    """The feed could be read: it is not set aside any more."""
    connection.execute(delete(QUARANTINE).where(QUARANTINE.c.name == _of_feed(feed_id)))


def listed(connection: Connection, feed_id: str = "") -> Sequence[SetAside]:
    """What is set aside of one feed, or of all: by feed, the latest first."""
    chosen = (
        select(QUARANTINE)
        .where(QUARANTINE.c.tries >= TRIES)
        .order_by(QUARANTINE.c.feed_id, QUARANTINE.c.last_at.desc(), QUARANTINE.c.name)
    )
    if feed_id:
        chosen = chosen.where(QUARANTINE.c.feed_id == feed_id)
    return tuple(
        SetAside(
            Failure(row.name, row.feed_id, row.article_id, row.url, row.error),
            row.tries,
            row.last_at,
        )
        for row in connection.execute(chosen)
    )
