"""Making articles: what is pending, what was composed, what is the same, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from aggregator.core.composed import Composed
from aggregator.core.identity import entry_digest
from aggregator.core.model import Entry, Extracted, Match
from aggregator.core.text import fold
from aggregator.store.editions import ALL, touch
from aggregator.store.rows import (
    composed_values,
    extract_values,
)
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS, FEEDS, MATCHES, REVISIONS

SAME_TEXT_WITHIN = timedelta(days=7)
"""Equal texts further apart are two articles: a notice repeated each month, say."""

REMEMBERED = 40
"""How many of a feed's bodies held against their pages are remembered."""

Outcome = Literal["made", "changed", "same", "merged", "dropped"]

# The statements of every article are made once: making one costs more than running it.

_ARTICLE = select(ARTICLES).where(ARTICLES.c.id == bindparam("the_id"))
_MADE_FROM = select(ENTRIES.c.feed_id, ENTRIES.c.key, ENTRIES.c.digest).where(
    ENTRIES.c.article_id == bindparam("the_id")
)
_TWIN = (
    select(ARTICLES.c.id)
    .where(
        # only what is published has one; to ask for the state as well would have SQLite
        # read everything that was published within those days
        ARTICLES.c.fingerprint == bindparam("its_fingerprint"),
        text("articles.fingerprint <> ''"),  # without it SQLite cannot use the partial index
        ARTICLES.c.id != bindparam("the_id"),
        ARTICLES.c.published.between(bindparam("since"), bindparam("until")),
    )
    .order_by(ARTICLES.c.first_seen, ARTICLES.c.id)
    .limit(1)
)
_COMPOSED = (
    "fingerprint", "url", "outlet", "author", "published", "published_by", "language",
    "image_url", "image_alt", "title", "lead", "categories", "enclosures", "verdicts",
    "body_from", "body",
    "state", "updated", "enrich_at", "enrich_tries",
)  # fmt: skip
_STORE = (
    update(ARTICLES)
    .where(ARTICLES.c.id == bindparam("the_id"))
    .values({name: bindparam(name) for name in _COMPOSED})
)


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


def record_articles(
    connection: Connection, made: Sequence[Made], now: datetime
) -> tuple[Outcome, ...]:
    """Stores composed articles, each merged with the one of the same text if there is one.

    `now` is when their making began. Where more was asked of one since, by entries that came
    or changed or by `reprocess`, it stays to be made again.
    """
    touched: set[str] = set()
    outcomes = tuple(_record(connection, one, now, touched) for one in made)
    touch(connection, touched)
    _learn(connection, [pair for one in made for pair in one.composed.compared])
    return outcomes


def _learn(connection: Connection, compared: Sequence[tuple[str, bool]]) -> None:
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


def _record(connection: Connection, made: Made, now: datetime, touched: set[str]) -> Outcome:
    """Adds the editions that are to be published again to `touched`."""
    composed, again_at = made.composed, made.again_at
    row = connection.execute(_ARTICLE, {"the_id": composed.article_id}).one()
    if row.state == "merged":
        _settle(connection, row.id, None)
        return "merged"
    if composed.extracted is not None:
        stale = again_at is not None
        _keep_extract(connection, composed.article_id, composed.extracted, stale, now)
    asked_at = _asked_since(connection, row, now, made.made_from)
    before = _topics_of(connection, row.id) if row.state == "ready" else set()
    if row.state == "ready":
        touched |= {ALL, *before}
    if not composed.wanted:
        _drop(connection, row, asked_at)
        return "dropped"
    twin = _twin(connection, composed)
    if twin is not None:
        _merge(connection, twin, composed.article_id, asked_at or now)
        touched |= {ALL, *_topics_of(connection, twin)}
        return "merged"
    outcome = _outcome(row, composed)
    if outcome == "changed":
        connection.execute(
            insert(REVISIONS).values(
                article_id=row.id, seen_at=now, added=0, removed=0, title=row.title, body=row.body
            )
        )
    values: dict[str, Any] = composed_values(composed) | {
        "state": "ready",
        "updated": _updated(row, composed, outcome, now),
        "enrich_at": asked_at or again_at,
        "enrich_tries": row.enrich_tries + made.tried if again_at and not asked_at else 0,
    }
    connection.execute(_STORE, {"the_id": row.id, **values})
    if before:
        connection.execute(delete(MATCHES).where(MATCHES.c.article_id == row.id))
    if composed.matches:
        connection.execute(
            insert(MATCHES), [_match_values(composed, match) for match in composed.matches]
        )
    touched |= {ALL, *(match.topic_id for match in composed.matches)}
    return outcome


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


