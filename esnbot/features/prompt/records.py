"""What each group is to get when, and what it has had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Column, Index, Integer, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.prompt.model import Used
from esnbot.store.tables import Milliseconds, Sequence, metadata
from esnbot.store.upsert import upsert

plan = Table(
    "prompt_plan",
    metadata,
    Column("group_key", Text, primary_key=True),
    # NULL: the tempo has no occurrence within a year.
    Column("due", Milliseconds),
    # What the due time was computed from; another one means: plan anew.
    Column("signature", Text, nullable=False),
)

posted = Table(
    "prompt_posted",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("group_key", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("due", Milliseconds, nullable=False),
)
Index("prompt_posted_group", posted.c.group_key, posted.c.id)


@dataclass(frozen=True, slots=True)
class Planned:
    """When a group's next prompt is due, and from what that was computed."""

    due: int | None
    signature: str


async def plans(conn: AsyncConnection) -> dict[str, Planned]:
    """Every group's plan."""
    rows = await conn.execute(select(plan))
    return {row.group_key: Planned(row.due, row.signature) for row in rows}


async def plan_of(conn: AsyncConnection, group: str) -> Planned | None:
    """One group's plan."""
    row = (await conn.execute(select(plan).where(plan.c.group_key == group))).one_or_none()
    return None if row is None else Planned(row.due, row.signature)


async def keep_plan(conn: AsyncConnection, group: str, due: int | None, signature: str) -> None:
    """Keep a group's plan."""
    await upsert(conn, plan, {"group_key": group, "due": due, "signature": signature})


async def drop_plan(conn: AsyncConnection, group: str) -> None:
    """Forget a group's plan."""
    await conn.execute(delete(plan).where(plan.c.group_key == group))


async def had(conn: AsyncConnection, group: str) -> list[Used]:
    """What a group has had in its present and its last round, in order."""
    query = select(posted.c.prompt, posted.c.round).where(posted.c.group_key == group).order_by(posted.c.id)
    return [Used(row.prompt, row.round) for row in await conn.execute(query)]


async def last_posted(conn: AsyncConnection, group: str) -> datetime | None:
    """When the last prompt of a group was due."""
    query = select(posted.c.due).where(posted.c.group_key == group).order_by(posted.c.id.desc()).limit(1)
    found = (await conn.execute(query)).scalar_one_or_none()
    return None if found is None else datetime.fromtimestamp(found / 1000, UTC)


async def keep_posted(conn: AsyncConnection, group: str, used: Used, due: int) -> None:
    """Note that a group gets a prompt, and forget the rounds before the last."""
    row: Mapping[str, object] = {"group_key": group, "prompt": used.key, "round": used.round, "due": due}
    await conn.execute(posted.insert().values(row))
    await conn.execute(delete(posted).where(posted.c.group_key == group, posted.c.round < used.round - 1))
