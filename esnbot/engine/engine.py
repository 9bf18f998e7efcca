"""The engine, put together: inbox, dispatch, outbox, schedule and catch-up over one database and one homeserver."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import effects_in, inbox, signals
from esnbot.engine.address import Address
from esnbot.engine.backoff import Homeserver
from esnbot.engine.catchup import CatchUp
from esnbot.engine.cipher import Cipher
from esnbot.engine.clock import SystemClock, now_ms
from esnbot.engine.courtesy import Courtesy, Manners
from esnbot.engine.delivery import Courier
from esnbot.engine.dispatch import Dispatcher
from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context, Module
from esnbot.engine.housekeeping import Housekeeping
from esnbot.engine.incoming import MalformedTransaction, split
from esnbot.engine.metrics import Metrics
from esnbot.engine.outbox import Outbox
from esnbot.engine.presence import own_rooms
from esnbot.engine.schedule import Scheduler
from esnbot.engine.sealing import Sealing
from esnbot.engine.tables import dead_letter, schedule
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import HomeserverError
from esnbot.store.database import Database
from esnbot.store.trouble import is_trouble

CATCH_UP: Final = "catchup"
CATCH_UP_EVERY: Final = 600.0
"""Seconds: how old the kept sync token may get, and how long an event may be missing that nobody pushed."""
CATCH_UP_SOON: Final = (5.0, 30.0, 120.0)
"""Seconds between the first looks after a start or a return: a homeserver that was about to try again by itself, just
when it was asked to, may wait for minutes with what it has."""
DISPATCHERS: Final = 4
"""Batches handled side by side on PostgreSQL; SQLite has one writer."""
STOPPED_WITHIN: Final = 2.0
"""Seconds that deliveries in flight have to end when the engine stops."""
LONGEST_PAUSE: Final = 30.0

Start = Callable[[Context], Awaitable[Sequence[Effect]]]

log = structlog.get_logger("esnbot.engine")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, for status pages and metrics."""

    inbox: int
    outbox: int
    scheduled: int
    next_due_ms: int | None
    letters: int


