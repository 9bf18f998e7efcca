"""Notes, where they come from, who kept them, and the emoji that people keep with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "note_0001"
down_revision = None
branch_labels = ("note",)
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "note",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("text", NUMBER, unique=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("keeper", sa.Text, nullable=False, index=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("good", sa.BigInteger, nullable=False),
        sa.Column("checked", sa.BigInteger),
        sa.Column("doubted", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("note_place", "note", ["place", "state"])
    op.create_index("note_of", "note", ["room_id", "source"], unique=True)
    op.create_table(
        "note_source",
        sa.Column("note", NUMBER, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("author", sa.Text, nullable=False, index=True),
        sa.Column("gone", sa.Boolean, nullable=False),
    )
    op.create_index("note_source_event", "note_source", ["event_id"])
    op.create_table(
        "note_keeper",
        sa.Column("note", NUMBER, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("reaction", sa.Text, nullable=False, index=True),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
    )
    op.create_index("note_keeper_person", "note_keeper", ["person", "ts"])
    op.create_table(
        "note_tag",
        sa.Column("note", NUMBER, primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
        sa.Column("shown", sa.Text, nullable=False),
    )
    op.create_index("note_tag_tag", "note_tag", ["tag"])
    op.create_table(
        "note_emoji",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("emoji", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Take the tables away."""
    for name in ("note_emoji", "note_tag", "note_keeper", "note_source", "note"):
        op.drop_table(name)
