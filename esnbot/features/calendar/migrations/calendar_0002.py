"""Feeds for calendar programs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "calendar_0002"
down_revision = "calendar_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "calendar_feed",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
