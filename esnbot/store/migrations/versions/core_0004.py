"""Rooms in which a module keeps quiet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "core_0004"
down_revision = "core_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "silenced",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("module", sa.Text, primary_key=True),
    )
