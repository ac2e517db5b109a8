"""How long a server says that an answer stays fresh: HTTP caching, RFC 9111.

1. `Cache-Control: max-age` is the server's word, and Expires is ignored beside it (§5.3). Of
   several the first counts; one that cannot be read says nothing (§4.2.1).
2. Without it: Expires less Date, both by the server's clock. An Expires that is no date, as 0,
   means "already expired" (§5.3).
3. Less Age, the time that the answer has lain in a cache on its way (§4.2.3).
4. What is then no longer fresh says nothing of when to ask again: neither that, nor `no-cache`,
   `no-store` and `must-revalidate`, which say only what a cache may do, invite to ask sooner.
   `s-maxage` is for shared caches, which a reader is not (§5.2.2.10).

A 304 counts as a 200 does: its fields are the newer ones (§4.3.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_FRESHNESS = timedelta(seconds=2**31)
"""What a larger number of seconds means, RFC 9111 §1.2.2."""

_DIRECTIVE = re.compile(r"""([^\s,;="]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^,;]*)))?""", re.S)
_SECONDS = re.compile(r"0*([0-9]{1,10})\Z|([0-9]+)\Z")


def freshness(headers: Mapping[str, str], received_at: datetime) -> timedelta | None:
    """How long an answer is still fresh; None where that is not said or cannot be told.

    Takes the answer's headers (names in lower case, fields sent twice joined by a comma) and
    when it came, which stands in for a Date that is missing.
    """
    fresh_for, said = _max_age(headers.get("cache-control", ""))
    if not said:
        fresh_for = _until_expiry(headers, received_at)
    if fresh_for is None:
        return None
    left = fresh_for - (_seconds(headers.get("age", "").partition(",")[0]) or timedelta(0))
    return left if left > timedelta(0) else None


def _max_age(cache_control: str) -> tuple[timedelta | None, bool]:
    """The first max-age, and whether there is one, readable or not."""
    for directive in _DIRECTIVE.finditer(cache_control):
        if directive[1].lower() == "max-age":
            return _seconds(directive[2] or directive[3] or ""), True
    return None, False


def _until_expiry(headers: Mapping[str, str], received_at: datetime) -> timedelta | None:
    expires = _http_date(headers.get("expires", ""))
    if expires is None:
        return None
    return expires - (_http_date(headers.get("date", "")) or received_at)


def _seconds(text: str) -> timedelta | None:
    """RFC 9111 §1.2.2; None for what is no number of seconds, as a negative one."""
    number = _SECONDS.match(text.strip())
    if number is None:
        return None
    if number[2]:
        return LONGEST_FRESHNESS
    return min(timedelta(seconds=int(number[1])), LONGEST_FRESHNESS)


def _http_date(text: str) -> datetime | None:
    """RFC 9110 §5.6.7, the obsolete forms too. All are in UTC, whether they say so or not."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date
