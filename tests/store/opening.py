"""Databases opened for a test, and what an error has to say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aggregator.errors import StoreError
from aggregator.store.database import Database

BOUNDED = 0.1
"""Seconds that a test waits for a lock."""


@contextmanager
def migrated(url: str) -> Iterator[Database]:
    database = Database(url, busy_seconds=BOUNDED)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def told(error: pytest.ExceptionInfo[StoreError], where: str) -> None:
    """It says where and what to do, on one line."""
    assert where in error.value.where
    assert error.value.hint
    assert "\n" not in str(error.value)
