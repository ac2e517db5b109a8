"""Grouping made anew: all stored articles settle once more, in the order of their numbers.

How far that has come stands in the store, so that it goes on after a restart.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, func, insert, select

from aggregator.core.composed import Stored
from aggregator.store import copies, sentences, story_places
from aggregator.store.copies import source_of
from aggregator.store.group_tables import MEMBERS, REGROUPING
from aggregator.store.tables import ARTICLES


def begin(connection: Connection) -> None:
    """Nothing is known any more of what is learnt from articles; what people ruled stays."""
    copies.clear(connection)
    sentences.clear(connection)
    story_places.clear(connection)
    record(connection, 0)


def reached(connection: Connection) -> int | None:
    """The number of the last article that has settled again; None if that is not under way."""
    return connection.execute(select(REGROUPING.c.after)).scalar()


def record(connection: Connection, after: int | None) -> None:
    """It has come to the article of this number; None: to the last."""
    connection.execute(delete(REGROUPING))
    if after is not None:
        connection.execute(insert(REGROUPING), {"after": after})


def last_number(connection: Connection) -> int:
    """That of the article that was published last."""
    return connection.execute(select(func.max(ARTICLES.c.number))).scalar() or 0


def stored(connection: Connection, after: int, limit: int) -> tuple[Stored, ...]:
    """The published articles of the next numbers."""
    rows = connection.execute(
        select(
            ARTICLES.c.id,
            ARTICLES.c.number,
            ARTICLES.c.title,
            ARTICLES.c.outlet,
            ARTICLES.c.published,
            ARTICLES.c.fingerprint,
            ARTICLES.c.body_from,
            ARTICLES.c.body,
        )
        .where(ARTICLES.c.number > after, ARTICLES.c.state == "ready")
        .order_by(ARTICLES.c.number)
        .limit(limit)
    )
    return tuple(
        Stored(
            id=row.id,
            number=row.number,
            title=row.title,
            outlet=row.outlet,
            published=row.published,
            fingerprint=row.fingerprint,
            source=source_of(row.body_from),
            body=row.body,
        )
        for row in rows
    )


def settled(connection: Connection, numbers: Collection[int]) -> frozenset[int]:
    """Those of the numbers whose articles settled since it began: they came meanwhile."""
    # their sketches may be forgotten already, if they were published long ago
    asked = select(MEMBERS.c.number).where(MEMBERS.c.number.in_(numbers))
    return frozenset(connection.execute(asked).scalars())
