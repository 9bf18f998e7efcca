"""Groups that wait for their second founder: what was planned, by whom, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Column, Table, Text, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.group.plans import Plan
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.upsert import upsert

founding = Table(
    "group_founding",
    metadata,
    Column("id", Text, primary_key=True),
    Column("maker", Text, nullable=False, index=True),
    Column("second", Text, nullable=False, index=True),
    Column("plan", Json, nullable=False),
    # Where it was asked for, and is answered.
    Column("room_id", Text, nullable=False),
    # '' in a direct chat.
    Column("thread", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("asked", Milliseconds, nullable=False),
    Column("expires", Milliseconds, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Founding:
    """One of them."""

    id: str
    maker: str
    second: str
    plan: Plan
    room_id: str
    thread: str
    language: str
    """The maker's, when it was asked."""
    asked: int
    expires: int


async def put(conn: AsyncConnection, one: Founding) -> None:
    """Keep one."""
    values = {name: getattr(one, name) for name in Founding.__slots__}
    await upsert(conn, founding, {**values, "plan": msgspec.to_builtins(one.plan)})


async def find(conn: AsyncConnection, id: str) -> Founding | None:
    """The one with this id, while it waits."""
    row = (await conn.execute(select(founding).where(founding.c.id == id))).one_or_none()
    return _read(row) if row is not None else None


async def take(conn: AsyncConnection, id: str) -> Founding | None:
    """The same, which waits no more from now on: whoever takes it decides about it."""
    row = (await conn.execute(delete(founding).where(founding.c.id == id).returning(*founding.c))).one_or_none()
    return _read(row) if row is not None else None


async def for_second(conn: AsyncConnection, person: str) -> list[Founding]:
    """Those that wait for a person's answer, the oldest first."""
    query = select(founding).where(founding.c.second == person).order_by(founding.c.asked, founding.c.id)
    return [_read(row) for row in await conn.execute(query)]


async def of_maker(conn: AsyncConnection, person: str) -> list[Founding]:
    """Those that a person asked for, the oldest first."""
    query = select(founding).where(founding.c.maker == person).order_by(founding.c.asked, founding.c.id)
    return [_read(row) for row in await conn.execute(query)]


async def forget(conn: AsyncConnection, person: str) -> list[str]:
    """Forget those that a person has a part in; their ids."""
    mine = or_(founding.c.maker == person, founding.c.second == person)
    return list((await conn.execute(delete(founding).where(mine).returning(founding.c.id))).scalars())


def _read(row: Any) -> Founding:
    return Founding(**{**row._mapping, "plan": msgspec.convert(row.plan, Plan)})
