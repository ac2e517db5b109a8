"""In how many articles of a source each sentence stood: its boilerplate is learnt (core/repeated).

A source is the feed that gave the body, or the host of the page that did. Of 1,000 sources about
1,500 sentences each are kept, in some 45 MB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from aggregator.core.repeated import WINDOW, SentenceCount, halved, is_boilerplate, once_more
from aggregator.store.columns import signed, unsigned
from aggregator.store.group_tables import SENTENCES, SOURCES

AT_ONCE = 500
"""Hashes in one question: databases bound how many values it may have."""


_ARTICLES = select(SOURCES.c.articles).where(SOURCES.c.source == bindparam("its_source"))
_COUNTS = select(SENTENCES.c.hash, SENTENCES.c.times, SENTENCES.c.days).where(
    SENTENCES.c.source == bindparam("its_source"),
    SENTENCES.c.hash.in_(bindparam("hashes", expanding=True)),
)
_ONCE_MORE = (
    update(SENTENCES)
    .where(SENTENCES.c.source == bindparam("its_source"), SENTENCES.c.hash == bindparam("its_hash"))
    .values(times=bindparam("times"), days=bindparam("days"))
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
    articles = connection.execute(_ARTICLES, {"its_source": source}).scalar() or 0
    counts: dict[int, SentenceCount] = {}
    if articles:
        for some in _chunks(sorted(map(signed, hashes))):
            values = {"its_source": source, "hashes": some}
            for row in connection.execute(_COUNTS, values):
                counts[unsigned(row.hash)] = SentenceCount(row.times, _days(row.days))
    return Known(articles, counts)


def learn(
    connection: Connection, source: str, known: Known, day: int, hashes: Collection[int]
) -> None:
    """One article more, published on that day since 1970, with sentences of these hashes.

    `known` is what was known of them.
    """
    counts = {value: once_more(known.counts.get(value), day) for value in sorted(hashes)}
    new = {value: count for value, count in counts.items() if value not in known.counts}
    old = {value: count for value, count in counts.items() if value in known.counts}
    if new:
        connection.execute(insert(SENTENCES), [_values(source, *one) for one in new.items()])
    if old:
        rows = [_values(source, *one) for one in old.items()]
        connection.execute(
            _ONCE_MORE,
            [
                {
                    "its_source": row["source"],
                    "its_hash": row["hash"],
                    "times": row["times"],
                    "days": row["days"],
                }
                for row in rows
            ],
        )
    _count_article(connection, source, known.articles)


def _count_article(connection: Connection, source: str, articles: int) -> None:
    if not articles:
        connection.execute(insert(SOURCES), {"source": source, "articles": 1})
        return
    number = articles + 1
    if number >= WINDOW:
        _halve(connection, source, number)
        number //= 2
    connection.execute(update(SOURCES).where(SOURCES.c.source == source).values(articles=number))


def _halve(connection: Connection, source: str, articles: int) -> None:
    of_source = SENTENCES.c.source == source
    rows = connection.execute(
        select(SENTENCES.c.hash, SENTENCES.c.times, SENTENCES.c.days).where(of_source)
    )
    counts = {unsigned(row.hash): SentenceCount(row.times, _days(row.days)) for row in rows}
    connection.execute(delete(SENTENCES).where(of_source))
    kept = halved(counts, articles)
    if kept:
        connection.execute(insert(SENTENCES), [_values(source, *one) for one in kept.items()])


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


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
