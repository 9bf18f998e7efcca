"""Private words that wait or were said, who wants none, and what groups silenced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "calm_0001"
down_revision = None
branch_labels = ("calm",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "calm_word",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("feature", sa.Text, primary_key=True),
        sa.Column("about", sa.Text, primary_key=True),
        sa.Column("words", sa.Text),
        sa.Column("otherwise", sa.Text),
        sa.Column("useful", sa.Integer, nullable=False),
        sa.Column("soon", sa.Boolean, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("said", sa.BigInteger),
    )
    op.create_index("calm_word_said", "calm_word", ["said"])
    op.create_table(
        "calm_unwanted",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("feature", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "calm_silence",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("feature", sa.Text, primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("firm", sa.Boolean, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_index("calm_silence_by", "calm_silence", ["by"])
