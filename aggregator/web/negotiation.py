"""What a request's headers ask for: the form of an answer, and whether one is needed (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
_QUALITY = re.compile(r"q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether Accept-Encoding prefers gzip to the plain form, or likes both alike (12.5.3)."""
    qualities: dict[str, float] = {}
    for choice in accept_encoding.split(","):
        coding, _, parameter = choice.partition(";")
        qualities[coding.strip().lower()] = _quality(parameter.strip())
    rest = qualities.get("*", 0.0)
    gzip = qualities.get("gzip", qualities.get("x-gzip", rest))
    plain = qualities.get("identity", 0.0)
    return gzip > 0 and gzip >= plain


def matching_tag(if_none_match: str, tags: Sequence[str]) -> str | None:
    """The first of our quoted `tags` that If-None-Match names, by weak comparison (8.8.3.2)."""
    if if_none_match.strip() == "*":
        return tags[0]
    named = set(_ENTITY_TAG.findall(if_none_match))
    return next((tag for tag in tags if tag in named), None)


def unchanged_since(if_modified_since: str, last_modified: datetime) -> bool:
    """Whether nothing is newer than the header's date; a date that is none asks for nothing."""
    try:
        since = parsedate_to_datetime(if_modified_since)
        if since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return last_modified.replace(microsecond=0) <= since
    except (ValueError, TypeError, OverflowError):
        return False


def _quality(parameter: str) -> float:
    """1 where none is given; 0 for one that cannot be read, so that it is not chosen."""
    if not parameter:
        return 1.0
    found = _QUALITY.fullmatch(parameter)
    return float(found[1]) if found else 0.0
