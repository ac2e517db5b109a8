"""In how many articles of a source each sentence stood: its boilerplate is learnt (core/repeated).

A source is the feed that gave the body, or the host of the page that did. Of 1,000 sources about
1,500 sentences each are kept, in some 45 MB.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, update

from aggregator.core.repeated import FORGOTTEN, WINDOW, SentenceCount, is_boilerplate, once_more
from aggregator.store.columns import signed, unsigned
from aggregator.store.group_tables import SENTENCES, SOURCES
from aggregator.store.statements import Numbered, Statement

_KNOWN = Numbered(
    "SELECT sources.articles, sentences.hash, sentences.times, sentences.days FROM sources"
    " LEFT JOIN sentences ON sentences.source = sources.source AND sentences.hash IN :list"
    " WHERE sources.source = :source"
)
_FIRST_TIME = Numbered(
    "INSERT INTO sentences (source, hash, times, days)"
    " SELECT CAST(:source AS VARCHAR), value, 1, CAST(:day AS VARCHAR) FROM :list"
)
_ONCE_MORE = Statement(
    "UPDATE sentences SET times = :times, days = :days WHERE source = :source AND hash = :hash"
)
_COUNT = Statement(
    "INSERT INTO sources (source, articles) VALUES (:source, :articles)"
    " ON CONFLICT (source) DO UPDATE SET articles = excluded.articles"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of some of a source's sentences, and from how many articles."""

    articles: int
    counts: Mapping[int, SentenceCount]

    @property
    def boilerplate(self) -> frozenset[int]:
        return frozenset(
            value for value, count in self.counts.items() if is_boilerplate(count, self.articles)
        )


def known(connection: Connection, source: str, hashes: Collection[int]) -> Known:
    """What is known of these sentences, by their hashes."""
    rows = _KNOWN.run(connection, sorted(map(signed, hashes)), {"source": source}).all()
    counts = {
        unsigned(value): SentenceCount(times, _days(days))
        for _, value, times, days in rows
        if value is not None
    }
    return Known(rows[0].articles if rows else 0, counts)


def learn(
    connection: Connection, source: str, known: Known, day: int, hashes: Collection[int]
) -> None:
    """One article more, published on that day since 1970, with sentences of these hashes.

    `known` is what was known of them.
    """
    new = sorted(signed(value) for value in hashes if value not in known.counts)
    old = {value: once_more(known.counts[value], day) for value in sorted(known.counts)}
    if new:
        _FIRST_TIME.run(connection, new, {"source": source, "day": str(day)})
    if old:
        _ONCE_MORE.run(connection, [_values(source, *one) for one in old.items()])
    number = known.articles + 1
    if number >= WINDOW:
        _halve(connection, source, number)
        number //= 2
    _COUNT.run(connection, {"source": source, "articles": number})


def _halve(connection: Connection, source: str, articles: int) -> None:
    """As core's `halved`, in the store: there may be hundreds of thousands."""
    of_source = SENTENCES.c.source == source
    connection.execute(delete(SENTENCES).where(of_source, SENTENCES.c.times < FORGOTTEN * articles))
    connection.execute(update(SENTENCES).where(of_source).values(times=SENTENCES.c.times // 2))


def clear(connection: Connection) -> None:
    """Nothing is known of any source."""
    connection.execute(delete(SENTENCES))
    connection.execute(delete(SOURCES))


def _values(source: str, value: int, count: SentenceCount) -> dict[str, object]:
    return {
        "source": source,
        "hash": signed(value),
        "times": count.times,
        "days": " ".join(map(str, count.days)),
    }


def _days(stored: str) -> tuple[int, ...]:
    return tuple(map(int, stored.split()))
