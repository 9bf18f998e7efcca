"""Who was greeted where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "welcome_0001"
down_revision = None
branch_labels = ("welcome",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "welcome_greeting",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("space", sa.Text, primary_key=True),
        sa.Column("joined", sa.BigInteger, nullable=False),
        sa.Column("greeted", sa.BigInteger),
    )
