"""Sites and teams that people said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "person_0001"
down_revision = None
branch_labels = ("person",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "person_belonging",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
