"""What articles are made from, gathered for those that wait, or for one that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, false, or_, select

from aggregator.core.model import BodyHistory, Entry, FeedSpec, Material
from aggregator.store.rows import entry_of, extracted_of
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS, FEEDS


def pending(
    connection: Connection, now: datetime, limit: int, busy: Collection[str] = ()
) -> tuple[Material, ...]:
    """Articles that wait to be made, longest waiting first, without those that are `busy`.

    Gives their entries, what those feeds name as their generator, and what their pages
    gave before; the feeds' specs are as far as the store knows them.
    """
    waiting = connection.execute(
        select(ARTICLES.c.id, ARTICLES.c.enrich_tries)
        .where(ARTICLES.c.enrich_at <= now, ARTICLES.c.id.not_in(busy))
        .order_by(ARTICLES.c.enrich_at, ARTICLES.c.id)
        .limit(limit)
    ).all()
    return _materials(connection, {row.id: row.enrich_tries for row in waiting})


def material(connection: Connection, article_id: str) -> Material | None:
    """What `pending` gives of a waiting article, of any; None if there is no such article."""
    row = connection.execute(
        select(ARTICLES.c.id, ARTICLES.c.enrich_tries).where(ARTICLES.c.id == article_id)
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
    extracts = {
        row.article_id: extracted_of(row)
        for row in connection.execute(select(EXTRACTS).where(EXTRACTS.c.article_id.in_(ids)))
    }
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
