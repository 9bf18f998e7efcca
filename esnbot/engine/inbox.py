"""The one door in: whatever is to be handled is stored and committed here first, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.incoming import Incoming, Malformed, MalformedEvent, parse
from esnbot.engine.tables import dead_letter, inbox
from esnbot.store.upsert import insert_new

MALFORMED_KEPT: Final = 1000
"""Letters of the kind 'malformed' that are kept: nothing can be done with them but look."""

_MAKE_ROOM = text(
    "DELETE FROM dead_letter WHERE kind = 'malformed' AND id <="
    " (SELECT id FROM dead_letter WHERE kind = 'malformed' ORDER BY id DESC LIMIT 1 OFFSET :kept)"
)
_WAITING = text("SELECT body FROM inbox WHERE state = 0 AND queue = :room AND body LIKE :named ESCAPE '_'")
_IN_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('esnbot.inbox', 0))"
_ACCEPT = {
    "sqlite": "INSERT INTO inbox (event_id, queue, arrived, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    "postgresql": "INSERT INTO inbox (event_id, queue, arrived, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
}


async def store(conn: AsyncConnection, events: Sequence[Incoming], now_ms: int) -> None:
    """Store events in their order."""
    if events:
        # Past the expression language on purpose: this statement is the hot path of acceptance.
        rows = [(event.event_id, event.room_id, now_ms, event.body) for event in events]
        if conn.dialect.name == "postgresql":
            # Catching up and the homeserver may bring events of one room at the same time: their numbers must be in
            # the order of the commits, or what came second could be handled first.
            await conn.exec_driver_sql(_IN_TURN)
        await conn.exec_driver_sql(_ACCEPT[conn.dialect.name], rows)


async def set_aside(conn: AsyncConnection, found: Malformed, now_ms: int) -> int:
    """Keep what is no event where an administrator can see it; returns how many of the oldest made room for it."""
    row = {
        "kind": "malformed",
        "key": found.key,
        "module": "",
        "room": "",
        "body": found.body,
        "error": found.reason,
        "died": now_ms,
    }
    if not await insert_new(conn, dead_letter, row):
        return 0
    return (await conn.execute(_MAKE_ROOM, {"kept": MALFORMED_KEPT})).rowcount


async def put_internal(
    conn: AsyncConnection,
    id: str,
    type: str,
    content: dict[str, Any],
    now_ms: int,
    *,
    room_id: str = "",
    queue: str = "",
) -> bool:
    """Enter an internal event once; whether the id was new. ``queue`` keeps its order when it belongs to no room."""
    if id.startswith("$"):
        raise ValueError(f"'{id}' looks like an event of a room")
    body = {
        "event_id": id,
        "room_id": room_id,
        "type": type,
        "sender": "",
        "content": content,
        "origin_server_ts": now_ms,
    }
    row = {
        "event_id": id,
        "queue": queue or room_id or "internal",
        "arrived": now_ms,
        "body": msgspec.json.encode(body).decode(),
    }
    return await insert_new(conn, inbox, row)


async def is_taken_back(conn: AsyncConnection, room_id: str, event_id: str) -> bool:
    """Whether a redaction of that event waits behind it: what it asks for need not be done any more."""
    waiting = await conn.execute(
        _WAITING, {"room": room_id, "named": f"%{event_id.replace('_', '__').replace('%', '_%')}%"}
    )
    for body in waiting.scalars():
        try:
            found = parse(body)[0]
        except MalformedEvent:
            continue
        if found.type == "m.room.redaction" and found.redacts == event_id:
            return True
    return False
