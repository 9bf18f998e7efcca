"""Plans of prompts, and what was posted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "prompt_0001"
down_revision = None
branch_labels = ("prompt",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "prompt_plan",
        sa.Column("group_key", sa.Text, primary_key=True),
        sa.Column("due", sa.BigInteger),
        sa.Column("signature", sa.Text, nullable=False),
    )
    op.create_table(
        "prompt_posted",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
    )
    op.create_index("prompt_posted_group", "prompt_posted", ["group_key", "id"])
