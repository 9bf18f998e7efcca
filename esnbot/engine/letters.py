"""Dead letters: what was set aside, for an administrator to see and to replay."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.tables import State, dead_letter, inbox, outbox

LOCKED: Final = "locked"
"""The only key of an effect's body whose words were meant for an encrypted room; null: they were not kept."""
LONGEST: Final = 500
"""Characters of a reason that are kept."""

EMPTIED: Final = orjson.dumps({LOCKED: None}).decode()
"""Body of a letter whose words are not kept: they were for an encrypted room."""


def place(error: BaseException) -> str:
    """Why something was set aside, without what the exception says: it may quote words that must not be kept."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"[:LONGEST]


def reason(error: BaseException) -> str:
    """Why something was set aside, as text that any database stores."""
    said = f"{type(error).__name__}: {error}".encode(errors="replace").decode()
    return said.replace("\x00", "\ufffd")[:LONGEST]


@dataclass(frozen=True, slots=True)
class Letter:
    """Something that was set aside, without what people wrote in it."""

    id: int
    kind: str
    """'event', 'malformed' or 'effect'."""
    key: str
    module: str
    room: str
    error: str
    died: datetime
    emptied: bool = False
    """Whether its words are gone, because they were for an encrypted room: it cannot be replayed."""


async def all_letters(conn: AsyncConnection) -> list[Letter]:
    """The dead letters, oldest first."""
    columns = dead_letter.c
    query = select(
        columns.id,
        columns.kind,
        columns.key,
        columns.module,
        columns.room,
        columns.error,
        columns.died,
        (columns.body == EMPTIED).label("emptied"),
    ).order_by(columns.id)
    return [
        Letter(
            row.id,
            row.kind,
            row.key,
            row.module,
            row.room,
            row.error,
            datetime.fromtimestamp(row.died / 1000, UTC),
            bool(row.emptied),
        )
        for row in await conn.execute(query)
    ]


async def replay(conn: AsyncConnection, id: int) -> bool:
    """Put a letter back where it came from; False when there is none, it is no event at all, or its words are gone.

    An event is handled again only by the module that failed; an effect keeps its transaction id.
    """
    letter = (await conn.execute(select(dead_letter).where(dead_letter.c.id == id))).one_or_none()
    if letter is None or letter.kind == "malformed" or letter.body == EMPTIED:
        return False
    if letter.kind == "event":
        again = {"state": State.waiting.value, "body": letter.body, "attempts": 0, "not_before": 0}
        where = inbox.c.event_id == letter.key
        # Several modules may have failed on the same event, and be replayed before it is handled again.
        before = (await conn.execute(select(inbox.c.remaining).where(where))).scalar_one_or_none() or []
        remaining = sorted({letter.module, *before})
        await conn.execute(update(inbox).where(where).values(remaining=remaining, **again))
    else:
        body = orjson.loads(letter.body)
        again = {"state": State.waiting.value, "body": body, "attempts": 0, "not_before": 0}
        await conn.execute(update(outbox).where(outbox.c.key == letter.key).values(error=None, **again))
    await discard(conn, id)
    return True


async def discard(conn: AsyncConnection, id: int) -> bool:
    """Throw a letter away; whether there was one."""
    result = await conn.execute(delete(dead_letter).where(dead_letter.c.id == id))
    return result.rowcount == 1
