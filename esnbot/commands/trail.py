"""Which command was answered how: ids only, so that a corrected command is tried again and a redacted one cleaned up.

It is forgotten after a week, when the next command comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import Boolean, Column, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.engine.effects import Effect, React, Redact, Say, post
from esnbot.engine.tables import State, outbox
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import insert_new, upsert

MODULE: Final = "commands"
REMEMBERED: Final = timedelta(days=7)

heard = Table(
    "command_heard",
    metadata,
    # The command's event id; of one that was edited, the first version's.
    Column("id", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("sender", Text, nullable=False, index=True),
    # The root of the thread in which it was said, '' for none.
    Column("thread", Text, nullable=False),
    Column("ts", Milliseconds, nullable=False, index=True),
    # Not understood, not allowed or refused: an edit tries it again.
    Column("failed", Boolean, nullable=False),
    # Its author was told what an edit can do.
    Column("hinted", Boolean, nullable=False),
)

answer = Table(
    "command_answer",
    metadata,
    Column("command", Text, primary_key=True),
    # The key of the effect as the outbox has it, with its module.
    Column("effect", Text, primary_key=True),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A command that somebody gave."""

    id: str
    room_id: str
    sender: str
    thread: str
    ts: int
    failed: bool
    hinted: bool


async def find(conn: AsyncConnection, id: str) -> Heard | None:
    """The command with that event id."""
    row = (await conn.execute(select(heard).where(heard.c.id == id))).one_or_none()
    return Heard(**row._mapping) if row is not None else None


async def keep(call: Call, effects: Sequence[Effect]) -> list[Effect]:
    """Note what answers a command; returns its effects, with keys by which they are found again."""
    conn, id = call.ctx.conn, call.command
    await _forget_older(conn, call.event.ts)
    row = {
        "id": id,
        "room_id": call.event.room_id,
        "sender": call.event.sender,
        "thread": call.thread if call.in_thread else "",
        "ts": call.event.ts,
        "failed": call.outcome.failed,
        "hinted": False,
    }
    if not await insert_new(conn, heard, row):
        await conn.execute(update(heard).where(heard.c.id == id).values(failed=call.outcome.failed))
    named = [_named(effect, f"answer:{call.event.event_id}:{n}") for n, effect in enumerate(effects)]
    await promise(conn, id, [f"{MODULE}/{one.key}" for one in named if _is_answer(one, call.event.room_id)])
    return named


async def promise(conn: AsyncConnection, command: str, effects: Iterable[str]) -> None:
    """Effects, now or later, that answer a command: a redaction of the command removes what they sent.

    By their keys as the outbox has them: ``group/ready:photo`` is what the module ``group`` says under that key.
    """
    rows = [{"command": command, "effect": effect} for effect in effects]
    await upsert(conn, answer, rows)


async def answers_to(conn: AsyncConnection, command: str) -> list[str]:
    """The keys of the effects that answer a command, as the outbox has them; those that were sent in their order."""
    query = (
        select(answer.c.effect)
        .outerjoin(outbox, outbox.c.key == answer.c.effect)
        .where(answer.c.command == command)
        .order_by(outbox.c.seq)
    )
    return list((await conn.execute(query)).scalars())


async def hint(conn: AsyncConnection, id: str) -> bool:
    """Whether the author of a command is to be told now what an edit can do: once."""
    told = update(heard).where(heard.c.id == id, heard.c.hinted.is_(False)).values(hinted=True)
    return (await conn.execute(told)).rowcount == 1


async def removals(conn: AsyncConnection, effects: Iterable[str]) -> list[Effect]:
    """Redactions of what effects have sent, or are about to send; once each, however often they are asked for."""
    query = select(outbox.c.key, outbox.c.module, outbox.c.room, outbox.c.state, outbox.c.event_id, outbox.c.room_id)
    found = []
    for row in await conn.execute(query.where(outbox.c.key.in_(list(effects))).order_by(outbox.c.seq)):
        if row.event_id is not None:
            found.append(Redact(key=f"remove:{row.key}", room=row.room_id or row.room, event=row.event_id))
        elif row.state == State.waiting and row.module == MODULE:
            key = row.key.removeprefix(f"{MODULE}/")
            found.append(Redact(key=f"remove:{row.key}", room=row.room, event=post(key)))
    return list(found)


async def drop(conn: AsyncConnection, command: str) -> None:
    """Forget a command."""
    await conn.execute(delete(answer).where(answer.c.command == command))
    await conn.execute(delete(heard).where(heard.c.id == command))


async def commands_of(conn: AsyncConnection, sender: str) -> list[dict[str, object]]:
    """What is known of a person's commands."""
    query = select(heard.c.id, heard.c.room_id, heard.c.ts).where(heard.c.sender == sender).order_by(heard.c.ts)
    return [dict(row._mapping) for row in await conn.execute(query)]


async def forget(conn: AsyncConnection, sender: str) -> None:
    """Forget a person's commands."""
    mine = select(heard.c.id).where(heard.c.sender == sender)
    await conn.execute(delete(answer).where(answer.c.command.in_(mine)))
    await conn.execute(delete(heard).where(heard.c.sender == sender))


async def _forget_older(conn: AsyncConnection, now_ms: int) -> None:
    before = now_ms - int(REMEMBERED.total_seconds() * 1000)
    old = select(heard.c.id).where(heard.c.ts < before)
    if (await conn.execute(old.limit(1))).first() is not None:
        await conn.execute(delete(answer).where(answer.c.command.in_(old)))
        await conn.execute(delete(heard).where(heard.c.ts < before))


def _is_answer(effect: Effect, room: str) -> bool:
    return isinstance(effect, Say | React) and effect.room == room


def _named(effect: Effect, key: str) -> Effect:
    if not isinstance(effect, Say | React) or effect.key:
        return effect
    return msgspec.structs.replace(effect, key=key)
