"""The questions that are indexed, whose they are, and what groups want of search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, Column, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search import records
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import upsert

PREFIX: Final = "question:"
"""Before the event id, in the keys of documents."""
_AT_ONCE: Final = 500

question = Table(
    "search_question",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("place", Text, nullable=False, index=True),
    # Only so that it follows what its author does with it, and can be forgotten with them; it is shown to nobody.
    Column("sender", Text, nullable=False, index=True),
    Column("moment", Milliseconds, nullable=False),
    # The message that corrected it last: when that is taken away, the question is forgotten.
    Column("correction", Text, nullable=False, index=True),
)

choice = Table(
    "search_choice",
    metadata,
    Column("place", Text, primary_key=True),
    # None: as the community has it.
    Column("questions", Boolean),
    Column("hints", Boolean),
    Column("hinted", Milliseconds, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a group wants of search; None: as the community has it."""

    questions: bool | None = None
    hints: bool | None = None
    hinted: int = 0
    """When the last hint was given there, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that can be found again."""

    event_id: str
    room_id: str
    place: str
    sender: str
    moment: int
    correction: str = ""


async def choice_of(conn: AsyncConnection, place: str) -> Choice:
    """What a group chose."""
    row = (await conn.execute(select(choice).where(choice.c.place == place))).one_or_none()
    return Choice() if row is None else Choice(row.questions, row.hints, row.hinted)


async def choose(conn: AsyncConnection, place: str, chosen: Choice) -> None:
    """Keep what a group chose."""
    row = {"place": place, "questions": chosen.questions, "hints": chosen.hints, "hinted": chosen.hinted}
    await upsert(conn, choice, row)


async def keep(conn: AsyncConnection, new: Question) -> None:
    """Keep whose a question is."""
    await upsert(
        conn,
        question,
        {
            "event_id": new.event_id,
            "room_id": new.room_id,
            "place": new.place,
            "sender": new.sender,
            "moment": new.moment,
            "correction": new.correction,
        },
    )


async def get(conn: AsyncConnection, event_id: str) -> Question | None:
    """The question that a message asks, or that it corrected last."""
    either = (question.c.event_id == event_id) | (question.c.correction == event_id)
    row = (await conn.execute(select(question).where(either))).first()
    return None if row is None else Question(**row._mapping)


async def senders(conn: AsyncConnection, events: Sequence[str]) -> dict[str, str]:
    """Event id to sender."""
    query = select(question.c.event_id, question.c.sender).where(question.c.event_id.in_(events))
    return {row.event_id: row.sender for row in await conn.execute(query)}


async def forget(conn: AsyncConnection, events: Sequence[str]) -> None:
    """Forget questions, in the index too."""
    await records.forget(conn, [PREFIX + event for event in events])
    for start in range(0, len(events), _AT_ONCE):
        await conn.execute(delete(question).where(question.c.event_id.in_(events[start : start + _AT_ONCE])))


async def forget_of(conn: AsyncConnection, *, sender: str = "", place: str = "", before: int | None = None) -> None:
    """Forget the questions of a person, or of a place, or those of a place that were asked before an instant."""
    query = select(question.c.event_id)
    if sender:
        query = query.where(question.c.sender == sender)
    if place:
        query = query.where(question.c.place == place)
    if before is not None:
        query = query.where(question.c.moment < before)
    if sender or place:
        await forget(conn, list((await conn.execute(query)).scalars()))


async def forget_choice(conn: AsyncConnection, place: str) -> None:
    """Forget what a group chose."""
    await conn.execute(delete(choice).where(choice.c.place == place))


async def of_person(conn: AsyncConnection, sender: str) -> list[dict[str, Any]]:
    """What is kept of a person's questions."""
    text = records.document.c.text
    query = (
        select(question, text)
        .outerjoin(records.document, records.document.c.key == PREFIX + question.c.event_id)
        .where(question.c.sender == sender)
        .order_by(question.c.moment)
    )
    return [
        {"event": row.event_id, "room": row.room_id, "moment": row.moment, "text": row.text or ""}
        for row in await conn.execute(query)
    ]
