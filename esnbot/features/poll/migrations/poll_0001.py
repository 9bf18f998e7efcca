"""Polls, and the votes of those that are open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "poll_0001"
down_revision = None
branch_labels = ("poll",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "poll",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False, index=True),
        sa.Column("creator", sa.Text, nullable=False, index=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("dated", sa.Boolean, nullable=False),
        sa.Column("answers", sa.Integer, nullable=False),
        sa.Column("several", sa.Integer, nullable=False),
        sa.Column("secret", sa.Boolean, nullable=False),
        sa.Column("texts", sa.Text),
        sa.Column("start_event", sa.Text, index=True),
        sa.Column("text_event", sa.Text, index=True),
        sa.Column("shown", sa.Text),
        sa.Column("shown_at", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("closed", sa.BigInteger),
        sa.Column("totals", sa.Text),
        sa.Column("voters", sa.Integer),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "poll_ballot",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("poll", NUMBER, nullable=False),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("cast", sa.BigInteger, nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
    )
    op.create_index("poll_ballot_person", "poll_ballot", ["poll", "person", "seq"])
