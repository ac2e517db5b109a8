"""Which article an entry is part of: the one it names, or the one that was merged into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, func, select

from aggregator.core.model import Entry
from aggregator.store import rulings
from aggregator.store.tables import ARTICLES, ENTRIES

AT_ONCE = 500
"""How many values one statement asks for."""

REMOVED = "removed"
"""The state of an article that retention removed."""

_KEPT = ARTICLES.alias("kept")
_HOMES = (
    select(
        ARTICLES.c.id,
        func.coalesce(_KEPT.c.id, ARTICLES.c.id).label("home"),
        func.coalesce(_KEPT.c.state, ARTICLES.c.state).label("state"),
    )
    .outerjoin(_KEPT, _KEPT.c.id == ARTICLES.c.merged_into)
    .where(ARTICLES.c.id.in_(bindparam("the_ids", expanding=True)))
)
_ABOUT = (
    select(ENTRIES.c.key, ENTRIES.c.article_id, ARTICLES.c.state)
    .outerjoin(ARTICLES, ARTICLES.c.id == ENTRIES.c.article_id)
    .where(
        ENTRIES.c.feed_id == bindparam("the_id"),
        ENTRIES.c.key.in_(bindparam("the_keys", expanding=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Home:
    """The article that an entry is part of, and whether retention removed it."""

    id: str
    removed: bool


def homes_of(connection: Connection, entries: Sequence[Entry]) -> Mapping[str, Home]:
    """For each of the entries' article ids that is known: the article it now is."""
    homes: dict[str, Home] = {}
    for ids in chunks(sorted({entry.article_id for entry in entries})):
        rows = connection.execute(_HOMES, {"the_ids": ids})
        homes.update((row.id, Home(row.home, row.state == REMOVED)) for row in rows)
    moved = rulings.moved(connection, {id_: home.id for id_, home in homes.items()})
    if moved:
        rows = connection.execute(_HOMES, {"the_ids": sorted(set(moved.values()))})
        new = {row.id: Home(row.home, row.state == REMOVED) for row in rows}
        homes |= {id_: new[home] for id_, home in moved.items()}
    return homes


def homes_by_key(
    connection: Connection, feed_id: str, entries: Sequence[Entry]
) -> Mapping[str, Home]:
    """For each of the entries, all known by their keys: the article it is part of."""
    about: dict[str, Home] = {}
    for keys in chunks([entry.key for entry in entries]):
        rows = connection.execute(_ABOUT, {"the_id": feed_id, "the_keys": keys})
        about.update((row.key, Home(row.article_id, row.state == REMOVED)) for row in rows)
    return about


def at_home(entry: Entry, homes: Mapping[str, Home]) -> Entry:
    """The entry as one of the article that it is part of."""
    home = homes.get(entry.article_id)
    if home is None or home.id == entry.article_id:
        return entry
    return replace(entry, article_id=home.id)


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values, as many together as one statement asks for."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
