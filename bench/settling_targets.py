"""Databases that rows are written to in bulk: fast rather than safe, as nothing of it lasts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

Row = Sequence[object]


class Target(Protocol):
    """A database that rows are written to in bulk."""

    def moment(self, value: datetime) -> object: ...

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None: ...

    def close(self) -> None: ...


class SQLiteTarget:
    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1500000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("BEGIN")

    def moment(self, value: datetime) -> object:
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows
        )

    def close(self) -> None:
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.close()


class PostgresTarget:
    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url)

    def moment(self, value: datetime) -> object:
        return value

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        self._connection.commit()
        self._connection.autocommit = True
        self._connection.execute("ANALYZE")  # as autovacuum would have done long ago
        self._connection.close()