class Engine:
    """Runs modules. Times of the community come from ``clock``, retries and leases from ``system``."""

    def __init__(
        self,
        database: Database,
        client: MatrixClient,
        modules: Sequence[Module],
        clock: Clock,
        *,
        system: Clock | None = None,
        metrics: Metrics | None = None,
        cipher: Cipher | None = None,
        encrypted_chats: bool = True,
        manners: Manners | None = None,
    ) -> None:
        self.database = database
        self.client = client
        self.modules = (own_rooms(client.user), *modules)
        self.clock = clock
        self.system = system or SystemClock()
        self.metrics = metrics or Metrics()
        self.signals = signals.Signals()
        self._cipher = cipher
        if cipher is not None:
            cipher.on_news = lambda: self.signals.set(signals.INBOX)
        self.homeserver = Homeserver(lambda: self.signals.set(CATCH_UP))
        self.courtesy = Courtesy(client, self.homeserver, manners or Manners())
        self.address = Address(database, client, self.system, cipher if encrypted_chats else None)
        self.sealing = Sealing(client, database, cipher, self.system)
        """Encrypts what goes into encrypted rooms, for whoever sends past the outbox."""
        self.catch_up = CatchUp(database, client, self.system)
        self.dispatcher = Dispatcher(
            database, self.modules, clock, self.system, self.signals, client.user, self.metrics, cipher, self.courtesy
        )
        self.housekeeping = Housekeeping(database, self.system)
        self.scheduler = Scheduler(database, clock, self.system, self.signals)
        self.outbox = Outbox(
            database,
            Courier(client, database, self.address, self.sealing),
            self.address,
            self.homeserver,
            self.system,
            self.signals,
            secrets.token_hex(8),
            self.metrics,
            self.courtesy,
        )
        self.caught_up = asyncio.Event()
        """Set once what was missed before the start is in the inbox."""
        self._tasks: list[asyncio.Task[None]] = []

    async def accept(self, transaction: str, body: bytes) -> int:
        """Store a transaction of the homeserver and return once it is committed; raises ``MalformedTransaction``."""
        # Looked at before it costs a turn of the writer.
        events, malformed = split(transaction, body)

        async def job(conn: AsyncConnection) -> None:
            await inbox.store(conn, events, now)
            # Of a transaction full of nonsense, what would be kept anyway.
            for found in malformed[-inbox.MALFORMED_KEPT :]:
                self.metrics.dropped(await inbox.set_aside(conn, found, now))

        now = now_ms(self.system)
        if events or malformed:
            await self.database.write(job)
            self.signals.set(signals.INBOX)
        self.metrics.accepted(len(events))
        return len(events) + len(malformed)

    async def start(self) -> None:
        """Plan what modules plan at a start, and begin to work. The homeserver may be away.

        Raises ``DatabaseError`` when another bot works on the same SQLite file.
        """
        self.database.hold_alone()
        await self._start_modules()
        machines: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("outbox", self.outbox.run),
            ("schedule", self.scheduler.run),
            ("catch-up", self._catch_up_forever),
            ("housekeeping", self.housekeeping.run),
        ]
        machines += [("dispatch", self.dispatcher.run)] * (1 if self.database.is_sqlite else DISPATCHERS)
        self._tasks = [asyncio.create_task(keep_running(name, run), name=f"engine {name}") for name, run in machines]

    async def stop(self) -> None:
        """Stop working; what is not done is in the database."""
        tasks, self._tasks = self._tasks, []
        self.courtesy.stop()
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOPPED_WITHIN)
            if late:
                log.warning("not stopped in time", machines=sorted(task.get_name() for task in late))

    async def backlog(self) -> Backlog:
        """What waits now."""
        async with self.database.read() as conn:
            return await backlog(conn)

    async def _start_modules(self) -> None:
        for module in self.modules:
            if module.start is None:
                continue
            try:
                await self.database.write(partial(self._start_module, module, module.start))
            # One module that cannot begin stops no other.
            except Exception as error:
                if is_trouble(error):
                    raise
                log.exception("a module could not begin", module=module.name)

    async def _start_module(self, module: Module, start: Start, conn: AsyncConnection) -> None:
        effects = await start(Context(conn=conn, now=self.clock.now(), bot=self.client.user, cipher=self._cipher))
        await effects_in.put(conn, module.name, "start", effects, now_ms(self.system))

    async def _catch_up_forever(self) -> None:
        soon = list(CATCH_UP_SOON)
        while True:
            seconds = soon.pop(0) if soon else CATCH_UP_EVERY
            try:
                if await self.catch_up.run():
                    self.signals.set(signals.INBOX)
                self.homeserver.fine()
                self.caught_up.set()
            except HomeserverError as error:
                log.warning("catch-up has to wait", error=str(error))
                seconds = 5.0
            # A database in trouble is waited for, like everywhere.
            except Exception:
                log.exception("catch-up failed")
                seconds = 30.0
            if await self.signals.wait(CATCH_UP, seconds):
                soon = list(CATCH_UP_SOON)


async def keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a machine that never ends, and begin again when something made it end all the same."""
    pause = 1.0
    while True:
        try:
            await run()
        # Whatever it was: a machine that is missing would be missed by nobody until it is too late.
        except Exception:
            log.exception("a machine of the engine failed and begins again", machine=name, seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def backlog(conn: AsyncConnection) -> Backlog:
    """What waits, as the database has it."""
    waiting = "SELECT count(*) FROM {} WHERE state = 0"
    due = (await conn.execute(select(func.count(), func.min(schedule.c.due)).select_from(schedule))).one()
    return Backlog(
        inbox=(await conn.execute(text(waiting.format("inbox")))).scalar_one(),
        outbox=(await conn.execute(text(waiting.format("outbox")))).scalar_one(),
        scheduled=due[0],
        next_due_ms=due[1],
        letters=(await conn.execute(select(func.count()).select_from(dead_letter))).scalar_one(),
    )


__all__ = ["Backlog", "Engine", "MalformedTransaction", "backlog", "keep_running"]
