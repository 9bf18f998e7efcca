"""Where each idea stands. Its words are a kept text in the animators' room; who is interested is a reaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Row, Table, Text, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reactions import reaction
from esnbot.features.founder.model import INTERESTED, Answer, Stage, moved
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.tables import Sequence as Number

NAME: Final = "founder"
ON_THEIR_WAY: Final = (Stage.idea, Stage.interested, Stage.met, Stage.group)

idea = Table(
    "founder_idea",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False, index=True),
    # NULL until the animators' room has it.
    Column("text", BigInteger, unique=True),
    Column("stage", Text, nullable=False, index=True),
    # The group in which people were asked, and the one that came of it; '' for none.
    Column("asked_in", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("since", Milliseconds, nullable=False),
    # When the founder was asked how it goes, NULL: not yet.
    Column("checked", Milliseconds),
    # What they said; '' as long as they say nothing.
    Column("answer", Text, nullable=False),
    # Effects have the id in their keys.
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Idea:
    """An idea for a community."""

    id: int
    person: str
    text: int | None
    stage: Stage
    asked_in: str
    group_key: str
    since: int
    """When it came to this stage, in milliseconds."""
    checked: int | None
    answer: str


def _idea(row: Row[Any]) -> Idea:
    values = {name: getattr(row, name) for name in Idea.__slots__}
    return Idea(**{**values, "stage": Stage(row.stage)})


async def add(conn: AsyncConnection, person: str, now_ms: int) -> int:
    """A new idea; returns its number."""
    row = {
        "person": person,
        "text": None,
        "stage": Stage.idea.value,
        "asked_in": "",
        "group_key": "",
        "since": now_ms,
        "checked": None,
        "answer": "",
    }
    return int((await conn.execute(idea.insert().values(row).returning(idea.c.id))).scalar_one())


async def get(conn: AsyncConnection, id: int) -> Idea | None:
    """The idea of a number."""
    row = (await conn.execute(select(idea).where(idea.c.id == id))).one_or_none()
    return None if row is None else _idea(row)


async def kept_as(conn: AsyncConnection, id: int, text: int) -> None:
    """Note which kept text has the words."""
    await conn.execute(update(idea).where(idea.c.id == id).values(text=text))


async def some(conn: AsyncConnection, person: str = "", stages: Sequence[Stage] = ON_THEIR_WAY) -> list[Idea]:
    """Ideas at these stages, oldest first; of one person, or of all."""
    query = select(idea).where(idea.c.stage.in_([stage.value for stage in stages])).order_by(idea.c.id)
    return [_idea(row) for row in await conn.execute(query.where(idea.c.person == person) if person else query)]


async def ask_in(conn: AsyncConnection, id: int, key: str) -> bool:
    """Note in which group people are asked; False when they were asked already."""
    fresh = (idea.c.id == id) & (idea.c.asked_in == "")
    return (await conn.execute(update(idea).where(fresh).values(asked_in=key))).rowcount == 1


async def move(conn: AsyncConnection, one: Idea, to: Stage, now_ms: int, **more: Any) -> bool:
    """Move an idea on; False where that changes nothing, or somebody else did."""
    after = moved(one.stage, to)
    if after is None:
        return False
    same = (idea.c.id == one.id) & (idea.c.stage == one.stage.value)
    values = {"stage": after.value, "since": now_ms, **more}
    return (await conn.execute(update(idea).where(same).values(values))).rowcount == 1


async def mark_checked(conn: AsyncConnection, id: int, now_ms: int) -> None:
    """The founder is asked how it goes."""
    await conn.execute(update(idea).where(idea.c.id == id).values(checked=now_ms))


async def awaiting(conn: AsyncConnection, person: str) -> Idea | None:
    """The idea of which a person was asked how it goes, and has not said."""
    query = select(idea).where(
        idea.c.person == person, idea.c.stage == Stage.group.value, idea.c.checked.is_not(None), idea.c.answer == ""
    )
    row = (await conn.execute(query.order_by(idea.c.checked, idea.c.id).limit(1))).one_or_none()
    return None if row is None else _idea(row)


async def settle(conn: AsyncConnection, one: Idea, answer: Answer, now_ms: int) -> bool:
    """Keep what a founder says."""
    return await move(conn, one, Stage.settled, now_ms, answer=answer.value)


async def interested(conn: AsyncConnection, one: Idea) -> list[str]:
    """Who would like to be part of it, besides the founder, in the order in which they said so."""
    query = (
        select(reaction.c.sender)
        .where(reaction.c.module == NAME, reaction.c.post == asking(one.id), reaction.c.emoji == INTERESTED)
        .where(reaction.c.sender != one.person)
        .group_by(reaction.c.sender)
        .order_by(func.min(reaction.c.ts), reaction.c.sender)
    )
    return list((await conn.execute(query)).scalars())


def asking(id: int) -> str:
    """Key of the effect that asks people who is interested."""
    return f"ask:{id}"


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """A person's ideas, as JSON values."""
    rows = await conn.execute(select(idea).where(idea.c.person == person).order_by(idea.c.id))
    return [{name: value for name, value in row._mapping.items() if name != "person"} for row in rows]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget a person's ideas."""
    await conn.execute(delete(idea).where(idea.c.person == person))
