"""What articles are made from, gathered for those that wait, or for one that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, case, false, or_, select, text

from aggregator.core.model import BodyHistory, Entry, Extracted, FeedSpec, Material
from aggregator.store.columns import UtcDateTime
from aggregator.store.homes import REMOVED
from aggregator.store.rows import entry_of, extracted_of
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS, FEEDS

# The feeds whose articles wait, each found by a step in the index, however many articles it has;
# that something is not null lets SQLite use the partial index.
_FEEDS_WAITING = text("""
    WITH RECURSIVE waiting(feed) AS (
        SELECT min(brought_by) FROM articles
        WHERE brought_by > :after AND enrich_at IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min(brought_by) FROM articles
            WHERE brought_by > waiting.feed AND enrich_at IS NOT NULL
        )
        FROM waiting WHERE waiting.feed IS NOT NULL
    )
    SELECT feed FROM waiting
    WHERE EXISTS (
        SELECT 1 FROM articles WHERE brought_by = waiting.feed AND enrich_at <= :now
    )
    LIMIT :most
""").bindparams(bindparam("now", type_=UtcDateTime()))
_OF_ONE = (
    select(ARTICLES.c.id, ARTICLES.c.enrich_tries)
    .where(
        ARTICLES.c.brought_by == bindparam("its_feed"),
        ARTICLES.c.enrich_at <= bindparam("now"),
        ARTICLES.c.id.not_in(bindparam("busy", expanding=True)),
    )
    .order_by(ARTICLES.c.enrich_at, ARTICLES.c.published, ARTICLES.c.id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Articles that wait to be made, and the feed after whose articles the next look begins."""

    materials: tuple[Material, ...]
    after: str


def pending(
    connection: Connection,
    now: datetime,
    limit: int,
    busy: Collection[str] = (),
    after: str = "",
) -> Waiting:
    """Articles that wait to be made, without those that are `busy`: of each feed as many, so that
    none waits behind the thousands of another, and of one feed the longest waiting first.

    The feeds come by id, from the one after `after` on and round. Gives the articles' entries,
    what those feeds name as their generator, and what their pages gave before; the feeds'
    specs are as far as the store knows them.
    """
    feeds = _feeds_waiting(connection, now, limit, after)
    chosen: dict[str, int] = {}
    while feeds and len(chosen) < limit:
        share = max(1, (limit - len(chosen)) // len(feeds))
        more = []
        for feed_id in feeds[: limit - len(chosen)]:
            values = {"its_feed": feed_id, "now": now, "busy": [*busy, *chosen], "most": share}
            rows = connection.execute(_OF_ONE, values).all()
            chosen |= {row.id: row.enrich_tries for row in rows}
            after = feed_id
            if len(rows) == share:
                more.append(feed_id)
        feeds = more
    return Waiting(_materials(connection, chosen), after)


def _feeds_waiting(connection: Connection, now: datetime, most: int, after: str) -> list[str]:
    """Feeds whose articles wait, by id, from `after` on and round."""
    values = {"now": now, "most": most}
    found = list(connection.execute(_FEEDS_WAITING, values | {"after": after}).scalars())
    if after and len(found) < most:
        found += connection.execute(_FEEDS_WAITING, values | {"after": ""}).scalars()
    return list(dict.fromkeys(found))[:most]


def material(connection: Connection, article_id: str) -> Material | None:
    """What `pending` gives of a waiting article, of any; None if there is no such article, or
    if retention has removed it.
    """
    row = connection.execute(
        select(ARTICLES.c.id, ARTICLES.c.enrich_tries).where(
            ARTICLES.c.id == article_id, ARTICLES.c.state != REMOVED
        )
    ).one_or_none()
    return _materials(connection, {row.id: row.enrich_tries})[0] if row is not None else None


@dataclass(frozen=True, slots=True)
class Found:
    """An article that was asked for; `state` as in the table `articles`."""

    id: str
    state: str
    title: str


def find(
    connection: Connection, beginning: str, urls: Collection[str] = (), limit: int = 10
) -> tuple[Found, ...]:
    """The articles whose id has this beginning, if it is not empty, or that an entry of one of
    these URLs, canonical or as given, is about. For one that was merged, the one it is part of.
    """
    asked: ColumnElement[bool] = false()
    if beginning:
        asked = ARTICLES.c.id.startswith(beginning, autoescape=True)
    if urls:
        of_these = or_(ENTRIES.c.url.in_(urls), ENTRIES.c.link.in_(urls))
        asked = or_(asked, ARTICLES.c.id.in_(select(ENTRIES.c.article_id).where(of_these)))
    its_id = case((ARTICLES.c.state == "merged", ARTICLES.c.merged_into), else_=ARTICLES.c.id)
    kept = select(its_id).where(asked)
    rows = connection.execute(
        select(ARTICLES.c.id, ARTICLES.c.state, ARTICLES.c.title)
        .where(ARTICLES.c.id.in_(kept))
        .order_by(ARTICLES.c.id)
        .limit(limit)
    )
    return tuple(Found(row.id, row.state, row.title) for row in rows)


def _materials(connection: Connection, tries: Mapping[str, int]) -> tuple[Material, ...]:
    """Takes the ids of articles, and how often the page of each was tried."""
    ids = list(tries)
    entries = _entries_of(connection, ids)
    extracts: dict[str, Extracted] = {}
    earlier: dict[str, Extracted] = {}
    for row in connection.execute(select(EXTRACTS).where(EXTRACTS.c.article_id.in_(ids))):
        (earlier if row.stale else extracts)[row.article_id] = extracted_of(row)
    feed_ids = {entry.feed_id for found in entries.values() for entry in found}
    feeds = {
        row.id: row
        for row in connection.execute(
            select(
                FEEDS.c.id, FEEDS.c.url, FEEDS.c.outlet, FEEDS.c.generator,
                FEEDS.c.bodies_whole, FEEDS.c.bodies_cut,
            ).where(FEEDS.c.id.in_(sorted(feed_ids)))
        )
    }  # fmt: skip
    specs = {row.id: FeedSpec(row.id, (row.url,), outlet=row.outlet) for row in feeds.values()}
    generators = {row.id: row.generator for row in feeds.values()}
    histories = {row.id: BodyHistory(row.bodies_whole, row.bodies_cut) for row in feeds.values()}
    return tuple(
        Material(
            article_id=article_id,
            entries=tuple(entries[article_id]),
            feeds={e.feed_id: specs[e.feed_id] for e in entries[article_id] if e.feed_id in specs},
            generators={e.feed_id: generators.get(e.feed_id, "") for e in entries[article_id]},
            histories={
                e.feed_id: histories[e.feed_id]
                for e in entries[article_id]
                if e.feed_id in histories
            },
            extracted=extracts.get(article_id),
            earlier=earlier.get(article_id),
            tries=tried,
        )
        for article_id, tried in tries.items()
    )


def _entries_of(connection: Connection, ids: Sequence[str]) -> dict[str, list[Entry]]:
    entries: dict[str, list[Entry]] = defaultdict(list)
    rows = connection.execute(
        select(ENTRIES)
        .where(ENTRIES.c.article_id.in_(ids))
        .order_by(ENTRIES.c.first_seen, ENTRIES.c.feed_id, ENTRIES.c.key)
    )
    for row in rows:
        entries[row.article_id].append(entry_of(row))
    return entries
