"""Runs alembic on a connection that is already in a transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configuration() -> Config:
    """alembic's own configuration, made here rather than read from an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def upgrade(connection: Connection) -> None:
    """Brings the database of `connection` to HEAD, inside its transaction."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
