"""What is known of one article, and which stories there are, for a person who looks at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from aggregator.core.model import Entry, Match
from aggregator.store import copies, editions, materials, rulings
from aggregator.store.copies import Related
from aggregator.store.group_tables import RULINGS, STORIES
from aggregator.store.stories import story_of
from aggregator.store.tables import ARTICLES, REVISIONS


@dataclass(frozen=True, slots=True)
class Revision:
    """When it changed, the letters that came and went, and its title before."""

    seen_at: datetime
    added: int
    removed: int
    title: str


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a person said, last at that time, of it and another article; empty: of its entries."""

    other_id: str
    rule: str
    ruled_at: datetime


@dataclass(frozen=True, slots=True)
class About:
    """An article in any state; what is not explained here is as in the table `articles`."""

    id: str
    state: str
    number: int | None
    title: str
    outlet: str
    url: str
    published: datetime
    updated: datetime
    enrich_at: datetime | None
    entries: tuple[Entry, ...]
    """In the order in which they came."""
    matches: tuple[Match, ...]
    revisions: tuple[Revision, ...]
    relations: tuple[Related, ...]
    ruled: tuple[Ruled, ...]
    story_id: str
    """Empty if it is in none."""


def article(connection: Connection, article_id: str) -> About | None:
    """All that is known of an article; None if there is none of that id."""
    row = connection.execute(select(ARTICLES).where(ARTICLES.c.id == article_id)).one_or_none()
    if row is None:
        return None
    material = materials.material(connection, article_id)
    revisions = connection.execute(
        select(REVISIONS).where(REVISIONS.c.article_id == article_id).order_by(REVISIONS.c.id)
    )
    return About(
        id=row.id,
        state=row.state,
        number=row.number,
        title=row.title,
        outlet=row.outlet,
        url=row.url,
        published=row.published,
        updated=row.updated,
        enrich_at=row.enrich_at,
        entries=tuple(material.entries) if material else (),
        matches=editions.matches(connection, article_id),
        revisions=tuple(Revision(r.seen_at, r.added, r.removed, r.title) for r in revisions),
        relations=copies.relations(connection, [article_id]),
        ruled=_ruled(connection, article_id),
        story_id=story_of(connection, article_id) or "",
    )


def _ruled(connection: Connection, article_id: str) -> tuple[Ruled, ...]:
    names = rulings.names_of(connection, article_id)
    first, second = RULINGS.c.first_id, RULINGS.c.second_id
    rows = connection.execute(
        select(first, second, RULINGS.c.rule, RULINGS.c.ruled_at)
        .where(RULINGS.c.scope == "article", or_(first.in_(names), second.in_(names)))
        .order_by(RULINGS.c.ruled_at, first, second)
    ).all()
    mentioned = names | {one for row in rows for one in (row.first_id, row.second_id)}
    known = {
        name: home
        for home in {*rulings.rows_lead_to(connection, mentioned).values()} - {article_id}
        for name in rulings.names_of(connection, home)
    }
    said: dict[tuple[str, str], datetime] = {}
    for row in rows:
        others = {row.first_id, row.second_id} - names
        if not others and row.rule == "together":
            said["", row.rule] = row.ruled_at
        for other in others:  # a name that nothing has is shown as it is
            said[known.get(other, other), row.rule] = row.ruled_at
    # where two things were said of two, `apart` counts
    return tuple(
        Ruled(other, rule, at)
        for (other, rule), at in said.items()
        if rule == "apart" or (other, "apart") not in said
    )


def titles(connection: Connection, ids: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Outlet and title of these articles, of those that are stored."""
    rows = connection.execute(
        select(ARTICLES.c.id, ARTICLES.c.outlet, ARTICLES.c.title).where(ARTICLES.c.id.in_(ids))
    )
    return {row.id: (row.outlet, row.title) for row in rows}


def find_stories(connection: Connection, beginning: str, limit: int = 10) -> tuple[str, ...]:
    """The ids of the stories whose id begins so; one that became part of another counts."""
    chosen = (
        select(STORIES.c.id)
        .where(STORIES.c.id.startswith(beginning, autoescape=True))
        .order_by(STORIES.c.id)
        .limit(limit)
    )
    return tuple(connection.execute(chosen).scalars())
