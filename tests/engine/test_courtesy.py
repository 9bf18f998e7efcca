"""Read receipts and typing: seen where somebody spoke to the bot, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import pytest

from esnbot.engine.courtesy import Manners
from esnbot.engine.effects import Effect, Heed, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Module
from esnbot.testing.stub import Reply
from esnbot.testing.waiting import eventually
from tests.engine.workshop import BOT, OTHER, ROOM, Workshop, a_message, a_module

RECEIPT, TYPING, SEND = r"/receipt/m\.read/", r"/typing/", r"/send/m\.room\.message/"
QUICK = Manners(typing_after=0.02, typing_at_most=0.2)


def an_answerer(*, later: bool = False) -> Module:
    """Answers what begins with a question mark; ``later`` only says that it will."""

    async def handle(ctx: Context, event: Event) -> Sequence[Effect]:
        body = event.text("body")
        if event.sender == ctx.bot or not body.startswith("?"):
            return []
        if later:
            return [Heed(room=event.room_id, event=event.event_id, awaited=True)]
        return [Say(room=event.room_id, body="yes", thread=event.event_id, answers=event.event_id)]

    return a_module("answerer", handle)


async def at_work(workshop: Workshop, *modules: Module, manners: Manners = QUICK) -> Any:
    await workshop.bot_is_in(ROOM, OTHER)
    engine = workshop.engine(*modules, manners=manners)
    await engine.start()
    return engine


def read(workshop: Workshop) -> list[tuple[str, dict[str, Any]]]:
    """Event and content of each receipt."""
    return [(unquote(one.path).rpartition("/")[2], one.content) for one in workshop.stub.attempts("POST", RECEIPT)]


def typing(workshop: Workshop) -> list[bool]:
    """What was said of typing, in order."""
    return [one.content["typing"] for one in workshop.stub.attempts("PUT", TYPING)]


def answers(workshop: Workshop) -> int:
    return len(workshop.stub.messages())


async def test_what_is_answered_gets_a_receipt_and_ordinary_messages_get_nothing(workshop: Workshop) -> None:
    engine = await at_work(workshop, an_answerer())
    await workshop.push(engine, a_message("hello"), a_message("?", id="$asked"), a_message("hello again"))
    await eventually(lambda: read(workshop) == [("$asked", {})])
    await eventually(lambda: answers(workshop) == 1)
    await workshop.push(engine, a_message("?", id="$asked-again"), a_message("bye"))
    await eventually(lambda: answers(workshop) == 2)
    await eventually(lambda: [event for event, _ in read(workshop)] == ["$asked", "$asked-again"])


async def test_a_receipt_in_a_thread_is_of_that_thread(workshop: Workshop) -> None:
    engine = await at_work(workshop, an_answerer())
    message = a_message("?", id="$asked")
    message["content"]["m.relates_to"] = {"rel_type": "m.thread", "event_id": "$root"}
    await workshop.push(engine, message)
    await eventually(lambda: read(workshop) == [("$asked", {"thread_id": "$root"})])


async def test_one_request_a_room_is_under_way_and_the_last_event_wins(workshop: Workshop) -> None:
    workshop.stub.answer("POST", RECEIPT, Reply(delay=0.3))
    engine = await at_work(workshop, an_answerer())
    await workshop.push(engine, a_message("?", id="$first"))
    await eventually(lambda: len(read(workshop)) == 1)
    await workshop.push(engine, *(a_message("?", id=f"$m{number}") for number in range(20)))
    await eventually(lambda: answers(workshop) == 21)
    await eventually(lambda: [event for event, _ in read(workshop)] == ["$first", "$m19"])


async def test_an_answer_that_is_there_at_once_needs_no_typing(workshop: Workshop) -> None:
    engine = await at_work(workshop, an_answerer(), manners=Manners(typing_after=0.5))
    await workshop.push(engine, a_message("?"))
    await eventually(lambda: answers(workshop) == 1)
    await eventually(lambda: not engine.courtesy._rooms)
    assert typing(workshop) == []


async def test_typing_is_seen_until_the_answer_was_delivered(workshop: Workshop) -> None:
    workshop.stub.answer("PUT", SEND, Reply(delay=0.15))
    engine = await at_work(workshop, an_answerer(), manners=Manners(typing_after=0.02))
    await workshop.push(engine, a_message("?"))
    await eventually(lambda: typing(workshop) == [True, False])
    (on, off) = workshop.stub.attempts("PUT", TYPING)
    assert unquote(on.path).endswith(f"/typing/{BOT}")
    assert on.content == {"typing": True, "timeout": 30_000}
    (said,) = workshop.stub.attempts("PUT", SEND)
    assert max(said.at, on.at) < off.at


async def test_typing_ends_by_itself_when_no_answer_comes(workshop: Workshop) -> None:
    engine = await at_work(workshop, an_answerer(later=True))
    await workshop.push(engine, a_message("?"))
    await eventually(lambda: typing(workshop) == [True, False])
    assert engine.courtesy._rooms == {}


async def test_an_answer_that_was_faster_than_its_question_starts_no_typing(workshop: Workshop) -> None:
    engine = await at_work(workshop)
    engine.courtesy.answered("$asked")
    engine.courtesy.heed(Heed(room=ROOM, event="$asked", awaited=True))
    await eventually(lambda: len(read(workshop)) == 1)
    await eventually(lambda: not engine.courtesy._rooms)
    assert typing(workshop) == []


@pytest.mark.parametrize("reply", [Reply.broken(), Reply.limited(60_000), Reply.lost(), Reply.html()])
async def test_a_homeserver_in_trouble_is_not_bothered_with_courtesies(workshop: Workshop, reply: Reply) -> None:
    workshop.stub.always("POST", RECEIPT, reply)
    engine = await at_work(workshop, an_answerer())
    for number in range(5):
        await workshop.push(engine, a_message("?", id=f"$m{number}"), a_message("?", room=OTHER))
        await eventually(lambda number=number: answers(workshop) == 2 * (number + 1))  # type: ignore[misc]
    # Both rooms may have asked before the first answer came back.
    assert len(read(workshop)) <= 2


async def test_a_refusal_in_one_room_makes_nobody_quiet_elsewhere(workshop: Workshop) -> None:
    workshop.stub.answer("POST", RECEIPT, Reply.refused())
    engine = await at_work(workshop, an_answerer())
    await workshop.push(engine, a_message("?", id="$refused"))
    await eventually(lambda: len(read(workshop)) == 1)
    await workshop.push(engine, a_message("?", id="$next", room=OTHER))
    await eventually(lambda: [event for event, _ in read(workshop)] == ["$refused", "$next"])


async def test_receipts_that_hang_hold_up_no_answer(workshop: Workshop) -> None:
    workshop.stub.always("POST", RECEIPT, Reply(delay=30.0))
    engine = await at_work(workshop, an_answerer())
    async with asyncio.timeout(5):
        for number in range(10):
            await workshop.push(engine, a_message("?", room=ROOM if number % 2 else OTHER))
            await eventually(lambda number=number: answers(workshop) == number + 1)  # type: ignore[misc]
        await engine.stop()


async def test_what_is_switched_off_is_not_shown(workshop: Workshop) -> None:
    quiet = Manners(receipts=False, typing=False, typing_after=0.0)
    workshop.stub.answer("PUT", SEND, Reply(delay=0.1))
    engine = await at_work(workshop, an_answerer(), manners=quiet)
    await workshop.push(engine, a_message("?"))
    await eventually(lambda: answers(workshop) == 1)
    await workshop.push(engine, a_message("?"))
    await eventually(lambda: answers(workshop) == 2)
    assert (read(workshop), typing(workshop)) == ([], [])


async def test_what_people_say_in_thousands_of_rooms_takes_bounded_room(workshop: Workshop) -> None:
    workshop.stub.always("POST", RECEIPT, Reply(delay=30.0))
    engine = await at_work(workshop)
    for number in range(5_000):
        engine.courtesy.heed(Heed(room=f"!r{number}", event="$e", awaited=True))
        for question in range(100):
            engine.courtesy.heed(Heed(room="!r0", event=f"$q{question}", awaited=True))
    assert len(engine.courtesy._rooms) <= 500
    assert len(engine.courtesy._where) <= 600
    await engine.stop()
