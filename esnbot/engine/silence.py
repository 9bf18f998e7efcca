"""Rooms in which a module keeps quiet: what it would post there unasked is not written down.

Who silences what, and for how long, is for a feature to decide (``esnbot.features.calm``); here stands only that it is
so, where every post of every module comes by. Nothing is asked while a handler posts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Column, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.effects import Attach, Effect, Pin, React, Say, Send
from esnbot.engine.tables import State, outbox
from esnbot.store.tables import metadata
from esnbot.store.upsert import insert_new

silenced = Table(
    "silenced",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("module", Text, primary_key=True),
)

_POSTS: Final = (Say, Send, Attach, React, Pin)


def is_unasked(effect: Effect) -> bool:
    """Whether an effect is a post that answers nobody. What corrects an earlier post disturbs nobody anew."""
    if isinstance(effect, Say):
        return not effect.answers and not effect.replaces
    return isinstance(effect, _POSTS)


async def is_silenced(conn: AsyncConnection, room_id: str, module: str) -> bool:
    """Whether a module keeps quiet in a room."""
    query = select(silenced.c.module).where(silenced.c.room_id == room_id, silenced.c.module == module)
    return (await conn.execute(query)).first() is not None


async def silence(conn: AsyncConnection, room_id: str, modules: Iterable[str]) -> None:
    """Let exactly these modules keep quiet in a room, from now on; what waits to be posted there is dropped."""
    await conn.execute(delete(silenced).where(silenced.c.room_id == room_id))
    for module in sorted(set(modules)):
        await insert_new(conn, silenced, {"room_id": room_id, "module": module})
        await _drop_waiting(conn, room_id, module)


async def _drop_waiting(conn: AsyncConnection, room_id: str, module: str) -> None:
    """What a module asked for while the homeserver was away must not come all at once afterwards."""
    query = select(outbox.c.seq, outbox.c.body).where(
        outbox.c.room == room_id,
        outbox.c.module == module,
        outbox.c.state == State.waiting.value,
        outbox.c.kind.in_([kind.__name__ for kind in _POSTS]),
    )
    for row in (await conn.execute(query)).all():
        body = row.body if isinstance(row.body, dict) else {}
        if not body.get("answers") and not body.get("replaces"):
            dropped = update(outbox).where(outbox.c.seq == row.seq, outbox.c.state == State.waiting.value)
            await conn.execute(dropped.values(state=State.dead.value, body=None))
