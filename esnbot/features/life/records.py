"""Since when nobody has written in a group, which question it was asked, and what they answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Row, Table, Text, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import talk
from esnbot.engine.tables import outbox, room_clock
from esnbot.features.life.model import About, Answer, Choice
from esnbot.store.bindings import binding
from esnbot.store.tables import Milliseconds, Sequence, metadata
from esnbot.store.upsert import insert_new, upsert

resting = Table(
    "life_rest",
    metadata,
    Column("room_id", Text, primary_key=True),
    # Until then it counts as asked: it was kept, or answered otherwise.
    Column("rested", Milliseconds, nullable=False),
)

question = Table(
    "life_question",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("group_key", Text, nullable=False),
    # The group's key while the question is open, NULL afterwards: a group is asked one thing at a time.
    Column("open", Text, unique=True),
    Column("room_id", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("asked", Milliseconds, nullable=False),
    Column("until", Milliseconds, nullable=False),
    # Of the notice that is waiting for answers: 1, then 2.
    Column("round", Integer, nullable=False),
    # The owner who gives the group away, '' for nobody.
    Column("giver", Text, nullable=False),
    # An effect's key has the number in it: none is given twice.
    sqlite_autoincrement=True,
)

answer = Table(
    "life_answer",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("question", Sequence, nullable=False, index=True),
    Column("event_id", Text, nullable=False),
    Column("person", Text, nullable=False, index=True),
    Column("choice", Text, nullable=False),
)
Index("life_answer_once", answer.c.question, answer.c.event_id, unique=True)


@dataclass(frozen=True, slots=True)
class Question:
    """One question that a group was asked."""

    id: int
    group_key: str
    room_id: str
    about: About
    asked: int
    until: int
    round: int
    giver: str

    @property
    def post(self) -> str:
        """Key of the effect that posted its present notice."""
        return post_key(self.id, self.round)


def post_key(id: int, round: int) -> str:
    """Key of the effect that posts a notice of a question."""
    return f"ask:{id}:{round}"


def _question(row: Row[Any]) -> Question:
    values = {name: getattr(row, name) for name in Question.__slots__}
    return Question(**{**values, "about": About(row.about)})


# --- who was heard -----------------------------------------------------------------------------------------------


async def rest(conn: AsyncConnection, room_id: str, at: int) -> None:
    """A group was asked and answered: its quiet time begins anew."""
    await upsert(conn, resting, {"room_id": room_id, "rested": at})


async def quiet_since(conn: AsyncConnection) -> dict[str, int]:
    """Room to when its quiet time began: the last word there, or the last answer to the question."""
    since = await talk.last_words(conn)
    for row in await conn.execute(select(resting)):
        since[row.room_id] = max(since.get(row.room_id, 0), row.rested)
    return since


async def last_heard(conn: AsyncConnection, key: str | None = None) -> dict[str, datetime]:
    """Key of a group to when people last wrote there; of that group alone, or of all."""
    query = select(binding.c.key, room_clock.c.spoken).join(room_clock, room_clock.c.room_id == binding.c.room_id)
    query = query.where(room_clock.c.spoken > 0)
    if key is not None:
        query = query.where(binding.c.key == key)
    return {row.key: datetime.fromtimestamp(row.spoken / 1000, UTC) for row in await conn.execute(query)}


# --- questions ---------------------------------------------------------------------------------------------------


async def ask(
    conn: AsyncConnection, key: str, room_id: str, about: About, asked: int, until: int, giver: str = ""
) -> Question | None:
    """Open a question; None when the group is being asked something already."""
    row: Mapping[str, object] = {
        "group_key": key,
        "open": key,
        "room_id": room_id,
        "about": about.value,
        "asked": asked,
        "until": until,
        "round": 1,
        "giver": giver,
    }
    if not await insert_new(conn, question, row):
        return None
    return await open_for(conn, key)


async def open_for(conn: AsyncConnection, key: str) -> Question | None:
    """The open question of a group."""
    row = (await conn.execute(select(question).where(question.c.open == key))).one_or_none()
    return None if row is None else _question(row)


async def get(conn: AsyncConnection, id: int) -> Question | None:
    """The question of a number, while it is open; nobody else changes it before this transaction is over."""
    query = select(question).where(question.c.id == id, question.c.open.is_not(None)).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _question(row)


async def again(conn: AsyncConnection, one: Question, until: int) -> None:
    """Note that a question is asked for the second time."""
    await conn.execute(update(question).where(question.c.id == one.id).values(round=one.round + 1, until=until))


async def postpone(conn: AsyncConnection, one: Question, until: int) -> None:
    """Note that a question waits longer."""
    await conn.execute(update(question).where(question.c.id == one.id).values(until=until))


async def close(conn: AsyncConnection, id: int) -> None:
    """Close a question; who answered what is forgotten."""
    await conn.execute(update(question).where(question.c.id == id).values(open=None, giver=""))
    await conn.execute(delete(answer).where(answer.c.question == id))


async def was_posted(conn: AsyncConnection, module: str, one: Question) -> bool:
    """Whether the question's present notice stands in its room."""
    query = select(outbox.c.event_id).where(outbox.c.key == f"{module}/{one.post}")
    return bool((await conn.execute(query)).scalar_one_or_none())


