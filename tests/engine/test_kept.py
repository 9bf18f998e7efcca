"""Events that a handler keeps for later: ciphertext where they came so, opened again in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select, update

from esnbot.engine import dispatch
from esnbot.engine.cipher import ENCRYPTED
from esnbot.engine.effects import Effect, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.engine.tables import inbox, outbox
from esnbot.store import kept
from tests.engine.workshop import BOT, Workshop, a_message, a_module

SECRET = "the ninth"


class Envelope:
    """A cipher that turns texts round."""

    news = 0

    def __init__(self) -> None:
        self.ready = True
        self.lost = False
        self.on_news: Callable[[], None] = lambda: None
        self.opened: list[tuple[str, int]] = []

    def decrypt(
        self, room: str, sender: str, event: str, ts: int, content: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        if self.lost:
            return None
        self.opened.append((event, ts))
        return "m.room.message", {"msgtype": "m.text", "body": str(content["ciphertext"])[::-1]}

    async def encrypt(
        self, room: str, type: str, content: Mapping[str, Any], members: Iterable[str]
    ) -> tuple[str, dict[str, Any]]:
        return type, dict(content)


async def keep_and_repeat(ctx: Context, event: Event) -> Sequence[Effect]:
    """Keeps the first message, and says it when the next one comes."""
    if event.sender == BOT:
        return []
    before = await kept.get(ctx.conn, "first")
    if before is None:
        await kept.put(ctx.conn, "first", msgspec.json.encode(event.kept()).decode())
        return []
    first = ctx.open(msgspec.json.decode(before, type=Event))
    return [Say(room=event.room_id, body=first.text("body") if first is not None else "lost")]


def sealed(text: str) -> dict[str, Any]:
    message = a_message(ts=1_700_000_000_123)
    return {**message, "type": ENCRYPTED, "content": {"ciphertext": text[::-1]}}


async def said(workshop: Workshop) -> list[str]:
    async with workshop.database.read() as conn:
        return [body["body"] for body in (await conn.execute(select(outbox.c.body))).scalars()]


async def test_what_was_encrypted_is_kept_so_and_opened_again(workshop: Workshop) -> None:
    cipher = Envelope()
    engine = workshop.engine(a_module("keeper", keep_and_repeat, "m.room.message"), cipher=cipher)
    first = sealed(SECRET)
    await workshop.handle(engine, first)
    async with workshop.database.read() as conn:
        stored = await kept.get(conn, "first")
    assert stored is not None
    assert SECRET not in stored
    await workshop.handle(engine, a_message("next"))
    assert [SECRET in body for body in await said(workshop)] == [True]
    assert cipher.opened == [(first["event_id"], first["origin_server_ts"])] * 2


async def test_a_plain_event_is_kept_as_it_is(workshop: Workshop) -> None:
    engine = workshop.engine(a_module("keeper", keep_and_repeat, "m.room.message"))
    await workshop.handle(engine, a_message("plain words"), a_message("next"))
    assert ["plain words" in body for body in await said(workshop)] == [True]


async def test_what_cannot_be_read_any_more_is_none(workshop: Workshop) -> None:
    cipher = Envelope()
    engine = workshop.engine(a_module("keeper", keep_and_repeat, "m.room.message"), cipher=cipher)
    await workshop.handle(engine, sealed(SECRET))
    cipher.lost = True
    await workshop.handle(engine, a_message("next"))
    assert ["lost" in body for body in await said(workshop)] == [True]


async def test_while_another_process_has_the_device_it_is_waited_for_and_no_attempt_counts(workshop: Workshop) -> None:
    cipher = Envelope()
    engine = workshop.engine(a_module("keeper", keep_and_repeat, "m.room.message"), cipher=cipher)
    await workshop.handle(engine, sealed(SECRET))
    cipher.ready = False
    await workshop.push(engine, a_message("next"))
    for _ in range(len(dispatch.RETRY_AFTER) + 2):
        await engine.dispatcher.step()
        async with workshop.database.read() as conn:
            assert (await conn.execute(select(inbox.c.attempts).where(inbox.c.state == 0))).scalars().all() == [0]
        await workshop.database.write(lambda conn: conn.execute(update(inbox).values(not_before=0)))
    assert await workshop.letters() == []
    cipher.ready = True
    await engine.dispatcher.step()
    assert [SECRET in body for body in await said(workshop)] == [True]
