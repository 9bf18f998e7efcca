"""Entries of the editorial calendar, what became of them in rooms, and what was done to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "calendar_0001"
down_revision = None
branch_labels = ("calendar",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "calendar_entry",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("author", sa.Text, nullable=False, index=True),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("targets", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("excepts", sa.Text, nullable=False),
        sa.Column("embargo", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("expires_after", sa.Integer),
        sa.Column("ask", sa.Boolean, nullable=False),
        sa.Column("rouse", sa.Boolean, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("credit", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("next", sa.Text, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.Column("confirmed", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("calendar_entry_due", "calendar_entry", ["state", "due"])
    op.create_table(
        "calendar_words",
        sa.Column("entry", NUMBER, primary_key=True),
        sa.Column("language", sa.Text, primary_key=True),
        sa.Column("text", NUMBER, nullable=False, unique=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "calendar_file",
        sa.Column("entry", NUMBER, primary_key=True),
        sa.Column("change", sa.Integer, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "calendar_occurrence",
        sa.Column("entry", NUMBER, primary_key=True),
        sa.Column("occurrence", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("copy", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False, index=True),
    )
    op.create_index("calendar_occurrence_at", "calendar_occurrence", ["at"])
    op.create_table(
        "calendar_change",
        sa.Column("entry", NUMBER, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False),
    )
