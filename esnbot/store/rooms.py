"""What rooms look like now, kept from the events that arrive and put right by the reconcile pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Index, Table, Text, delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import Json, Milliseconds, metadata

room_state = Table(
    "room_state",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("state_key", Text, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("ts", Milliseconds, nullable=False),
    Column("content", Json, nullable=False),
)
# A person's rooms: their id is the key of the state that says so.
Index("room_state_key", room_state.c.state_key, room_state.c.type)


JUST_NOW_MS: Final = 60 * 1000
"""How long the homeserver may take to give a room's state, clocks that differ included."""


@dataclass(frozen=True, slots=True)
class StateEvent:
    """One state event of a room."""

    room_id: str
    type: str
    state_key: str
    event_id: str
    sender: str
    ts: int
    content: Mapping[str, Any]


# A late transaction must not undo what a newer event or the homeserver itself said. The event that a new one names as
# replaced is older whatever the clocks say.
_KEEP_NEWER = text(
    "INSERT INTO room_state (room_id, type, state_key, event_id, sender, ts, content)"
    " VALUES (:room_id, :type, :state_key, :event_id, :sender, :ts, :content)"
    " ON CONFLICT (room_id, type, state_key) DO UPDATE SET event_id = excluded.event_id, sender = excluded.sender,"
    " ts = excluded.ts, content = excluded.content"
    " WHERE excluded.ts >= room_state.ts OR room_state.event_id = :replaces"
)
_TRUST = text(
    "INSERT INTO room_state (room_id, type, state_key, event_id, sender, ts, content)"
    " VALUES (:room_id, :type, :state_key, :event_id, :sender, :ts, :content)"
    " ON CONFLICT (room_id, type, state_key) DO UPDATE SET event_id = excluded.event_id, sender = excluded.sender,"
    " ts = excluded.ts, content = excluded.content"
)


async def note(conn: AsyncConnection, event: StateEvent, replaces: str = "") -> None:
    """Keep a state event that arrived, unless a newer one is known. ``replaces`` is ``unsigned.replaces_state``."""
    await conn.execute(_KEEP_NEWER, {**_row(event), "replaces": replaces})


async def trust(conn: AsyncConnection, events: Iterable[StateEvent]) -> None:
    """Keep state that the homeserver itself just gave as the current one."""
    rows = [_row(event) for event in events]
    if rows:
        await conn.execute(_TRUST, rows)


async def replace(conn: AsyncConnection, room_id: str, events: Iterable[StateEvent]) -> None:
    """Replace everything known of a room by its full state as the homeserver gave it."""
    await forget(conn, room_id)
    await trust(conn, events)


async def newer(conn: AsyncConnection, room_id: str, than: Iterable[StateEvent], since_ms: int) -> list[StateEvent]:
    """State that is known since an instant and newer than an answer of the homeserver: it was pushed meanwhile.

    Ask before the answer is kept; keep (``trust``) what this returns after it.
    """
    answered = {(event.type, event.state_key): event.ts for event in than}
    query = select(room_state).where(room_state.c.room_id == room_id, room_state.c.ts > since_ms)
    known = [StateEvent(**row._mapping) for row in await conn.execute(query)]
    return [event for event in known if event.ts > answered.get((event.type, event.state_key), 0)]


async def forget(conn: AsyncConnection, room_id: str) -> None:
    """Forget a room that the bot is not in any more."""
    await conn.execute(delete(room_state).where(room_state.c.room_id == room_id))


async def content(conn: AsyncConnection, room_id: str, type: str, state_key: str = "") -> dict[str, Any] | None:
    """Content of a state event, or None."""
    query = select(room_state.c.content).where(
        room_state.c.room_id == room_id, room_state.c.type == type, room_state.c.state_key == state_key
    )
    found = (await conn.execute(query)).scalar_one_or_none()
    return found if isinstance(found, dict) else None


async def since(conn: AsyncConnection, room_id: str, type: str, state_key: str = "") -> int | None:
    """The time of a state event in milliseconds, or None."""
    query = select(room_state.c.ts).where(
        room_state.c.room_id == room_id, room_state.c.type == type, room_state.c.state_key == state_key
    )
    return (await conn.execute(query)).scalar_one_or_none()


async def contents(conn: AsyncConnection, type: str, among: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Content of a kind of state (with an empty state key) in those of some rooms that have it, by room id."""
    query = select(room_state.c.room_id, room_state.c.content).where(
        room_state.c.room_id.in_(list(among)), room_state.c.type == type, room_state.c.state_key == ""
    )
    return {row.room_id: row.content for row in await conn.execute(query) if isinstance(row.content, dict)}


async def all_of(conn: AsyncConnection, room_id: str) -> list[StateEvent]:
    """All that is known of a room."""
    rows = await conn.execute(select(room_state).where(room_state.c.room_id == room_id))
    return [StateEvent(**row._mapping) for row in rows]


async def members(conn: AsyncConnection, room_id: str, membership: str = "join") -> list[str]:
    """User ids of those with a membership in a room, sorted."""
    query = select(room_state.c.state_key, room_state.c.content).where(
        room_state.c.room_id == room_id, room_state.c.type == "m.room.member"
    )
    rows = await conn.execute(query)
    return sorted(user for user, member in rows if isinstance(member, dict) and member.get("membership") == membership)


async def membership(conn: AsyncConnection, room_id: str, user: str) -> str:
    """A person's membership in a room; 'leave' when nothing is known."""
    member = await content(conn, room_id, "m.room.member", user)
    value = member.get("membership") if member else None
    return value if isinstance(value, str) else "leave"


async def rooms_with(conn: AsyncConnection, user: str, among: Iterable[str]) -> set[str]:
    """Those of some rooms that a person has joined."""
    query = select(room_state.c.room_id, room_state.c.content).where(
        room_state.c.room_id.in_(list(among)), room_state.c.type == "m.room.member", room_state.c.state_key == user
    )
    rows = await conn.execute(query)
    return {room for room, member in rows if isinstance(member, dict) and member.get("membership") == "join"}


async def creator(conn: AsyncConnection, room_id: str) -> str:
    """Who created a room; '' when it is not known."""
    query = select(room_state.c.sender).where(room_state.c.room_id == room_id, room_state.c.type == "m.room.create")
    return (await conn.execute(query)).scalar_one_or_none() or ""


async def power_of(conn: AsyncConnection, room_id: str, user: str) -> int:
    """A person's power level; creators of rooms of version 12 and later stand above every level (here 2**31)."""
    create = await content(conn, room_id, "m.room.create") or {}
    version = str(create.get("room_version", "1"))
    if version.isdigit() and int(version) >= 12:
        founders = create.get("additional_creators")
        if user == await creator(conn, room_id) or (isinstance(founders, list) and user in founders):
            return 2**31
    levels = await content(conn, room_id, "m.room.power_levels") or {}
    users = levels.get("users")
    value = users.get(user) if isinstance(users, dict) else None
    if not isinstance(value, int):
        value = levels.get("users_default", 0)
    return value if isinstance(value, int) else 0


def _row(event: StateEvent) -> dict[str, Any]:
    return {
        "room_id": event.room_id,
        "type": event.type,
        "state_key": event.state_key,
        "event_id": event.event_id,
        "sender": event.sender,
        "ts": event.ts,
        # Not orjson: what rooms contain is nested deeper and counts further than it writes.
        "content": msgspec.json.encode(event.content).decode(),
    }
