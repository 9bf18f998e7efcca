"""Outside sources, and what they brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "watch_0001"
down_revision = None
branch_labels = ("watch",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "watch_source",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("url", sa.Text, nullable=False, index=True),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("take", sa.Text, nullable=False),
        sa.Column("leave", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("asked_room", sa.Text, nullable=False),
        sa.Column("asked_thread", sa.Text, nullable=False),
        sa.Column("asked_language", sa.Text, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("watch_source_once", "watch_source", ["url", "line"], unique=True)
    op.create_table(
        "watch_find",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("source", NUMBER, nullable=False, index=True),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("alike", sa.Text, nullable=False, index=True),
        sa.Column("gist", sa.Text, nullable=False),
        sa.Column("published", sa.BigInteger),
        sa.Column("found", sa.BigInteger, nullable=False, index=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("shown", sa.BigInteger),
        sa.Column("due", sa.BigInteger),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("also", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("watch_find_state", "watch_find", ["state", "due"])
