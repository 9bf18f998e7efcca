"""When people last said something in a room: one time a room, kept with the room's clock, nothing of who or what.

The one place that all ask who want to know whether there is talk: nothing else listens for that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.clock import milliseconds
from esnbot.engine.event import ENCRYPTED, Event
from esnbot.engine.tables import room_clock

WORDS: Final = frozenset({"m.room.message", "m.sticker", "m.poll.start", "org.matrix.msc3381.poll.start", ENCRYPTED})
"""Types of what people say; of what cannot be read yet it is taken to be."""
_ABOUT_ANOTHER: Final = frozenset({"m.replace", "m.reference", "m.annotation"})


def is_word(event: Event, bot: str) -> bool:
    """Whether somebody else than the bot says something new: no correction, no vote. Cheap; called for each event."""
    if event.type not in WORDS or event.sender == bot or event.state_key is not None:
        return False
    relation = event.content.get("m.relates_to")
    return not (isinstance(relation, dict) and relation.get("rel_type") in _ABOUT_ANOTHER)


async def last_word(conn: AsyncConnection, room_id: str) -> datetime | None:
    """When somebody last said something in a room, to the millisecond, aware, in UTC; None: not since the bot is there.

    It is the time of the message, by the clock of the handlers (``ctx.now``), also where that was moved.
    """
    at = (await conn.execute(select(room_clock.c.spoken).where(room_clock.c.room_id == room_id))).scalar_one_or_none()
    return datetime.fromtimestamp(at / 1000, UTC) if at else None


async def recent(conn: AsyncConnection, room_id: str, since: datetime) -> bool:
    """Whether somebody said something in a room at an instant or after it."""
    query = select(room_clock.c.spoken).where(
        room_clock.c.room_id == room_id, room_clock.c.spoken >= milliseconds(since), room_clock.c.spoken > 0
    )
    return (await conn.execute(query)).first() is not None


async def last_words(conn: AsyncConnection) -> dict[str, int]:
    """Room to when somebody last said something there, in ms since 1970; rooms without a word are left out."""
    query = select(room_clock.c.room_id, room_clock.c.spoken).where(room_clock.c.spoken > 0)
    return {row.room_id: row.spoken for row in await conn.execute(query)}
