"""What somebody changes by hand in the very moment when a pass works on the room is handled, and told once."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import orjson
import pytest
from sqlalchemy import delete, select

from esnbot.community.group import Kind
from esnbot.community.model import Community
from esnbot.engine.clock import SystemClock, now_ms
from esnbot.engine.effects import Effect, Emit, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.engine.tables import inbox
from esnbot.matrix.client import MatrixClient
from esnbot.provisioning import wanted
from esnbot.provisioning.events import DRIFT
from esnbot.provisioning.module import Watch
from esnbot.provisioning.reconciler import Reconciler
from esnbot.speech import Speech
from esnbot.store import bindings, rooms
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from tests.provisioning.kit import MIGRATIONS, a_community, a_group, a_space
from tests.provisioning.simulated import BOT, PERSON, Simulated

SERVER = "example.org"
Arrival = Literal["at once", "later"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "empty.db"

    async def make() -> None:
        database = await Database.open(f"sqlite+aiosqlite:///{path}")
        await migrate(database, [MIGRATIONS])
        await database.close()

    asyncio.run(make())
    return path


@dataclass
class Interrupted:
    """Stands before a client or a database, and lets something happen before and after whatever is asked of it."""

    behind: Any
    moment: Callable[[], Awaitable[None]]

    def __getattr__(self, name: str) -> Any:
        """The same verb, with a moment before it and one after it."""
        verb = getattr(self.behind, name)
        if not inspect.iscoroutinefunction(verb):
            return verb

        async def asked(*args: Any, **named: Any) -> Any:
            await self.moment()
            answer = await verb(*args, **named)
            await self.moment()
            return answer

        return asked


@dataclass
class House:
    """A homeserver in memory, and as much of a running bot as watches what people change."""

    database: Database
    homeserver: Simulated = field(default_factory=lambda: Simulated(time=now_ms(SystemClock()) - 30_000))
    told: list[str] = field(default_factory=list)
    """Everything that was said to the animators."""
    pushed: set[str] = field(default_factory=set)
    watch: Watch = field(default_factory=lambda: Watch(Speech(default="en", strict=True), BOT, SERVER))

    def reconciler(self, moment: Callable[[], Awaitable[None]] | None = None) -> Reconciler:
        """A reconciler; ``moment`` happens before and after whatever it asks of homeserver and database."""
        database, client = cast(Any, self.database), cast(Any, self.homeserver)
        if moment is not None:
            database, client = Interrupted(database, moment), Interrupted(client, moment)
        return Reconciler(database, cast(MatrixClient, client), SystemClock(), sleep=lambda _: asyncio.sleep(0))

    async def apply(self, community: Community) -> None:
        """Everything as declared, and nothing on its way."""
        reconciler = self.reconciler()
        await reconciler.declare(community)
        assert (await reconciler.apply()).failures == {}
        await self.push()

    async def room(self, key: str) -> str:
        """The room of a key."""
        async with self.database.read() as conn:
            room = await bindings.room_of(conn, key)
        assert room is not None
        return room

    async def push(self, only: JSON | None = None) -> None:
        """The homeserver pushes everything that it did not push yet, or one event out of it."""
        for room, raw in list(self.homeserver.history):
            if raw["event_id"] not in self.pushed and (only is None or raw is only):
                self.pushed.add(raw["event_id"])
                await self._receive(room, raw)
        await self.hear()

    async def _receive(self, room: str, raw: JSON) -> None:
        event = Event(
            event_id=raw["event_id"],
            room_id=room,
            type=raw["type"],
            sender=raw["sender"],
            ts=raw["origin_server_ts"],
            content=raw["content"],
            state_key=raw["state_key"],
        )

        async def handle(conn: Any) -> list[Effect]:
            state = rooms.StateEvent(
                room, event.type, raw["state_key"], event.event_id, event.sender, event.ts, event.content
            )
            await rooms.note(conn, state)
            listener = next(entry for entry in self.watch.module().listeners if "m.room.name" in entry.types)
            assert listener.wants is not None
            if event.type not in listener.types or not listener.wants(event):
                return []
            return list(await self.watch.changed(self._context(conn), event))

        for effect in await self.database.write(handle):
            if isinstance(effect, Emit):
                await self._drifted(effect.content)

    async def hear(self) -> None:
        """What was said inside, and what is told of it."""

        async def take(conn: Any) -> list[str]:
            bodies = (await conn.execute(select(inbox.c.body).order_by(inbox.c.seq))).scalars().all()
            await conn.execute(delete(inbox))
            return list(bodies)

        for event in map(orjson.loads, await self.database.write(take)):
            if event["type"] == DRIFT:
                await self._drifted(event["content"])
        for effect in await self.database.write(lambda conn: self.watch.tell(self._context(conn), _internal({}))):
            assert isinstance(effect, Say)
            self.told.append(effect.body)

    async def _drifted(self, content: JSON) -> None:
        await self.database.write(lambda conn: self.watch.drifted(self._context(conn), _internal(content)))

    def _context(self, conn: Any) -> Context:
        return Context(conn=conn, now=SystemClock().now(), bot=BOT)

    async def come_to_rest(self) -> None:
        """The reconciler does what chat and the watch left to it."""
        reconciler = self.reconciler()
        for _ in range(3):
            await reconciler._tidy(again=True)
            await self.push()
        async with self.database.read() as conn:
            assert await wanted.unsettled(conn) == {}


JSON = dict[str, Any]


def _internal(content: JSON) -> Event:
    return Event(event_id="inside", room_id="", type=DRIFT, sender="", ts=0, content=content, state_key=None)


@asynccontextmanager
async def a_house(template: Path, folder: Path, name: str = "esnbot") -> AsyncIterator[House]:
    """A house with an empty database."""
    path = folder / f"{name}.db"
    shutil.copy(template, path)
    database = await Database.open(f"sqlite+aiosqlite:///{path}")
    try:
        yield House(database)
    finally:
        await database.close()


def a_town(topic: str = "Declared", **more: Any) -> Community:
    """A club with a topic, in a space, with an animators' room."""
    club = a_group("club", "Club", parent="company", topic=topic, **more)
    return a_community(a_space("company"), a_group("desk", kind=Kind.animators), club, animators_room="desk")


