"""What became of commands that were given on the board."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "asked_0001"
down_revision = None
branch_labels = ("asked",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "command_outcome",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("asks", sa.Boolean, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
    )
