"""Encrypted events whose key has not arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from esnbot.engine.cipher import GIVE_UP_MS, NOT_YET_READABLE, TELL_MS, UNREADABLE
from esnbot.engine.clock import now_ms
from tests.engine.workshop import BOT, JSON, OTHER, ROOM, Recorder, Workshop, a_message

TELL, GIVE_UP = timedelta(milliseconds=TELL_MS), timedelta(milliseconds=GIVE_UP_MS)


class Cabinet:
    """A cipher that opens events whose key was given to it."""

    def __init__(self) -> None:
        self.news = 0
        self.on_news: Callable[[], None] = lambda: None
        self.ready = True
        self.keys: set[str] = set()

    def give(self, *events: str) -> None:
        """A key arrives."""
        self.keys.update(events)
        self.news += 1
        self.on_news()

    def decrypt(
        self, room: str, sender: str, event: str, ts: int, content: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        """What was 'encrypted'."""
        if content["ciphertext"] == "nonsense":
            raise ValueError("no ciphertext")
        return ("m.room.message", {"body": content["ciphertext"]}) if event in self.keys else None

    async def encrypt(
        self, room: str, type: str, content: Mapping[str, Any], members: Iterable[str], encryption: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Nothing is said here."""
        raise AssertionError(type)

    async def has_devices(self, user: str) -> bool:
        """Nobody has."""
        return False


def sealed(body: str, id: str, **more: Any) -> JSON:
    """An encrypted message as the homeserver pushes it."""
    content = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": body}
    return a_message(id=id, **more) | {"type": "m.room.encrypted", "content": content}


@pytest.fixture
def seen() -> Recorder:
    """What the modules are given."""
    return Recorder("recorder", "m.room.message", "m.room.encrypted", UNREADABLE, NOT_YET_READABLE)


async def test_it_waits_without_holding_up_its_room_and_is_handled_when_the_key_comes(
    workshop: Workshop, seen: Recorder
) -> None:
    cabinet = Cabinet()
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("late", "$late"), a_message("in between"))
    assert seen.bodies == ["in between"]
    cabinet.give("$late")
    await workshop.dispatch(engine)
    assert seen.bodies == ["in between", "late"]


async def test_what_will_never_be_read_and_the_bots_own_words_wait_for_nothing(
    workshop: Workshop, seen: Recorder
) -> None:
    engine = workshop.engine(seen.module, cipher=Cabinet(), system=workshop.clock)
    await workshop.handle(engine, sealed("nonsense", "$nonsense"), sealed("mine", "$mine", sender=BOT))
    workshop.clock.advance(GIVE_UP)
    await workshop.dispatch(engine)
    assert [event.type for event in seen.events] == ["m.room.encrypted"]


async def test_it_is_said_once_after_two_minutes_and_once_when_it_is_given_up(
    workshop: Workshop, seen: Recorder
) -> None:
    engine = workshop.engine(seen.module, cipher=Cabinet(), system=workshop.clock)
    sent = now_ms(workshop.clock)
    await workshop.handle(engine, sealed("lost", "$lost", ts=sent))
    for seconds in range(0, 3700, 20):
        before = [event.type for event in seen.events]
        if seconds < 120:
            assert before == []
        if 140 < seconds < 3600:
            assert before == [NOT_YET_READABLE]
        workshop.clock.advance(timedelta(seconds=20))
        await workshop.dispatch(engine)
    assert [event.type for event in seen.events] == [NOT_YET_READABLE, UNREADABLE]
    assert all(event.content["ts"] == sent and event.text("event_id") == "$lost" for event in seen.events)
    assert all(event.room_id == ROOM for event in seen.events)


def redaction(of: str, *, room: str = ROOM) -> JSON:
    """Somebody removes an event."""
    return a_message(room=room) | {"type": "m.room.redaction", "redacts": of, "content": {"redacts": of}}


async def test_what_is_removed_before_its_key_comes_is_never_handled(workshop: Workshop, seen: Recorder) -> None:
    cabinet = Cabinet()
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("regretted", "$regretted"))
    await workshop.handle(engine, redaction("$regretted"))
    cabinet.give("$regretted")
    workshop.clock.advance(GIVE_UP)
    await workshop.dispatch(engine)
    assert seen.events == []


async def test_nobody_removes_it_from_another_room(workshop: Workshop, seen: Recorder) -> None:
    cabinet = Cabinet()
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("late", "$late"))
    await workshop.handle(engine, redaction("$late", room=OTHER))
    cabinet.give("$late")
    await workshop.dispatch(engine)
    assert seen.bodies == ["late"]


async def test_a_key_that_comes_after_the_word_still_opens_it(workshop: Workshop, seen: Recorder) -> None:
    cabinet = Cabinet()
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("late", "$late"))
    workshop.clock.advance(TELL)
    await workshop.dispatch(engine)
    cabinet.give("$late")
    await workshop.dispatch(engine)
    assert [event.type for event in seen.events] == [NOT_YET_READABLE, "m.room.message"]
