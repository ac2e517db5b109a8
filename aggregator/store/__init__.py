"""The store: everything that is kept, in one database.

tables.py      the tables (sqlmodel)
database.py    opening it: pragmas, transactions, errors in words, migrations
writer.py      the one writer, which commits waiting operations together
polls.py       what a poll leaves behind
quarantine.py  what took a worker down
robots.py      what robots.txt said
materials.py   what articles are made from: those that wait, one that is asked for
articles.py    articles made: composed, merged, revised
retention.py   what is older than articles are kept: removed, and kept out
homes.py       which article an entry is part of
subscriptions.py  with hubs (WebSub): what is to be asked of them, what their pushes brought
editions.py    what is in each edition, and which have changed
rows.py        between rows and the types that travel
migrations/    the shapes over time (alembic)

An operation is a function whose first argument is a connection in a transaction:
`await store.write(record_poll, feed_id, …)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from aggregator.core.feed_state import FeedState
from aggregator.core.model import Article, Counts, Match
from aggregator.core.websub import Subscription
from aggregator.store import (
    articles,
    editions,
    materials,
    polls,
    quarantine,
    retention,
    subscriptions,
)
from aggregator.store.database import Database
from aggregator.store.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

__all__ = [
    "Connection",
    "Store",
    "articles",
    "editions",
    "materials",
    "polls",
    "quarantine",
    "retention",
    "subscriptions",
]


class Store:
    """Runs operations on the database: `write` through the one writer, `read` beside it."""

    def __init__(self, database: Database) -> None:
        self.where = database.where
        self._database = database
        self._writer = Writer(database)

    @classmethod
    def open(cls, url: str) -> Store:
        """Opens the database at an SQLAlchemy URL and brings it to today's shape.

        Raises StoreError in its variants: locked, read-only, newer, damaged, full.
        """
        database = Database(url)
        try:
            database.migrate()
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Commits what is waiting and closes."""
        self._writer.close()
        self._database.close()

    async def write(
        self,
        operation: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Runs an operation in a transaction; returns once it is on disk. Raises StoreError."""
        future = self._writer.submit(lambda connection: operation(connection, *args, **kwargs))
        return await asyncio.wrap_future(future)

    async def read(
        self,
        operation: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Runs a reading operation in a thread beside the writer. Raises StoreError."""
        return await asyncio.to_thread(lambda: self.read_now(operation, *args, **kwargs))

    def read_now(
        self,
        operation: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with self._database.read() as connection:
            return operation(connection, *args, **kwargs)

    def articles(self, topic_id: str | None, limit: int) -> tuple[Article, ...]:
        """The newest articles of a topic, or (None) of all."""
        return self.read_now(editions.articles, topic_id, limit)

    def article(self, article_id: str) -> Article | None:
        """The article, or the one it was merged into."""
        return self.read_now(editions.article, article_id)

    def scan(self, since: datetime) -> Iterator[Article]:
        """Every article published since, newest first, a few at a time in memory."""
        with self._database.read() as connection:
            yield from editions.scan(connection, since)

    def matches(self, article_id: str) -> tuple[Match, ...]:
        """The topics the article is in, and why."""
        return self.read_now(editions.matches, article_id)

    def feed_states(self) -> tuple[FeedState, ...]:
        """How every configured feed is doing."""
        return self.read_now(editions.feed_states)

    def subscriptions(self) -> Mapping[str, Subscription]:
        """What feeds have with the hubs they name, by feed."""
        return self.read_now(subscriptions.of_feeds)

    def set_aside(self) -> Sequence[quarantine.SetAside]:
        """What took a worker down too often, of all feeds."""
        return self.read_now(quarantine.listed)

    def counts(self) -> Counts:
        """The store in numbers."""
        return self.read_now(editions.counts)
