"""Encrypted events whose key has not arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from esnbot.engine.cipher import GIVE_UP_MS, NOT_YET_READABLE, TELL_MS, UNREADABLE
from esnbot.engine.clock import now_ms
from esnbot.engine.effects import Effect
from esnbot.engine.event import ENCRYPTED, Event
from esnbot.engine.feature import Context
from tests.engine.workshop import ALICE, BOT, JSON, OTHER, ROOM, Recorder, Workshop, a_message, a_module

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


async def test_a_key_that_comes_after_the_word_still_opens_it(workshop: Workshop, seen: Recorder) -> None:
    cabinet = Cabinet()
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("late", "$late"))
    workshop.clock.advance(TELL)
    await workshop.dispatch(engine)
    cabinet.give("$late")
    await workshop.dispatch(engine)
    assert [event.type for event in seen.events] == [NOT_YET_READABLE, "m.room.message"]


async def test_what_its_sender_takes_back_before_the_key_comes_is_never_handled(
    workshop: Workshop, seen: Recorder
) -> None:
    cabinet = Cabinet()
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("regretted", "$regretted"), sealed("meant", "$meant"))
    redaction = a_message(id="$redaction") | {"type": "m.room.redaction", "redacts": "$regretted", "content": {}}
    await workshop.handle(engine, redaction)
    cabinet.give("$regretted", "$meant")
    await workshop.dispatch(engine)
    workshop.clock.advance(GIVE_UP)
    await workshop.dispatch(engine)
    assert seen.bodies == ["meant"]
    assert len(seen.events) == 1


async def test_a_redaction_in_another_room_takes_nothing_back(workshop: Workshop, seen: Recorder) -> None:
    cabinet = Cabinet()
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("meant", "$meant"))
    redaction = a_message(id="$elsewhere", room=OTHER) | {
        "type": "m.room.redaction",
        "redacts": "$meant",
        "content": {},
    }
    await workshop.handle(engine, redaction)
    cabinet.give("$meant")
    await workshop.dispatch(engine)
    assert seen.bodies == ["meant"]


async def test_without_the_device_what_is_encrypted_waits_for_it_for_as_long_as_it_takes(
    workshop: Workshop, seen: Recorder
) -> None:
    cabinet = Cabinet()
    cabinet.ready = False
    engine = workshop.engine(seen.module, cipher=cabinet, system=workshop.clock)
    await workshop.handle(engine, sealed("patient", "$patient"), a_message("in between"))
    workshop.clock.advance(GIVE_UP * 2)
    await workshop.dispatch(engine)
    assert [event.text("body") for event in seen.events] == ["in between"]
    cabinet.ready = True
    cabinet.give("$patient")
    await workshop.dispatch(engine)
    assert seen.bodies == ["in between", "patient"]


async def test_of_an_error_that_quotes_what_was_encrypted_its_type_and_place_are_kept(
    workshop: Workshop, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "the launch is on the ninth"

    async def stumble(_ctx: Context, event: Event) -> Sequence[Effect]:
        raise ValueError(event.text("body"))

    async def stumble_on_what_was_kept(ctx: Context, event: Event) -> Sequence[Effect]:
        kept = Event(event_id="$old", room_id=ROOM, type=ENCRYPTED, sender=ALICE, ts=1, content={"ciphertext": secret})
        opened = ctx.open(kept)
        raise ValueError(opened.text("body") if opened else "")

    def look(event: Event) -> bool:
        raise ValueError(event.text("body"))

    cabinet = Cabinet()
    cabinet.give("$one", "$old")
    modules = (
        a_module("one", stumble),
        a_module("two", stumble_on_what_was_kept, "m.reaction"),
        a_module("three", stumble, wants=look),
    )
    engine = workshop.engine(*modules, cipher=cabinet, system=workshop.clock)
    reaction = a_message(room=OTHER) | {"type": "m.reaction", "content": {}}
    await workshop.handle(engine, sealed(secret, "$one"), reaction)
    for _ in range(5):
        workshop.clock.advance(timedelta(seconds=10))
        await workshop.dispatch(engine)
    found = {letter.module: letter.error for letter in await workshop.letters()}
    assert set(found) == {"one", "two", "three"}
    assert found["one"].startswith("ValueError in stumble (test_parking.py:")
    assert found["two"].startswith("ValueError in stumble_on_what_was_kept (test_parking.py:")
    assert found["three"].startswith("ValueError in look (test_parking.py:")
    assert secret not in caplog.text + "".join(capsys.readouterr())
