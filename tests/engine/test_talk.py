"""When people last said something in a room: one time a room, whoever it was, whatever it was."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from esnbot.engine.engine import Engine
from esnbot.engine.talk import last_word, last_words, recent
from tests.engine.workshop import BOT, NOON, OTHER, ROOM, Recorder, Workshop, a_message, a_state


def at(ms: int) -> datetime:
    """An instant."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def an_engine(workshop: Workshop) -> Engine:
    """An engine whose handlers have the machine's own time, which stands at noon and a minute."""
    workshop.clock.set(at(NOON + 60_000))
    return workshop.engine(Recorder().module, system=workshop.clock)


async def word_in(workshop: Workshop, room: str = ROOM) -> datetime | None:
    """When somebody last said something there."""
    async with workshop.database.read() as conn:
        return await last_word(conn, room)


async def test_the_last_word_of_each_room_is_known_to_the_millisecond(workshop: Workshop) -> None:
    engine = an_engine(workshop)
    assert await word_in(workshop) is None
    await workshop.handle(engine, a_message(), a_message(ts=NOON + 7), a_message(room=OTHER, ts=NOON + 3))
    assert await word_in(workshop) == at(NOON + 7)
    async with workshop.database.read() as conn:
        assert await last_words(conn) == {ROOM: NOON + 7, OTHER: NOON + 3}
        assert await recent(conn, ROOM, at(NOON + 7))
        assert not await recent(conn, ROOM, at(NOON + 8))
        assert not await recent(conn, "!nowhere", at(0))


@pytest.mark.parametrize(
    "event",
    [
        a_message(sender=BOT, ts=NOON + 9),
        a_state("m.room.topic", {"topic": "a new one"}, ts=NOON + 9),
        {**a_message(ts=NOON + 9), "type": "m.reaction"},
        {**a_message(ts=NOON + 9), "type": "m.poll.response"},
        {**a_message(ts=NOON + 9), "content": {"body": "* x", "m.relates_to": {"rel_type": "m.replace"}}},
        {
            **a_message(ts=NOON + 9),
            "type": "m.room.encrypted",
            "content": {"m.relates_to": {"rel_type": "m.reference"}},
        },
    ],
    ids=["the bot", "state", "a reaction", "a vote", "a correction", "an encrypted vote"],
)
async def test_what_is_no_new_word_of_a_person_does_not_count(workshop: Workshop, event: dict[str, Any]) -> None:
    engine = an_engine(workshop)
    await workshop.handle(engine, a_message(), event)
    await workshop.handle(engine, event)
    assert await word_in(workshop) == at(NOON)


@pytest.mark.parametrize("type", ["m.sticker", "m.poll.start", "m.room.encrypted"])
async def test_words_are_not_text_alone(workshop: Workshop, type: str) -> None:
    await workshop.handle(an_engine(workshop), {**a_message(), "type": type, "content": {"m.relates_to": "odd"}})
    assert await word_in(workshop) == at(NOON)


async def test_no_server_can_claim_that_there_will_be_talk(workshop: Workshop) -> None:
    await workshop.handle(an_engine(workshop), a_message(ts=NOON + 10**9), a_message(ts=-(10**9)))
    assert await word_in(workshop) == at(NOON + 60_000), "no later than it arrived, and never earlier than before"


async def test_where_the_clock_was_moved_a_word_is_as_old_as_it_is(workshop: Workshop) -> None:
    workshop.clock.set(at(NOON) + timedelta(days=40))
    sent = int(time.time() * 1000) - 600_000
    await workshop.handle(workshop.engine(Recorder().module), a_message(ts=sent))
    word = await word_in(workshop)
    assert word is not None
    assert timedelta(minutes=10) <= workshop.clock.now() - word < timedelta(minutes=11)
