"""Articles as rows: what a making asks of one and leaves behind, and how one becomes another's.

What follows from what is decided above (settling.py), where articles meet.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    case,
    insert,
    select,
    update,
)

from aggregator.core.composed import Composed
from aggregator.core.model import Entry, Extracted, Match
from aggregator.core.revision import change, is_revision
from aggregator.core.text import plain_text
from aggregator.store.rows import (
    composed_values,
    extract_values,
)
from aggregator.store.statements import Statement
from aggregator.store.tables import ARTICLES, EXTRACTS, FEEDS, MATCHES, REVISIONS

REMEMBERED = 40
"""How many of a feed's bodies held against their pages are remembered."""

Outcome = Literal["made", "changed", "same", "merged", "dropped"]
EntryVersion = tuple[str, str, str]

# The statements of every article are made once: making one costs more than running it.

_ARTICLE = select(ARTICLES).where(ARTICLES.c.id == bindparam("the_id"))
_ENTRIES = Statement("SELECT feed_id, key, digest FROM entries WHERE article_id = :article_id")
_TOPICS = Statement("SELECT topic_id FROM matches WHERE article_id = :article_id")
_LAST_NUMBER = Statement("SELECT max(number) FROM articles")
_COMPOSED = (
    "fingerprint", "url", "outlet", "author", "published", "published_by", "language",
    "image_url", "image_alt", "title", "lead", "categories", "enclosures", "verdicts",
    "body_from", "body",
    "state", "number", "updated", "enrich_at", "enrich_tries",
)  # fmt: skip
_STORE = (
    update(ARTICLES)
    .where(ARTICLES.c.id == bindparam("the_id"))
    .values({name: bindparam(name) for name in _COMPOSED})
)

_MAKE_AGAIN = (
    update(ARTICLES)
    .where(ARTICLES.c.id == bindparam("the_id"))
    .values(enrich_at=bindparam("again_at"), enrich_tries=0)
)
_MOVE_ENTRIES = Statement("UPDATE entries SET article_id = :kept WHERE article_id = :gone")
_LEAD_ON = Statement(
    "UPDATE articles SET state = 'merged', merged_into = :kept, enrich_at = NULL,"
    " enrich_tries = 0, fingerprint = '', body = '', lead = ''"
    # the second condition lets SQLite use the partial index
    " WHERE id = :gone OR (merged_into = :gone AND merged_into <> '')"
)
_NO_EXTRACT = Statement("DELETE FROM extracts WHERE article_id = :article_id")
_NO_MATCHES = Statement("DELETE FROM matches WHERE article_id = :article_id")


@dataclass(frozen=True, slots=True)
class Made:
    """An article as it was composed: when its page is tried again (None: nothing is left to do),
    and the entries it was composed from, if known.
    """

    composed: Composed
    again_at: datetime | None = None
    made_from: Sequence[Entry] | None = None
    tried: bool = True
    """Whether its page was tried, where that is still owed."""


# --- what a making asks --------------------------------------------------------------------------


def row_of(connection: Connection, article_id: str) -> Row[Any]:
    """The article as it is stored; there must be one."""
    return connection.execute(_ARTICLE, {"the_id": article_id}).one()


def entries_of(connection: Connection, article_id: str) -> Collection[EntryVersion]:
    """The article's entries as they are now: feed, key and digest of each."""
    rows = _ENTRIES.run(connection, {"article_id": article_id})
    return {(feed_id, key, digest) for feed_id, key, digest in rows.all()}


def asked_since(
    row: Row[Any],
    now: datetime,
    entries: Collection[EntryVersion],
    made_from: Sequence[Entry] | None,
) -> datetime | None:
    """Since when the article is to be made once more, None if it is made of all there is."""
    asked_at: datetime | None = row.enrich_at
    if asked_at is not None and asked_at > now:
        return asked_at
    if made_from is None:
        return None
    # a poll that began before `now` may have ended after the material was gathered
    made = {(entry.feed_id, entry.key, entry.digest) for entry in made_from}
    return None if {*entries} <= made else now


def has_lost(entries: Collection[EntryVersion], made_from: Sequence[Entry] | None) -> bool:
    """Whether the article was made from an entry that was split off meanwhile."""
    there = {(feed_id, key) for feed_id, key, _ in entries}
    return not {(entry.feed_id, entry.key) for entry in made_from or ()} <= there


def outcome_of(row: Row[Any], composed: Composed) -> Outcome:
    """Whether it is published for the first time, changed in substance, or the same."""
    if row.state != "ready":
        return "made"
    changed = is_revision(row.title, row.body, composed.title, composed.body)
    return "changed" if changed else "same"


def topics_of(connection: Connection, article_id: str) -> set[str]:
    """The ids of the topics it is in."""
    return set(_TOPICS.run(connection, {"article_id": article_id}).scalars())


def next_number(connection: Connection) -> int:
    """That of the next article to be published for the first time."""
    return (_LAST_NUMBER.run(connection, {}).scalar() or 0) + 1