def _keep_extract(
    connection: Connection, article_id: str, extracted: Extracted, stale: bool, now: datetime
) -> None:
    connection.execute(delete(EXTRACTS).where(EXTRACTS.c.article_id == article_id))
    values = extract_values(article_id, extracted) | {"stale": stale, "fetched_at": now}
    connection.execute(insert(EXTRACTS).values(values))


def _asked_since(
    connection: Connection, row: Row[Any], now: datetime, made_from: Sequence[Entry] | None
) -> datetime | None:
    """Since when the article is to be made once more, None if it is made of all there is."""
    asked_at: datetime | None = row.enrich_at
    if asked_at is not None and asked_at > now:
        return asked_at
    if made_from is None:
        return None
    # a poll that began before `now` may have ended after the material was gathered
    entries = connection.execute(_MADE_FROM, {"the_id": row.id})
    made = {(entry.feed_id, entry.key, entry.digest) for entry in made_from}
    return None if {tuple(entry) for entry in entries} <= made else now


def _drop(connection: Connection, row: Row[Any], asked_at: datetime | None) -> None:
    connection.execute(
        update(ARTICLES)
        .where(ARTICLES.c.id == row.id)
        .values(state="dropped", enrich_at=asked_at, enrich_tries=0, fingerprint="")
    )
    connection.execute(delete(MATCHES).where(MATCHES.c.article_id == row.id))


def _twin(connection: Connection, composed: Composed) -> str | None:
    """The id of the published article with the same text, the first seen if there are several."""
    if not composed.fingerprint:
        return None
    return connection.execute(
        _TWIN,
        {
            "the_id": composed.article_id,
            "its_fingerprint": composed.fingerprint,
            "since": composed.published - SAME_TEXT_WITHIN,
            "until": composed.published + SAME_TEXT_WITHIN,
        },
    ).scalar()


def _merge(connection: Connection, kept: str, gone: str, again_at: datetime) -> None:
    """The entries of `gone` become entries of `kept`; its id leads there from now on.

    `kept` is to be made again: an entry of `gone` may be the outlet's own.
    """
    connection.execute(
        update(ARTICLES).where(ARTICLES.c.id == kept).values(enrich_at=again_at, enrich_tries=0)
    )
    connection.execute(update(ENTRIES).where(ENTRIES.c.article_id == gone).values(article_id=kept))
    connection.execute(
        update(ARTICLES)
        .where(
            or_(
                ARTICLES.c.id == gone,
                # the second condition lets SQLite use the partial index
                and_(ARTICLES.c.merged_into == gone, text("articles.merged_into <> ''")),
            )
        )
        .values(
            state="merged",
            merged_into=kept,
            enrich_at=None,
            enrich_tries=0,
            fingerprint="",
            body="",
            lead="",
        )
    )
    connection.execute(delete(EXTRACTS).where(EXTRACTS.c.article_id == gone))
    connection.execute(delete(MATCHES).where(MATCHES.c.article_id == gone))


def _outcome(row: Row[Any], composed: Composed) -> Outcome:
    if row.state != "ready":
        return "made"
    if row.title == composed.title and row.body == composed.body:
        return "same"
    before, after = (entry_digest(fold(one.title), fold(one.body)) for one in (row, composed))
    return "same" if before == after else "changed"


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


def _topics_of(connection: Connection, article_id: str) -> set[str]:
    return set(
        connection.execute(
            select(MATCHES.c.topic_id).where(MATCHES.c.article_id == article_id)
        ).scalars()
    )


def _settle(connection: Connection, article_id: str, again_at: datetime | None) -> None:
    connection.execute(
        update(ARTICLES).where(ARTICLES.c.id == article_id).values(enrich_at=again_at)
    )
