"""What people said of two articles: that they are one or are not, of one event or not.

An article is named by the ids that its entries by themselves would have given it, for these stay
the same whatever it is merged with later, or whatever store it is imported into.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, or_, select

from aggregator.core.identity import article_id
from aggregator.core.stories import NO_OVERRIDES, Overrides
from aggregator.store.group_tables import RULINGS
from aggregator.store.statements import Statement
from aggregator.store.tables import ARTICLES, ENTRIES

Rule = Literal["together", "apart"]
Scope = Literal["article", "story"]


class _Said(NamedTuple):
    first_id: str
    second_id: str
    rule: str


_ARTICLES_APART = select(RULINGS.c.first_id, RULINGS.c.second_id, RULINGS.c.rule).where(
    RULINGS.c.scope == "article", RULINGS.c.rule == "apart"
)

_ANY = Statement("SELECT 1 FROM rulings WHERE scope = :scope LIMIT 1")


def rule(
    connection: Connection, scope: Scope, one: str, other: str, said: Rule, now: datetime
) -> None:
    """From now on that is so, whatever was said of these two before."""
    first, second = sorted((one, other))
    of_these = (RULINGS.c.scope == scope) & (RULINGS.c.first_id == first)
    connection.execute(delete(RULINGS).where(of_these, RULINGS.c.second_id == second))
    values = {"scope": scope, "first_id": first, "second_id": second}
    connection.execute(insert(RULINGS), values | {"rule": said, "ruled_at": now})


def withdraw(
    connection: Connection,
    ones: Collection[str],
    others: Collection[str],
    scope: Scope = "article",
) -> None:
    """Nothing is said any more of any of these articles and any of those."""
    first, second = RULINGS.c.first_id, RULINGS.c.second_id
    either = (first.in_(ones) & second.in_(others)) | (first.in_(others) & second.in_(ones))
    connection.execute(delete(RULINGS).where(RULINGS.c.scope == scope, either))


def any_of(connection: Connection, scope: Scope) -> bool:
    """Whether anything was said at all: as a rule nothing was."""
    return _ANY.run(connection, {"scope": scope}).first() is not None


# --- names ---------------------------------------------------------------------------------------


def by_url(entry: Row[Any]) -> str:
    """The id that an entry by itself gives its article."""
    return article_id(entry.url, entry.feed_id, entry.key)


def by_key(entry: Row[Any]) -> str:
    """The same, of an entry whose URL is that of another one."""
    return article_id("", entry.feed_id, entry.key)


def entries_of(connection: Connection, article: str) -> list[Row[Any]]:
    """What names the article's entries, the first seen first."""
    return list(
        connection.execute(
            select(ENTRIES.c.url, ENTRIES.c.feed_id, ENTRIES.c.key)
            .where(ENTRIES.c.article_id == article)
            .order_by(ENTRIES.c.first_seen, ENTRIES.c.feed_id, ENTRIES.c.key)
        )
    )


def names_of(connection: Connection, article: str) -> frozenset[str]:
    """What an article is named by: the ids that each of its entries would give it by its URL and
    by its feed and key.

    Not by its own, if the entry that gave it has left.
    """
    return _names_of_all(connection, [article])[article]


def name_of(connection: Connection, article: str) -> str:
    """The one of its names by which something is said of it: one that leads to it."""
    names = [by_url(entry) for entry in entries_of(connection, article)]
    preferred = sorted(names, key=lambda name: name != article)
    found = homes(connection, names)
    return next((name for name in preferred if found.get(name) == article), article)


def homes(connection: Connection, names: Collection[str]) -> Mapping[str, str]:
    """The articles that have these names, of those names that are known.

    As a rule it is the one of that id, or what that was merged into; where the entry that gave an
    article its id has left it, the one that this entry is in: what is said of the two tells which.
    """
    found = rows_lead_to(connection, names)
    return {**found, **moved(connection, found)}


