"""What sites' robots.txt said, so that a restart does not ask again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, or_, select

from aggregator.core.robots import KEPT_FOR, RobotsKnown
from aggregator.store.tables import ROBOTS

FORGOTTEN_AFTER = timedelta(days=31)
"""A site that could not say what it allows is remembered for so long; another, as long as that
holds.
"""

AT_MOST = 2_000
"""Sites that are read back, those asked last: more are not kept in memory either."""


def record(connection: Connection, origin: str, known: RobotsKnown) -> None:
    """Keeps what the site at the origin said, and forgets what no longer holds of others."""
    now = known.asked_at
    answered = ROBOTS.c.unreachable_since.is_(None)
    connection.execute(
        delete(ROBOTS).where(
            or_(
                ROBOTS.c.origin == origin,
                answered & (ROBOTS.c.asked_at < now - KEPT_FOR),
                ROBOTS.c.asked_at < now - FORGOTTEN_AFTER,
            )
        )
    )
    connection.execute(
        insert(ROBOTS).values(
            origin=origin,
            asked_at=known.asked_at,
            delay=known.delay,
            kept_seconds=known.kept_for.total_seconds(),
            unreachable_since=known.unreachable_since,
            kind=known.kind,
            failure=known.failure,
            status=known.status,
            rules=known.rules,
        )
    )


def known(connection: Connection, at_most: int = AT_MOST) -> Mapping[str, RobotsKnown]:
    """What is kept, by origin; what was asked last comes last."""
    latest = select(ROBOTS).order_by(ROBOTS.c.asked_at.desc(), ROBOTS.c.origin).limit(at_most)
    rows = reversed(connection.execute(latest).all())
    return {
        row.origin: RobotsKnown(
            row.asked_at,
            row.rules,
            row.delay,
            timedelta(seconds=row.kept_seconds),
            row.unreachable_since,
            row.kind,
            row.failure,
            row.status,
        )
        for row in rows
    }
