"""Dialogues, which command was answered how, and reactions that may be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "commands_0002"
down_revision = "commands_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "command_dialogue",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("tried", sa.Text, nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "command_heard",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False, index=True),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False, index=True),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("hinted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "command_answer",
        sa.Column("command", sa.Text, primary_key=True),
        sa.Column("effect", sa.Text, primary_key=True),
    )
    op.create_table(
        "reaction",
        sa.Column("module", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False, index=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("post", sa.Text, nullable=False),
        sa.Column("emoji", sa.Text, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False, index=True),
    )
