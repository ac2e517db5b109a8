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

TAG_AT_MOST = 100_000
"""Characters of one element's attributes."""

TEXT_AT_MOST = 500_000
"""Characters of one text of an entry: a novel with its markup. What comes after would only cost,
here and at every step to come."""

TEXTS_AT_MOST = 8_000_000
"""Characters of all entries of one answer."""

EMBEDDED_AT_MOST = 10_000
"""Characters of a picture inside a text, as base64: readers show none of these."""

_ENTRY_START = re.compile(r"<(?:\w+:)?(?P<name>item|entry)(?=[\s>])", re.I)
_ENTRY_END = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.I)
_DATE = re.compile(
    r"<(?:\w+:)?(?:pubDate|date|published|updated|modified|issued)\b[^<>]*>"
    r"\s*(?:<!\[CDATA\[)?\s*([^<\]]{4,100})",
    re.I,
)
_CDATA = re.compile(r"<!\[CDATA\[.*?\]\]>", re.S)
_LONG_TAG = re.compile(r"<([a-z][\w:.-]*)\s[^<>]{2000,}>", re.I)
_EMBEDDED = re.compile(rf";base64,[\w+/=\s%-]{{{EMBEDDED_AT_MOST},}}", re.A)
_RUN = re.compile(r"<!\[CDATA\[(.*?)(\]\]>|\Z)|[^<]+", re.S)
_HALF_A_REFERENCE = re.compile(r"&[#\w]{0,12}\Z")
_UNDATED = datetime(1, 1, 1, tzinfo=UTC)


def bounded(text: str, timezone: str) -> tuple[str, tuple[str, ...]]:
    """The XML without what is beyond these limits, and what was done to it as notes.

    Of the entries the newest by their dates stay, in their order; where dates are missing, the
    first. A text that is too long keeps its beginning.
    """
    notes = []
    without = _LONG_TAG.sub(_without_attributes, text)
    if without != text:
        notes.append("an element has too many attributes, or too long: they were left out")
    if len(without) > TEXT_AT_MOST:
        whole = _EMBEDDED.sub(";base64,", without)
        without = _RUN.sub(_cut_run, whole)
        if without != whole:
            notes.append(TOO_LONG)
    starts = [match.start() for match in _ENTRY_START.finditer(without)]
    if len(starts) > ENTRIES_AT_MOST or (starts and len(without) > TEXTS_AT_MOST):
        without, left = _newest(without, starts, timezone)
        notes += too_many(len(starts), left)
    return without, tuple(notes)


TOO_LONG = f"a text is longer than {TEXT_AT_MOST:,} characters: the rest was left out"


def shortened(text: str) -> str:
    """A text of an entry, HTML or plain, no longer than TEXT_AT_MOST."""
    if len(text) <= TEXT_AT_MOST:
        return text
    without = _EMBEDDED.sub(";base64,", text)
    return without if len(without) <= TEXT_AT_MOST else _cut(without)


def too_many(count: int, left: int) -> list[str]:
    """The note on entries left out, if any were."""
    if left == count:
        return []
    return [f"it has {count} entries: the newest {left} were read"]


def newest(dates: Sequence[datetime | None], sizes: Sequence[int]) -> list[int]:
    """The places of the newest, in their order; what has no date is oldest.

    ENTRIES_AT_MOST of them, and no more than make TEXTS_AT_MOST characters together.
    """
    places = sorted(range(len(dates)), key=lambda place: dates[place] or _UNDATED, reverse=True)
    total = 0
    for count, place in enumerate(places[:ENTRIES_AT_MOST]):
        total += sizes[place]
        if total > TEXTS_AT_MOST and count:
            return sorted(places[:count])
    return sorted(places[:ENTRIES_AT_MOST])


def count_tags(text: str) -> int:
    """How many tags it may have, at most; those in CDATA, which cost nothing, only if need be."""
    count = text.count("<")
    return count if count <= TAGS_AT_MOST else _CDATA.sub("", text).count("<")


def _newest(text: str, starts: list[int], timezone: str) -> tuple[str, int]:
    """The text with the newest entries only, and how many they are."""
    ends = [*starts[1:], len(text)]
    entries = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    last = list(_ENTRY_END.finditer(entries[-1]))
    tail = ""
    if last:
        tail, entries[-1] = entries[-1][last[-1].end() :], entries[-1][: last[-1].end()]
    dates = [_date(entry, timezone) for entry in entries]
    places = newest(dates, [len(entry) for entry in entries])
    return text[: starts[0]] + "".join(entries[place] for place in places) + tail, len(places)


def _date(entry: str, timezone: str) -> datetime | None:
    found = _DATE.search(entry)
    return parse_date(found[1], timezone) if found else None


def _without_attributes(tag: re.Match[str]) -> str:
    whole = tag.group()
    if len(whole) <= TAG_AT_MOST and whole.count("=") <= ATTRIBUTES_AT_MOST:
        return whole
    return f"<{tag[1]}/>" if whole.endswith("/>") else f"<{tag[1]}>"


def _cut_run(run: re.Match[str]) -> str:
    """Text between two tags, or in CDATA, which is one text however many tags it has."""
    if run.end() - run.start() <= TEXT_AT_MOST:
        return run.group()
    if run[1] is None:
        return _cut(run.group())
    return f"<![CDATA[{run[1][:TEXT_AT_MOST]}{run[2]}"


def _cut(text: str) -> str:
    return _HALF_A_REFERENCE.sub("", text[:TEXT_AT_MOST])
