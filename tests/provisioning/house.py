"""A house for tests without a network: a homeserver in memory, and as much of a running bot as watches it."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy import delete, select

from esnbot.community.model import Community
from esnbot.engine.clock import SystemClock, now_ms
from esnbot.engine.delivery import observed
from esnbot.engine.effects import Effect, Emit, Say, Schedule
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
from tests.provisioning.simulated import BOT, Simulated

JSON = dict[str, Any]
SERVER = "example.org"


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
    effects: list[Effect] = field(default_factory=list)
    """What else the watch asked for."""
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

        await self._carry_out(await self.database.write(handle))

    async def observe(self, room: str) -> None:
        """What the engine does where it is asked to observe a room."""
        found = [observed(room, raw, raw["origin_server_ts"]) for raw in await self.homeserver.state(room)]
        await self.database.write(lambda conn: rooms.replace(conn, room, filter(None, found)))

    async def due(self, job: Schedule) -> None:
        """The moment of a job has come."""
        handler = self.watch.module().due[job.job]
        event = _internal({"payload": job.payload})
        await self._carry_out(await self.database.write(lambda conn: handler(self._context(conn), event)))

    async def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Emit):
                await self._drifted(effect.content)
            else:
                self.effects.append(effect)

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


def _internal(content: JSON) -> Event:
    return Event(event_id="inside", room_id="", type=DRIFT, sender="", ts=0, content=content, state_key=None)


@asynccontextmanager
async def a_house(
    template: Path, folder: Path, name: str = "esnbot", like: House | None = None
) -> AsyncIterator[House]:
    """A house with a copy of a database, and of the homeserver of another one."""
    path = folder / f"{name}.db"
    shutil.copy(template, path)
    database = await Database.open(f"sqlite+aiosqlite:///{path}")
    try:
        house = House(database)
        if like is not None:
            house.homeserver, house.pushed = deepcopy(like.homeserver), set(like.pushed)
        yield house
    finally:
        await database.close()
