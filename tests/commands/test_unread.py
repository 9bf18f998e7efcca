"""What the bot says about messages whose key does not come."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.cipher import NOT_YET_READABLE, UNREADABLE
from esnbot.engine.clock import now_ms
from esnbot.engine.effects import Say
from esnbot.engine.inbox import put_internal
from esnbot.engine.tables import outbox
from tests.commands.kit import ALI, DIRECT, PHOTO, ZOE, Room

_numbers = count(1)


async def unread(room: Room, type: str = NOT_YET_READABLE, *, place: str = DIRECT, by: str = ZOE, ts: int = -1) -> Any:
    """The engine says that a message cannot be read; what comes of it."""
    now = now_ms(room.clock)
    content = {"event_id": f"$m{next(_numbers)}", "sender": by, "ts": now if ts < 0 else ts, "thread": ""}

    async def put(conn: AsyncConnection) -> int:
        await put_internal(conn, f"{type}:{content['event_id']}", type, content, now, room_id=place)
        return (await conn.execute(select(outbox.c.seq).order_by(outbox.c.seq.desc()))).scalars().first() or 0

    before = await room.database.write(put)
    await room.dispatcher.step()
    return await room.sent_after(before)


async def test_in_a_direct_chat_the_person_is_told_how_to_help_once_a_day(room: Room) -> None:
    (said,) = await unread(room)
    assert isinstance(said, Say)
    assert "Je ne peux pas encore lire votre message" in said.body
    assert said.thread.startswith("$m")
    assert await unread(room) == []
    room.clock.instant += timedelta(days=1)
    assert len(await unread(room)) == 1


async def test_when_it_is_given_up_that_is_said_too_and_once(room: Room) -> None:
    await unread(room)
    (said,) = await unread(room, UNREADABLE)
    assert isinstance(said, Say)
    assert "Merci de l’écrire encore une fois" in said.body
    assert await unread(room, UNREADABLE) == []


async def test_in_a_group_nothing_is_said(room: Room) -> None:
    assert await unread(room, place=PHOTO, by=ALI) == []
    assert await unread(room, UNREADABLE, place=PHOTO, by=ALI) == []


async def test_of_what_was_said_before_the_bot_came_nothing_is_said(room: Room) -> None:
    assert await unread(room, ts=0) == []


async def test_no_name_stands_in_the_outbox_longer_than_what_was_said(room: Room) -> None:
    (said,) = await unread(room)
    assert ZOE not in said.key
