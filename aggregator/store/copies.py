"""The index of sketches: which stored articles may have a text; what articles are to each other.

Of every published article the hashes of its sketch are kept, by the week of its publication, for
two articles further apart than a week are two, however equal (a notice that is repeated each
month). So a look-up reads three weeks, and what is written goes where all that was written lately
did: the cost does not grow with the years. Weeks long past are forgotten (`forget_older`).

A hash that 64 articles of a week have is of a footer or a phrase, and tells nothing. That more have
it is not kept; so no list grows with the number of articles.

Hashes of an article that was merged or changed stay: they only cost, as texts are compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
)

from aggregator.core.copies import Relation
from aggregator.core.sketch import RARE, SHARED, rank
from aggregator.store.columns import UtcDateTime, signed, unsigned
from aggregator.store.group_tables import RELATIONS, SKETCH_HASHES, SKETCHES
from aggregator.store.statements import Numbered, Statement
from aggregator.store.tables import ARTICLES

SAME_TEXT_WITHIN = timedelta(days=7)
"""Equal texts further apart are two articles."""

ERA = timedelta(days=7)
"""No shorter than that, so that of an article's own, the last and the next era all are read."""

TWINS = 3
"""Articles of an equal fingerprint that are compared; as a rule there is one, the others having
been merged into it."""

_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)

_POSTINGS = Numbered(
    "SELECT era, hash, number FROM sketch_hashes"
    " WHERE era IN (:last, :era, :next) AND hash IN :list",
    # before it has gathered statistics, PostgreSQL would read all that these eras have
    "SELECT found.era, found.hash, found.number FROM :list CROSS JOIN LATERAL ("
    "SELECT era, hash, number FROM sketch_hashes WHERE era IN (:last, :era, :next)"
    f" AND hash = CAST(list.value AS INTEGER) LIMIT {3 * RARE}) AS found",
)
_SIZES = Numbered("SELECT number, size FROM sketches WHERE number IN :list")
_KEEP = Statement(
    "INSERT INTO sketches (number, era, size) VALUES (:number, :era, :size)"
    " ON CONFLICT (number) DO UPDATE SET era = excluded.era, size = excluded.size"
)
_ADD_HASHES = Numbered(
    "INSERT INTO sketch_hashes (era, hash, number)"
    " SELECT CAST(:era AS INTEGER), value, CAST(:number AS INTEGER) FROM :list"
    " WHERE true ON CONFLICT DO NOTHING"  # without WHERE SQLite takes ON for a join's
)
_FORGET = Numbered("DELETE FROM sketches WHERE number IN :list")
_TWINS = Statement(
    # only what is published has a fingerprint; to ask for the state as well would have SQLite
    # read everything that was published within those days
    "SELECT number FROM articles WHERE fingerprint = :fingerprint"
    " AND fingerprint <> ''"  # without it SQLite cannot use the partial index
    f" AND number IS NOT NULL ORDER BY number LIMIT {TWINS + 1}"
)
_TEXT_COLUMNS: tuple[ColumnElement[Any], ...] = (
    ARTICLES.c.number,
    ARTICLES.c.id,
    ARTICLES.c.title,
    ARTICLES.c.outlet,
    ARTICLES.c.published,
    ARTICLES.c.body_from,
    ARTICLES.c.body,
)
_TEXTS = select(*_TEXT_COLUMNS).where(
    ARTICLES.c.number.in_(bindparam("numbers", expanding=True)),
    ARTICLES.c.state == "ready",
    ARTICLES.c.published.between(bindparam("since"), bindparam("until")),
)


_RELATE = text(
    "INSERT INTO relations (article_id, other_id, kind, score, of_second, seen_at)"
    " VALUES (:article_id, :other_id, :kind, :score, :of_second, :seen_at)"
    " ON CONFLICT (article_id, other_id) DO UPDATE SET kind = excluded.kind,"
    " score = excluded.score, of_second = excluded.of_second, seen_at = excluded.seen_at"
).bindparams(bindparam("seen_at", type_=UtcDateTime()))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A published article that may have the text."""

    number: int
    id: str
    title: str
    outlet: str
    published: datetime
    source: str
    body: str
    """HTML."""


@dataclass(frozen=True, slots=True)
class Found:
    """What may have an article's text, likeliest first: those of an equal text, then at most ten
    that share rare hashes. And of its sketch what enough articles of the same week have already.
    """

    candidates: tuple[Candidate, ...]
    common: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Postings:
    rows: Mapping[int, Sequence[int]]
    """Articles by hash, signed."""
    common: frozenset[int]


@dataclass(frozen=True, slots=True)
class Related:
    """What an article is to another; `of_second`: it is the other that is the part."""

    article_id: str
    other_id: str
    kind: str
    score: float
    of_second: bool


def source_of(body_from: str) -> str:
    """By what a body's boilerplate is counted: the feed that gave it, or the host of the page."""
    scheme, separator, rest = body_from.partition("://")
    if not separator or scheme not in ("http", "https"):
        return body_from
    return f"//{rest.partition('/')[0].lower()}"


def candidates(
    connection: Connection,
    article_id: str,
    fingerprint: str,
    sketch: frozenset[int],
    published: datetime,
) -> Found:
    """The published articles that may have a text of this fingerprint and sketch. Not the article
    itself.
    """
    postings = _postings(connection, sketch, published)
    chosen = _twins(connection, fingerprint) + _sharing(connection, len(sketch), postings.rows)
    numbers = list(dict.fromkeys(chosen))
    if not numbers:
        return Found((), postings.common)
    values = {
        "numbers": numbers,
        "since": published - SAME_TEXT_WITHIN,
        "until": published + SAME_TEXT_WITHIN,
    }
    rows = {row.number: row for row in connection.execute(_TEXTS, values)}
    found = [_candidate(rows[one]) for one in numbers if one in rows and rows[one].id != article_id]
    return Found(tuple(found), postings.common)


