"""Kept texts and their versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "text_0001"
down_revision = None
branch_labels = ("text",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "kept_text",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("root", sa.Text, nullable=False, index=True),
        sa.Column("root_key", sa.Text, nullable=False, index=True),
        sa.Column("posted", sa.BigInteger, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.Boolean, nullable=False),
        sa.Column("current", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("kept_text_place", "kept_text", ["place", "kind"])
    op.create_table(
        "text_version",
        sa.Column("text", NUMBER, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("author", sa.Text, nullable=False, index=True),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("foot", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False, index=True),
        sa.Column("effect", sa.Text, nullable=False, index=True),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("sealed", sa.Text),
    )
