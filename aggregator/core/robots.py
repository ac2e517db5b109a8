"""What is known of one site's robots.txt (RFC 9309), and how long that holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT_FOR = timedelta(days=1)
"""§2.4."""


@dataclass(frozen=True, slots=True)
class RobotsKnown:
    """What asking a site for it brought, and when that was."""

    asked_at: datetime
    rules: str
    """The lines that are for us, under one `user-agent: *`; empty: all is allowed."""

    delay: float | None = None
    """Seconds between two requests, where it says so (Crawl-delay)."""

    kept_for: timedelta = KEPT_FOR
    unreachable_since: datetime | None = None
    kind: str = ""
    """Of the error, where it could not be had; and in words, and the status if one came:"""
    failure: str = ""
    status: int = 0

    def holds(self, now: datetime) -> bool:
        return self.asked_at <= now < self.asked_at + self.kept_for
