"""Ideas for communities, and where each stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "founder_0001"
down_revision = None
branch_labels = ("founder",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "founder_idea",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("text", sa.BigInteger, unique=True),
        sa.Column("stage", sa.Text, nullable=False, index=True),
        sa.Column("asked_in", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("checked", sa.BigInteger),
        sa.Column("answer", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