def rows_lead_to(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """Of these ids that articles have, themselves or what they were merged into."""
    chosen = select(ARTICLES.c.id, ARTICLES.c.merged_into).where(ARTICLES.c.id.in_(ids))
    return {row.id: row.merged_into or row.id for row in connection.execute(chosen)}


def moved(connection: Connection, found: Mapping[str, str]) -> Mapping[str, str]:
    """Of names with the articles that their rows lead to: those that another article has, as the
    entry was split off.
    """
    if not any_of(connection, "article"):
        return {}
    rows = [_Said(*row) for row in connection.execute(_ARTICLES_APART)]
    named = {one for row in rows for one in (row.first_id, row.second_id)} & found.keys()
    partners = {name: _partners(rows, {name}, {"apart"}) for name in sorted(named)}
    lead = rows_lead_to(connection, {one for ones in partners.values() for one in ones})
    names = _names_of_all(connection, {found[name] for name in named} | set(lead.values()))
    homes: dict[str, str] = {}
    for name, ones in partners.items():
        if name not in names[found[name]]:
            others = sorted({lead[one] for one in ones if one in lead})
            home = next((other for other in others if name in names[other]), "")
            if home:
                homes[name] = home
    return homes


def _names_of_all(
    connection: Connection, articles: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """As `names_of`, of several."""
    named: dict[str, set[str]] = {article: set() for article in articles}
    asked = select(ENTRIES.c.article_id, ENTRIES.c.url, ENTRIES.c.feed_id, ENTRIES.c.key)
    rows: Iterable[Row[Any]] = connection.execute(asked.where(ENTRIES.c.article_id.in_(articles)))
    for row in rows:
        named[row.article_id] |= {by_url(row), by_key(row)}
    return {article: frozenset(names or {article}) for article, names in named.items()}


def is_named(connection: Connection, scope: Scope, article: str) -> bool:
    """Whether anything was said of the article."""
    names = names_of(connection, article)
    either = or_(RULINGS.c.first_id.in_(names), RULINGS.c.second_id.in_(names))
    asked = select(RULINGS.c.rule).where(RULINGS.c.scope == scope, either).limit(1)
    return connection.execute(asked).first() is not None


# --- what was said of an article -----------------------------------------------------------------


def of_article(
    connection: Connection, article: str, others: Iterable[str] = ()
) -> Mapping[str, Rule]:
    """What was said of the article and of these others, and which ones it is together with.

    Of two things that were said of two, `apart` counts.
    """
    names = names_of(connection, article)
    rows = _said_of(connection, names)
    together = homes(connection, _partners(rows, names, {"together"}))
    said: dict[str, Rule] = dict.fromkeys(together.values(), "together")
    if not_with := _partners(rows, names, {"apart"}):
        for other in {*others, *said}:
            if not not_with.isdisjoint(names_of(connection, other)):
                said[other] = "apart"
    said.pop(article, None)
    return said


def _said_of(connection: Connection, names: Collection[str]) -> list[_Said]:
    first, second = RULINGS.c.first_id, RULINGS.c.second_id
    asked = select(first, second, RULINGS.c.rule).where(
        RULINGS.c.scope == "article", or_(first.in_(names), second.in_(names))
    )
    return [_Said(*row) for row in connection.execute(asked)]


def _partners(rows: Iterable[_Said], names: Collection[str], said: Collection[str]) -> set[str]:
    """The other names of those pairs of which one is among `names`."""
    pairs = [(row.first_id, row.second_id) for row in rows if row.rule in said]
    pairs += [(second, first) for first, second in pairs]
    return {other for one, other in pairs if one in names and other not in names}


def of_stories(connection: Connection) -> Overrides:
    """What was said of articles' events; articles by their numbers, as core knows them."""
    if not any_of(connection, "story"):
        return NO_OVERRIDES
    rows = connection.execute(select(RULINGS).where(RULINGS.c.scope == "story")).all()
    ids = sorted({row.first_id for row in rows} | {row.second_id for row in rows})
    home = _numbers(connection, ids)
    pairs: dict[str, set[tuple[str, str]]] = {"together": set(), "apart": set()}
    for row in rows:
        if row.first_id in home and row.second_id in home:
            pairs[row.rule].add((home[row.first_id], home[row.second_id]))
    return Overrides(frozenset(pairs["together"]), frozenset(pairs["apart"]))


def _numbers(connection: Connection, names: Collection[str]) -> Mapping[str, str]:
    """The numbers of the published articles that have these names."""
    found = homes(connection, names)
    asked = select(ARTICLES.c.id, ARTICLES.c.number).where(
        ARTICLES.c.id.in_(set(found.values())),
        ARTICLES.c.state == "ready",
        ARTICLES.c.number.is_not(None),
    )
    numbers = {row.id: str(row.number) for row in connection.execute(asked)}
    return {name: numbers[home] for name, home in found.items() if home in numbers}
