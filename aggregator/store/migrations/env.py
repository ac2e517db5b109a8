"""alembic's entry: uses the connection it is given, so a failed migration leaves nothing."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from aggregator.store import group_tables, tables

assert tables.FEEDS.metadata is group_tables.EVENTS.metadata is SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()
