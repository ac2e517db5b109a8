"""Retention: what is older than articles are kept goes, and does not come back.

Of a removed article a tombstone stays for good: its row in the state `removed`, with its id, URL
and times, the rows that were merged into it, and of each entry the feed, key, digest, URL and
article. By these whatever brings it again is known: a poll, a push, an archive, another feed with
the same URL, a new guid. Nothing else of it is left in any table.

Measured in SQLite after VACUUM, with URLs of 65 characters, each the guid as well: an article of
one entry takes 850 bytes, each further entry 470; a million of them about 0.8 GB, for ever. SQLite
uses the room that texts leave for new ones; its file gets smaller only by VACUUM.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from aggregator.core.model import Entry
from aggregator.store import copies, story_places
from aggregator.store.editions import ALL, touch
from aggregator.store.group_tables import EVENTS, MEMBERS, RELATIONS, STORIES
from aggregator.store.homes import REMOVED, chunks
from aggregator.store.rows import entry_values
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS, MATCHES, QUARANTINE, REVISIONS

TOGETHER = 500
"""How many articles one transaction removes at most."""

VISITED = 2000
"""How many articles one look examines at most."""

AHEAD = timedelta(days=2)
"""So far an article's date may lie after the time when it was seen, and more: clocks differ."""

UNDER_WAY = timedelta(days=1)
"""An article that waits to be made, and not yet for so long, is made before it is removed."""

_STATES = ("ready", "dropped", "pending")
"""What can be removed; what was merged goes with the article that it is part of."""

