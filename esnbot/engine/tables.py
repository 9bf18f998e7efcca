"""The engine's own tables: what came in, what must go out, what is due, and what was set aside."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Boolean, Column, Index, Integer, SmallInteger, Table, Text, text

from esnbot.store.tables import Json, Milliseconds, Sequence, metadata


class State(IntEnum):
    """Where a row of the inbox or the outbox stands."""

    waiting = 0
    done = 1
    dead = 2
    parked = 3
    """Inbox: an encrypted event whose key has not arrived yet."""


WAITING = text("state = 0")
"""Condition of the partial indexes: the tables keep what is done, the work is in the few rows that are not."""

inbox = Table(
    "inbox",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, unique=True),
    # What keeps the order: a room id, or for internal events without a room a name of their own.
    Column("queue", Text, nullable=False),
    Column("arrived", Milliseconds, nullable=False),
    # The event as it came; emptied once handled, so that what people wrote stays in rooms.
    Column("body", Text),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    # After a failure: names of the modules that have yet to handle it; empty: all.
    Column("remaining", Json),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", Milliseconds, nullable=False, server_default="0"),
)
Index("inbox_waiting", inbox.c.seq, sqlite_where=WAITING, postgresql_where=WAITING)
PARKED = text("state = 3")
Index("inbox_parked", inbox.c.not_before, sqlite_where=PARKED, postgresql_where=PARKED)
HELD = text("state = 0 AND not_before > 0")
Index("inbox_held", inbox.c.not_before, sqlite_where=HELD, postgresql_where=HELD)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    Column("module", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # The effect; emptied once delivered.
    Column("body", Json),
    Column("urgent", Boolean, nullable=False, server_default=text("false")),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("made", Milliseconds, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", Milliseconds, nullable=False, server_default="0"),
    Column("event_id", Text),
    Column("room_id", Text),
    Column("error", Text),
)
Index("outbox_waiting", outbox.c.room, outbox.c.seq, sqlite_where=WAITING, postgresql_where=WAITING)
SENT = text("event_id IS NOT NULL")
Index("outbox_sent", outbox.c.event_id, sqlite_where=SENT, postgresql_where=SENT)

schedule = Table(
    "schedule",
    metadata,
    Column("module", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("job", Text, nullable=False),
    Column("due", Milliseconds, nullable=False, index=True),
    Column("payload", Json, nullable=False),
    Column("if_late", Text, nullable=False),
    Column("grace", Integer, nullable=False),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    # 'event' (a handler failed), 'malformed' (it is no event), or 'effect' (the homeserver refused).
    Column("kind", Text, nullable=False),
    # Of the event, or of the effect.
    Column("key", Text, nullable=False),
    Column("module", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("died", Milliseconds, nullable=False),
)
Index("dead_letter_once", dead_letter.c.kind, dead_letter.c.key, dead_letter.c.module, unique=True)

room_clock = Table(
    "room_clock",
    metadata,
    Column("room_id", Text, primary_key=True),
    # Time of the room's last event, after clamping.
    Column("ts", Milliseconds, nullable=False),
    # When somebody but the bot last said something there (see ``talk``), by the clock of the handlers; 0: not yet.
    Column("spoken", Milliseconds, nullable=False, server_default="0"),
)
