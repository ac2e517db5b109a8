"""What many tests need."""

from __future__ import annotations

from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"
"""Captured feeds, pages and posts. Where the folder is not there, tests on it collect nothing."""
