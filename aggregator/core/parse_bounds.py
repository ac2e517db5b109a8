"""Limits for feeds that are larger than any reader needs, before feedparser meets them.

It takes about 20 µs for a tag, and time that grows with the square of a tag's attributes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from aggregator.core.dates import parse_date

ENTRIES_AT_MOST = 10_000
"""Of one answer. The largest feeds seen have some hundreds."""

TAGS_AT_MOST = 500_000
"""In one answer, outside CDATA: 50 for each of the most entries, and some ten seconds of work."""

ATTRIBUTES_AT_MOST = 1_000
"""Of one element."""

_ENTRY_START = re.compile(r"<(?:\w+:)?(?P<name>item|entry)(?=[\s>])", re.I)
_ENTRY_END = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.I)
_DATE = re.compile(
    r"<(?:\w+:)?(?:pubDate|date|published|updated|modified|issued)\b[^<>]*>"
    r"\s*(?:<!\[CDATA\[)?\s*([^<\]]{4,100})",
    re.I,
)
_CDATA = re.compile(r"<!\[CDATA\[.*?\]\]>", re.S)
_LONG_TAG = re.compile(r"<([a-z][\w:.-]*)\s[^<>]{2000,}>", re.I)
_UNDATED = datetime(1, 1, 1, tzinfo=UTC)


def bounded(text: str, timezone: str) -> tuple[str, tuple[str, ...]]:
    """The XML with no more than ENTRIES_AT_MOST entries, and what was done to it as notes.

    The newest entries by their dates stay, in their order; where dates are missing, the first.
    """
    without = _LONG_TAG.sub(_without_attributes, text)
    starts = [match.start() for match in _ENTRY_START.finditer(without)]
    notes = (
        ["an element has thousands of attributes: they were left out"] if without != text else []
    )
    if len(starts) > ENTRIES_AT_MOST:
        without = _newest(without, starts, timezone)
        notes.append(too_many(len(starts)))
    return without, tuple(notes)


def too_many(count: int) -> str:
    """The note on entries left out."""
    return f"it has {count} entries: the newest {ENTRIES_AT_MOST} were read"


def newest(dates: Sequence[datetime | None]) -> list[int]:
    """The places of the ENTRIES_AT_MOST newest, in their order; what has no date is oldest."""
    places = sorted(range(len(dates)), key=lambda place: dates[place] or _UNDATED, reverse=True)
    return sorted(places[:ENTRIES_AT_MOST])


def count_tags(text: str) -> int:
    """How many tags it may have, at most; those in CDATA, which cost nothing, only if need be."""
    count = text.count("<")
    return count if count <= TAGS_AT_MOST else _CDATA.sub("", text).count("<")


def _newest(text: str, starts: list[int], timezone: str) -> str:
    ends = [*starts[1:], len(text)]
    entries = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    last = list(_ENTRY_END.finditer(entries[-1]))
    tail = ""
    if last:
        tail, entries[-1] = entries[-1][last[-1].end() :], entries[-1][: last[-1].end()]
    dates = [_date(entry, timezone) for entry in entries]
    return text[: starts[0]] + "".join(entries[place] for place in newest(dates)) + tail


def _date(entry: str, timezone: str) -> datetime | None:
    found = _DATE.search(entry)
    return parse_date(found[1], timezone) if found else None


def _without_attributes(tag: re.Match[str]) -> str:
    whole = tag.group()
    if whole.count("=") <= ATTRIBUTES_AT_MOST:
        return whole
    return f"<{tag[1]}/>" if whole.endswith("/>") else f"<{tag[1]}>"
