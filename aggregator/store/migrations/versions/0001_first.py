"""The first shape."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from aggregator.store.migrations.columns import STRING, TEXT, TIME

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", STRING, primary_key=True),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("title", STRING, nullable=False),
        sa.Column("outlet", STRING, nullable=False),
        sa.Column("url", STRING, nullable=False),
        sa.Column("generator", STRING, nullable=False),
        sa.Column("next_poll_at", TIME, nullable=False),
        sa.Column("due_because", STRING, nullable=False),
        sa.Column("last_poll_at", TIME),
        sa.Column("last_success_at", TIME),
        sa.Column("last_new_at", TIME),
        sa.Column("last_status", STRING, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("error", STRING, nullable=False),
        sa.Column("bodies_whole", sa.Integer, nullable=False),
        sa.Column("bodies_cut", sa.Integer, nullable=False),
        sa.Column("addresses", sa.JSON, nullable=False),
        sa.Column("hints", sa.JSON, nullable=False),
        sa.Column("rhythm", sa.JSON, nullable=False),
        sa.Column("errors", sa.JSON, nullable=False),
    )
    op.create_index("feeds_due", "feeds", ["active", "next_poll_at"])

    op.create_table(
        "entries",
        sa.Column("feed_id", STRING, primary_key=True),
        sa.Column("key", STRING, primary_key=True),
        sa.Column("digest", STRING, nullable=False),
        sa.Column("article_id", STRING, nullable=False),
        sa.Column("url", STRING, nullable=False),
        sa.Column("link", STRING, nullable=False),
        sa.Column("base", STRING, nullable=False),
        sa.Column("author", STRING, nullable=False),
        sa.Column("outlet", STRING, nullable=False),
        sa.Column("published", TIME, nullable=False),
        sa.Column("date_given", STRING, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("language", STRING, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("enclosures", sa.JSON, nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
    )
    op.create_index("entries_article", "entries", ["article_id"])
    op.create_index("entries_newest", "entries", ["feed_id", "published"])

    op.create_table(
        "articles",
        sa.Column("id", STRING, primary_key=True),
        sa.Column("state", STRING, nullable=False),
        sa.Column("merged_into", STRING, nullable=False),
        sa.Column("brought_by", STRING, nullable=False),
        sa.Column("enrich_at", TIME),
        sa.Column("enrich_tries", sa.Integer, nullable=False),
        sa.Column("fingerprint", STRING, nullable=False),
        sa.Column("url", STRING, nullable=False),
        sa.Column("outlet", STRING, nullable=False),
        sa.Column("author", STRING, nullable=False),
        sa.Column("published", TIME, nullable=False),
        sa.Column("published_by", STRING, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("language", STRING, nullable=False),
        sa.Column("image_url", STRING, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("image_alt", TEXT, nullable=False),
        sa.Column("lead", TEXT, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("enclosures", sa.JSON, nullable=False),
        sa.Column("verdicts", sa.JSON, nullable=False),
        sa.Column("body_from", STRING, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
    op.create_index("articles_newest", "articles", ["state", "published"])
    pending = sa.text("enrich_at IS NOT NULL")
    op.create_index(
        "articles_pending",
        "articles",
        ["brought_by", "enrich_at", "id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    known = sa.text("fingerprint <> ''")
    op.create_index(
        "articles_fingerprint",
        "articles",
        ["fingerprint"],
        sqlite_where=known,
        postgresql_where=known,
    )
    merged = sa.text("merged_into <> ''")
    op.create_index(
        "articles_merged",
        "articles",
        ["merged_into"],
        sqlite_where=merged,
        postgresql_where=merged,
    )

    op.create_table(
        "extracts",
        sa.Column("article_id", STRING, primary_key=True),
        sa.Column("url", STRING, nullable=False),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.Column("stale", sa.Boolean, nullable=False),
        sa.Column("validators", sa.JSON, nullable=False),
        sa.Column("author", STRING, nullable=False),
        sa.Column("published", TIME),
        sa.Column("image", STRING, nullable=False),
        sa.Column("language", STRING, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )

    op.create_table(
        "quarantine",
        sa.Column("name", STRING, primary_key=True),
        sa.Column("feed_id", STRING, nullable=False),
        sa.Column("article_id", STRING, nullable=False),
        sa.Column("url", STRING, nullable=False),
        sa.Column("error", STRING, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
    )

    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("article_id", STRING, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
    op.create_index("revisions_article", "revisions", ["article_id", "seen_at"])

    op.create_table(
        "matches",
        sa.Column("topic_id", STRING, primary_key=True),
        sa.Column("article_id", STRING, primary_key=True),
        sa.Column("published", TIME, nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
    )
    op.create_index("matches_newest", "matches", ["topic_id", "published"])
    op.create_index("matches_article", "matches", ["article_id"])

    op.create_table(
        "subscriptions",
        sa.Column("token", STRING, primary_key=True),
        sa.Column("feed_id", STRING, nullable=False),
        sa.Column("topic", STRING, nullable=False),
        sa.Column("hub", STRING, nullable=False),
        sa.Column("hubs", sa.JSON, nullable=False),
        sa.Column("secret", STRING, nullable=False),
        sa.Column("state", STRING, nullable=False),
        sa.Column("callback", STRING, nullable=False),
        sa.Column("act_at", TIME),
        sa.Column("lease_until", TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_push_at", TIME),
        sa.Column("announced_at", TIME),
        sa.Column("missed_at", TIME),
        sa.Column("pushes", sa.Integer, nullable=False),
        sa.Column("ignored", sa.Integer, nullable=False),
        sa.Column("error", STRING, nullable=False),
    )
    op.create_index("subscriptions_feed", "subscriptions", ["feed_id"])
    op.create_index("subscriptions_due", "subscriptions", ["act_at"])
    op.create_index("subscriptions_announced", "subscriptions", ["announced_at"])

    op.create_table(
        "holds",
        sa.Column("host", STRING, primary_key=True),
        sa.Column("until", TIME, nullable=False),
    )

    op.create_table(
        "robots",
        sa.Column("origin", STRING, primary_key=True),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("delay", sa.Float),
        sa.Column("kept_seconds", sa.Float, nullable=False),
        sa.Column("unreachable_since", TIME),
        sa.Column("kind", STRING, nullable=False),
        sa.Column("failure", STRING, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("rules", TEXT, nullable=False),
    )

    op.create_table(
        "publications",
        sa.Column("edition_id", STRING, primary_key=True),
        sa.Column("definition", STRING, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("published", sa.Integer, nullable=False),
    )