_NO_ENTRY_TEXT: dict[str, Any] = {
    "link": "", "base": "", "title": "", "author": "", "outlet": "", "date_given": "",
    "language": "", "summary": "", "content": "", "categories": [], "enclosures": [],
}  # fmt: skip
_NO_TEXT: dict[str, Any] = {
    "enrich_at": None, "enrich_tries": 0, "fingerprint": "",
    "title": "", "author": "", "outlet": "", "language": "", "lead": "", "body_from": "",
    "body": "", "image_url": "", "image_alt": "", "categories": [], "enclosures": [],
    "verdicts": [],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """How far a look through the articles has come: by state, then date, then id."""

    state: int = 0
    published: datetime = datetime(1900, 1, 1, tzinfo=UTC)
    article_id: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Articles that may be old enough, and where the next look begins; None: all were seen."""

    ids: tuple[str, ...]
    then: Place | None


_CANDIDATES = (
    select(ARTICLES.c.id, ARTICLES.c.published, ARTICLES.c.first_seen)
    .where(
        ARTICLES.c.state == bindparam("its_state"),
        # no article is dated later than it was seen: the index gives all that can be old
        ARTICLES.c.published.between(bindparam("since"), bindparam("until")),
        or_(ARTICLES.c.published > bindparam("since"), ARTICLES.c.id > bindparam("after")),
    )
    .order_by(ARTICLES.c.published, ARTICLES.c.id)
    .limit(VISITED)
)


def look(connection: Connection, place: Place, before: datetime) -> Look:
    """Reads on from `place`, the earliest dated first, for articles first seen before `before`:
    no more than TOGETHER of them, among no more than VISITED.
    """
    rows = connection.execute(
        _CANDIDATES,
        {
            "its_state": _STATES[place.state],
            "since": place.published,
            "until": before + AHEAD,
            "after": place.article_id,
        },
    )
    found: list[str] = []
    visited, last = 0, None
    for visited, last in enumerate(rows, start=1):  # noqa: B007 - both are looked at below
        if last.first_seen < before:
            found.append(last.id)
            if len(found) == TOGETHER:
                break
    if last is not None and (visited == VISITED or len(found) == TOGETHER):
        return Look(tuple(found), Place(place.state, last.published, last.id))
    following = place.state + 1
    return Look(tuple(found), Place(following) if following < len(_STATES) else None)


def remove(connection: Connection, ids: Collection[str], before: datetime, now: datetime) -> int:
    """Removes those of the articles that are older than `before`, with all that is known of them
    but their tombstones; gives their number.

    One stays that has an entry seen since, and one that is to be made and has not waited for
    UNDER_WAY: then it is removed after that. Editions that had one are to be published again.
    """
    old = _old(connection, ids, before, now)
    if not old:
        return 0
    merged = connection.execute(
        select(ARTICLES.c.id).where(
            ARTICLES.c.merged_into.in_(old),
            text("articles.merged_into <> ''"),  # without it SQLite cannot use the partial index
        )
    ).scalars()
    of_these = [*old, *merged]
    touch(connection, _editions_of(connection, old))
    _forget(connection, of_these)
    for some in chunks(of_these):
        connection.execute(update(ARTICLES).where(ARTICLES.c.id.in_(some)).values(_NO_TEXT))
    connection.execute(update(ARTICLES).where(ARTICLES.c.id.in_(old)).values(state=REMOVED))
    connection.execute(update(ENTRIES).where(ENTRIES.c.article_id.in_(old)).values(_NO_ENTRY_TEXT))
    return len(old)


def _forget(connection: Connection, ids: Sequence[str]) -> None:
    """Deletes what other tables know of these articles. A table that comes to know something of
    articles has its line here.
    """
    for some in chunks(ids):
        connection.execute(delete(EXTRACTS).where(EXTRACTS.c.article_id.in_(some)))
        connection.execute(delete(REVISIONS).where(REVISIONS.c.article_id.in_(some)))
        connection.execute(delete(MATCHES).where(MATCHES.c.article_id.in_(some)))
        connection.execute(delete(QUARANTINE).where(QUARANTINE.c.article_id.in_(some)))
        either = RELATIONS.c.article_id.in_(some) | RELATIONS.c.other_id.in_(some)
        connection.execute(delete(RELATIONS).where(either))
        numbers = select(ARTICLES.c.number).where(
            ARTICLES.c.id.in_(some), ARTICLES.c.number.is_not(None)
        )
        if known := connection.execute(numbers).scalars().all():
            _ungroup(connection, known)


def _ungroup(connection: Connection, numbers: Sequence[int]) -> None:
    """Nothing is held against them any more, and they leave their events; what is then empty
    goes as well.
    """
    copies.forget(connection, numbers)
    story_places.forget(connection, numbers)
    of_these = MEMBERS.c.number.in_(numbers)
    events = select(MEMBERS.c.event_id).where(of_these).distinct()
    left = connection.execute(events).scalars().all()
    connection.execute(delete(MEMBERS).where(of_these))
    stories = select(EVENTS.c.story_id).where(EVENTS.c.id.in_(left)).distinct()
    threads = connection.execute(stories).scalars().all()
    of_event = select(MEMBERS.c.number).where(MEMBERS.c.event_id == EVENTS.c.id)
    _drop_with_heirs(connection, EVENTS, left, of_event)
    of_story = select(EVENTS.c.id).where(
        EVENTS.c.story_id == STORIES.c.id, EVENTS.c.merged_into == ""
    )
    _drop_with_heirs(connection, STORIES, threads, of_story)


def _drop_with_heirs(
    connection: Connection, table: Table, ids: Sequence[str], members: Select[Any]
) -> None:
    """Deletes those of the rows that have no members left, and what had become part of them."""
    asked = select(table.c.id).where(table.c.id.in_(ids), ~members.exists())
    gone = connection.execute(asked).scalars().all()
    while gone:
        connection.execute(delete(table).where(table.c.id.in_(gone)))
        # the second condition lets SQLite use the partial index
        led = and_(table.c.merged_into.in_(gone), text("merged_into <> ''"))
        gone = connection.execute(select(table.c.id).where(led)).scalars().all()


def is_removed(connection: Connection, article_id: str) -> bool:
    """Whether the article, or the one it was merged into, was once here and was removed."""
    home = ARTICLES.alias("home")
    found = connection.execute(
        select(ARTICLES.c.state, home.c.state.label("home_state"))
        .outerjoin(home, home.c.id == ARTICLES.c.merged_into)
        .where(ARTICLES.c.id == article_id)
    ).one_or_none()
    return found is not None and REMOVED in (found.state, found.home_state)


def keep_out(
    connection: Connection, feed_id: str, new: Sequence[Entry], revised: Sequence[Entry]
) -> None:
    """A feed brought entries of removed articles: of `new` ones, whose articles they name, the
    tombstones are stored; of `revised` ones the digest, so that they are no change any more.
    """
    if new:
        connection.execute(insert(ENTRIES), [entry_values(one) | _NO_ENTRY_TEXT for one in new])
    if revised:
        connection.execute(
            update(ENTRIES)
            .where(ENTRIES.c.feed_id == feed_id, ENTRIES.c.key == bindparam("the_key"))
            .values(digest=bindparam("new_digest")),
            [{"the_key": one.key, "new_digest": one.digest} for one in revised],
        )


def _old(
    connection: Connection, ids: Collection[str], before: datetime, now: datetime
) -> list[str]:
    renewed = select(ENTRIES.c.article_id).where(
        ENTRIES.c.article_id == ARTICLES.c.id, ENTRIES.c.first_seen >= before
    )
    return list(
        connection.execute(
            select(ARTICLES.c.id).where(
                ARTICLES.c.id.in_(ids),
                ARTICLES.c.state.in_(_STATES),
                ARTICLES.c.first_seen < before,
                or_(ARTICLES.c.enrich_at.is_(None), ARTICLES.c.enrich_at < now - UNDER_WAY),
                ~renewed.exists(),
            )
        ).scalars()
    )


def _editions_of(connection: Connection, ids: Sequence[str]) -> set[str]:
    """The editions that the articles were in."""
    published = and_(ARTICLES.c.id.in_(ids), ARTICLES.c.state == "ready")
    if connection.execute(select(ARTICLES.c.id).where(published).limit(1)).first() is None:
        return set()
    topics = select(MATCHES.c.topic_id).where(MATCHES.c.article_id.in_(ids)).distinct()
    return {ALL, *connection.execute(topics).scalars()}
