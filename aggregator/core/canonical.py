"""Which of an article's entries speaks for it. Pure.

    entries, read --sources_of--> one source for each canonical URL --in_order--> canonical first

Entries of one URL are one text: a mirror's copy of it, a section's summary beside the main feed's
full text. Those of other URLs are copies that were merged by content, and may be excerpts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from aggregator.core.identity import canonical_url
from aggregator.core.model import Entry

EXCERPT = 0.75
"""Of the longest text's letters: below, a text that is not judged whole is a part of it. Captions
and credits are a tenth or two of an article."""


class Reading(Protocol):
    """An entry whose body was read."""

    @property
    def entry(self) -> Entry: ...
    @property
    def mirror(self) -> bool:
        """Whether its feed republishes what others wrote."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether its body is judged to be the whole text."""
        ...

    @property
    def letters(self) -> int:
        """Of its body."""
        ...


R = TypeVar("R", bound=Reading)


@dataclass(frozen=True, slots=True)
class Source(Generic[R]):
    """The entries of one canonical URL: an outlet's own before mirrors', then the first seen."""

    readings: tuple[R, ...]
    on_page: int | None = None
    """Letters of the text that their page gave; None where it is not known."""

    @property
    def whole(self) -> R | None:
        """The first entry with the whole text."""
        return next((reading for reading in self.readings if reading.is_whole), None)

    @property
    def letters(self) -> int:
        """Of the longest text."""
        return max(self.on_page or 0, *[reading.letters for reading in self.readings])

    @property
    def mirror(self) -> bool:
        """Whether mirrors alone have it."""
        return self.readings[0].mirror


def sources_of(readings: Iterable[R]) -> tuple[Source[R], ...]:
    """The sources of the entries; an entry without a URL is one by itself."""
    groups: dict[tuple[str, str, str], list[R]] = defaultdict(list)
    for reading in sorted(readings, key=_turn):
        entry = reading.entry
        name = (entry.url, "", "") if entry.url else ("", entry.feed_id, entry.key)
        groups[name].append(reading)
    return tuple(Source(tuple(group)) for group in groups.values())


def _turn(reading: Reading) -> tuple[bool, datetime, str, str]:
    return reading.mirror, *_seen(reading)


def _seen(reading: Reading) -> tuple[datetime, str, str]:
    return reading.entry.first_seen, reading.entry.feed_id, reading.entry.key


def in_order(sources: Iterable[Source[R]]) -> tuple[Source[R], ...]:
    """The canonical source first: an outlet's own before a mirror's, a text before its excerpts,
    then by when the first of its entries was seen. In whatever order they are given.
    """
    given = tuple(sources)

    def turn(source: Source[R]) -> tuple[bool, bool, datetime, str, str]:
        return source.mirror, is_excerpt(source, given), *min(map(_seen, source.readings))

    return tuple(sorted(given, key=turn))


def is_excerpt(source: Source[R], among: Sequence[Source[R]]) -> bool:
    """Whether it has only a part of the text, as the longest of the sources shows."""
    longest = max(other.letters for other in among)
    return source.whole is None and source.letters < EXCERPT * longest


def page_owner(sources: Sequence[Source[R]], url: str) -> R:
    """Whose page it is that was read at this URL: the entry's that has it for its link or
    canonical URL; after a redirect the first's on that host, else the first's with a URL.

    The first is that of an outlet's own before a mirror's, then the one seen first: whose page
    was asked for before others joined it.
    """
    readings = sorted((reading for source in sources for reading in source.readings), key=_turn)
    linked = [reading for reading in readings if reading.entry.url] or readings
    same = (reading for reading in linked if url in (reading.entry.link, reading.entry.url))
    wanted = canonical_url(url)
    equal = (reading for reading in linked if wanted and reading.entry.url == wanted)
    host = (reading for reading in linked if _host(reading.entry.url) == _host(wanted))
    return next(same, None) or next(equal, None) or next(host, None) or linked[0]


def _host(canonical: str) -> str:
    return (urlsplit(canonical).hostname or "").removeprefix("www.")


def with_page(sources: Iterable[Source[R]], owner: R, letters: int) -> tuple[Source[R], ...]:
    """The sources, of which the owner's has a page with a text of so many letters."""
    return tuple(
        replace(source, on_page=letters) if any(one is owner for one in source.readings) else source
        for source in sources
    )
