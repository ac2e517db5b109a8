"""The first shape."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("outlet", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("generator", sa.String, nullable=False),
        sa.Column("next_poll_at", TIME, nullable=False),
        sa.Column("due_because", sa.String, nullable=False),
        sa.Column("last_poll_at", TIME),
        sa.Column("last_success_at", TIME),
        sa.Column("last_new_at", TIME),
        sa.Column("last_status", sa.String, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("error", sa.String, nullable=False),
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
        sa.Column("feed_id", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("article_id", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("link", sa.String, nullable=False),
        sa.Column("base", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("outlet", sa.String, nullable=False),
        sa.Column("published", TIME, nullable=False),
        sa.Column("date_given", sa.String, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("enclosures", sa.JSON, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("entries_article", "entries", ["article_id"])
    op.create_index("entries_newest", "entries", ["feed_id", "published"])

    op.create_table(
        "articles",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("merged_into", sa.String, nullable=False),
        sa.Column("brought_by", sa.String, nullable=False),
        sa.Column("enrich_at", TIME),
        sa.Column("enrich_tries", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("outlet", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("published", TIME, nullable=False),
        sa.Column("published_by", sa.String, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("image_url", sa.String, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("image_alt", sa.Text, nullable=False),
        sa.Column("lead", sa.Text, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("enclosures", sa.JSON, nullable=False),
        sa.Column("verdicts", sa.JSON, nullable=False),
        sa.Column("body_from", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
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
        sa.Column("article_id", sa.String, primary_key=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.Column("stale", sa.Boolean, nullable=False),
        sa.Column("validators", sa.JSON, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("published", TIME),
        sa.Column("image", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )

    op.create_table(
        "quarantine",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("feed_id", sa.String, nullable=False),
        sa.Column("article_id", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
    )

    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("article_id", sa.String, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("revisions_article", "revisions", ["article_id", "seen_at"])

    op.create_table(
        "matches",
        sa.Column("topic_id", sa.String, primary_key=True),
        sa.Column("article_id", sa.String, primary_key=True),
        sa.Column("published", TIME, nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
    )
    op.create_index("matches_newest", "matches", ["topic_id", "published"])
    op.create_index("matches_article", "matches", ["article_id"])

    op.create_table(
        "subscriptions",
        sa.Column("token", sa.String, primary_key=True),
        sa.Column("feed_id", sa.String, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("hub", sa.String, nullable=False),
        sa.Column("hubs", sa.JSON, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("callback", sa.String, nullable=False),
        sa.Column("act_at", TIME),
        sa.Column("lease_until", TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_push_at", TIME),
        sa.Column("announced_at", TIME),
        sa.Column("missed_at", TIME),
        sa.Column("pushes", sa.Integer, nullable=False),
        sa.Column("ignored", sa.Integer, nullable=False),
        sa.Column("error", sa.String, nullable=False),
    )
    op.create_index("subscriptions_feed", "subscriptions", ["feed_id"])
    op.create_index("subscriptions_due", "subscriptions", ["act_at"])
    op.create_index("subscriptions_announced", "subscriptions", ["announced_at"])

    op.create_table(
        "holds",
        sa.Column("host", sa.String, primary_key=True),
        sa.Column("until", TIME, nullable=False),
    )

    op.create_table(
        "robots",
        sa.Column("origin", sa.String, primary_key=True),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("delay", sa.Float),
        sa.Column("kept_seconds", sa.Float, nullable=False),
        sa.Column("unreachable_since", TIME),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("failure", sa.String, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
    )

    op.create_table(
        "publications",
        sa.Column("edition_id", sa.String, primary_key=True),
        sa.Column("definition", sa.String, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("published", sa.Integer, nullable=False),
    )
