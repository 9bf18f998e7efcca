"""Dispatch: each event once, in the order of its room, and a handler that fails harms nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from esnbot.engine import dispatch, letters
from esnbot.engine.effects import Effect, Emit, Say, Schedule
from esnbot.engine.event import DUE, Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.store import database, rooms
from esnbot.testing.clock import ManualClock
from esnbot.testing.waiting import eventually
from tests.engine.workshop import (
    ALICE,
    BOT,
    NOON,
    OTHER,
    ROOM,
    Recorder,
    Workshop,
    a_message,
    a_module,
    a_state,
    an_echo,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "RETRY_AFTER", (0.01, 0.01, 0.01))


async def test_a_transaction_that_comes_again_changes_nothing(workshop: Workshop) -> None:
    engine = workshop.engine(an_echo())
    event = a_message()
    for _ in range(3):
        await workshop.handle(engine, event)
    assert len(await workshop.effects()) == 1


async def test_an_event_that_comes_again_in_another_transaction_changes_nothing(workshop: Workshop) -> None:
    engine = workshop.engine(an_echo())
    event = a_message(id="$once")
    await workshop.handle(engine, event, a_message(), event)
    await workshop.handle(engine, a_message(), event)
    assert sum("$once" in key for key in await workshop.effects()) == 1
    assert len(await workshop.effects()) == 3


async def test_events_of_a_room_are_handled_in_their_order(workshop: Workshop) -> None:
    seen = Recorder()
    engine = workshop.engine(seen.module)
    await workshop.handle(engine, *[a_message(str(n), room=(ROOM, OTHER)[n % 2]) for n in range(250)])
    by_room = [[int(event.text("body")) for event in seen.events if event.room_id == room] for room in (ROOM, OTHER)]
    assert by_room == [list(range(0, 250, 2)), list(range(1, 250, 2))]


async def test_a_handler_that_raises_is_tried_again_alone_and_leaves_no_trace(workshop: Workshop) -> None:
    good, attempts = Recorder("good"), 0

    async def bad(ctx: Context, event: Event) -> Sequence[Effect]:
        nonlocal attempts
        attempts += 1
        await ctx.conn.execute(text("INSERT INTO kept VALUES ('bad', :n)"), {"n": str(attempts)})
        if attempts < 3:
            raise RuntimeError("not now")
        return [Say(room=event.room_id, body="at last")]

    engine = workshop.engine(good.module, a_module("bad", bad))
    await workshop.push(engine, a_message("one"), a_message("two"))
    await workshop.dispatched(engine)
    assert good.bodies == ["one", "two"]
    async with workshop.database.read() as conn:
        assert (await conn.execute(text("SELECT value FROM kept WHERE name = 'bad'"))).scalars().all() == ["3"]


async def test_the_room_waits_for_a_handler_that_is_tried_again_and_other_rooms_do_not(workshop: Workshop) -> None:
    order: list[str] = []

    async def shaky(_ctx: Context, event: Event) -> Sequence[Effect]:
        order.append(event.text("body"))
        if order.count("first") == 1 and event.text("body") == "first":
            raise RuntimeError
        return []

    engine = workshop.engine(a_module("shaky", shaky))
    await workshop.push(engine, a_message("first"), a_message("second"), a_message("elsewhere", room=OTHER))
    await workshop.dispatched(engine)
    assert order == ["first", "elsewhere", "first", "second"]


async def test_a_clock_that_is_set_back_holds_no_retry_up(workshop: Workshop) -> None:
    failed, system = False, ManualClock()

    async def shaky(_ctx: Context, _event: Event) -> Sequence[Effect]:
        nonlocal failed
        if not failed:
            failed = True
            raise RuntimeError
        return []

    engine = workshop.engine(a_module("shaky", shaky), system=system)
    await workshop.handle(engine, a_message())
    system.advance(-timedelta(hours=5))
    await workshop.dispatched(engine)
    assert await workshop.letters() == []


async def test_many_slow_events_are_handled_in_as_many_batches_as_it_takes(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "JOB_LIMIT", 0.5)
    monkeypatch.setattr(dispatch, "BATCH_SECONDS", 0.1)
    seen: list[str] = []

    async def slow(_ctx: Context, event: Event) -> Sequence[Effect]:
        await asyncio.sleep(0.03)
        seen.append(event.text("body"))
        return []

    engine = workshop.engine(a_module("slow", slow))
    await workshop.handle(engine, *[a_message(str(n)) for n in range(40)])
    assert seen == [str(n) for n in range(40)]


async def test_what_always_fails_becomes_a_dead_letter_and_the_room_goes_on(workshop: Workshop) -> None:
    seen = Recorder("good")

    async def bad(_ctx: Context, event: Event) -> Sequence[Effect]:
        if event.text("body") == "poison":
            raise RuntimeError("no\x00 good")
        return [Say(room=event.room_id, body="fine")]

    engine = workshop.engine(seen.module, a_module("bad", bad))
    await workshop.push(engine, a_message("poison", id="$poison"), a_message("two"), a_message("three"))
    await workshop.dispatched(engine)
    (letter,) = await workshop.letters()
    assert (letter.kind, letter.key, letter.module, letter.room) == ("event", "$poison", "bad", ROOM)
    assert letter.error == "RuntimeError: no\ufffd good"
    assert seen.bodies == ["poison", "two", "three"]
    assert len(await workshop.effects()) == 2


async def test_a_replayed_letter_is_handled_again_by_the_module_that_failed_alone(workshop: Workshop) -> None:
    good, broken = Recorder("good"), True

    async def repaired(_ctx: Context, event: Event) -> Sequence[Effect]:
        if broken:
            raise RuntimeError
        return [Say(room=event.room_id, body="repaired")]

    engine = workshop.engine(good.module, a_module("one", repaired), a_module("two", repaired))
    await workshop.push(engine, a_message())
    await workshop.dispatched(engine)
    broken = False
    for letter in await workshop.letters():
        assert await workshop.replay(letter)
    await workshop.dispatched(engine)
    assert len(good.events) == 1
    assert {key.partition("/")[0] for key in await workshop.effects()} == {"one", "two"}
    assert await workshop.letters() == []


async def test_what_is_no_event_cannot_be_replayed_but_thrown_away(workshop: Workshop) -> None:
    engine = workshop.engine()
    await workshop.handle(engine, {"type": "m.room.message"})
    (letter,) = await workshop.letters()
    assert letter.kind == "malformed"
    assert not await workshop.replay(letter)
    assert await workshop.letters() == [letter]
    assert await workshop.database.write(lambda conn: letters.discard(conn, letter.id))


async def test_gates_come_first(workshop: Workshop) -> None:
    order: list[str] = []

    def noting(name: str, gate: bool) -> Module:
        async def handle(_ctx: Context, _event: Event) -> Sequence[Effect]:
            order.append(name)
            return []

        return a_module(name, handle, gate=gate)

    engine = workshop.engine(noting("talk", False), noting("moderation", True), noting("perimeter", True))
    await workshop.handle(engine, a_message())
    assert order == ["moderation", "perimeter", "talk"]


async def test_internal_types_that_people_send_are_not_obeyed(workshop: Workshop) -> None:
    seen = Recorder("listener", "org.esnbot.room_ready", DUE)
    engine = workshop.engine(seen.module)
    forged = {"module": "listener", "job": "x", "key": "k", "due": 0, "payload": {}}
    await workshop.handle(engine, {**a_message(), "type": DUE, "content": forged})
    await workshop.handle(engine, a_state("org.esnbot.room_ready", {"key": "staff"}))
    assert seen.events == []


async def test_what_a_module_emits_reaches_the_others_after_it_and_once(workshop: Workshop) -> None:
    seen = Recorder("listener", "org.esnbot.note")

    async def emit(_ctx: Context, event: Event) -> Sequence[Effect]:
        return [Emit(type="org.esnbot.note", content={"body": event.text("body")}, room=event.room_id)]

    engine = workshop.engine(a_module("speaker", emit), seen.module)
    event = a_message("told")
    await workshop.handle(engine, event, event)
    assert seen.bodies == ["told"]
    assert seen.events[0].is_internal


async def test_the_time_of_an_event_lies_between_the_one_before_and_its_arrival(workshop: Workshop) -> None:
    seen = Recorder()
    engine = workshop.engine(seen.module)
    await workshop.handle(engine, a_message("now"), a_message("past", ts=5), a_message("future", ts=NOON * 10))
    await workshop.handle(engine, a_message("before time", ts=-(10**30)), a_message("never", ts=10**30))
    first, past, future, before, never = (event.ts for event in seen.events)
    assert first == past == NOON
    assert NOON < future <= before <= never < NOON * 2


async def test_rooms_that_the_bot_is_not_in_are_not_looked_at(workshop: Workshop) -> None:
    seen = Recorder("recorder", "m.room.message", "m.room.topic")
    engine = workshop.engine(seen.module)
    stranger = "!stranger:stub.example"
    await workshop.handle(engine, a_message(room=stranger), a_state("m.room.topic", {"topic": "x"}, room=stranger))
    assert seen.events == []
    async with workshop.database.read() as conn:
        assert await rooms.all_of(conn, stranger) == []


async def test_a_room_counts_from_the_bots_joining_to_its_leaving(workshop: Workshop) -> None:
    seen, room = Recorder(), "!new:stub.example"
    engine = workshop.engine(seen.module)

    def bot(membership: str) -> dict[str, object]:
        return a_state("m.room.member", {"membership": membership}, room=room, key=BOT, sender=BOT)

    await workshop.handle(engine, a_message("before", room=room), bot("join"), a_message("within", room=room))
    await workshop.handle(engine, bot("leave"), a_message("after", room=room))
    assert seen.bodies == ["within"]


async def test_a_handler_that_never_ends_is_stopped_and_set_aside(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "HANDLER_LIMIT", 0.05)
    monkeypatch.setattr(database, "INTERRUPTED_WITHIN", 0.05)
    seen = Recorder("good")

    async def endless(_ctx: Context, _event: Event) -> Sequence[Effect]:
        await asyncio.Event().wait()
        return []

    engine = workshop.engine(a_module("endless", endless), seen.module)
    await workshop.push(engine, a_message("one"))
    await workshop.dispatched(engine)
    await workshop.handle(engine)
    assert [letter.module for letter in await workshop.letters()] == ["endless"]
    assert seen.bodies == ["one"]


async def test_a_handler_whose_statement_never_ends_is_stopped_and_set_aside(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "HANDLER_LIMIT", 0.05)
    seen = Recorder("good")
    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    statement = forever if workshop.database.is_sqlite else "SELECT pg_sleep(600)"

    async def endless(ctx: Context, _event: Event) -> Sequence[Effect]:
        await ctx.conn.execute(text(statement))
        return []

    engine = workshop.engine(a_module("endless", endless), seen.module)
    await engine.start()
    await workshop.push(engine, a_message("one"), a_message("two", room=OTHER))
    await eventually(lambda: sorted(set(seen.bodies)) == ["one", "two"], 30)
    await workshop.delivered(engine, 30)
    assert [letter.module for letter in await workshop.letters()] == ["endless", "endless"]


async def test_a_module_whose_wish_raises_harms_no_other(workshop: Workshop) -> None:
    seen = Recorder("good")

    def wants(event: Event) -> bool:
        return bool(event.content["nothing"])

    engine = workshop.engine(Recorder("bad", wants=wants).module, seen.module)
    await workshop.push(engine, a_message("one"), a_message("two"))
    await workshop.dispatched(engine)
    assert seen.bodies == ["one", "two"]
    assert {letter.module for letter in await workshop.letters()} == {"bad"}


async def test_a_job_of_a_module_that_is_not_there_is_set_aside(workshop: Workshop) -> None:
    async def plan(ctx: Context, _event: Event) -> Sequence[Effect]:
        return [Schedule(key="k", job="unknown", due=ctx.now)]

    engine = workshop.engine(a_module("planner", plan))
    await workshop.handle(engine, a_message())
    await engine.scheduler.step()
    await workshop.dispatched(engine)
    (letter,) = await workshop.letters()
    assert (letter.kind, letter.module) == ("event", "planner")
    assert "unknown" in letter.error


async def test_a_module_hears_an_event_once_through_several_listeners_as_one_unit(workshop: Workshop) -> None:
    calls: list[str] = []

    async def first(_ctx: Context, _event: Event) -> Sequence[Effect]:
        calls.append("first")
        return []

    async def second(_ctx: Context, _event: Event) -> Sequence[Effect]:
        calls.append("second")
        return []

    kinds = frozenset({"m.room.message"})
    engine = workshop.engine(Module("both", (Listener(kinds, first), Listener(kinds, second))))
    await workshop.handle(engine, a_message(sender=ALICE))
    assert calls == ["first", "second"]
