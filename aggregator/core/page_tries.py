"""When an article's page is asked for again, after it could not be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

WAITS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""How long a page is left alone after each failed try; then it is given up."""

LONGEST_WAIT = timedelta(days=31)
"""However long a server asks to be left alone."""

NOT_ASKED = ("busy", "held")
"""Kinds of errors where no request was made: the host has others before it, or wants peace."""

_FINAL_KINDS = ("robots", "too_large")
_GONE = (410, 451)
_MISSING = 404
"""It may only not be there yet: feeds are sometimes faster than their sites."""


@dataclass(frozen=True, slots=True)
class PageTry:
    """When the page is asked for next (None: not any more), and whether this was a try of it."""

    at: datetime | None
    counts: bool = True


def after_page_failure(
    now: datetime,
    tries: int,
    kind: str = "",
    status: int = 0,
    wait: timedelta | None = None,
) -> PageTry:
    """What follows on a page that could not be had.

    Takes how many tries failed before this one, the error's kind (empty: the page came, and there
    was no article on it), the HTTP status (0 where none came), and how long the server, or the
    others that are asked for before it, make it wait.
    """
    wait = min(wait or timedelta(0), LONGEST_WAIT)
    if kind in NOT_ASKED:
        return PageTry(now + wait, counts=False)
    is_final = kind in _FINAL_KINDS or status in _GONE or (status == _MISSING and tries > 0)
    if is_final or tries >= len(WAITS):
        return PageTry(None)
    return PageTry(now + max(WAITS[tries], wait))
