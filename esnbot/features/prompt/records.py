"""What each group is to get when, what it has had, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Row, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.prompt.learned import Count, Outcome
from esnbot.features.prompt.model import Used
from esnbot.store.tables import Json, Milliseconds, Sequence, metadata
from esnbot.store.upsert import insert_new, upsert

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

talk = Table(
    "prompt_talk",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("room_id", Text, nullable=False, index=True),
    # The key of the effect that posted the prompt.
    Column("post", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("until", Milliseconds, nullable=False),
    Column("messages", Integer, nullable=False),
    # Of who has written: hashes with this salt, which go with the row. Nobody's id.
    Column("salt", Text, nullable=False),
    Column("people", Json, nullable=False),
    # Jobs have the id in their keys.
    sqlite_autoincrement=True,
)

outcome = Table(
    "prompt_outcome",
    metadata,
    Column("family", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("worked", Integer, nullable=False),
    Column("silent", Integer, nullable=False),
)

met = Table(
    "prompt_met",
    metadata,
    Column("group_key", Text, primary_key=True),
    # When its last meet-up was over.
    Column("at", Milliseconds, nullable=False),
)


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


# --- what came of it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Talk:
    """A prompt after which it is still counted who writes."""

    id: int
    room_id: str
    post: str
    family: str
    until: int
    messages: int
    salt: str
    people: tuple[str, ...]


def _talk(row: Row[Any]) -> Talk:
    return Talk(row.id, row.room_id, row.post, row.family, row.until, row.messages, row.salt, tuple(row.people))


async def listen(conn: AsyncConnection, room_id: str, post: str, family: str, until: int, salt: str) -> int:
    """Begin to count what is written after a prompt; returns the number of the count."""
    row = {
        "room_id": room_id,
        "post": post,
        "family": family,
        "until": until,
        "messages": 0,
        "salt": salt,
        "people": [],
    }
    return int((await conn.execute(talk.insert().values(row).returning(talk.c.id))).scalar_one())


async def talks_in(conn: AsyncConnection, room_id: str) -> list[Talk]:
    """The counts of a room, the newest first; nobody else changes them until this transaction ends."""
    query = select(talk).where(talk.c.room_id == room_id).order_by(talk.c.id.desc()).with_for_update()
    return [_talk(row) for row in await conn.execute(query)]


async def all_talks(conn: AsyncConnection) -> list[Talk]:
    """All counts."""
    return [_talk(row) for row in await conn.execute(select(talk).order_by(talk.c.id))]


async def count(conn: AsyncConnection, id: int, messages: int, people: tuple[str, ...]) -> None:
    """Note how many messages there were, and the hashes of who wrote them."""
    await conn.execute(update(talk).where(talk.c.id == id).values(messages=messages, people=list(people)))


async def finish(conn: AsyncConnection, id: int, month: str, *, worked: bool) -> bool:
    """Forget a count, and keep what came of it; False when that was done already."""
    gone = delete(talk).where(talk.c.id == id).returning(talk.c.family)
    family = (await conn.execute(gone)).scalar_one_or_none()
    if family is None:
        return False
    await insert_new(conn, outcome, {"family": family, "month": month, "worked": 0, "silent": 0})
    column = outcome.c.worked if worked else outcome.c.silent
    same = (outcome.c.family == family) & (outcome.c.month == month)
    await conn.execute(update(outcome).where(same).values({column.name: column + 1}))
    return True


async def outcomes(conn: AsyncConnection) -> list[Outcome]:
    """How prompts went, by family and month."""
    rows = await conn.execute(select(outcome).order_by(outcome.c.family, outcome.c.month))
    return [Outcome(row.family, row.month, Count(row.worked, row.silent)) for row in rows]


async def forget_outcomes(conn: AsyncConnection, before: str) -> None:
    """Forget months before that one."""
    await conn.execute(delete(outcome).where(outcome.c.month < before))


async def keep_met(conn: AsyncConnection, group: str, at: int) -> None:
    """Note that a group has met."""
    await upsert(conn, met, {"group_key": group, "at": at})


async def met_at(conn: AsyncConnection, group: str) -> int | None:
    """When a group's last meet-up was over."""
    return (await conn.execute(select(met.c.at).where(met.c.group_key == group))).scalar_one_or_none()