@dataclass(frozen=True)
class Change:
    """Something that a person does by hand."""

    what: str
    type: str
    content: JSON
    told: str = ""
    """In the animators' words."""

    async def happen(self, house: House) -> JSON:
        """Do it; returns the event."""
        club, company = await house.room("club"), await house.room("company")
        if self.type == "m.space.child":
            house.homeserver.by_hand(company, self.type, self.content, club)
        else:
            house.homeserver.by_hand(club, self.type, self.content)
        return house.homeserver.history[-1][1]


AGAINST = [
    Change("name", "m.room.name", {"name": "By hand"}),
    Change("topic", "m.room.topic", {"topic": "By hand"}),
    Change("power levels", "m.room.power_levels", {"users": {PERSON: 75}, "events_default": 25}, "rights"),
    Change("place in the space", "m.space.child", {}),
    Change("pinned charter", "m.room.pinned_events", {"pinned": []}),
]


async def interrupt(house: House, change: Change, arrival: Arrival, number: int, pass_: Reconcile) -> JSON | None:
    """Let a change fall into a pass, at the moment of that number; returns it, None when the pass was over before."""
    moments = 0
    done: JSON | None = None

    async def moment() -> None:
        nonlocal moments, done
        moments += 1
        if moments == number:
            done = await change.happen(house)
            if arrival == "at once":
                await house.push(only=done)

    await pass_(house, moment)
    await house.hear()
    await house.push()
    await house.come_to_rest()
    return done


Reconcile = Callable[[House, Callable[[], Awaitable[None]]], Awaitable[None]]


async def declared_anew(house: House, moment: Callable[[], Awaitable[None]]) -> None:
    """A pass over a room whose declaration changed."""
    await house.reconciler().declare(a_town("Declared anew", charter="Be kind."))
    await house.reconciler(moment).apply()


async def put_right(house: House, moment: Callable[[], Awaitable[None]]) -> None:
    """A pass over a room that stood as declared until somebody changed it."""
    await Change("guests", "m.room.guest_access", {"guest_access": "can_join"}).happen(house)
    await house.push()
    house.told.clear()
    await house.reconciler(moment).apply()


