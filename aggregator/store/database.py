"""Opening a database: transactions, errors in words, migrations.

What is particular to a kind of database is in `sqlite.py` and `postgres.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aggregator.errors import (
    AggregatorError,
    StoreError,
    StoreNewer,
)
from aggregator.store import postgres, sqlite
from aggregator.store.migrations import HEAD, REVISIONS

if TYPE_CHECKING:
    import psycopg

BUSY_SECONDS = 10
"""How long a write waits for another process, and a read for its turn, before it gives up."""

READERS = 4


class Database:
    """One database and two ways in: `write` (one transaction at a time) and `read`.

    One that may not be written can be opened and read if its tables are of today's shape.
    """

    def __init__(self, url: str, busy_seconds: float = BUSY_SECONDS) -> None:
        """Takes an SQLAlchemy URL, and how long to wait for others (BUSY_SECONDS).

        Creates the folder of SQLite's file; opens nothing yet.
        """
        try:
            parsed = make_url(url)
            self.where = _shown(parsed)
            if parsed.get_backend_name() == "sqlite":
                sqlite.make_folder(parsed)
            self._writer = _engine(parsed, True, 1, busy_seconds)
            self._reader = _engine(parsed, False, READERS, busy_seconds)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise StoreError(
                f"cannot open this kind of database: {error}",
                "[store] url",
                'use "sqlite:///path/to/file.db" or "postgresql://USER@HOST/NAME"',
            ) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it or nothing. Raises StoreError in its variants."""
        with self._errors(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; never waits for a writer. Raises StoreError in its variants."""
        with self._errors(), self._reader.connect() as connection:
            yield connection

    def migrate(self) -> None:
        """Brings the tables to today's shape. Raises StoreNewer if they are past it."""
        with self.read() as connection:  # which waits for no writer
            if _revision(connection) == HEAD:
                return
        with self.write() as connection:
            found = _revision(connection)
            if found == HEAD:
                return
            if not found and inspect(connection).get_table_names():
                raise StoreError(
                    "another program's tables are in it",
                    self.where,
                    "give [store] url another place",
                )
            if found and found not in REVISIONS:
                raise StoreNewer(
                    f"was made by a newer version (schema {found}; this one knows {HEAD})",
                    self.where,
                    "run that version, or give [store] url another place",
                )
            # alembic takes 0.1 s to import, and is needed only when there is work for it
            from aggregator.store.migrations.run import upgrade

            upgrade(connection)

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise in_words(error, self.where) from error
        except PoolTimeout as error:
            raise StoreError(
                "too many read it at once", self.where, "wait for what is running to end"
            ) from error


def _engine(url: URL, writes: bool, connections: int, busy_seconds: float) -> Engine:
    kind = url.get_backend_name()
    if kind == "sqlite":
        return sqlite.engine(url, writes, connections, busy_seconds)
    if kind == "postgresql":
        return postgres.engine(url, writes, connections, busy_seconds)
    raise NoSuchModuleError(kind)


def _shown(url: URL) -> str:
    """The URL without its password, wherever that stands."""
    secret = [name for name in url.query if "password" in name]
    return url.difference_update_query(secret).render_as_string(hide_password=True)


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def ended(connection: Connection) -> bool:
    """Whether the database has rolled the transaction back by itself, all of it: what follows
    would be outside of any transaction.
    """
    if connection.invalidated:  # the connection was lost
        return True
    driver = connection.connection.dbapi_connection
    if isinstance(driver, sqlite3.Connection):
        return sqlite.ended(driver)
    return postgres.ended(cast("psycopg.Connection", driver))


def in_words(error: DBAPIError, where: str) -> AggregatorError | DBAPIError:
    """Takes the driver's error; gives the StoreError it means, or itself if it is a bug."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return sqlite.in_words(cause, where) or error
    return postgres.in_words(cast("psycopg.Error", cause), where) or error