# --- answers -----------------------------------------------------------------------------------------------------


async def keep_answer(conn: AsyncConnection, id: int, event_id: str, person: str, choice: Choice) -> None:
    """Keep an answer."""
    row = {"question": id, "event_id": event_id, "person": person, "choice": choice.value}
    await insert_new(conn, answer, row)


async def take_back(conn: AsyncConnection, id: int, event_id: str) -> None:
    """Forget an answer."""
    await conn.execute(delete(answer).where(answer.c.question == id, answer.c.event_id == event_id))


async def answers(conn: AsyncConnection, id: int) -> list[Answer]:
    """The answers to a question, in the order in which they came."""
    rows = await conn.execute(select(answer).where(answer.c.question == id).order_by(answer.c.seq))
    return [Answer(row.person, Choice(row.choice)) for row in rows]


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """What is kept about a person: their answers to questions that are open, as JSON values."""
    query = (
        select(question.c.group_key, question.c.about, answer.c.choice)
        .join(question, question.c.id == answer.c.question)
        .where(answer.c.person == person)
        .order_by(answer.c.seq)
    )
    return [{"group": row.group_key, "about": row.about, "answer": row.choice} for row in await conn.execute(query)]


async def wishes_of(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """What is kept about a person: the groups that they asked to merge, while nobody has answered."""
    query = select(merge.c.source, merge.c.target).where(merge.c.asker == person).order_by(merge.c.id)
    return [{"merge": row.source, "into": row.target} for row in await conn.execute(query)]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget a person's answers, and that they give a group away."""
    await conn.execute(delete(answer).where(answer.c.person == person))
    await conn.execute(update(question).where(question.c.giver == person).values(giver=""))
    await conn.execute(update(merge).where(merge.c.asker == person).values(asker=""))


# --- merging -----------------------------------------------------------------------------------------------------

merge = Table(
    "life_merge",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    # The source's key while the owners of the target have not answered, NULL afterwards.
    Column("open", Text, unique=True),
    # The room of the target, in which they were asked.
    Column("room_id", Text, nullable=False),
    # Who asked, in which language; '' once forgotten.
    Column("asker", Text, nullable=False, index=True),
    Column("language", Text, nullable=False),
    Column("asked", Milliseconds, nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Merge:
    """A wish that one group become part of another, while the owners of the other have not answered."""

    id: int
    source: str
    target: str
    room_id: str
    asker: str
    language: str
    asked: int


def _merge(row: Row[Any]) -> Merge:
    return Merge(**{name: getattr(row, name) for name in Merge.__slots__})


async def ask_merge(
    conn: AsyncConnection, source: str, target: str, room_id: str, asker: str, language: str, asked: int
) -> Merge | None:
    """Keep a wish; None when there is one for this group already."""
    row: Mapping[str, object] = {
        "source": source,
        "target": target,
        "open": source,
        "room_id": room_id,
        "asker": asker,
        "language": language,
        "asked": asked,
    }
    if not await insert_new(conn, merge, row):
        return None
    return _merge((await conn.execute(select(merge).where(merge.c.open == source))).one())


async def open_merge(conn: AsyncConnection, id: int) -> Merge | None:
    """The wish of a number, while it is open; nobody else changes it before this transaction is over."""
    query = select(merge).where(merge.c.id == id, merge.c.open.is_not(None)).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _merge(row)


async def merges_of(conn: AsyncConnection, key: str) -> list[Merge]:
    """The open wishes that a group is part of."""
    query = select(merge).where(merge.c.open.is_not(None), or_(merge.c.source == key, merge.c.target == key))
    return [_merge(row) for row in await conn.execute(query)]


async def close_merge(conn: AsyncConnection, id: int) -> None:
    """Close a wish; who had it is forgotten."""
    await conn.execute(update(merge).where(merge.c.id == id).values(open=None, asker=""))