def by_id(connection: Connection, ids: Collection[str]) -> tuple[Candidate, ...]:
    """Published articles by their ids, in the order of their numbers."""
    if not ids:
        return ()
    rows = connection.execute(
        select(*_TEXT_COLUMNS)
        .where(ARTICLES.c.id.in_(ids), ARTICLES.c.state == "ready")
        .order_by(ARTICLES.c.number)
    )
    return tuple(_candidate(row) for row in rows)


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(
        number=row.number,
        id=row.id,
        title=row.title,
        outlet=row.outlet,
        published=row.published,
        source=source_of(row.body_from),
        body=row.body,
    )


def _twins(connection: Connection, fingerprint: str) -> tuple[int, ...]:
    if not fingerprint:
        return ()
    return tuple(_TWINS.run(connection, {"fingerprint": fingerprint}).scalars())


def _sharing(
    connection: Connection, size: int, postings: Mapping[int, Sequence[int]]
) -> tuple[int, ...]:
    rare = [numbers for numbers in postings.values() if len(numbers) < RARE]
    times = Counter(chain.from_iterable(rare))
    often = [one for one, shared in times.items() if shared >= SHARED]
    if not often:
        return ()
    sizes: dict[int, int] = dict(_SIZES.run(connection, often).all())
    known = {
        # as many as are there tell whether a hash is rare, known or not
        value: numbers if len(numbers) >= RARE else [one for one in numbers if one in sizes]
        for value, numbers in postings.items()
    }
    return rank(size, known, sizes)


def _postings(connection: Connection, sketch: frozenset[int], published: datetime) -> _Postings:
    if not sketch:
        return _Postings({}, frozenset())
    rows: dict[int, list[int]] = defaultdict(list)
    of_era: Counter[int] = Counter()
    era = era_of(published)
    eras = {"last": era - 1, "era": era, "next": era + 1}
    for its, value, number in _POSTINGS.run(connection, sorted(map(signed, sketch)), eras).all():
        rows[value].append(number)
        if its == era:
            of_era[value] += 1
    common = (value for value, articles in of_era.items() if articles >= RARE)
    return _Postings(rows, frozenset(map(unsigned, common)))


def keep(
    connection: Connection,
    number: int,
    sketch: frozenset[int],
    common: frozenset[int],
    published: datetime,
) -> None:
    """The article is found by this sketch from now on, but for what is `common` of it."""
    era = era_of(published)
    _KEEP.run(connection, {"number": number, "era": era, "size": len(sketch)})
    hashes = sorted(map(signed, sketch - common))
    if hashes:
        _ADD_HASHES.run(connection, hashes, {"era": era, "number": number})


def forget(connection: Connection, numbers: Collection[int]) -> None:
    """The articles are found no more."""
    _FORGET.run(connection, [*numbers])


def forget_older(connection: Connection, before: datetime, limit: int) -> int:
    """What was published in eras that ended before is found no more.

    Deletes at most so many hashes; gives how many.
    """
    oldest = connection.execute(select(func.min(SKETCH_HASHES.c.era))).scalar()
    if oldest is None or oldest >= era_of(before):
        return 0
    last = connection.execute(
        select(SKETCH_HASHES.c.hash)
        .where(SKETCH_HASHES.c.era == oldest)
        .order_by(SKETCH_HASHES.c.hash)
        .offset(limit - 1)
        .limit(1)
    ).scalar()
    of_era = SKETCH_HASHES.c.era == oldest
    chosen = of_era if last is None else of_era & (SKETCH_HASHES.c.hash <= last)
    if last is None:
        connection.execute(delete(SKETCHES).where(SKETCHES.c.era == oldest))
    return connection.execute(delete(SKETCH_HASHES).where(chosen)).rowcount


def clear(connection: Connection) -> None:
    """No article is found any more; what articles are to each other stays known."""
    connection.execute(delete(SKETCHES))
    connection.execute(delete(SKETCH_HASHES))


def era_of(published: datetime) -> int:
    return (published - _BEGAN) // ERA


# --- what articles are to each other -------------------------------------------------------------


def relate(
    connection: Connection, article_id: str, found: Mapping[str, Relation], now: datetime
) -> None:
    """What the article is to these others is so from now on."""
    if not found:
        return
    connection.execute(
        _RELATE,
        [
            {
                "article_id": article_id,
                "other_id": other_id,
                "kind": relation.kind,
                "score": relation.score,
                "of_second": relation.of_second,
                "seen_at": now,
            }
            for other_id, relation in found.items()
        ],
    )


def relations(connection: Connection, article_ids: Collection[str]) -> tuple[Related, ...]:
    """What is known of these articles, either way round."""
    rows = connection.execute(
        select(RELATIONS)
        .where(or_(RELATIONS.c.article_id.in_(article_ids), RELATIONS.c.other_id.in_(article_ids)))
        .order_by(RELATIONS.c.seen_at, RELATIONS.c.article_id, RELATIONS.c.other_id)
    )
    return tuple(
        Related(row.article_id, row.other_id, row.kind, row.score, row.of_second) for row in rows
    )
