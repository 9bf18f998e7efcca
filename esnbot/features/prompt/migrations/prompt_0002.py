"""What came of prompts, meet-ups that were held, and prompts that people proposed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "prompt_0002"
down_revision = "prompt_0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "prompt_talk",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("room_id", sa.Text, nullable=False, index=True),
        sa.Column("post", sa.Text, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("people", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "prompt_outcome",
        sa.Column("family", sa.Text, primary_key=True),
        sa.Column("month", sa.Text, primary_key=True),
        sa.Column("worked", sa.Integer, nullable=False),
        sa.Column("silent", sa.Integer, nullable=False),
    )
    op.create_table(
        "prompt_met",
        sa.Column("group_key", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "prompt_proposal",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("text", sa.BigInteger, unique=True),
        sa.Column("author", sa.Text, nullable=False, index=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, index=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("prompt_proposal_state", "prompt_proposal", ["state", "id"])
