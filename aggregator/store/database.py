"""Opening a database: pragmas, transactions, errors in words, migrations."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aggregator.errors import (
    AggregatorError,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNewer,
    StoreReadOnly,
)
from aggregator.store.migrations import HEAD, REVISIONS

BUSY_SECONDS = 10
"""How long a write waits for another process, and a read for its turn, before it gives up."""

READERS = 4

CACHE_KB = 4000
"""Of each connection; what it does not hold the system does."""


class Database:
    """One database and two ways in: `write` (one transaction at a time) and `read`.

    One that may not be written can be opened and read if its tables are of today's shape.
    """

    def __init__(self, url: str, busy_seconds: float = BUSY_SECONDS) -> None:
        """Takes an SQLAlchemy URL, and how long to wait for others (BUSY_SECONDS).

        Creates the file's folder; opens nothing yet.
        """
        try:
            parsed = make_url(url)
            self.where = parsed.render_as_string(hide_password=True)
            if parsed.get_backend_name() == "sqlite":
                _make_folder(parsed)
            self._writer = _engine(parsed, "BEGIN IMMEDIATE", 1, busy_seconds)
            self._reader = _engine(parsed, "BEGIN", READERS, busy_seconds)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise StoreError(
                f"cannot open this kind of database: {error}",
                "[store] url",
                'use "sqlite:///path/to/file.db"',
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


def _engine(url: URL, begin: str, connections: int, busy_seconds: float) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=connections, max_overflow=0, json_serializer=_to_json)
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=busy_seconds,
        json_serializer=_to_json,
        connect_args={"check_same_thread": False, "timeout": busy_seconds},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, see `start`
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # NORMAL loses commits in a power cut
        connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        connection.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _to_json(value: object) -> str:
    return _ENCODER.encode(value)


def _make_folder(url: URL) -> None:
    if not url.database or url.database == ":memory:" or "\0" in url.database:
        raise StoreError(
            "an SQLite database needs a file", "[store] url", 'as in "sqlite:///var/news.db"'
        )
    if url.database.startswith("file:"):
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder: {error.strerror}", str(folder), "check who may write there"
        ) from error


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


_ADVICE: tuple[tuple[tuple[str, ...], type[StoreError], str, str], ...] = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED"),
        StoreLocked,
        "another process is writing to it",
        "stop the other process; the work is tried again",
    ),
    (
        ("SQLITE_READONLY",),
        StoreReadOnly,
        "it cannot be written",
        "check the owner and the mode of the file, its folder and the disk",
    ),
    (
        ("SQLITE_FULL",),
        StoreFull,
        "the disk is full",
        "free some space; the work is tried again",
    ),
    (
        ("SQLITE_CORRUPT", "SQLITE_NOTADB"),
        StoreDamaged,
        "it is not a sound SQLite database",
        "move it away and put back a backup, or start anew",
    ),
    (
        ("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"),
        StoreError,
        "it cannot be opened",
        "check that the folder exists and who may write there",
    ),
    (
        ("SQLITE_IOERR",),
        StoreError,
        "the disk failed while reading or writing",
        "check the disk and the system log",
    ),
)


def ended(connection: Connection) -> bool:
    """Whether the database has rolled the transaction back by itself, all of it.

    SQLite does on a full disk and on I/O errors (sqlite.org/lang_transaction.html): what
    follows would be outside of any transaction.
    """
    driver = connection.connection.dbapi_connection
    return isinstance(driver, sqlite3.Connection) and not driver.in_transaction


def in_words(error: DBAPIError, where: str) -> AggregatorError | DBAPIError:
    """Takes the driver's error; gives the StoreError it means, or itself if it is a bug."""
    cause: Any = error.orig
    name: str = getattr(cause, "sqlite_errorname", "")
    for names, made, what, hint in _ADVICE:
        if name.startswith(names):
            return made(what, where, hint)
    return error
