"""Copies, events and stories; articles are numbered in the order in which they were published.

What is stored already is grouped afterwards, as the program runs: `regrouping` says how far.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

from aggregator.store.migrations.columns import STRING, TEXT, TIME

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Recreate = Literal["always", "never"]


def upgrade() -> None:
    # SQLite adds columns at the end only, behind the long texts, and would read through these
    recreate: Recreate = "always" if op.get_context().dialect.name == "sqlite" else "never"
    _number_articles(recreate)
    _measure_revisions(recreate)
    _tables_of_copies()
    _tables_of_stories()
    _regroup_all()


def _number_articles(recreate: Recreate) -> None:
    with op.batch_alter_table("articles", recreate=recreate) as articles:
        articles.add_column(
            sa.Column("number", sa.Integer), insert_after=_behind("state", recreate)
        )
    op.execute(
        "UPDATE articles SET number = counted.number FROM ("
        " SELECT id, row_number() OVER (ORDER BY first_seen, id) AS number"
        " FROM articles WHERE state = 'ready'"
        ") AS counted WHERE counted.id = articles.id"
    )
    op.create_index("articles_number", "articles", ["number"], unique=True)
    # of what waits, what was published first comes first: stories are told in their order
    waiting = sa.text("enrich_at IS NOT NULL")
    op.drop_index("articles_pending", "articles")
    op.create_index(
        "articles_pending",
        "articles",
        ["brought_by", "enrich_at", "published", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def _measure_revisions(recreate: Recreate) -> None:
    with op.batch_alter_table("revisions", recreate=recreate) as revisions:
        for name, after in (("added", "seen_at"), ("removed", "added")):
            column = sa.Column(name, sa.Integer, nullable=False, server_default="0")
            revisions.add_column(column, insert_after=_behind(after, recreate))
    with op.batch_alter_table("revisions") as revisions:
        revisions.alter_column("added", server_default=None)
        revisions.alter_column("removed", server_default=None)


def _behind(column: str, recreate: Recreate) -> str | None:
    """PostgreSQL has no places for columns, and keeps long texts beside the table."""
    return column if recreate == "always" else None


def _tables_of_copies() -> None:
    op.create_table(
        "sketches",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("era", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
    )
    op.create_index("sketches_era", "sketches", ["era"])
    op.create_table(
        "sketch_hashes",
        sa.Column("era", sa.Integer, primary_key=True),
        sa.Column("hash", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sentences",
        sa.Column("source", STRING, primary_key=True),
        sa.Column("hash", sa.Integer, primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("days", STRING, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sources",
        sa.Column("source", STRING, primary_key=True),
        sa.Column("articles", sa.Integer, nullable=False),
    )
    op.create_table(
        "relations",
        sa.Column("article_id", STRING, primary_key=True),
        sa.Column("other_id", STRING, primary_key=True),
        sa.Column("kind", STRING, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("of_second", sa.Boolean, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
    )
    op.create_index("relations_other", "relations", ["other_id"])
    op.create_table(
        "rulings",
        sa.Column("scope", STRING, primary_key=True),
        sa.Column("first_id", STRING, primary_key=True),
        sa.Column("second_id", STRING, primary_key=True),
        sa.Column("rule", STRING, nullable=False),
        sa.Column("ruled_at", TIME, nullable=False),
    )
    op.create_index("rulings_second", "rulings", ["scope", "second_id"])


def _tables_of_stories() -> None:
    op.create_table(
        "story_prints",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("print", sa.LargeBinary, nullable=False),
    )
    op.create_index("story_prints_hour", "story_prints", ["hour"])
    op.create_table(
        "story_words",
        sa.Column("word", STRING, primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("part", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "word_counts",
        sa.Column("learnt", sa.Integer, primary_key=True),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "word_log",
        sa.Column("learnt", sa.Integer, primary_key=True),
        sa.Column("chain", sa.BigInteger, nullable=False),
        sa.Column("words", TEXT, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", STRING, primary_key=True),
        sa.Column("story_id", STRING, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("came_from", STRING, nullable=False),
        sa.Column("merged_into", STRING, nullable=False),
    )
    op.create_index("events_story", "events", ["story_id", "position"])
    op.create_table(
        "members",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("event_id", STRING, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("because", sa.Integer),
        sa.Column("score", sa.Float, nullable=False),
    )
    op.create_index("members_event", "members", ["event_id", "position"])
    op.create_table(
        "stories",
        sa.Column("id", STRING, primary_key=True),
        sa.Column("came_from", STRING, nullable=False),
        sa.Column("merged_into", STRING, nullable=False),
        sa.Column("latest", TIME, nullable=False),
    )
    op.create_index("stories_latest", "stories", ["latest"])
    for table in ("events", "stories"):
        ended = sa.text("merged_into <> ''")
        op.create_index(
            f"{table}_ended",
            table,
            ["merged_into"],
            sqlite_where=ended,
            postgresql_where=ended,
        )


def _regroup_all() -> None:
    op.create_table(
        "regrouping",
        sa.Column("after", sa.Integer, primary_key=True, autoincrement=False),
    )
    op.execute("INSERT INTO regrouping SELECT 0 WHERE EXISTS (SELECT 1 FROM articles)")
