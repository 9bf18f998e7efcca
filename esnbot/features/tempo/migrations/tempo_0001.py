"""What was posted unasked, what is wished, how lines are weighed, and where people talk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "tempo_0001"
down_revision = None
branch_labels = ("tempo",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tempo_posted",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("of", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("promotional", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("tempo_posted_once", "tempo_posted", ["key", "of", "ref"], unique=True)
    op.create_index("tempo_posted_when", "tempo_posted", ["key", "at"])
    op.create_table(
        "tempo_wish",
        sa.Column("of", sa.Text, primary_key=True),
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger),
        sa.Column("day", sa.Text),
        sa.Column("begin", sa.Text),
        sa.Column("end", sa.Text),
        sa.Column("expires", sa.BigInteger),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("promotional", sa.Boolean, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
    )
    op.create_index("tempo_wish_room", "tempo_wish", ["key"])
    op.create_table(
        "tempo_line",
        sa.Column("line", sa.Text, primary_key=True),
        sa.Column("weight", sa.Integer, nullable=False),
    )
    op.create_table(
        "tempo_talk",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
