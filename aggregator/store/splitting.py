"""A person parts entries that are no one article: some of them become one of their own.

What was known under their ids leads there from now on, and by what is said of the two they are
not merged again: rulings name every entry of the one beside every entry of the other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from aggregator.core.identity import article_id as id_of
from aggregator.errors import RulingError
from aggregator.store import rulings
from aggregator.store.articles import topics_of
from aggregator.store.editions import ALL, touch
from aggregator.store.group_tables import RELATIONS
from aggregator.store.rows import entry_of, pending_values
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS

_WHY_NOT = {
    "removed": ("its text is not kept any more", "it was older than [store] keep"),
    "dropped": (
        "it is not published: its feed's keep or drop turned it away",
        "change those rules first, then reprocess",
    ),
    "merged": ("it was merged into another one", "name that one: article show ID"),
}


def ruled_on(connection: Connection, article_id: str) -> Row[Any]:
    """The article, of which people may say something. Raises RulingError for one that is not
    there, and for one that is not published and not to be.
    """
    where = f"article {article_id}"
    row = connection.execute(select(ARTICLES).where(ARTICLES.c.id == article_id)).one_or_none()
    if row is None:
        raise RulingError("no such article is stored", where, "published feeds name ids")
    if row.state in _WHY_NOT:
        raise RulingError(_WHY_NOT[row.state][0], where, _WHY_NOT[row.state][1])
    return row


def split(
    connection: Connection, article_id: str, entries: Sequence[tuple[str, str]], now: datetime
) -> str:
    """These entries, by feed and key, leave the article together for one of their own, which is
    not merged with it again; both are to be made again. Gives the new article's id.

    Raises RulingError if there is no such article or entry, or unless some leave and some stay.
    """
    ruled_on(connection, article_id)
    rows = connection.execute(
        select(ENTRIES)
        .where(ENTRIES.c.article_id == article_id)
        .order_by(ENTRIES.c.first_seen, ENTRIES.c.feed_id, ENTRIES.c.key)
    ).all()
    chosen = _chosen(article_id, rows, entries)
    leaving = [row for row in rows if (row.feed_id, row.key) in chosen]
    leaving.sort(key=lambda row: chosen.index((row.feed_id, row.key)))
    staying = [row for row in rows if (row.feed_id, row.key) not in chosen]
    new_id = _new_id(connection, article_id, leaving, staying)
    _part(connection, new_id, article_id, leaving, staying, now)
    _move(connection, new_id, article_id, leaving, staying)
    _begin(connection, new_id, leaving[0], now)
    connection.execute(
        update(ARTICLES).where(ARTICLES.c.id == article_id).values(enrich_at=now, enrich_tries=0)
    )
    touch(connection, {ALL, *topics_of(connection, article_id)})
    return new_id


def _chosen(
    article_id: str, rows: Sequence[Row[Any]], entries: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The entries that leave, each once."""
    where, known = f"article {article_id}", {(row.feed_id, row.key) for row in rows}
    chosen = list(dict.fromkeys(entries))
    for feed_id, key in chosen:
        if (feed_id, key) not in known:
            raise RulingError(
                f"it has no entry {key} of feed {feed_id}",
                where,
                f"see article show {article_id}",
            )
    if not chosen:
        raise RulingError("no entry was chosen that is to leave", where, "name at least one")
    if len(chosen) == len(known):
        raise RulingError("all its entries were chosen", where, "at least one has to stay")
    return chosen


def _new_id(
    connection: Connection,
    article_id: str,
    leaving: Sequence[Row[Any]],
    staying: Sequence[Row[Any]],
) -> str:
    """That which the first of the leaving entries gives by itself, unless it is in use."""
    first, there = leaving[0], _by_url(staying)
    candidate, key = rulings.by_url(first), first.key
    while candidate in there | {article_id} or _in_use(connection, candidate, article_id):
        candidate = id_of("", first.feed_id, key)
        key += "\n"
    return candidate