# --- what it leaves behind -----------------------------------------------------------------------


def publish(
    connection: Connection,
    row: Row[Any],
    made: Made,
    outcome: Outcome,
    number: int,
    asked_at: datetime | None,
    now: datetime,
) -> None:
    """The article is published as it was composed, from now on or again."""
    composed, again_at = made.composed, made.again_at
    # where another entry speaks for it by now, in its own words, nobody has revised anything
    if outcome == "changed" and row.url == composed.url:
        size = change(plain_text(row.body), plain_text(composed.body))
        connection.execute(
            insert(REVISIONS).values(
                article_id=row.id,
                seen_at=now,
                added=size.added,
                removed=size.removed,
                title=row.title,
                body=row.body,
            )
        )
    values: dict[str, Any] = composed_values(composed) | {
        "state": "ready",
        "number": number,
        "updated": _updated(row, composed, outcome, now),
        "enrich_at": asked_at or again_at,
        "enrich_tries": row.enrich_tries + made.tried if again_at and not asked_at else 0,
    }
    connection.execute(_STORE, {"the_id": row.id, **values})
    if row.state == "ready":
        _NO_MATCHES.run(connection, {"article_id": row.id})
    if composed.matches:
        connection.execute(
            insert(MATCHES), [_match_values(composed, match) for match in composed.matches]
        )


def learn(connection: Connection, compared: Sequence[tuple[str, bool]]) -> None:
    """Counts which feeds' bodies were whole beside their pages. What is long past fades, so that
    a feed that changes is noticed.
    """
    faded = FEEDS.c.bodies_whole + FEEDS.c.bodies_cut >= REMEMBERED
    for feed_id in sorted({feed_id for feed_id, _ in compared}):
        whole = compared.count((feed_id, True))
        cut = compared.count((feed_id, False))
        connection.execute(
            update(FEEDS)
            .where(FEEDS.c.id == feed_id)
            .values(
                bodies_whole=case((faded, FEEDS.c.bodies_whole // 2), else_=FEEDS.c.bodies_whole)
                + whole,
                bodies_cut=case((faded, FEEDS.c.bodies_cut // 2), else_=FEEDS.c.bodies_cut) + cut,
            )
        )


def postpone(connection: Connection, article_id: str, again_at: datetime | None) -> None:
    """The article could not be made: to be tried at `again_at`, or not again if None."""
    connection.execute(
        update(ARTICLES)
        .where(ARTICLES.c.id == article_id)
        .values(enrich_at=again_at, enrich_tries=ARTICLES.c.enrich_tries + 1)
    )


def put_off(connection: Connection, article_id: str, again_at: datetime) -> None:
    """The article's page has no turn before `again_at`; it was not tried."""
    connection.execute(
        update(ARTICLES).where(ARTICLES.c.id == article_id).values(enrich_at=again_at)
    )


def keep_extract(
    connection: Connection, article_id: str, extracted: Extracted, stale: bool, now: datetime
) -> None:
    """What its page gave is kept; `stale` if the page is to be visited again."""
    _NO_EXTRACT.run(connection, {"article_id": article_id})
    values = extract_values(article_id, extracted) | {"stale": stale, "fetched_at": now}
    connection.execute(insert(EXTRACTS).values(values))


def drop(connection: Connection, row: Row[Any], asked_at: datetime | None) -> None:
    """A feed's rules turned it away."""
    connection.execute(
        update(ARTICLES)
        .where(ARTICLES.c.id == row.id)
        .values(state="dropped", enrich_at=asked_at, enrich_tries=0, fingerprint="")
    )
    _NO_MATCHES.run(connection, {"article_id": row.id})


def merge(connection: Connection, kept: str, gone: str, again_at: datetime) -> None:
    """The entries of `gone` become entries of `kept`; its id leads there from now on.

    `kept` is to be made again: an entry of `gone` may be the outlet's own.
    """
    connection.execute(_MAKE_AGAIN, {"the_id": kept, "again_at": again_at})
    _MOVE_ENTRIES.run(connection, {"kept": kept, "gone": gone})
    _LEAD_ON.run(connection, {"kept": kept, "gone": gone})
    for statement in (_NO_EXTRACT, _NO_MATCHES):
        statement.run(connection, {"article_id": gone})


def _updated(row: Row[Any], composed: Composed, outcome: Outcome, now: datetime) -> datetime:
    if outcome == "changed":
        return now
    was_revised = row.state == "ready" and row.updated != row.published
    updated: datetime = row.updated if was_revised else composed.published
    return updated


def _match_values(composed: Composed, match: Match) -> dict[str, Any]:
    return {
        "topic_id": match.topic_id,
        "article_id": composed.article_id,
        "published": composed.published,
        "reasons": [asdict(reason) for reason in match.reasons],
    }


def done(connection: Connection, article_id: str) -> None:
    """Nothing is left to do on it."""
    connection.execute(update(ARTICLES).where(ARTICLES.c.id == article_id).values(enrich_at=None))
