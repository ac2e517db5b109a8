"""SQLite: its pragmas, where its transactions begin, and its errors in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from aggregator.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
)
from aggregator.store.values import to_json

CACHE_KB = 4000
"""Of each connection; what it does not hold the system does."""


def engine(url: URL, writes: bool, connections: int, busy_seconds: float) -> Engine:
    """Takes how many connections there may be at once, and how long one waits for others."""
    made = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=busy_seconds,
        json_serializer=to_json,
        connect_args={"check_same_thread": False, "timeout": busy_seconds},
    )

    @event.listens_for(made, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, see `start`
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # NORMAL loses commits in a power cut
        connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        connection.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(made, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def make_folder(url: URL) -> None:
    """Makes the folder that the file is to be in. Raises StoreError."""
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


def in_words(error: sqlite3.Error, where: str) -> StoreError | None:
    """The StoreError that the driver's error means; None if it is a bug."""
    name = getattr(error, "sqlite_errorname", "")  # the driver's own errors have none
    for names, made, what, hint in _ADVICE:
        if name.startswith(names):
            return made(what, where, hint)
    return None


def ended(driver: sqlite3.Connection) -> bool:
    """SQLite rolls back by itself on a full disk and on I/O errors
    (sqlite.org/lang_transaction.html).
    """
    return not driver.in_transaction
