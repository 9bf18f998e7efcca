"""The tables of the commands: the language that a person chose, and the questions that wait for a reaction."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Column, Index, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.event import Event
from esnbot.engine.tables import outbox
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.upsert import upsert

person_language = Table(
    "person_language",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("since", Milliseconds, nullable=False),
)

command_question = Table(
    "command_question",
    metadata,
    # The command's event id.
    Column("id", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("asker", Text, nullable=False),
    # The command's event as it may be kept (ciphertext, if it came so); it goes with the row, after ten minutes.
    Column("event", Json, nullable=False),
    Column("expires", Milliseconds, nullable=False),
)
Index("command_question_open", command_question.c.room_id, command_question.c.asker)


async def language_of(conn: AsyncConnection, user: str) -> str | None:
    """The language that a person chose, None when they did not."""
    query = select(person_language.c.language).where(person_language.c.user_id == user)
    return (await conn.execute(query)).scalar_one_or_none()


async def remember_language(conn: AsyncConnection, user: str, language: str, now: datetime) -> None:
    """Keep the language that a person chose."""
    await upsert(conn, person_language, {"user_id": user, "language": language, "since": _ms(now)})


async def forget(conn: AsyncConnection, user: str) -> None:
    """Forget everything about a person."""
    await conn.execute(delete(person_language).where(person_language.c.user_id == user))
    await conn.execute(delete(command_question).where(command_question.c.asker == user))


async def ask(conn: AsyncConnection, event: Event, expires: datetime) -> None:
    """Keep a command until its author answers the question."""
    row = {
        "id": event.event_id,
        "room_id": event.room_id,
        "asker": event.sender,
        "event": msgspec.to_builtins(event.kept()),
        "expires": _ms(expires),
    }
    await upsert(conn, command_question, row)


async def take_question(conn: AsyncConnection, id: str) -> Event | None:
    """The command that waited, as it was kept; it waits no more."""
    query = select(command_question.c.event).where(command_question.c.id == id)
    kept = (await conn.execute(query)).scalar_one_or_none()
    if kept is None:
        return None
    await conn.execute(delete(command_question).where(command_question.c.id == id))
    return msgspec.convert(kept, type=Event)


async def open_questions(conn: AsyncConnection, room_id: str, asker: str, at: datetime) -> list[str]:
    """Ids of the commands of a person in a room that wait for an answer at that instant."""
    query = select(command_question.c.id).where(
        command_question.c.room_id == room_id, command_question.c.asker == asker, command_question.c.expires > _ms(at)
    )
    return list((await conn.execute(query)).scalars())


async def posted_as(conn: AsyncConnection, event_id: str, module: str = "") -> str | None:
    """The key of the effect that sent an event, of any module or of that one; None when the bot did not send it."""
    query = select(outbox.c.key).where(outbox.c.event_id == event_id)
    if module:
        query = query.where(outbox.c.module == module)
    return (await conn.execute(query)).scalars().first()


async def questions_of(conn: AsyncConnection, asker: str) -> list[str]:
    """Ids of all commands of a person that wait for an answer."""
    query = select(command_question.c.id).where(command_question.c.asker == asker)
    return list((await conn.execute(query)).scalars())


async def sent_as(conn: AsyncConnection, effect_keys: list[str]) -> dict[str, str | None]:
    """Effect key to the event id under which it was sent, None while it is under way."""
    rows = await conn.execute(select(outbox.c.key, outbox.c.event_id).where(outbox.c.key.in_(effect_keys)))
    return {row.key: row.event_id for row in rows}


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
