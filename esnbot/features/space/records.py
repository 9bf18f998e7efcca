"""Who added what to which space, and what was taken out again. What stands in a space is desired state, not this."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table, Text, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import upsert

addition = Table(
    "space_addition",
    metadata,
    Column("space", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    # '' when forgotten.
    Column("by", Text, nullable=False, index=True),
    Column("added", Milliseconds, nullable=False),
    # An owner or animator took it out: nobody else puts it back.
    Column("removed", Milliseconds),
)


async def note(conn: AsyncConnection, space: str, place: str, by: str, now: int) -> None:
    """Note that somebody added a group to a space."""
    await upsert(conn, addition, {"space": space, "place": place, "by": by, "added": now, "removed": None})


async def note_removed(conn: AsyncConnection, space: str, place: str, now: int) -> None:
    """Note that an owner or animator took a group out of a space."""
    await upsert(conn, addition, {"space": space, "place": place, "by": "", "added": now, "removed": now})


async def was_removed(conn: AsyncConnection, space: str, place: str) -> bool:
    """Whether an owner or animator took the group out of the space."""
    query = select(addition.c.removed).where(addition.c.space == space, addition.c.place == place)
    return (await conn.execute(query)).scalar_one_or_none() is not None


async def added_since(conn: AsyncConnection, person: str, since: int) -> int:
    """How many groups a person added since then."""
    query = select(func.count()).select_from(addition).where(addition.c.by == person, addition.c.added > since)
    return int((await conn.execute(query)).scalar_one())


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """All that is kept about a person, as JSON values."""
    query = select(addition.c.space, addition.c.place, addition.c.added).where(addition.c.by == person)
    return [dict(row._mapping) for row in await conn.execute(query.order_by(addition.c.added, addition.c.place))]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget who it was; what they added stays."""
    await conn.execute(update(addition).where(addition.c.by == person).values(by=""))