def _in_use(connection: Connection, id_: str, article_id: str) -> bool:
    """Whether it leads elsewhere than to this article."""
    row = connection.execute(
        select(ARTICLES.c.state, ARTICLES.c.merged_into).where(ARTICLES.c.id == id_)
    ).one_or_none()
    return row is not None and (row.state, row.merged_into) != ("merged", article_id)


def _part(
    connection: Connection,
    new_id: str,
    article_id: str,
    leaving: Sequence[Row[Any]],
    staying: Sequence[Row[Any]],
    now: datetime,
) -> None:
    """From now on none of the leaving is one with any of the staying, whatever comes."""
    shared = _by_url(leaving) & _by_url(staying)

    def names(entries: Sequence[Row[Any]]) -> list[str]:
        named = ((rulings.by_url(one), rulings.by_key(one)) for one in entries)
        return sorted({key if url in shared else url for url, key in named})

    # also by their ids: where an entry's id stays behind, it says where that entry is
    pairs = {(new_id, article_id)}
    pairs |= {(one, other) for one in names(leaving) for other in names(staying)}
    for one, other in sorted(pairs):
        rulings.rule(connection, "article", one, other, "apart", now)


def _move(
    connection: Connection,
    new_id: str,
    article_id: str,
    leaving: Sequence[Row[Any]],
    staying: Sequence[Row[Any]],
) -> None:
    """The entries, the ids that lead to them, and what their page gave."""
    connection.execute(
        update(ENTRIES)
        .where(tuple_(ENTRIES.c.feed_id, ENTRIES.c.key).in_([(r.feed_id, r.key) for r in leaving]))
        .values(article_id=new_id)
    )
    theirs = _all_names(leaving) - _by_url(staying) - {new_id}
    connection.execute(
        update(ARTICLES)
        .where(ARTICLES.c.id.in_(theirs), ARTICLES.c.merged_into == article_id)
        .values(merged_into=new_id)
    )
    _move_extract(connection, new_id, article_id, _pages(leaving), _pages(staying))
    a, b = RELATIONS.c.article_id, RELATIONS.c.other_id
    connection.execute(
        delete(RELATIONS).where(
            or_((a == new_id) & (b == article_id), (a == article_id) & (b == new_id))
        )
    )


def _move_extract(
    connection: Connection,
    new_id: str,
    article_id: str,
    leaving: Collection[str],
    staying: Collection[str],
) -> None:
    """It goes along with the entry whose page it is; whose is not known is fetched again."""
    its = EXTRACTS.c.article_id == article_id
    url = connection.execute(select(EXTRACTS.c.url).where(its)).scalar()
    if url is None or url in staying:
        return
    connection.execute(delete(EXTRACTS).where(EXTRACTS.c.article_id == new_id))
    if url in leaving:
        connection.execute(update(EXTRACTS).where(its).values(article_id=new_id))
    else:
        connection.execute(delete(EXTRACTS).where(its))


def _begin(connection: Connection, new_id: str, first: Row[Any], now: datetime) -> None:
    """The article as it is before it is first made. One that was once published by that id has
    its number again.
    """
    values = pending_values(entry_of(first)) | {"id": new_id, "enrich_at": now}
    number = select(ARTICLES.c.number).where(ARTICLES.c.id == new_id)
    known = connection.execute(number).one_or_none()
    if known is None:
        connection.execute(insert(ARTICLES).values(values))
    else:
        kept = values | {"number": known.number}
        connection.execute(update(ARTICLES).where(ARTICLES.c.id == new_id).values(kept))


# --- small steps ---------------------------------------------------------------------------------


def _by_url(entries: Sequence[Row[Any]]) -> set[str]:
    return {rulings.by_url(entry) for entry in entries}


def _all_names(entries: Sequence[Row[Any]]) -> set[str]:
    return _by_url(entries) | {rulings.by_key(entry) for entry in entries}


def _pages(entries: Sequence[Row[Any]]) -> set[str]:
    return {url for entry in entries for url in (entry.url, entry.link) if url}
