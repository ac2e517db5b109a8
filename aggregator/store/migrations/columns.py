"""The kinds of columns that the migrations make. What is here never changes its meaning."""

from __future__ import annotations

import sqlalchemy as sa

# by code point, as SQLite has it: the same order everywhere, and no system's update changes it
STRING = sa.String().with_variant(sa.String(collation="C"), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
