"""Stories as pages and feeds show them: their events with the articles, and where they are found.

An id that was published leads to where its articles are now (`merged_into`). What is written is
story_places.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Table, bindparam, select

from aggregator.core.story_prints import StoryPrint, from_bytes, story_draft, weighed
from aggregator.core.story_view import Member
from aggregator.core.text import plain_text
from aggregator.store.group_tables import EVENTS, MEMBERS, RELATIONS, STORIES, STORY_PRINTS
from aggregator.store.tables import ARTICLES, MATCHES

_COPIES = ("copy", "excerpt")
"""The kinds of relations in which one article has the text of another."""

_READY = ARTICLES.c.state == "ready"


@dataclass(frozen=True, slots=True)
class Belongs:
    """An article in an event: the article that it joined for, empty if none is known, and how well
    it sat there, from 0 to 1.
    """

    article_id: str
    because: str
    score: float


@dataclass(frozen=True, slots=True)
class StoryEvent:
    id: str
    came_from: str
    """The event that it left, if any."""
    members: tuple[Belongs, ...]
    """In order of arrival."""


@dataclass(frozen=True, slots=True)
class Story:
    id: str
    came_from: str
    """The story that it left, if any."""
    latest: datetime
    """When the newest of its articles was published."""
    events: tuple[StoryEvent, ...]
    """In the order in which they came to it."""


_BECAUSE = ARTICLES.alias("because_of")
_MEMBERS = (
    select(
        EVENTS.c.id.label("event_id"),
        EVENTS.c.came_from,
        ARTICLES.c.id.label("article_id"),
        _BECAUSE.c.id.label("because"),
        MEMBERS.c.score,
    )
    .select_from(EVENTS)
    .join(MEMBERS, MEMBERS.c.event_id == EVENTS.c.id)
    .join(ARTICLES, ARTICLES.c.number == MEMBERS.c.number)
    .outerjoin(_BECAUSE, (_BECAUSE.c.number == MEMBERS.c.because) & (_BECAUSE.c.state == "ready"))
    .where(EVENTS.c.story_id == bindparam("story"), _READY)
    .order_by(EVENTS.c.position, EVENTS.c.id, MEMBERS.c.position)
)
_STORY_OF = (
    select(EVENTS.c.story_id)
    .select_from(ARTICLES)
    .join(MEMBERS, MEMBERS.c.number == ARTICLES.c.number)
    .join(EVENTS, EVENTS.c.id == MEMBERS.c.event_id)
    .where(ARTICLES.c.id == bindparam("article"), _READY)
)


def story(connection: Connection, story_id: str) -> Story | None:
    """The story, or the one that it became part of; None if there is none, or nothing in it is
    published.
    """
    row = _followed(connection, STORIES, story_id)
    if row is None:
        return None
    events: dict[str, tuple[str, list[Belongs]]] = {}
    for one in connection.execute(_MEMBERS, {"story": row.id}):
        member = Belongs(one.article_id, one.because or "", one.score)
        events.setdefault(one.event_id, (one.came_from, []))[1].append(member)
    if not events:
        return None
    return Story(
        row.id,
        row.came_from,
        row.latest,
        tuple(StoryEvent(id_, came, tuple(ones)) for id_, (came, ones) in events.items()),
    )


def story_of(connection: Connection, article_id: str) -> str | None:
    """The story that a published article is in; None if it is in none yet."""
    return connection.execute(_STORY_OF, {"article": article_id}).scalar()


def _followed(connection: Connection, table: Table, id_: str) -> Row[tuple[object, ...]] | None:
    """The row of an event or a story, or of the one that it went into in the end."""
    row = connection.execute(select(table).where(table.c.id == id_)).one_or_none()
    while row is not None and row.merged_into:
        row = connection.execute(select(table).where(table.c.id == row.merged_into)).one_or_none()
    return row


# --- by topic ------------------------------------------------------------------------------------

_NEWEST = (
    select(STORIES.c.id)
    .where(STORIES.c.merged_into == "")
    .order_by(STORIES.c.latest.desc(), STORIES.c.id)
)
_IN_TOPIC = (
    select(EVENTS.c.story_id, MATCHES.c.published)
    .select_from(MATCHES)
    .join(ARTICLES, ARTICLES.c.id == MATCHES.c.article_id)
    .join(MEMBERS, MEMBERS.c.number == ARTICLES.c.number)
    .join(EVENTS, EVENTS.c.id == MEMBERS.c.event_id)
    .where(MATCHES.c.topic_id == bindparam("topic"), _READY)
    .order_by(MATCHES.c.published.desc(), MATCHES.c.article_id)
)
_TOPICS_OF = (
    select(MATCHES.c.topic_id)
    .select_from(EVENTS)
    .join(MEMBERS, MEMBERS.c.event_id == EVENTS.c.id)
    .join(ARTICLES, ARTICLES.c.number == MEMBERS.c.number)
    .join(MATCHES, MATCHES.c.article_id == ARTICLES.c.id)
    .where(EVENTS.c.story_id == bindparam("story"), _READY)
    .distinct()
)


def in_topic(
    connection: Connection, topic_id: str | None, limit: int, since: datetime | None = None
) -> tuple[str, ...]:
    """The ids of the stories of which an article is in the topic, newest first: by the newest of
    their articles in it. None means all stories. `since`: those with such an article since then.
    """
    if topic_id is None:
        newest = _NEWEST.where(STORIES.c.latest >= since) if since else _NEWEST
        return tuple(connection.execute(newest.limit(limit)).scalars())
    chosen = _IN_TOPIC.where(MATCHES.c.published >= since) if since else _IN_TOPIC
    # articles until there are enough stories, not all that the topic ever had
    options = {"yield_per": max(1, min(2 * limit, 1000))}
    rows = connection.execute(chosen, {"topic": topic_id}, execution_options=options)
    found: dict[str, None] = {}
    for row in rows:
        if len(found) >= limit:
            break
        found[row.story_id] = None
    rows.close()
    return tuple(found)


def topics_of(connection: Connection, story_id: str) -> frozenset[str]:
    """The topics that an article of the story is in."""
    return frozenset(connection.execute(_TOPICS_OF, {"story": story_id}).scalars())


# --- what is shown of one ------------------------------------------------------------------------

_SHOWN = (
    select(
        ARTICLES.c.id,
        ARTICLES.c.outlet,
        ARTICLES.c.title,
        ARTICLES.c.published,
        ARTICLES.c.body,
        STORY_PRINTS.c.print,
        _BECAUSE.c.id.label("because"),
    )
    .select_from(EVENTS)
    .join(MEMBERS, MEMBERS.c.event_id == EVENTS.c.id)
    .join(ARTICLES, ARTICLES.c.number == MEMBERS.c.number)
    .outerjoin(STORY_PRINTS, STORY_PRINTS.c.number == MEMBERS.c.number)
    .outerjoin(_BECAUSE, (_BECAUSE.c.number == MEMBERS.c.because) & (_BECAUSE.c.state == "ready"))
    .where(_READY)
    .order_by(EVENTS.c.position, EVENTS.c.id, MEMBERS.c.position)
)
_SHOWN_OF_STORY = _SHOWN.where(EVENTS.c.story_id == bindparam("its_id"))
_SHOWN_OF_EVENT = _SHOWN.where(EVENTS.c.id == bindparam("its_id"))
_SAME_TEXT = select(RELATIONS).where(
    RELATIONS.c.article_id.in_(bindparam("articles", expanding=True)),
    RELATIONS.c.kind.in_(_COPIES),
)


def view_members(connection: Connection, id_: str) -> tuple[Member, ...]:
    """The published articles of a story or an event, or of what it became part of, as
    `core.story_view` takes them; empty if there are none.
    """
    of_story = _followed(connection, STORIES, id_)
    found = of_story or _followed(connection, EVENTS, id_)
    if found is None:
        return ()
    chosen = _SHOWN_OF_STORY if of_story else _SHOWN_OF_EVENT
    rows = connection.execute(chosen, {"its_id": found.id}).all()
    published = {row.id: row.published for row in rows}
    copy_of = _copied(connection, published)
    return tuple(
        Member(
            article=row.id,
            outlet=row.outlet,
            title=row.title,
            text=(body := plain_text(row.body)),
            published=row.published,
            print=_print(row.print, row.published, row.title, body),
            copy_of=copy_of.get(row.id, ""),
            because=row.because or "",
        )
        for row in rows
    )


def _print(stored: bytes | None, published: datetime, title: str, body: str) -> StoryPrint:
    """As it was kept; of an old article with all words alike, as what they weighed is forgotten."""
    if stored is not None:
        try:
            return from_bytes(stored)
        except ValueError:  # of an older version
            pass
    return weighed(story_draft("", published, title, body), lambda _word: 1.0)


def _copied(connection: Connection, published: Mapping[str, datetime]) -> Mapping[str, str]:
    """Of each article the earliest among these of which it has the text."""
    if len(published) < 2:
        return {}
    sources: dict[str, list[str]] = {}
    for row in connection.execute(_SAME_TEXT, {"articles": list(published)}):
        if row.other_id not in published:
            continue
        pair = (row.article_id, row.other_id)
        if row.kind == "copy":
            source, copy = sorted(pair, key=lambda one: (published[one], one))
        else:
            copy, source = reversed(pair) if row.of_second else pair
        sources.setdefault(copy, []).append(source)
    return {
        copy: min(ones, key=lambda one: (published[one], one)) for copy, ones in sources.items()
    }
