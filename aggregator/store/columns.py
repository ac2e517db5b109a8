"""The kinds of columns that tables are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, also on databases that keep no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone: {value}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def time_column(*, nullable: bool = False) -> Any:
    return Field(sa_type=UtcDateTime, nullable=nullable)


def long_text(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(Text, nullable=nullable))


def json_column() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


_HALF, _WHOLE = 1 << 31, 1 << 32


def signed(hash_: int) -> int:
    """A hash of 32 bits as the four bytes of an integer column hold it."""
    return hash_ - _WHOLE if hash_ >= _HALF else hash_


def unsigned(stored: int) -> int:
    """The hash again."""
    return stored + _WHOLE if stored < 0 else stored
