"""An engine's life: beginning, going on when something fails, forgetting what is long done, ending in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import dispatch, housekeeping, inbox, letters
from esnbot.engine import engine as module_engine
from esnbot.engine.effects import Effect, Say, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Module
from esnbot.engine.tables import dead_letter
from esnbot.engine.tables import inbox as inbox_table
from esnbot.engine.tables import outbox as outbox_table
from esnbot.store.database import Database, DatabaseError
from esnbot.testing.clock import ManualClock
from esnbot.testing.stub import Reply
from esnbot.testing.waiting import eventually
from tests.engine.workshop import OTHER, ROOM, Recorder, Workshop, a_message, a_module, an_echo


async def count(workshop: Workshop, table: object) -> int:
    async with workshop.database.read() as conn:
        return int((await conn.execute(select(func.count()).select_from(table))).scalar_one())  # type: ignore[arg-type]


async def rename(workshop: Workshop, before: str, after: str) -> None:
    """Take the engine's tables away, or give them back."""

    async def job(conn: AsyncConnection) -> None:
        for table in ("inbox", "outbox"):
            await conn.execute(text(f"ALTER TABLE {before.format(table)} RENAME TO {after.format(table)}"))

    await workshop.database.write(job)


async def test_a_module_that_cannot_begin_stops_no_other(workshop: Workshop) -> None:
    async def good(_ctx: Context) -> Sequence[Effect]:
        return [Say(key="hello", room=ROOM, body="here I am")]

    async def bad(_ctx: Context) -> Sequence[Effect]:
        raise RuntimeError("no configuration")

    engine = workshop.engine(Module("bad", start=bad), Module("good", start=good))
    await engine.start()
    await workshop.delivered(engine)
    assert [sent.content["body"] for sent in workshop.stub.messages()] == ["here I am"]


async def test_what_is_said_at_a_start_is_said_once_however_often_we_start(workshop: Workshop) -> None:
    async def hello(_ctx: Context) -> Sequence[Effect]:
        return [Say(key="hello", room=ROOM, body="here I am")]

    for _ in range(3):
        engine = workshop.engine(Module("polite", start=hello))
        await engine.start()
        await workshop.delivered(engine)
        await engine.stop()
    assert len(workshop.stub.messages()) == 1


async def test_what_was_accepted_is_handled_by_the_next_process(workshop: Workshop) -> None:
    await workshop.push(workshop.engine(an_echo()), a_message("before the crash"))
    engine = workshop.engine(an_echo())
    await engine.start()
    await workshop.delivered(engine)
    assert [sent.content["body"] for sent in workshop.stub.messages()] == ["before the crash"]