@pytest.mark.parametrize("arrival", ["at once", "later"])
@pytest.mark.parametrize("pass_", [declared_anew, put_right])
@pytest.mark.parametrize("change", AGAINST, ids=lambda change: change.what.replace(" ", "-"))
async def test_a_change_against_the_declaration_is_told_once_whenever_it_falls(
    template: Path, tmp_path: Path, change: Change, pass_: Reconcile, arrival: Arrival
) -> None:
    number, stood = 1, 0
    while True:
        async with a_house(template, tmp_path, f"at{number}") as house:
            await house.apply(a_town(charter="Be kind."))
            done = await interrupt(house, change, arrival, number, pass_)
            if done is None:
                break
            plan = await house.reconciler().plan()
            pending = {entry.what for entry in plan.changes}
            lines = [line for text in house.told for line in text.splitlines() if (change.told or change.what) in line]
            async with house.database.read() as conn:
                remembered = {row.what for row in await wanted.drifts(conn)}
            assert pending in (set(), {change.what}), (number, pending)
            if pending:
                stood += 1
                assert len(lines) == 1, (number, house.told)
                assert remembered == {change.what}, number
            else:
                assert len(lines) <= 1, (number, house.told)
        number += 1
    assert stood


@pytest.mark.parametrize("arrival", ["at once", "later"])
async def test_what_the_file_does_not_state_becomes_desired_state_whenever_it_is_changed(
    template: Path, tmp_path: Path, arrival: Arrival
) -> None:
    change = Change("topic", "m.room.topic", {"topic": "By hand"})
    town = a_town()
    club = replace(town.groups["club"], topic="", stated=frozenset({"name", "space"}))
    before = replace(town, groups={**town.groups, "club": club})
    after = replace(town, groups={**town.groups, "club": replace(club, name="Photo club")})

    async def renamed(house: House, moment: Callable[[], Awaitable[None]]) -> None:
        await house.reconciler().declare(after)
        await house.reconciler(moment).apply()

    number, stood = 1, 0
    while True:
        async with a_house(template, tmp_path, f"at{number}") as house:
            await house.apply(before)
            done = await interrupt(house, change, arrival, number, renamed)
            if done is None:
                break
            topic = house.homeserver.rooms[await house.room("club")]["m.room.topic", ""]["content"]["topic"]
            async with house.database.read() as conn:
                place = await wanted.get(conn, "club")
            assert place is not None
            assert (place.name, place.topic) == ("Photo club", topic), number
            stood += topic == "By hand"
            assert (await house.reconciler().plan()).changes == ()
            assert house.told == []
        number += 1
    assert stood


async def test_the_last_of_two_changes_becomes_desired_state(template: Path, tmp_path: Path) -> None:
    town = a_town()
    club = replace(town.groups["club"], topic="", stated=frozenset({"name", "space"}))
    second = Change("topic", "m.room.topic", {"topic": "Second"})
    number = 1
    while True:
        async with a_house(template, tmp_path, f"at{number}") as house:
            await house.apply(replace(town, groups={**town.groups, "club": club}))
            await Change("topic", "m.room.topic", {"topic": "First"}).happen(house)
            if await interrupt(house, second, "at once", number, applied) is None:
                break
            async with house.database.read() as conn:
                place = await wanted.get(conn, "club")
            assert place is not None
            assert place.topic == "Second", number
            assert (await house.reconciler().plan()).changes == ()
        number += 1
    assert number > 1


async def applied(house: House, moment: Callable[[], Awaitable[None]]) -> None:
    """A pass over things as they are."""
    await house.reconciler(moment).apply()


async def test_a_homeserver_that_keeps_answering_otherwise_is_not_argued_with(template: Path, tmp_path: Path) -> None:
    class Tidying(Simulated):
        async def set_state(self, room: str, type: str, state_key: str, content: JSON) -> str:
            if type == "m.room.topic":
                content = {"topic": content["topic"].strip().lower()}
            return await super().set_state(room, type, state_key, content)

    async with a_house(template, tmp_path) as house:
        house.homeserver = Tidying(time=house.homeserver.time)
        await house.apply(a_town())
        change = Change("name", "m.room.name", {"name": "By hand"})
        await interrupt(house, change, "at once", 12, declared_anew)
        asked = house.homeserver.requests
        await house.come_to_rest()
        assert house.homeserver.requests == asked
        pending = {entry.what for entry in (await house.reconciler().plan()).changes}
        assert pending == {"topic", "name"}
