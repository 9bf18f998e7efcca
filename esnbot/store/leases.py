"""Leases: who does something that one process at a time may do. A dead holder's lease simply runs out."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Table, Text, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import Milliseconds, metadata

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Milliseconds, nullable=False),
)

SLACK_MS: Final = 60_000
"""A lease that ends later than a new one would, by this much, is from before the clock was set back."""

_TAKE = text(
    "INSERT INTO lease (name, holder, until) VALUES (:name, :holder, :until)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE lease.holder = excluded.holder OR lease.until < :now OR lease.until > excluded.until + :slack"
)


async def take(conn: AsyncConnection, name: str, holder: str, now_ms: int, seconds: float) -> bool:
    """Take or renew a lease; False while somebody else holds it."""
    until = now_ms + int(seconds * 1000)
    result = await conn.execute(
        _TAKE, {"name": name, "holder": holder, "until": until, "now": now_ms, "slack": SLACK_MS}
    )
    return result.rowcount == 1


async def renew_all(conn: AsyncConnection, holder: str, now_ms: int, seconds: float) -> None:
    """Renew everything that somebody still holds."""
    until = now_ms + int(seconds * 1000)
    await conn.execute(update(lease).where(lease.c.holder == holder, lease.c.until >= now_ms).values(until=until))


async def release(conn: AsyncConnection, name: str, holder: str) -> None:
    """Give a lease back; nothing happens when it is not held."""
    await conn.execute(delete(lease).where(lease.c.name == name, lease.c.holder == holder))


async def holder_of(conn: AsyncConnection, name: str, now_ms: int) -> str | None:
    """Who holds a lease now."""
    query = select(lease.c.holder).where(lease.c.name == name, lease.c.until >= now_ms)
    return (await conn.execute(query)).scalar_one_or_none()
