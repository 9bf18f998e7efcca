"""Questions whose answer comes later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "waiting_0001"
down_revision = None
branch_labels = ("waiting",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "command_waiting",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("question", sa.Text, nullable=False, index=True),
        sa.Column("asker", sa.Text, nullable=False, index=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )
