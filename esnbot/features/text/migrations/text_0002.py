"""Which groups became part of which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "text_0002"
down_revision = "text_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "text_heir",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("heir", sa.Text, nullable=False, index=True),
    )
