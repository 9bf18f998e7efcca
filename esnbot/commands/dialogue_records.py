"""The table of dialogues: what a person said is kept as events, which are ciphertext where they came so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Column, Integer, Row, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.event import Event
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.upsert import upsert

dialogue = Table(
    "command_dialogue",
    metadata,
    # One dialogue a person.
    Column("user_id", Text, primary_key=True),
    # The event id of the command that began it.
    Column("id", Text, nullable=False),
    Column("room_id", Text, nullable=False),
    # That command's event, as it may be kept.
    Column("event", Json, nullable=False),
    # Pairs of a parameter's name and the event that answers for it, in the order of the questions.
    Column("answers", Json, nullable=False),
    # The event id of the last answer that could not be taken, '' for none: an edit of it counts.
    Column("tried", Text, nullable=False),
    # How many questions were put so far: the number of the last one.
    Column("asked", Integer, nullable=False),
    Column("expires", Milliseconds, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A dialogue as it is kept; its events are opened with ``Context.open``."""

    user: str
    id: str
    room_id: str
    event: Event
    answers: tuple[tuple[str, Event], ...] = ()
    tried: str = ""
    asked: int = 0
    expires: int = 0

    @property
    def post(self) -> str:
        """The key of the post that asks the last question."""
        return f"dialogue:{self.id}:{self.asked}"


async def find(conn: AsyncConnection, user: str) -> Dialogue | None:
    """The dialogue of a person."""
    row = (await conn.execute(select(dialogue).where(dialogue.c.user_id == user))).one_or_none()
    return None if row is None else _read(row)


async def put(conn: AsyncConnection, one: Dialogue) -> None:
    """Keep a dialogue, in the place of any other of that person."""
    row = {
        "user_id": one.user,
        "id": one.id,
        "room_id": one.room_id,
        "event": msgspec.to_builtins(one.event.kept()),
        "answers": [[param, msgspec.to_builtins(event.kept())] for param, event in one.answers],
        "tried": one.tried,
        "asked": one.asked,
        "expires": one.expires,
    }
    await upsert(conn, dialogue, row)


async def drop(conn: AsyncConnection, user: str) -> None:
    """A person's dialogue is over."""
    await conn.execute(delete(dialogue).where(dialogue.c.user_id == user))


def _read(row: Row[Any]) -> Dialogue:
    answers = tuple((param, msgspec.convert(event, type=Event)) for param, event in row.answers)
    event = msgspec.convert(row.event, type=Event)
    return Dialogue(row.user_id, row.id, row.room_id, event, answers, row.tried, row.asked, row.expires)
