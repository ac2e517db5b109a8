"""What people said of two articles: that they are one or are not, of one event or not.

An article is named by the ids that its entries by themselves would have given it, for these stay
the same whatever it is merged with later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, insert, or_, select

from aggregator.core.identity import article_id
from aggregator.core.stories import NO_OVERRIDES, Overrides
from aggregator.store.group_tables import RULINGS
from aggregator.store.tables import ARTICLES, ENTRIES

Rule = Literal["together", "apart"]
Scope = Literal["article", "story"]


def rule(
    connection: Connection, scope: Scope, one: str, other: str, said: Rule, now: datetime
) -> None:
    """From now on that is so, whatever was said of these two before."""
    first, second = sorted((one, other))
    of_these = (RULINGS.c.scope == scope) & (RULINGS.c.first_id == first)
    connection.execute(delete(RULINGS).where(of_these, RULINGS.c.second_id == second))
    values = {"scope": scope, "first_id": first, "second_id": second}
    connection.execute(insert(RULINGS), values | {"rule": said, "ruled_at": now})


def withdraw(connection: Connection, ones: Collection[str], others: Collection[str]) -> None:
    """Nothing is said any more of any of these articles and any of those."""
    first, second = RULINGS.c.first_id, RULINGS.c.second_id
    either = (first.in_(ones) & second.in_(others)) | (first.in_(others) & second.in_(ones))
    connection.execute(delete(RULINGS).where(RULINGS.c.scope == "article", either))


def of_article(connection: Connection, article: str) -> Mapping[str, Rule]:
    """What was said of the article and others, these by the ids of what they are part of now."""
    names = names_of(connection, article)
    rows = connection.execute(
        select(RULINGS.c.first_id, RULINGS.c.second_id, RULINGS.c.rule).where(
            RULINGS.c.scope == "article",
            or_(RULINGS.c.first_id.in_(names), RULINGS.c.second_id.in_(names)),
        )
    ).all()
    others = {(one, row.rule) for row in rows for one in (row.first_id, row.second_id)}
    homes = _homes(connection, {one for one, _ in others})
    said: dict[str, Rule] = {}
    for one, rule in sorted(others, key=lambda other: other[1], reverse=True):
        home = homes.get(one, one)  # of two that were said, `apart` comes last, and counts
        if home != article:
            said[home] = rule
    return said


def _homes(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    rows = connection.execute(
        select(ARTICLES.c.id, ARTICLES.c.merged_into).where(ARTICLES.c.id.in_(ids))
    )
    return {row.id: row.merged_into or row.id for row in rows}


def names_of(connection: Connection, article: str) -> frozenset[str]:
    """What an article is named by: the ids that each of its entries would give it by its URL and
    by its feed and key, and its own.
    """
    rows = connection.execute(
        select(ENTRIES.c.url, ENTRIES.c.feed_id, ENTRIES.c.key).where(
            ENTRIES.c.article_id == article
        )
    ).all()
    by_url = {article_id(row.url, row.feed_id, row.key) for row in rows}
    return frozenset({article} | by_url | {article_id("", row.feed_id, row.key) for row in rows})


def any_of(connection: Connection, scope: Scope) -> bool:
    """Whether anything was said at all: as a rule nothing was."""
    asked = select(RULINGS.c.rule).where(RULINGS.c.scope == scope).limit(1)
    return connection.execute(asked).first() is not None


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


def _numbers(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """The number of each article, or of the one that it was merged into."""
    rows = connection.execute(
        select(ARTICLES.c.id, ARTICLES.c.number, ARTICLES.c.state, ARTICLES.c.merged_into).where(
            ARTICLES.c.id.in_(ids)
        )
    ).all()
    kept = {row.merged_into for row in rows if row.state == "merged"}
    numbers = {row.id: row.number for row in rows if row.state == "ready"}
    if kept:
        asked = select(ARTICLES.c.id, ARTICLES.c.number).where(
            ARTICLES.c.id.in_(kept), ARTICLES.c.state == "ready"
        )
        homes = {row.id: row.number for row in connection.execute(asked)}
        numbers |= {r.id: homes[r.merged_into] for r in rows if r.merged_into in homes}
    return {id_: str(number) for id_, number in numbers.items() if number is not None}
