"""Editions: what is in each, and which have changed since they were last published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, case, delete, func, insert, or_, select, update

from aggregator.core.feed_state import FeedState
from aggregator.core.model import Article, BodyHistory, Counts, EntryRef, Match
from aggregator.store.feed_rows import feed_state_of
from aggregator.store.rows import article_of, reasons_of
from aggregator.store.tables import ARTICLES, ENTRIES, FEEDS, MATCHES, PUBLICATIONS

ALL = "all"
"""The id of the edition that everything is in."""


def sync_editions(
    connection: Connection, definitions: Mapping[str, str], now: datetime
) -> frozenset[str]:
    """Makes the editions the configured ones; `definitions` gives each one's hash by id.

    Where a definition is new or changed, every article is to be matched anew
    (from what is stored). Gives the ids of those no longer defined, which go.
    """
    known = {
        row.edition_id: row.definition
        for row in connection.execute(select(PUBLICATIONS.c.edition_id, PUBLICATIONS.c.definition))
    }
    gone = frozenset(known.keys() - definitions.keys())
    connection.execute(delete(PUBLICATIONS).where(PUBLICATIONS.c.edition_id.in_(gone)))
    connection.execute(delete(MATCHES).where(MATCHES.c.topic_id.in_(gone)))
    for edition_id, definition in definitions.items():
        if edition_id not in known:
            connection.execute(
                insert(PUBLICATIONS).values(
                    edition_id=edition_id, definition=definition, changes=1, published=0
                )
            )
        elif known[edition_id] != definition:
            connection.execute(
                update(PUBLICATIONS)
                .where(PUBLICATIONS.c.edition_id == edition_id)
                .values(definition=definition, changes=PUBLICATIONS.c.changes + 1)
            )
    if any(known.get(edition_id) != definition for edition_id, definition in definitions.items()):
        reprocess(connection, now)
    return gone


def reprocess(connection: Connection, now: datetime, feed_id: str = "", topic_id: str = "") -> int:
    """Every stored article (of a feed, in a topic) is to be made again; gives their number.

    What the rules of a feed dropped stays dropped when the feed, and its rules, are gone; what
    retention removed stays removed.
    """
    of_active = (
        select(ENTRIES.c.article_id)
        .join(FEEDS, FEEDS.c.id == ENTRIES.c.feed_id)
        .where(FEEDS.c.active)
    )
    chosen = update(ARTICLES).where(
        ARTICLES.c.state.not_in(("merged", "removed")),
        or_(ARTICLES.c.state != "dropped", ARTICLES.c.id.in_(of_active)),
    )
    if feed_id:
        of_feed = select(ENTRIES.c.article_id).where(ENTRIES.c.feed_id == feed_id)
        chosen = chosen.where(ARTICLES.c.id.in_(of_feed))
    if topic_id:
        in_topic = select(MATCHES.c.article_id).where(MATCHES.c.topic_id == topic_id)
        chosen = chosen.where(ARTICLES.c.id.in_(in_topic))
    return connection.execute(chosen.values(enrich_at=now, enrich_tries=0)).rowcount


def probe(connection: Connection) -> None:
    """Writes, and changes nothing: whether writing works at all."""
    # SQLite writes no page for a value that stays the same
    connection.execute(
        insert(PUBLICATIONS).values(edition_id="", definition="", changes=0, published=0)
    )
    connection.execute(delete(PUBLICATIONS).where(PUBLICATIONS.c.edition_id == ""))


def touch(connection: Connection, edition_ids: Collection[str]) -> None:
    """Something in these editions changed: they are to be published again."""
    if not edition_ids:
        return
    connection.execute(
        update(PUBLICATIONS)
        .where(PUBLICATIONS.c.edition_id.in_(sorted(edition_ids)))
        .values(changes=PUBLICATIONS.c.changes + 1)
    )


def unpublished(connection: Connection) -> Mapping[str, int]:
    """The editions that changed since they were published, each with its count of changes."""
    rows = connection.execute(
        select(PUBLICATIONS.c.edition_id, PUBLICATIONS.c.changes).where(
            PUBLICATIONS.c.changes != PUBLICATIONS.c.published
        )
    )
    return {row.edition_id: row.changes for row in rows}


def record_published(connection: Connection, edition_id: str, changes: int) -> None:
    """The edition was published as it stood at that count of changes."""
    connection.execute(
        update(PUBLICATIONS)
        .where(PUBLICATIONS.c.edition_id == edition_id)
        .values(published=changes)
    )


def articles(connection: Connection, topic_id: str | None, limit: int) -> tuple[Article, ...]:
    """The newest articles, of a topic or (None) of all, with bodies, entries and reasons."""
    chosen: Select[tuple[object, ...]]
    if topic_id is None:
        chosen = (
            select(ARTICLES)
            .where(ARTICLES.c.state == "ready")
            .order_by(ARTICLES.c.published.desc(), ARTICLES.c.id)
        )
    else:
        chosen = (
            select(ARTICLES, MATCHES.c.reasons)
            .join(MATCHES, MATCHES.c.article_id == ARTICLES.c.id)
            .where(MATCHES.c.topic_id == topic_id)
            .order_by(MATCHES.c.published.desc(), MATCHES.c.article_id)
        )
    rows = connection.execute(chosen.limit(limit)).all()
    refs = _entry_refs(connection, [row.id for row in rows])
    return tuple(
        article_of(row, refs[row.id], row.reasons if topic_id is not None else ()) for row in rows
    )


def scan(connection: Connection, since: datetime) -> Iterator[Article]:
    """Every article published since, newest first, a few at a time in memory."""
    newest = (
        select(ARTICLES)
        .where(ARTICLES.c.state == "ready", ARTICLES.c.published >= since)
        .order_by(ARTICLES.c.published.desc(), ARTICLES.c.id)
    )
    rows = connection.execute(newest, execution_options={"yield_per": 200})
    for some in rows.partitions():
        refs = _entry_refs(connection, [row.id for row in some])
        yield from (article_of(row, refs[row.id]) for row in some)


def members(connection: Connection, topic_id: str, since: datetime) -> frozenset[str]:
    """The ids of the articles that are in the topic now and were published since."""
    return frozenset(
        connection.execute(
            select(MATCHES.c.article_id).where(
                MATCHES.c.topic_id == topic_id, MATCHES.c.published >= since
            )
        ).scalars()
    )


def article(connection: Connection, article_id: str) -> Article | None:
    """The article, or the one it was merged into; None if neither is published."""
    row = connection.execute(select(ARTICLES).where(ARTICLES.c.id == article_id)).one_or_none()
    if row is not None and row.state == "merged":
        row = connection.execute(
            select(ARTICLES).where(ARTICLES.c.id == row.merged_into)
        ).one_or_none()
    if row is None or row.state != "ready":
        return None
    return article_of(row, _entry_refs(connection, [row.id])[row.id])


def matches(connection: Connection, article_id: str) -> tuple[Match, ...]:
    """The topics the article is in, and why."""
    rows = connection.execute(
        select(MATCHES.c.topic_id, MATCHES.c.reasons)
        .where(MATCHES.c.article_id == article_id)
        .order_by(MATCHES.c.topic_id)
    )
    return tuple(Match(row.topic_id, reasons_of(row.reasons)) for row in rows)


def feed_states(connection: Connection) -> tuple[FeedState, ...]:
    """Every configured feed with the number of its entries, by id."""
    entries = (
        select(func.count())
        .select_from(ENTRIES)
        .where(ENTRIES.c.feed_id == FEEDS.c.id)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(FEEDS, entries.label("entries")).where(FEEDS.c.active).order_by(FEEDS.c.id)
    )
    return tuple(feed_state_of(row) for row in rows)


def feed_state(connection: Connection, feed_id: str) -> FeedState | None:
    """A configured feed with the number of its entries; None if the store does not know it."""
    entries = select(func.count()).select_from(ENTRIES).where(ENTRIES.c.feed_id == feed_id)
    row = connection.execute(
        select(FEEDS, entries.scalar_subquery().label("entries")).where(
            FEEDS.c.id == feed_id, FEEDS.c.active
        )
    ).one_or_none()
    return feed_state_of(row) if row is not None else None


def body_history(connection: Connection, feed_id: str) -> BodyHistory:
    """What holding the feed's bodies against their pages has shown; zeros if it is not known."""
    row = connection.execute(
        select(FEEDS.c.bodies_whole, FEEDS.c.bodies_cut).where(FEEDS.c.id == feed_id)
    ).one_or_none()
    return BodyHistory(row.bodies_whole, row.bodies_cut) if row is not None else BodyHistory()


