"""The tables. Times are UTC; lists are JSON; long texts stand last in their row.

feeds         how each feed is doing, and when it is due
entries       the items of feeds, as given; (feed, key) tells them apart
articles      the text behind entries; `enrich_at` is set while there is work to do on it
extracts      what an article's page gave, so that no page is fetched twice
revisions     what an article said before it changed
quarantine    what took a worker down, and how often
matches       which article is in which topic, and why
subscriptions with which hubs feeds are subscribed (WebSub), or are to be
holds         hosts that want to be left in peace
robots        what sites' robots.txt said
publications  which editions have changed since they were last published

Those by which articles are grouped stand in group_tables.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Index, Table, inspect, text
from sqlmodel import Field, SQLModel

from aggregator.store.columns import json_column, long_text, time_column


class FeedRow(SQLModel, table=True):
    __tablename__ = "feeds"
    __table_args__ = (Index("feeds_due", "active", "next_poll_at"),)

    id: str = Field(primary_key=True)
    active: bool
    title: str
    outlet: str
    url: str
    """The configured one that served last; `addresses` has what is known of each."""
    generator: str
    next_poll_at: datetime = time_column()
    due_because: str
    last_poll_at: datetime | None = time_column(nullable=True)
    last_success_at: datetime | None = time_column(nullable=True)
    last_new_at: datetime | None = time_column(nullable=True)
    last_status: str
    failures: int
    error: str
    bodies_whole: int
    """Of its bodies that were held against their page: how many gave as much as the page."""
    bodies_cut: int
    """And how many gave less."""
    addresses: list[dict[str, Any]] = json_column()
    hints: dict[str, Any] = json_column()
    rhythm: list[int] = json_column()
    """Seconds since 1970."""
    errors: dict[str, list[Any]] = json_column()
    """By kind: how often, and when last."""


class EntryRow(SQLModel, table=True):
    __tablename__ = "entries"
    __table_args__ = (
        Index("entries_article", "article_id"),
        Index("entries_newest", "feed_id", "published"),
    )

    feed_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    article_id: str
    url: str
    link: str
    base: str
    author: str
    outlet: str
    published: datetime = time_column()
    date_given: str
    first_seen: datetime = time_column()
    language: str
    title: str = long_text()
    categories: list[str] = json_column()
    enclosures: list[dict[str, Any]] = json_column()
    summary: str = long_text()
    content: str = long_text()


class ArticleRow(SQLModel, table=True):
    __tablename__ = "articles"
    __table_args__ = (
        Index("articles_newest", "state", "published"),
        Index(
            "articles_pending",
            "brought_by",
            "enrich_at",
            "published",
            "id",
            sqlite_where=text("enrich_at IS NOT NULL"),
            postgresql_where=text("enrich_at IS NOT NULL"),
        ),
        Index(
            "articles_fingerprint",
            "fingerprint",
            sqlite_where=text("fingerprint <> ''"),
            postgresql_where=text("fingerprint <> ''"),
        ),
        Index("articles_number", "number", unique=True),
        Index(
            "articles_merged",
            "merged_into",
            sqlite_where=text("merged_into <> ''"),
            postgresql_where=text("merged_into <> ''"),
        ),
    )

    id: str = Field(primary_key=True)
    state: str
    """`pending` before it is first made, `ready`, `dropped` by a feed's rules, `merged` into
    another, `removed` by retention."""
    number: int | None
    """In which order articles were first published; None before that."""
    merged_into: str
    brought_by: str
    """The feed that first carried it: feeds take turns at having their articles made."""
    enrich_at: datetime | None = time_column(nullable=True)
    enrich_tries: int
    fingerprint: str
    url: str
    outlet: str
    author: str
    published: datetime = time_column()
    published_by: str
    updated: datetime = time_column()
    first_seen: datetime = time_column()
    language: str
    image_url: str
    title: str = long_text()
    image_alt: str = long_text()
    lead: str = long_text()
    categories: list[str] = json_column()
    enclosures: list[dict[str, Any]] = json_column()
    verdicts: list[list[Any]] = json_column()
    """Of each entry's body whether it is the whole text, and why."""
    body_from: str
    body: str = long_text()


