"""Pages, the names that lead to them, what they link to, and what people have not saved yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "page_0001"
down_revision = None
branch_labels = ("page",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "page",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Text, nullable=False, index=True),
        sa.Column("parent", NUMBER, nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
    )
    op.create_table(
        "page_name",
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("folded", sa.Text, primary_key=True),
        sa.Column("page", NUMBER, nullable=False, index=True),
        sa.Column("current", sa.Boolean, nullable=False),
    )
    op.create_table(
        "page_link",
        sa.Column("page", NUMBER, primary_key=True),
        sa.Column("target_group", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
    )
    op.create_index("page_link_target", "page_link", ["target"])
    op.create_table(
        "page_draft",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("page", NUMBER, nullable=False),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parent", NUMBER, nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("touched", sa.BigInteger, nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "page_outcome",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
    )
