"""Wishes for groups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "group_0001"
down_revision = None
branch_labels = ("group",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "group_request",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