class ExtractRow(SQLModel, table=True):
    __tablename__ = "extracts"

    article_id: str = Field(primary_key=True)
    url: str
    fetched_at: datetime = time_column()
    stale: bool
    """The page is to be visited again: only `validators` count, and the text if it is unchanged."""
    validators: dict[str, str] = json_column()
    author: str
    published: datetime | None = time_column(nullable=True)
    image: str
    language: str
    title: str = long_text()
    body: str = long_text()


class QuarantineRow(SQLModel, table=True):
    __tablename__ = "quarantine"

    name: str = Field(primary_key=True)
    feed_id: str
    article_id: str
    url: str
    error: str
    tries: int
    first_at: datetime = time_column()
    last_at: datetime = time_column()


class RevisionRow(SQLModel, table=True):
    __tablename__ = "revisions"
    __table_args__ = (Index("revisions_article", "article_id", "seen_at"),)

    id: int | None = Field(default=None, primary_key=True)
    article_id: str
    seen_at: datetime = time_column()
    added: int
    """Letters that came with the change, and that went."""
    removed: int
    title: str = long_text()
    body: str = long_text()


class MatchRow(SQLModel, table=True):
    __tablename__ = "matches"
    __table_args__ = (
        Index("matches_newest", "topic_id", "published"),
        Index("matches_article", "article_id"),
    )

    topic_id: str = Field(primary_key=True)
    article_id: str = Field(primary_key=True)
    published: datetime = time_column()
    reasons: list[dict[str, str]] = json_column()


class SubscriptionRow(SQLModel, table=True):
    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("subscriptions_feed", "feed_id"),
        Index("subscriptions_due", "act_at"),
        Index("subscriptions_announced", "announced_at"),
    )

    token: str = Field(primary_key=True)
    feed_id: str
    topic: str
    hub: str
    hubs: list[str] = json_column()
    secret: str
    state: str
    callback: str
    act_at: datetime | None = time_column(nullable=True)
    lease_until: datetime | None = time_column(nullable=True)
    tries: int
    last_push_at: datetime | None = time_column(nullable=True)
    announced_at: datetime | None = time_column(nullable=True)
    missed_at: datetime | None = time_column(nullable=True)
    pushes: int
    ignored: int
    error: str


class HoldRow(SQLModel, table=True):
    __tablename__ = "holds"

    host: str = Field(primary_key=True)
    until: datetime = time_column()


class RobotsRow(SQLModel, table=True):
    __tablename__ = "robots"

    origin: str = Field(primary_key=True)
    asked_at: datetime = time_column()
    delay: float | None
    kept_seconds: float
    unreachable_since: datetime | None = time_column(nullable=True)
    kind: str
    failure: str
    status: int
    rules: str = long_text()


class PublicationRow(SQLModel, table=True):
    __tablename__ = "publications"

    edition_id: str = Field(primary_key=True)
    definition: str
    """Hash of what the edition is made by: another one means every article is matched anew."""
    changes: int
    """Counts up whenever something in the edition changes."""
    published: int
    """What `changes` was when it was last published."""


def table_of(row: type[SQLModel]) -> Table:
    return cast(Table, inspect(row).local_table)


FEEDS = table_of(FeedRow)
ENTRIES = table_of(EntryRow)
ARTICLES = table_of(ArticleRow)
EXTRACTS = table_of(ExtractRow)
REVISIONS = table_of(RevisionRow)
MATCHES = table_of(MatchRow)
SUBSCRIPTIONS = table_of(SubscriptionRow)
HOLDS = table_of(HoldRow)
ROBOTS = table_of(RobotsRow)
PUBLICATIONS = table_of(PublicationRow)
QUARANTINE = table_of(QuarantineRow)
