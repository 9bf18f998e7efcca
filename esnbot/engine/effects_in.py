"""Turning a handler's effects into rows: what concerns the database happens at once, the rest goes to the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import inbox, signals, silence
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import (
    AnyEffect,
    Effect,
    Emit,
    Heed,
    Kick,
    Nudge,
    Pin,
    Redact,
    Say,
    Schedule,
    Unschedule,
    post,
)
from esnbot.engine.tables import outbox, schedule
from esnbot.store import bindings
from esnbot.store.upsert import insert_new, upsert

URGENT: Final = (Redact, Kick)
"""Effects that overtake posts: what should not be there must go first."""


async def put(conn: AsyncConnection, module: str, cause: str, effects: Sequence[Effect], now_ms: int) -> frozenset[str]:
    """Write down effects; returns the names of the machines to wake after the commit.

    An effect's key is its own, or made of its cause and its place among the cause's effects, so that the same cause
    never gives two.
    """
    wake: set[str] = set()
    quiet: dict[str, bool] = {}
    for ordinal, effect in enumerate(effects):
        name = effect.key or f"{cause}/{ordinal}"
        key = f"{module}/{name}"
        match effect:
            case Nudge(machine=machine):
                wake.add(machine)
            case Heed():
                # Whoever handled the event does it after the commit (esnbot.engine.courtesy).
                pass
            case Schedule():
                await _schedule(conn, module, effect)
                wake.add(signals.SCHEDULE)
            case Unschedule(key=job):
                await conn.execute(delete(schedule).where(schedule.c.module == module, schedule.c.key == job))
            case Emit(type=type, content=content, room=in_room):
                await inbox.put_internal(conn, f"emit:{key}", type, content, now_ms, room_id=in_room)
                wake.add(signals.INBOX)
            case _:
                room = await _called_by_id(conn, effect.room)  # type: ignore[attr-defined]  # all others name one
                if silence.is_unasked(effect):
                    if room not in quiet:
                        quiet[room] = await silence.is_silenced(conn, room, module)
                    if quiet[room]:
                        continue
                await insert_new(conn, outbox, _row(module, key, effect, room, now_ms))
                if isinstance(effect, Say) and effect.pinned:
                    # On its own, so that a message that cannot be pinned is a message all the same.
                    pin = Pin(room=effect.room, event=post(name))
                    await insert_new(conn, outbox, _row(module, f"{key}/pin", pin, room, now_ms))
                wake.add(signals.OUTBOX)
                if isinstance(effect, URGENT):
                    wake.add(signals.URGENT)
    return frozenset(wake)


async def _schedule(conn: AsyncConnection, module: str, effect: Schedule) -> None:
    if not effect.key:
        raise ValueError(f"a job of '{module}' is scheduled without a key")
    row = {
        "module": module,
        "key": effect.key,
        "job": effect.job,
        "due": milliseconds(effect.due),
        "payload": effect.payload,
        "if_late": effect.if_late,
        "grace": effect.grace,
    }
    await upsert(conn, schedule, row)


async def _called_by_id(conn: AsyncConnection, reference: str) -> str:
    """A room that is made already goes by its id, however it was named: one room is one queue."""
    key = reference.removeprefix("key:")
    return reference if key == reference else await bindings.room_of(conn, key) or reference


def _row(module: str, key: str, effect: Effect, room: str, now_ms: int) -> dict[str, Any]:
    return {
        "key": key,
        "module": module,
        "room": room,
        "kind": type(effect).__name__,
        "body": msgspec.to_builtins(effect),
        "urgent": isinstance(effect, URGENT),
        "made": now_ms,
    }


def read(body: Any) -> AnyEffect:
    """An effect from the outbox."""
    effect: AnyEffect = msgspec.convert(body, type=AnyEffect)
    return effect


def dump(effect: AnyEffect) -> str:
    """An effect as JSON text."""
    return msgspec.json.encode(effect).decode()


def load(text: str) -> AnyEffect:
    """An effect from JSON text."""
    effect: AnyEffect = msgspec.json.decode(text, type=AnyEffect)
    return effect
