"""Which room stands behind a natural key: a declared space or group, or ``direct:@user:server``."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import upsert

DIRECT: Final = "direct:"
"""With what the key of a person's direct chat begins."""

binding = Table(
    "binding",
    metadata,
    Column("key", Text, primary_key=True),
    Column("room_id", Text, nullable=False, unique=True),
    Column("since", Milliseconds, nullable=False),
)


async def room_of(conn: AsyncConnection, key: str) -> str | None:
    """The room bound to a key."""
    return (await conn.execute(select(binding.c.room_id).where(binding.c.key == key))).scalar_one_or_none()


async def key_of(conn: AsyncConnection, room_id: str) -> str | None:
    """The key that a room is bound to."""
    return (await conn.execute(select(binding.c.key).where(binding.c.room_id == room_id))).scalar_one_or_none()


async def all_bindings(conn: AsyncConnection) -> dict[str, str]:
    """Every key with its room."""
    rows = await conn.execute(select(binding.c.key, binding.c.room_id))
    return {row.key: row.room_id for row in rows}


async def bind(conn: AsyncConnection, key: str, room_id: str, now_ms: int) -> None:
    """Bind a key to a room; a key or room that was bound otherwise is bound anew."""
    await conn.execute(delete(binding).where(binding.c.room_id == room_id, binding.c.key != key))
    await upsert(conn, binding, {"key": key, "room_id": room_id, "since": now_ms})


async def unbind(conn: AsyncConnection, key: str) -> None:
    """Forget which room stands behind a key."""
    await conn.execute(delete(binding).where(binding.c.key == key))
