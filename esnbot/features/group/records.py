"""Who asked for which group, and where: what the answer needs once the room is there, and the claim on the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, Text, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import insert_new

ASKED, READY, FAILED = "asked", "ready", "failed"

request = Table(
    "group_request",
    metadata,
    # The natural key of the group: whoever inserts it first has it, also when two ask in the same second.
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("person", Text, nullable=False, index=True),
    Column("language", Text, nullable=False),
    Column("room_id", Text, nullable=False),
    # '' in a direct chat.
    Column("thread", Text, nullable=False),
    Column("asked", Milliseconds, nullable=False),
    Column("state", Text, nullable=False),
    # When the wish was written, by the homeserver's clock; 0 when nobody wrote it just so.
    Column("said", Milliseconds, nullable=False, server_default="0"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """One wish for a group."""

    key: str
    name: str
    person: str
    language: str
    room_id: str
    thread: str
    asked: int
    state: str = ASKED
    said: int = 0


async def claim(conn: AsyncConnection, wish: Request) -> bool:
    """Take the key for this wish; False when somebody has it."""
    values = {name: getattr(wish, name) for name in Request.__slots__}
    return await insert_new(conn, request, values)


async def find(conn: AsyncConnection, key: str) -> Request | None:
    """The wish behind a key."""
    row = (await conn.execute(select(request).where(request.c.key == key))).one_or_none()
    return Request(**row._mapping) if row is not None else None


async def mark(conn: AsyncConnection, key: str, state: str) -> None:
    """Note what became of a wish."""
    await conn.execute(update(request).where(request.c.key == key).values(state=state))


async def give_up(conn: AsyncConnection, key: str) -> None:
    """Free the key of a wish that came to nothing."""
    await conn.execute(delete(request).where(request.c.key == key))


async def asked_since(conn: AsyncConnection, person: str, since_ms: int) -> int:
    """How many groups a person asked for since then."""
    query = select(func.count()).select_from(request).where(request.c.person == person, request.c.asked >= since_ms)
    return int((await conn.execute(query)).scalar_one())


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """All that is kept about a person's wishes, as JSON values."""
    rows = await conn.execute(select(request).where(request.c.person == person).order_by(request.c.asked))
    return [{"key": row.key, "name": row.name, "asked": row.asked, "in_room": row.room_id} for row in rows]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget who asked; the claims on the keys stay."""
    values = {"person": "", "room_id": "", "thread": ""}
    await conn.execute(update(request).where(request.c.person == person).values(values))
