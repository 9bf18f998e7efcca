"""What people said about themselves: their site and their teams."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.person.model import Belonging
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import insert_new

belonging = Table(
    "person_belonging",
    metadata,
    Column("person", Text, primary_key=True),
    # 'site' or 'team'.
    Column("kind", Text, primary_key=True),
    # '' alone: they want none to be named, whatever the file says.
    Column("key", Text, primary_key=True),
    Column("since", Milliseconds, nullable=False),
)


async def said_by(conn: AsyncConnection, person: str) -> list[tuple[str, str]]:
    """(kind, key) of everything that a person said."""
    query = select(belonging.c.kind, belonging.c.key).where(belonging.c.person == person)
    return [(row.kind, row.key) for row in await conn.execute(query.order_by(belonging.c.kind, belonging.c.key))]


async def say(conn: AsyncConnection, person: str, kind: Belonging, keys: frozenset[str], now: int) -> None:
    """Keep these as what the person says; none at all means that none is to be named."""
    await conn.execute(delete(belonging).where(belonging.c.person == person, belonging.c.kind == kind.value))
    for key in sorted(keys) or [""]:
        await insert_new(conn, belonging, {"person": person, "kind": kind.value, "key": key, "since": now})


async def forget(conn: AsyncConnection, person: str) -> int:
    """Forget what a person said; how many things that was."""
    return (await conn.execute(delete(belonging).where(belonging.c.person == person))).rowcount
