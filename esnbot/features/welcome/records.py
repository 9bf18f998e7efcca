"""Who was greeted in which space: once, whatever happens after."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.rooms import room_state
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import insert_new

greeting = Table(
    "welcome_greeting",
    metadata,
    Column("person", Text, primary_key=True),
    Column("space", Text, primary_key=True),
    Column("joined", Milliseconds, nullable=False),
    # NULL: still to be greeted; the same as 'joined' for those who were there before the bot.
    Column("greeted", Milliseconds),
)


async def note(conn: AsyncConnection, person: str, space: str, joined: int, greeted: int | None = None) -> bool:
    """Note that somebody came into a space; False when they are known there already."""
    row = {"person": person, "space": space, "joined": joined, "greeted": greeted}
    return await insert_new(conn, greeting, row)


async def note_old(conn: AsyncConnection, people: Iterable[str], space: str, now: int) -> None:
    """Those who were in a space before the bot are no newcomers, also when an event said so a moment ago."""
    for person in people:
        await note(conn, person, space, now, now)
    old = update(greeting).where(greeting.c.space == space, greeting.c.greeted.is_(None))
    await conn.execute(old.values(greeted=now))


async def came(conn: AsyncConnection, room_id: str, person: str) -> int | None:
    """Since when somebody is in a room, milliseconds."""
    query = select(room_state.c.ts).where(
        room_state.c.room_id == room_id, room_state.c.type == "m.room.member", room_state.c.state_key == person
    )
    return (await conn.execute(query)).scalar_one_or_none()


async def waiting(conn: AsyncConnection, person: str) -> list[str]:
    """The spaces in which somebody is still to be greeted, in the order in which they came."""
    query = select(greeting.c.space).where(greeting.c.person == person, greeting.c.greeted.is_(None))
    return list((await conn.execute(query.order_by(greeting.c.joined, greeting.c.space))).scalars())


async def all_waiting(conn: AsyncConnection) -> list[str]:
    """Everybody who is still to be greeted."""
    query = select(greeting.c.person).where(greeting.c.greeted.is_(None)).distinct().order_by(greeting.c.person)
    return list((await conn.execute(query)).scalars())


async def mark(conn: AsyncConnection, person: str, now: int) -> None:
    """Everything that waited for a person is done."""
    await conn.execute(
        update(greeting).where(greeting.c.person == person, greeting.c.greeted.is_(None)).values(greeted=now)
    )


async def drop_waiting(conn: AsyncConnection, person: str, space: str) -> None:
    """Somebody went before the greeting: should they come back, they are new."""
    await conn.execute(
        delete(greeting).where(greeting.c.person == person, greeting.c.space == space, greeting.c.greeted.is_(None))
    )


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """All that is kept about a person, as JSON values."""
    query = select(greeting.c.space, greeting.c.joined, greeting.c.greeted).where(greeting.c.person == person)
    return [dict(row._mapping) for row in await conn.execute(query.order_by(greeting.c.space))]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget a person."""
    await conn.execute(delete(greeting).where(greeting.c.person == person))
