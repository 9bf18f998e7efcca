"""Groups of several rooms, groups that wait for their second founder, and what a wish was made with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "group_0002"
down_revision = "group_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.add_column("group_request", sa.Column("said", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "group_part",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("family", sa.Text, nullable=False, index=True),
        sa.Column("part", sa.Text, nullable=False),
    )
    op.create_table(
        "group_founding",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("maker", sa.Text, nullable=False, index=True),
        sa.Column("second", sa.Text, nullable=False, index=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