async def test_a_machine_that_fails_begins_again(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = workshop.engine(an_echo())
    failures = 2
    claim = engine.outbox._claim_safely

    async def failing() -> object:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise RuntimeError("a bug")
        return await claim()

    monkeypatch.setattr(engine.outbox, "_claim_safely", failing)
    monkeypatch.setattr(module_engine, "LONGEST_PAUSE", 0.1)
    await engine.start()
    await workshop.push(engine, a_message())
    await workshop.delivered(engine, 20)
    assert len(workshop.stub.messages()) == 1


async def test_a_database_in_trouble_is_waited_for(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "IDLE", 0.05)
    engine = workshop.engine(an_echo())
    await engine.start()
    await rename(workshop, "{}", "_{}")
    with pytest.raises(DBAPIError, match="inbox"):
        await workshop.push(engine, a_message("too early"))
    await rename(workshop, "_{}", "{}")
    await workshop.push(engine, a_message("again"))
    await workshop.delivered(engine, 20)
    assert [sent.content["body"] for sent in workshop.stub.messages()] == ["again"]


async def test_a_full_database_refuses_and_loses_nothing(
    sqlite_workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "IDLE", 0.05)
    engine = sqlite_workshop.engine(an_echo())
    await engine.start()
    await sqlite_workshop.push(engine, a_message("accepted"))
    await sqlite_workshop.delivered(engine)
    connection = sqlite_workshop.database._connection
    assert connection is not None
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert driver is not None
    await driver.execute("PRAGMA max_page_count = 1")
    big = a_message("x" * 60_000)
    outcomes = [
        await asyncio.gather(sqlite_workshop.push(engine, {**big, "event_id": f"$big{n}"}), return_exceptions=True)
        for n in range(50)
    ]
    assert "full" in str(outcomes[-1])
    held = [event for event in await sqlite_workshop.waiting() if event.startswith("$big")]
    await driver.execute("PRAGMA max_page_count = 1000000")
    await sqlite_workshop.push(engine, big)
    await sqlite_workshop.delivered(engine, 20)
    assert len(sqlite_workshop.stub.messages()) >= 2 + len(held)
    assert await sqlite_workshop.letters() == []


async def test_a_second_bot_on_the_same_file_is_refused_in_one_sentence(
    sqlite_workshop: Workshop, sqlite_url: str
) -> None:
    await sqlite_workshop.engine().start()
    other = await Database.open(sqlite_url)
    with pytest.raises(DatabaseError, match="Another bot is at work"):
        await sqlite_workshop.engine(database=other).start()
    await other.close()


async def test_the_engine_stops_in_time_with_deliveries_in_flight(workshop: Workshop) -> None:
    workshop.stub.always("PUT", "/send/", Reply(delay=30))
    engine = workshop.engine()
    await engine.start()
    await workshop.said(engine, "talk", *[Say(room=room, body="slow") for room in (ROOM, OTHER)])
    await eventually(lambda: len(workshop.stub.attempts("PUT", "/send/")) == 2)
    began = time.monotonic()
    await engine.stop()
    assert time.monotonic() - began < 3
    workshop.stub.behave()
    again = workshop.engine()
    await again.start()
    await workshop.delivered(again)
    assert len(workshop.stub.messages()) == 2


async def test_what_is_long_done_is_forgotten_and_what_waits_or_can_be_replayed_is_not(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "STEP", 7)
    monkeypatch.setattr(housekeeping, "BETWEEN", 0.0)
    monkeypatch.setattr(dispatch, "RETRY_AFTER", ())
    system = ManualClock()

    async def picky(_ctx: Context, event: Event) -> Sequence[Effect]:
        if event.text("body") == "poison":
            raise RuntimeError
        return [Say(key=event.text("body"), room=event.room_id, body=event.text("body"))]

    engine = workshop.engine(a_module("picky", picky), system=system)
    await workshop.handle(engine, a_message("poison", id="$poison"), *[a_message(str(n)) for n in range(30)])
    assert await engine.housekeeping.once() == 0
    system.advance(timedelta(days=15))
    await workshop.handle(engine, a_message("young"))
    await workshop.push(engine, a_message("waits"))
    assert await engine.housekeeping.once() == 30
    assert await count(workshop, inbox_table) == 3
    system.advance(timedelta(days=100))
    await engine.housekeeping.once()
    assert await count(workshop, outbox_table) == 31
    (letter,) = await workshop.letters()
    assert await workshop.replay(letter)
    assert "$poison" in await workshop.waiting()


async def test_effects_are_forgotten_once_they_are_long_done(workshop: Workshop) -> None:
    system = ManualClock()
    engine = workshop.engine(system=system)
    await engine.start()
    await workshop.said(engine, "talk", *[Say(key=f"k{n}", room=ROOM, body="x") for n in range(5)])
    await workshop.delivered(engine)
    system.advance(timedelta(days=91))
    await engine.housekeeping.once()
    assert await count(workshop, outbox_table) == 0
    await workshop.said(engine, "talk", Say(room=ROOM, body="y", thread=post("k1")))
    await eventually(lambda: engine.database)
    await workshop.delivered(engine)
    assert ["never sent" in letter.error for letter in await workshop.letters()] == [True]


async def test_malformed_letters_make_room_for_newer_ones(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MALFORMED_KEPT", 20)
    engine = workshop.engine()
    for number in range(50):
        await workshop.push(engine, {"number": number})
    await workshop.push(engine, *[{"number": number} for number in range(100, 150)])
    assert await count(workshop, dead_letter) == 20
    assert engine.metrics.registry.get_sample_value("esnbot_dead_letters_dropped_total") == 50


async def test_the_logs_and_letters_have_no_message_in_them(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "RETRY_AFTER", ())

    async def careless(ctx: Context, event: Event) -> Sequence[Effect]:
        await ctx.conn.execute(text("INSERT INTO nowhere VALUES (:body)"), {"body": event.text("body")})
        return []

    engine = workshop.engine(a_module("careless", careless), Recorder().module)
    await engine.start()
    await workshop.push(engine, a_message("a private word"))
    await workshop.dispatched(engine)
    assert "a private word" not in "".join(capsys.readouterr())
    async with workshop.database.read() as conn:
        (letter,) = await letters.all_letters(conn)
    assert "a private word" not in letter.error


async def test_tables_do_not_grow_with_the_names_of_jobs(workshop: Workshop) -> None:
    from esnbot.engine.tables import room_clock
    from tests.engine.test_schedule import Bell, at, ringing

    bell = Bell()
    engine = workshop.engine(bell.module)
    await workshop.said(engine, "bell", *[at(f"job {n}", workshop.clock.now()) for n in range(50)])
    await ringing(workshop, engine)
    assert len(bell.rang) == 50
    assert await count(workshop, room_clock) == 0


async def test_a_handler_is_never_given_to_two_dispatchers(workshop: Workshop) -> None:
    seen = Recorder()
    engine = workshop.engine(seen.module)
    await engine.start()
    await asyncio.gather(*[workshop.push(engine, *[a_message(f"{n} {m}") for m in range(10)]) for n in range(20)])
    await workshop.dispatched(engine)
    assert len(seen.bodies) == len(set(seen.bodies)) == 200
