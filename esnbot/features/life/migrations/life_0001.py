"""When groups were last heard, and what they are asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "life_0001"
down_revision = None
branch_labels = ("life",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "life_heard",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("heard", sa.BigInteger, nullable=False),
        sa.Column("rested", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "life_question",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("open", sa.Text, unique=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("giver", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "life_answer",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("question", NUMBER, nullable=False, index=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("choice", sa.Text, nullable=False),
    )
    op.create_index("life_answer_once", "life_answer", ["question", "event_id"], unique=True)
    op.create_table(
        "life_merge",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("open", sa.Text, unique=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("asker", sa.Text, nullable=False, index=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
