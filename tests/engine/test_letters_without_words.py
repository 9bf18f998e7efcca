"""Dead letters of encrypted rooms: what was said there stands in none of them, and in no log."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from esnbot.engine.cipher import ENCRYPTED
from esnbot.engine.effects import Effect, Say
from esnbot.engine.engine import Engine
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.store import rooms
from esnbot.testing.stub import Reply
from tests.engine.workshop import ALICE, BOT, OTHER, ROOM, Workshop, a_message, a_module

SECRET = "the launch is on the ninth"
SEND = "/send/"


class Envelope:
    """A cipher that turns letters round, and locks words away as somebody's base64."""

    news = 0
    ready = True

    def __init__(self) -> None:
        self.on_news: Callable[[], None] = lambda: None

    def decrypt(
        self, room: str, sender: str, event: str, ts: int, content: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        return "m.room.message", {"msgtype": "m.text", "body": str(content["ciphertext"])[::-1]}

    async def encrypt(
        self, room: str, type: str, content: Mapping[str, Any], members: Iterable[str], encryption: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        return ENCRYPTED, {"ciphertext": str(content["body"])[::-1]}

    def lock(self, words: bytes) -> str:
        return b64encode(words).decode()

    def unlock(self, locked: str) -> bytes:
        return b64decode(locked)

    async def has_devices(self, user: str) -> bool:
        return True


async def encrypted(workshop: Workshop, room: str = ROOM, *, really: bool = True) -> None:
    """Let the store know a room that is encrypted, or is known not to be."""
    contents: list[tuple[str, str, dict[str, Any]]] = [
        ("m.room.create", "", {"room_version": "12"}),
        ("m.room.member", BOT, {"membership": "join"}),
        ("m.room.member", ALICE, {"membership": "join"}),
        *([("m.room.encryption", "", {"algorithm": "m.megolm.v1.aes-sha2"})] if really else []),
    ]
    events = [rooms.StateEvent(room, type, key, f"${type}{key}", ALICE, 1, content) for type, key, content in contents]
    await workshop.database.write(lambda conn: rooms.trust(conn, events))


async def refused(workshop: Workshop, engine: Engine, room: str) -> None:
    """Say the secret in a room where the homeserver does not let the bot."""
    workshop.stub.answer("PUT", SEND, Reply.refused())
    await engine.start()
    await workshop.said(engine, "talk", Say(room=room, body=SECRET), cause="$c")
    await workshop.delivered(engine)


async def everything(workshop: Workshop) -> str:
    """All that the database has of events and effects."""
    async with workshop.database.read() as conn:
        tables = ("inbox", "outbox", "dead_letter")
        return str([(await conn.execute(text(f"SELECT * FROM {table}"))).all() for table in tables])


async def test_a_refused_message_leaves_no_words_and_can_be_put_back(workshop: Workshop) -> None:
    await encrypted(workshop)
    engine = workshop.engine(cipher=Envelope())
    await refused(workshop, engine, ROOM)
    (letter,) = await workshop.letters()
    assert SECRET not in await everything(workshop)
    assert workshop.stub.sent == []

    assert await workshop.replay(letter)
    assert SECRET not in await everything(workshop)
    engine.signals.set("outbox")
    await workshop.delivered(engine)
    assert [one.content["ciphertext"] for one in workshop.stub.sent] == [SECRET[::-1]]


async def test_without_the_device_the_words_are_not_kept_and_nothing_can_be_put_back(workshop: Workshop) -> None:
    await encrypted(workshop)
    engine = workshop.engine()
    await refused(workshop, engine, ROOM)
    (letter,) = await workshop.letters()
    assert SECRET not in await everything(workshop)
    assert not await workshop.replay(letter)
    assert await workshop.letters() == [letter]


async def test_in_a_plain_room_nothing_changes(workshop: Workshop) -> None:
    await encrypted(workshop, OTHER, really=False)
    engine = workshop.engine(cipher=Envelope())
    await refused(workshop, engine, OTHER)
    (letter,) = await workshop.letters()
    assert await workshop.replay(letter)
    engine.signals.set("outbox")
    await workshop.delivered(engine)
    assert [one.content["body"] for one in workshop.stub.sent] == [SECRET]


async def quotes(_ctx: Context, event: Event) -> Sequence[Effect]:
    """Fails, and says about what."""
    raise ValueError(f"not for me: {event.text('body')}")


@pytest.mark.parametrize("is_sealed", [True, False])
async def test_a_failure_about_an_encrypted_message_is_told_without_it(
    workshop: Workshop, is_sealed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    await encrypted(workshop)
    engine = workshop.engine(a_module("quoting", quotes), cipher=Envelope())
    message = a_message(SECRET)
    if is_sealed:
        message = {**message, "type": ENCRYPTED, "content": {"ciphertext": SECRET[::-1]}}
    await workshop.push(engine, message)
    await workshop.dispatched(engine)
    (letter,) = await workshop.letters()
    assert letter.error.startswith("ValueError")
    assert (SECRET in letter.error) is not is_sealed
    if is_sealed:
        assert "test_letters_without_words.py" in letter.error
        assert SECRET not in await everything(workshop)
        assert SECRET not in "".join(capsys.readouterr())
