"""Feeds that are followed, and the items that they have had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "feeds_0001"
down_revision = None
branch_labels = ("feeds",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "feed",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("url", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("followed", sa.Boolean, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("modified", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("tried", sa.BigInteger),
        sa.Column("fine", sa.BigInteger),
        sa.Column("fresh", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing", sa.BigInteger),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("serial", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("feed_due", "feed", ["followed", "due"])
    op.create_table(
        "feed_known",
        sa.Column("feed", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("mark", sa.Text, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
