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
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, Column, DateTime, Dialect, Index, Table, Text, inspect, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, also on databases that keep no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone: {value}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _time(*, nullable: bool = False) -> Any:
    return Field(sa_type=UtcDateTime, nullable=nullable)


def _long_text(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(Text, nullable=nullable))


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


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
    next_poll_at: datetime = _time()
    due_because: str
    last_poll_at: datetime | None = _time(nullable=True)
    last_success_at: datetime | None = _time(nullable=True)
    last_new_at: datetime | None = _time(nullable=True)
    last_status: str
    failures: int
    error: str
    bodies_whole: int
    """Of its bodies that were held against their page: how many gave as much as the page."""
    bodies_cut: int
    """And how many gave less."""
    addresses: list[dict[str, Any]] = _json()
    hints: dict[str, Any] = _json()
    rhythm: list[int] = _json()
    """Seconds since 1970."""
    errors: dict[str, list[Any]] = _json()
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
    published: datetime = _time()
    date_given: str
    first_seen: datetime = _time()
    language: str
    title: str = _long_text()
    categories: list[str] = _json()
    enclosures: list[dict[str, Any]] = _json()
    summary: str = _long_text()
    content: str = _long_text()


class ArticleRow(SQLModel, table=True):
    __tablename__ = "articles"
    __table_args__ = (
        Index("articles_newest", "state", "published"),
        Index(
            "articles_pending",
            "brought_by",
            "enrich_at",
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
        Index(
            "articles_merged",
            "merged_into",
            sqlite_where=text("merged_into <> ''"),
            postgresql_where=text("merged_into <> ''"),
        ),
    )

    id: str = Field(primary_key=True)
    state: str
    """`pending` before it is first made, `ready`, `dropped` by a feed's rules, `merged`."""
    merged_into: str
    brought_by: str
    """The feed that first carried it: feeds take turns at having their articles made."""
    enrich_at: datetime | None = _time(nullable=True)
    enrich_tries: int
    fingerprint: str
    url: str
    outlet: str
    author: str
    published: datetime = _time()
    published_by: str
    updated: datetime = _time()
    first_seen: datetime = _time()
    language: str
    image_url: str
    title: str = _long_text()
    image_alt: str = _long_text()
    lead: str = _long_text()
    categories: list[str] = _json()
    enclosures: list[dict[str, Any]] = _json()
    verdicts: list[list[Any]] = _json()
    """Of each entry's body whether it is the whole text, and why."""
    body_from: str
    body: str = _long_text()


class ExtractRow(SQLModel, table=True):
    __tablename__ = "extracts"

    article_id: str = Field(primary_key=True)
    url: str
    fetched_at: datetime = _time()
    stale: bool
    """The page is to be visited again: only `validators` count, and the text if it is unchanged."""
    validators: dict[str, str] = _json()
    author: str
    published: datetime | None = _time(nullable=True)
    image: str
    language: str
    title: str = _long_text()
    body: str = _long_text()


class QuarantineRow(SQLModel, table=True):
    __tablename__ = "quarantine"

    name: str = Field(primary_key=True)
    feed_id: str
    article_id: str
    url: str
    error: str
    tries: int
    first_at: datetime = _time()
    last_at: datetime = _time()


class RevisionRow(SQLModel, table=True):
    __tablename__ = "revisions"
    __table_args__ = (Index("revisions_article", "article_id", "seen_at"),)

    id: int | None = Field(default=None, primary_key=True)
    article_id: str
    seen_at: datetime = _time()
    title: str = _long_text()
    body: str = _long_text()


class MatchRow(SQLModel, table=True):
    __tablename__ = "matches"
    __table_args__ = (
        Index("matches_newest", "topic_id", "published"),
        Index("matches_article", "article_id"),
    )

    topic_id: str = Field(primary_key=True)
    article_id: str = Field(primary_key=True)
    published: datetime = _time()
    reasons: list[dict[str, str]] = _json()


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
    hubs: list[str] = _json()
    secret: str
    state: str
    callback: str
    act_at: datetime | None = _time(nullable=True)
    lease_until: datetime | None = _time(nullable=True)
    tries: int
    last_push_at: datetime | None = _time(nullable=True)
    announced_at: datetime | None = _time(nullable=True)
    missed_at: datetime | None = _time(nullable=True)
    pushes: int
    ignored: int
    error: str


class HoldRow(SQLModel, table=True):
    __tablename__ = "holds"

    host: str = Field(primary_key=True)
    until: datetime = _time()


class RobotsRow(SQLModel, table=True):
    __tablename__ = "robots"

    origin: str = Field(primary_key=True)
    asked_at: datetime = _time()
    delay: float | None
    kept_seconds: float
    unreachable_since: datetime | None = _time(nullable=True)
    kind: str
    failure: str
    status: int
    rules: str = _long_text()


class PublicationRow(SQLModel, table=True):
    __tablename__ = "publications"

    edition_id: str = Field(primary_key=True)
    definition: str
    """Hash of what the edition is made by: another one means every article is matched anew."""
    changes: int
    """Counts up whenever something in the edition changes."""
    published: int
    """What `changes` was when it was last published."""


def _table(row: type[SQLModel]) -> Table:
    return cast(Table, inspect(row).local_table)


FEEDS = _table(FeedRow)
ENTRIES = _table(EntryRow)
ARTICLES = _table(ArticleRow)
EXTRACTS = _table(ExtractRow)
REVISIONS = _table(RevisionRow)
MATCHES = _table(MatchRow)
SUBSCRIPTIONS = _table(SubscriptionRow)
HOLDS = _table(HoldRow)
ROBOTS = _table(RobotsRow)
PUBLICATIONS = _table(PublicationRow)
QUARANTINE = _table(QuarantineRow)
