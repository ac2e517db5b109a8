"""What many tests need."""

from __future__ import annotations

from pathlib import Path

from tests.postgres import postgres

__all__ = ["postgres"]

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"
"""Captured feeds, pages and posts. Where the folder is not there, tests on it collect nothing."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Binary values give no test its name: what gzip packs tells the time, and the processes that
    share the tests must agree on their names."""
    return argname if isinstance(val, bytes) and not val.isascii() else None
