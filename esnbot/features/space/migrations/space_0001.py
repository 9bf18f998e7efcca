"""Who added what to which space, and what was taken out again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "space_0001"
down_revision = None
branch_labels = ("space",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "space_addition",
        sa.Column("space", sa.Text, primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("removed", sa.BigInteger),
    )
    op.create_index("space_addition_by", "space_addition", ["by"])