def articles_of_feed(connection: Connection, feed_id: str, limit: int) -> tuple[Article, ...]:
    """The articles of the feed's newest entries, newest first, with bodies and entries."""
    newest = (
        select(ENTRIES.c.article_id)
        .join(ARTICLES, ARTICLES.c.id == ENTRIES.c.article_id)
        .where(ENTRIES.c.feed_id == feed_id, ARTICLES.c.state == "ready")
        .order_by(ENTRIES.c.published.desc(), ENTRIES.c.key)
    )
    rows = connection.execute(newest, execution_options={"yield_per": max(limit, 1)})
    ids: dict[str, None] = {}  # an article may have several entries of one feed
    for row in rows:
        if len(ids) >= limit:
            break
        ids[row.article_id] = None
    rows.close()
    chosen = connection.execute(
        select(ARTICLES)
        .where(ARTICLES.c.id.in_(ids))
        .order_by(ARTICLES.c.published.desc(), ARTICLES.c.id)
    ).all()
    refs = _entry_refs(connection, list(ids))
    return tuple(article_of(row, refs[row.id]) for row in chosen)


def counts(connection: Connection) -> Counts:
    """The store in numbers."""
    by_state = connection.execute(
        select(
            func.coalesce(func.sum(case((ARTICLES.c.state == "ready", 1), else_=0)), 0).label(
                "ready"
            ),
            func.coalesce(func.sum(case((ARTICLES.c.enrich_at.is_not(None), 1), else_=0)), 0).label(
                "pending"
            ),
        )
    ).one()
    entries = connection.execute(select(func.count()).select_from(ENTRIES)).scalar_one()
    homes = connection.execute(
        select(func.count(ENTRIES.c.article_id.distinct())).select_from(ENTRIES)
    ).scalar_one()
    # those of what retention removed are taken off: they stay only to be known again
    removed = connection.execute(
        select(
            func.count().label("entries"),
            func.count(ENTRIES.c.article_id.distinct()).label("homes"),
        )
        .select_from(ARTICLES)
        .join(ENTRIES, ENTRIES.c.article_id == ARTICLES.c.id)
        .where(ARTICLES.c.state == "removed")
    ).one()
    topics = connection.execute(
        select(MATCHES.c.topic_id, func.count().label("number")).group_by(MATCHES.c.topic_id)
    )
    return Counts(
        entries=entries - removed.entries,
        articles=by_state.ready,
        duplicates=(entries - removed.entries) - (homes - removed.homes),
        pending=by_state.pending,
        topics={row.topic_id: row.number for row in topics},
    )


def _entry_refs(connection: Connection, ids: Sequence[str]) -> dict[str, list[EntryRef]]:
    refs: dict[str, list[EntryRef]] = defaultdict(list)
    rows = connection.execute(
        select(
            ENTRIES.c.article_id,
            ENTRIES.c.feed_id,
            ENTRIES.c.outlet,
            ENTRIES.c.title,
            ENTRIES.c.link,
        )
        .where(ENTRIES.c.article_id.in_(ids))
        .order_by(ENTRIES.c.first_seen, ENTRIES.c.feed_id, ENTRIES.c.key)
    )
    for row in rows:
        refs[row.article_id].append(EntryRef(row.feed_id, row.outlet, row.title, row.link))
    return refs
