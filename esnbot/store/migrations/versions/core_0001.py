"""Inbox, outbox, schedule, dead letters; room state, bindings and leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "core_0001"
down_revision = None
branch_labels = ("core",)
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
WAITING = sa.text("state = 0")
HELD = sa.text("state = 0 AND not_before > 0")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "inbox",
        sa.Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("arrived", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("state", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("remaining", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_index("inbox_waiting", "inbox", ["seq"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index("inbox_held", "inbox", ["not_before"], sqlite_where=HELD, postgresql_where=HELD)
    op.create_table(
        "outbox",
        sa.Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("module", sa.Text, nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("state", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("event_id", sa.Text),
        sa.Column("room_id", sa.Text),
        sa.Column("error", sa.Text),
    )
    op.create_index("outbox_waiting", "outbox", ["room", "seq"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_table(
        "schedule",
        sa.Column("module", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False, index=True),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("if_late", sa.Text, nullable=False),
        sa.Column("grace", sa.Integer, nullable=False),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("died", sa.BigInteger, nullable=False),
    )
    op.create_index("dead_letter_once", "dead_letter", ["kind", "key", "module"], unique=True)
    op.create_table(
        "room_clock",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("ts", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "room_state",
        sa.Column("room_id", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("state_key", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "binding",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("room_id", sa.Text, nullable=False, unique=True),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "kept",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
