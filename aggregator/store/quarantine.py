"""What took a worker down: counted, and set aside by name once it has done so twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from aggregator.store.tables import QUARANTINE

TRIES = 2
"""So often something is tried before it is set aside."""

Part = Literal["feed", "text", "page"]
"""What is set aside: a feed's bytes, what a feed gave of an article, an article's page."""

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
            return "feed"
        return "page" if self.name.startswith("page-") else "text"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A failure met often enough, with how often and when last."""

    failure: Failure
    tries: int
    last_at: datetime


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
