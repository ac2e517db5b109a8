"""SQL run past SQLAlchemy's compiler, which for what is small takes longer than the database.

For what every article asks several times; all else is SQLAlchemy Core. The SQL is what SQLite and
PostgreSQL both take, with `:name` for a value; times are not among the values, as the two keep them
otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult

_NAME = re.compile(r":(\w+)")

Values = Mapping[str, object]
NOTHING: Values = {}


class Statement:
    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._for_psycopg = _NAME.sub(r"%(\1)s", sql)

    def run(
        self, connection: Connection, values: Values | Sequence[Values]
    ) -> CursorResult[*tuple[Any, ...]]:
        """Once, or for each of several values."""
        named = connection.dialect.name == "sqlite"
        given = dict(values) if isinstance(values, Mapping) else [dict(one) for one in values]
        return connection.exec_driver_sql(self._sql if named else self._for_psycopg, given)


class Listed:
    """A statement about a list, `IN (:list)`, of at least one value."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._by_size: dict[int, Statement] = {}

    def run(
        self, connection: Connection, values: Sequence[object]
    ) -> CursorResult[*tuple[Any, ...]]:
        # filled up to a power of two: few different texts, which drivers keep prepared
        size = 1 << (len(values) - 1).bit_length()
        statement = self._by_size.get(size)
        if statement is None:
            names = ", ".join(f":value{at}" for at in range(size))
            statement = self._by_size[size] = Statement(self._sql.replace(":list", names))
        filled = [*values, *[values[-1]] * (size - len(values))]
        return statement.run(connection, {f"value{at}": one for at, one in enumerate(filled)})


class Numbered:
    """A statement about a list of whole numbers, `IN :list`, or one that has a row of the column
    `value` for each, `FROM :list`. The list is a single value, so that it is one statement however
    long the list is. It may be empty. `postgres` is said to PostgreSQL instead, where it is not to
    choose another way.
    """

    def __init__(self, sql: str, postgres: str = "") -> None:
        array = "CAST(:list AS BIGINT[])"
        self._for_sqlite = Statement(
            sql.replace("IN :list", "IN (SELECT value FROM json_each(:list))").replace(
                "FROM :list", "FROM json_each(:list)"
            )
        )
        self._for_postgres = Statement(
            (postgres or sql)
            .replace("IN :list", f"= ANY({array})")
            .replace("FROM :list", f"FROM unnest({array}) AS list(value)")
        )

    def run(
        self, connection: Connection, numbers: Sequence[int], values: Values = NOTHING
    ) -> CursorResult[*tuple[Any, ...]]:
        if connection.dialect.name == "sqlite":
            return self._for_sqlite.run(connection, {"list": json.dumps(numbers), **values})
        return self._for_postgres.run(connection, {"list": [*numbers], **values})
