"""What tests of the engine are built with: events as a homeserver pushes them, modules in a line, engines."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import letters
from esnbot.engine.effects import Effect, Say
from esnbot.engine.engine import Engine
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.engine.letters import Letter
from esnbot.engine.tables import State, inbox, outbox
from esnbot.matrix.client import MatrixClient
from esnbot.store import rooms
from esnbot.store.database import Database
from esnbot.testing.clock import ManualClock
from esnbot.testing.stub import StubHomeserver
from esnbot.testing.waiting import eventually

JSON = dict[str, Any]
BOT = "@esnbot:stub.example"
ALICE = "@alice:stub.example"
ROOM, OTHER = "!room:stub.example", "!other:stub.example"
NOON = 1_700_000_000_000

_numbers = itertools.count(1)


def a_message(body: str = "hello", *, room: str = ROOM, sender: str = ALICE, id: str = "", ts: int = NOON) -> JSON:
    """A message as the homeserver pushes it."""
    return {
        "event_id": id or f"$message{next(_numbers)}",
        "room_id": room,
        "type": "m.room.message",
        "sender": sender,
        "origin_server_ts": ts,
        "content": {"msgtype": "m.text", "body": body},
        "unsigned": {"age": 12},
    }


def a_state(type: str, content: JSON, *, room: str = ROOM, key: str = "", sender: str = ALICE, ts: int = NOON) -> JSON:
    """A state event as the homeserver pushes it."""
    return {
        "event_id": f"$state{next(_numbers)}",
        "room_id": room,
        "type": type,
        "state_key": key,
        "sender": sender,
        "origin_server_ts": ts,
        "content": content,
    }


def a_transaction(*events: Any) -> bytes:
    """A transaction's body."""
    return msgspec.json.encode({"events": list(events)})


def a_module(
    name: str,
    handle: Callable[[Context, Event], Awaitable[Sequence[Effect]]],
    *types: str,
    wants: Callable[[Event], bool] | None = None,
    **more: Any,
) -> Module:
    """A module with one listener, for messages unless it says otherwise."""
    return Module(name, (Listener(frozenset(types or ("m.room.message",)), handle, wants),), **more)


def an_echo(name: str = "echo") -> Module:
    """A module that repeats what others say."""

    async def handle(ctx: Context, event: Event) -> Sequence[Effect]:
        return [] if event.sender == ctx.bot else [Say(room=event.room_id, body=event.text("body"))]

    return a_module(name, handle)


class Recorder:
    """A module that writes down what it was given, in its order, and does nothing else."""

    def __init__(self, name: str = "recorder", *types: str, wants: Callable[[Event], bool] | None = None) -> None:
        self.events: list[Event] = []
        self.module = a_module(name, self._handle, *types, wants=wants)

    @property
    def bodies(self) -> list[str]:
        """The texts of what was seen."""
        return [event.text("body") for event in self.events]

    async def _handle(self, _ctx: Context, event: Event) -> Sequence[Effect]:
        self.events.append(event)
        return []


class Workshop:
    """A database, a stub of a homeserver, a clock to move, and engines over them."""

    def __init__(self, database: Database, stub: StubHomeserver, clock: ManualClock) -> None:
        self.database = database
        self.stub = stub
        self.clock = clock
        self._clients: list[MatrixClient] = []
        self._engines: list[Engine] = []
        self._transactions = itertools.count(1)

    def engine(self, *modules: Module, **more: Any) -> Engine:
        """An engine that is not started."""
        client = MatrixClient(self.stub.url, "as_token", BOT, "ESNBOT")
        self._clients.append(client)
        engine = Engine(more.pop("database", self.database), client, modules, more.pop("clock", self.clock), **more)
        self._engines.append(engine)
        return engine

    async def close(self) -> None:
        """Stop the engines."""
        for engine in self._engines:
            await engine.stop()
        for client in self._clients:
            await client.close()

    async def bot_is_in(self, *found: str) -> None:
        """Let the store know rooms that the bot is in."""

        def member(room: str) -> rooms.StateEvent:
            return rooms.StateEvent(room, "m.room.member", BOT, "$joined", BOT, 1, {"membership": "join"})

        await self.database.write(lambda conn: rooms.trust(conn, [member(room) for room in found]))

    async def push(self, engine: Engine, *events: Any) -> None:
        """A transaction of the homeserver."""
        await engine.accept(f"t{next(self._transactions)}", a_transaction(*events))

    async def handle(self, engine: Engine, *events: Any) -> None:
        """Push events and let the dispatcher work until nothing can be done now."""
        await self.push(engine, *events)
        await self.dispatch(engine)

    async def dispatch(self, engine: Engine) -> None:
        """Let the dispatcher work until nothing can be done now."""
        while (await engine.dispatcher.step()).events:
            pass

    async def dispatched(self, engine: Engine) -> None:
        """Let the dispatcher work until the inbox has nothing that waits, held events included."""

        async def nothing_waits() -> bool:
            await self.dispatch(engine)
            return (await engine.backlog()).inbox == 0

        await eventually(nothing_waits, 20)

    async def delivered(self, engine: Engine, timeout: float = 15) -> None:
        """Wait until inbox and outbox are empty."""

        async def all_gone() -> bool:
            found = await engine.backlog()
            return found.inbox == 0 and found.outbox == 0

        await eventually(all_gone, timeout)

    async def letters(self) -> list[Letter]:
        """The dead letters."""
        async with self.database.read() as conn:
            return await letters.all_letters(conn)

    async def replay(self, letter: Letter) -> bool:
        """Put a letter back."""
        return await self.database.write(lambda conn: letters.replay(conn, letter.id))

    async def effects(self) -> list[str]:
        """The keys of what the outbox has or had, in order."""
        async with self.database.read() as conn:
            return list((await conn.execute(select(outbox.c.key).order_by(outbox.c.seq))).scalars())

    async def waiting(self) -> list[str]:
        """Ids of the events that wait in the inbox, in order."""
        async with self.database.read() as conn:
            query = select(inbox.c.event_id).where(inbox.c.state == State.waiting.value).order_by(inbox.c.seq)
            return list((await conn.execute(query)).scalars())

    async def said(self, engine: Engine, module: str, *effects: Effect, cause: str = "") -> None:
        """Write effects down as if a handler had returned them."""
        from esnbot.engine import effects_in
        from esnbot.engine.clock import now_ms

        async def job(conn: AsyncConnection) -> frozenset[str]:
            name = cause or f"test{next(_numbers)}"
            return await effects_in.put(conn, module, name, effects, now_ms(engine.system))

        for signal in await self.database.write(job):
            engine.signals.set(signal)
