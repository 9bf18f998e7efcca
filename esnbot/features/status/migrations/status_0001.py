"""The pause, and what drifted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "status_0001"
down_revision = None
branch_labels = ("status",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "status_pause",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
    )
    op.create_table(
        "status_drift",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
    )
    op.create_index("status_drift_seen", "status_drift", ["seen"])
