"""Several bots on one PostgreSQL: no event twice, the order of rooms, and what a dead one held."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import outbox as module_outbox
from esnbot.engine.clock import now_ms
from esnbot.engine.effects import Effect, Say, Schedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Module
from esnbot.store import leases
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing.clock import ManualClock
from esnbot.testing.stub import Reply, StubHomeserver
from esnbot.testing.waiting import eventually
from tests.engine.workshop import ROOM, Workshop, a_message, a_module

ROOMS = [f"!room{n}:stub.example" for n in range(8)]


@pytest_asyncio.fixture
async def databases(postgres_url: str) -> AsyncIterator[list[Database]]:
    """Three pools of connections to one database, as three processes have."""
    opened = [await Database.open(postgres_url) for _ in range(3)]
    await migrate(opened[0])
    yield opened
    for database in opened:
        await database.close()


@pytest_asyncio.fixture
async def workshop(
    databases: list[Database], stub_homeserver: StubHomeserver, clock: ManualClock
) -> AsyncIterator[Workshop]:
    """A workshop over the first of them."""
    made = Workshop(databases[0], stub_homeserver, clock)
    await made.bot_is_in(ROOM, *ROOMS)
    yield made
    await made.close()


class Shared:
    """The same module in every process, noting what each of them handled."""

    def __init__(self) -> None:
        self.handled: Counter[str] = Counter()
        self.by_room: defaultdict[str, list[int]] = defaultdict(list)
        self.by_process: Counter[str] = Counter()

    def module(self, process: str) -> Module:
        """The module of one process."""

        async def handle(_ctx: Context, event: Event) -> Sequence[Effect]:
            self.handled[event.event_id] += 1
            self.by_room[event.room_id].append(int(event.text("body")))
            self.by_process[process] += 1
            return [Say(room=event.room_id, body=event.text("body"))]

        async def due(_ctx: Context, event: Event) -> Sequence[Effect]:
            self.handled[event.event_id] += 1
            return [Say(room=ROOM, body=event.text("key"))]

        return Module("shared", a_module("shared", handle).listeners, due={"post": due})


async def test_no_event_is_handled_twice_and_rooms_keep_their_order(
    workshop: Workshop, databases: list[Database]
) -> None:
    shared = Shared()
    engines = [workshop.engine(shared.module(str(n)), database=database) for n, database in enumerate(databases)]
    for engine in engines:
        await engine.start()
    for number in range(40):
        events = [a_message(str(number), room=room) for room in ROOMS]
        await workshop.push(engines[number % 3], *events)
    await workshop.delivered(engines[0], 60)
    assert set(shared.handled.values()) == {1}
    assert sum(shared.handled.values()) == 40 * len(ROOMS)
    assert all(shared.by_room[room] == list(range(40)) for room in ROOMS)
    for room in ROOMS:
        assert [sent.content["body"] for sent in workshop.stub.messages(room)] == [str(n) for n in range(40)]


async def test_each_job_is_done_by_one_of_them(workshop: Workshop, databases: list[Database]) -> None:
    shared = Shared()
    engines = [workshop.engine(shared.module(str(n)), database=database) for n, database in enumerate(databases)]
    jobs = [Schedule(key=f"job {n}", job="post", due=workshop.clock.now()) for n in range(200)]
    await workshop.said(engines[0], "shared", *jobs)
    for engine in engines:
        await engine.start()

    async def all_done() -> bool:
        return sum(shared.handled.values()) >= 200 and (await engines[0].backlog()).outbox == 0

    await eventually(all_done, 30)
    assert set(shared.handled.values()) == {1}
    assert len(workshop.stub.messages(ROOM)) == 200


async def test_what_a_dead_process_held_is_taken_over(
    workshop: Workshop, databases: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = workshop.engine(database=databases[1])

    async def hold(conn: AsyncConnection) -> None:
        assert await leases.take(conn, f"outbox:{ROOM}", "dead", now_ms(engine.system), 1.5)

    await databases[0].write(hold)
    await workshop.said(engine, "talk", Say(room=ROOM, body="after the death"))
    began = now_ms(engine.system)
    await engine.start()
    await workshop.delivered(engine)
    assert len(workshop.stub.messages(ROOM)) == 1
    assert now_ms(engine.system) - began >= 1000


async def test_a_slow_delivery_keeps_its_room(
    workshop: Workshop, databases: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_outbox, "LEASE", 1.2)
    workshop.stub.answer("PUT", "/send/", Reply(delay=3.0))
    engines = [workshop.engine(database=database) for database in databases]
    await workshop.said(engines[0], "talk", *[Say(room=ROOM, body=str(n)) for n in range(3)])
    for engine in engines:
        await engine.start()
    await workshop.delivered(engines[0])
    assert len(workshop.stub.attempts("PUT", "/send/")) == 3
    assert [sent.content["body"] for sent in workshop.stub.messages(ROOM)] == ["0", "1", "2"]


async def test_a_handler_that_fails_in_one_process_is_tried_again_in_any(
    workshop: Workshop, databases: list[Database]
) -> None:
    attempts: list[str] = []

    def module(process: str) -> Module:
        async def handle(_ctx: Context, event: Event) -> Sequence[Effect]:
            attempts.append(process)
            if len(attempts) < 3:
                raise RuntimeError
            return [Say(room=event.room_id, body="at last")]

        return a_module("shaky", handle)

    engines = [workshop.engine(module(str(n)), database=database) for n, database in enumerate(databases)]
    for engine in engines:
        await engine.start()
    await workshop.push(engines[0], a_message(), a_message("second"))
    await workshop.delivered(engines[0])
    assert len(attempts) == 4
    assert len(workshop.stub.messages(ROOM)) == 2
