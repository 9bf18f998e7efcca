"""Dispatch: events of one room in order, each module in a savepoint, effects committed with its own writes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from sqlalchemy import Row, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import effects_in, signals
from esnbot.engine.cipher import ENCRYPTED, GIVE_UP_MS, Cipher, DeviceAway
from esnbot.engine.clock import now_ms
from esnbot.engine.courtesy import Courtesy, to_heed
from esnbot.engine.effects import Effect, Heed
from esnbot.engine.event import DUE, FETCHED, Event
from esnbot.engine.feature import Context, Handler, Listener, Module
from esnbot.engine.inbox import set_aside
from esnbot.engine.incoming import Malformed, MalformedEvent, parse
from esnbot.engine.letters import place, reason
from esnbot.engine.metrics import Metrics
from esnbot.engine.parking import Left, Parking
from esnbot.engine.tables import State, dead_letter, inbox, room_clock
from esnbot.engine.talk import is_word
from esnbot.store import rooms
from esnbot.store.database import Database, savepoint, within
from esnbot.store.trouble import is_trouble
from esnbot.store.upsert import insert_new, upsert

BATCH: Final = 100
ROOMS: Final = 25
BATCH_SECONDS: Final = 0.5
"""Seconds after which a batch is committed, whatever is left of it: others wait for their turn."""
RETRY_AFTER: Final = (0.1, 1.0, 5.0)
"""Seconds before each further attempt of a handler that raised; after the last one it is set aside."""
DEVICE_AWAY: Final = 1.0
"""Seconds between two looks for the encrypted device, where a handler needs it to read what it kept."""
LONGEST_HOLD_MS: Final = 60_000
HANDLER_LIMIT: Final = 10.0
"""Seconds that a module may take with one event: on SQLite everybody waits for it."""
IDLE: Final = 1.0
INTERNAL: Final = "org.esnbot."

log = structlog.get_logger("esnbot.engine.dispatch")


class Unquoted(Exception):
    """What is kept of an exception that may quote what was encrypted: its type and where it was raised."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(place(error))


@dataclass(slots=True)
class Outcome:
    """What a batch did, for whoever waits for the commit."""

    handled: int = 0
    events: int = 0
    wake: set[str] = field(default_factory=set)
    letters: int = 0
    held: bool = False
    own_rooms: set[str] = field(default_factory=set)
    """Rooms of the batch that the bot is in, at its end."""
    other_rooms: set[str] = field(default_factory=set)
    """Rooms that it left in the batch."""
    heeded: list[Heed] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """What a batch has found out so far and writes at its end."""

    now: int
    shift: int
    """Milliseconds by which the clock of the handlers is ahead of the machine's: it may be moved (in the demo)."""
    clocks: dict[str, tuple[int, int]]
    """Room to the time of its last event, and to when people last said something there."""
    done: list[int] = field(default_factory=list)
    moved: dict[str, tuple[int, int]] = field(default_factory=dict)
    """What became of these clocks."""
    held: set[str] = field(default_factory=set)
    outcome: Outcome = field(default_factory=Outcome)


class Dispatcher:
    """Takes what waits in the inbox and gives it to the modules."""

    def __init__(
        self,
        database: Database,
        modules: Sequence[Module],
        clock: Clock,
        system: Clock,
        signal: signals.Signals,
        bot: str,
        metrics: Metrics,
        cipher: Cipher | None = None,
        courtesy: Courtesy | None = None,
    ) -> None:
        self._database = database
        self._courtesy = courtesy
        self._cipher = cipher
        self._parking = Parking(cipher, bot, sqlite=database.is_sqlite) if cipher is not None else None
        self._clock = clock
        self._system = system
        self._signals = signal
        self._bot = bot
        self._metrics = metrics
        # Rooms that the bot is surely in. Where several processes work, what another one saw is not known here.
        self._own_rooms: set[str] = set()
        # Handlers that had to be stopped, by event: a statement that is cut off can take its whole batch with it, and
        # then only this memory ends the circle.
        self._overdue: Counter[tuple[str, str]] = Counter()
        # Gates first: what they redact or refuse should not be answered meanwhile.
        self._modules = {module.name: module for module in sorted(modules, key=lambda module: not module.gate)}
        self._listeners: defaultdict[str, list[tuple[str, Listener]]] = defaultdict(list)
        for module in self._modules.values():
            for listener in module.listeners:
                for type in listener.types:
                    self._listeners[type].append((module.name, listener))

    async def run(self) -> None:
        """Dispatch until cancelled; a database in trouble is waited for."""
        pause = IDLE
        while True:
            try:
                outcome = await self.step()
            # Whatever it is, what was not committed is still in the inbox: wait, and take it again.
            except Exception:
                log.exception("batch failed", seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)
                continue
            pause = IDLE
            if not outcome.events:
                await self._signals.wait(signals.INBOX, RETRY_AFTER[0] if outcome.held else IDLE)

    async def step(self) -> Outcome:
        """Handle one batch and commit it."""
        outcome = await self._database.write(self._batch)
        if self._courtesy is not None:
            for heed in outcome.heeded:
                self._courtesy.heed(heed)
        for name in outcome.wake:
            self._signals.set(name)
        self._metrics.handled(outcome.handled, outcome.letters)
        if self._database.is_sqlite:
            self._own_rooms |= outcome.own_rooms
            self._own_rooms -= outcome.other_rooms
        return outcome

    async def _batch(self, conn: AsyncConnection) -> Outcome:
        now = now_ms(self._system)
        if self._parking is not None:
            await self._parking.look_again(conn, now)
        claimed = await self._claim(conn, now)
        if not claimed:
            waiting = await conn.execute(text("SELECT 1 FROM inbox WHERE state = 0 LIMIT 1"))
            return Outcome(held=waiting.first() is not None)
        shift = now_ms(self._clock) - now
        batch = _Batch(now, shift, await self._room_clocks(conn, {row.queue for row in claimed}))
        batch.outcome.own_rooms = await self._own_rooms_of(conn, {row.queue for row in claimed})
        batch.outcome.events = len(claimed)
        started = time.monotonic()
        for row in claimed:
            if row.queue not in batch.held:
                await self._handle(conn, batch, row)
            if time.monotonic() - started > BATCH_SECONDS:
                break
        await self._finish(conn, batch)
        return batch.outcome

    async def _claim(self, conn: AsyncConnection, now: int) -> Sequence[Row[Any]]:
        if self._database.is_sqlite:
            return (await conn.execute(_CLAIM_ANY, {"now": now, "limit": BATCH})).all()
        await conn.execute(text(f"SET LOCAL statement_timeout = {int(HANDLER_LIMIT * 1000)}"))
        locked = (await conn.execute(_LOCK_QUEUES, {"now": now, "rooms": ROOMS})).scalars().all()
        if not locked:
            return []
        return (await conn.execute(_CLAIM_LOCKED, {"now": now, "queues": locked, "limit": BATCH})).all()

    async def _own_rooms_of(self, conn: AsyncConnection, queues: set[str]) -> set[str]:
        unsure = {queue for queue in queues - self._own_rooms if queue.startswith("!")}
        known = queues & self._own_rooms
        return known | await rooms.rooms_with(conn, self._bot, among=unsure) if unsure else known

    def _concerns_us(self, batch: _Batch, event: Event) -> bool:
        """Whether the bot is in the room. A homeserver also pushes rooms that only have an alias of our namespace."""
        if event.is_internal or event.sender == self._bot:
            return True
        if event.type == "m.room.member" and event.state_key == self._bot:
            return True
        return event.room_id in batch.outcome.own_rooms

    def _note_own_membership(self, batch: _Batch, event: Event) -> None:
        if event.type == "m.room.member" and event.state_key == self._bot:
            joined = event.text("membership") == "join"
            (batch.outcome.own_rooms if joined else batch.outcome.other_rooms).add(event.room_id)
            (batch.outcome.other_rooms if joined else batch.outcome.own_rooms).discard(event.room_id)

    async def _room_clocks(self, conn: AsyncConnection, queues: set[str]) -> dict[str, tuple[int, int]]:
        query = select(room_clock).where(room_clock.c.room_id.in_(queues))
        return {row.room_id: (row.ts, row.spoken) for row in await conn.execute(query)}

    async def _handle(self, conn: AsyncConnection, batch: _Batch, row: Row[Any]) -> None:
        try:
            event, replaces = parse(row.body)
        except MalformedEvent as error:
            await self._set_aside(conn, batch, row, error)
            return
        if not self._concerns_us(batch, event):
            batch.done.append(row.seq)
            return
        original_ts = event.ts
        event = self._clamped(batch, row, event)
        if event.type == ENCRYPTED and event.state_key is None and self._parking is not None:
            found = await self._parking.opened(conn, row, event, original_ts, batch.now)
            if isinstance(found, Left):
                if found is Left.over:
                    batch.done.append(row.seq)
                return
            event = found
        if event.type == "m.room.redaction" and event.redacts and self._parking is not None:
            await self._parking.drop(conn, event)
        if event.state_key is not None and not event.is_internal:
            try:
                async with savepoint(conn):
                    await rooms.note(conn, _state(event), replaces)
            # What no column takes must not stop everybody: it is kept where an administrator sees it.
            except Exception as error:
                if is_trouble(error):
                    raise
                await self._set_aside(conn, batch, row, error)
                return
            self._note_own_membership(batch, event)
        remaining = set(row.remaining) if row.remaining else None
        interested, failed = self._interested(event)
        if remaining is not None:
            failed = {name: error for name, error in failed.items() if name in remaining}
        if event.sealed is not None:
            failed = {name: Unquoted(error) for name, error in failed.items()}
        for name, handlers in interested.items():
            if remaining is not None and name not in remaining:
                continue
            failure = await self._run(conn, batch, name, handlers, event)
            if failure is not None:
                failed[name] = failure
        if not failed:
            batch.done.append(row.seq)
            batch.outcome.handled += 1
        elif row.attempts < len(RETRY_AFTER) or self._needs_the_device(batch, row, failed):
            await self._hold(conn, batch, row, failed)
        else:
            await self._bury(conn, batch, row, failed)

    async def _set_aside(self, conn: AsyncConnection, batch: _Batch, row: Row[Any], error: Exception) -> None:
        await set_aside(conn, Malformed(row.event_id, row.body[:10_000], reason(error)), batch.now)
        batch.done.append(row.seq)
        batch.outcome.letters += 1

    def _clamped(self, batch: _Batch, row: Row[Any], event: Event) -> Event:
        """The event with a time between the room's previous event and its own arrival."""
        if not row.queue.startswith("!"):
            # Ours, with our own time; to remember one for each name that was ever used would only grow.
            return event
        before, spoken = batch.moved.get(row.queue) or batch.clocks.get(row.queue) or (0, 0)
        ts = max(min(event.ts, row.arrived), before)
        if is_word(event, self._bot):
            spoken = max(spoken, ts + batch.shift)
        batch.moved[row.queue] = (ts, spoken)
        if ts == event.ts:
            return event
        return Event(
            event_id=event.event_id,
            room_id=event.room_id,
            type=event.type,
            sender=event.sender,
            ts=ts,
            content=event.content,
            state_key=event.state_key,
            redacts=event.redacts,
        )

    def _interested(self, event: Event) -> tuple[Mapping[str, list[Handler]], dict[str, Exception]]:
        """Modules in their order with the handlers that want the event, and modules that could not say so."""
        found: dict[str, list[Handler]] = {}
        failed: dict[str, Exception] = {}
        if event.type.startswith(INTERNAL):
            # People can send any type; what only we may say is known by its id.
            if not event.is_internal:
                return found, failed
            if event.type in (DUE, FETCHED):
                name, job = event.text("module"), event.text("job")
                module = self._modules.get(name)
                due = module.due.get(job) if module else None
                if due is None:
                    failed[name] = LookupError(f"nobody here knows the job '{job}' of '{name}'")
                    return found, failed
                return {name: [due]}, failed
        for name, listener in self._listeners.get(event.type, ()):
            try:
                wanted = listener.wants is None or listener.wants(event)
            # A look at what people sent may raise anything, and harms its own module alone.
            except Exception as error:  # noqa: BLE001
                failed[name] = error
                continue
            if wanted:
                found.setdefault(name, []).append(listener.handle)
        return {name: handlers for name, handlers in found.items() if name not in failed}, failed

    async def _run(
        self, conn: AsyncConnection, batch: _Batch, module: str, handlers: Sequence[Handler], event: Event
    ) -> Exception | None:
        context = Context(conn=conn, now=self._clock.now(), bot=self._bot, cipher=self._cipher)
        started = time.perf_counter()
        try:
            async with savepoint(conn):
                effects = await self._effects_of(module, handlers, context, event)
                wake = await effects_in.put(conn, module, event.event_id, effects, batch.now)
        # A handler may raise anything; its own writes are undone, and the other modules and events go on.
        except Exception as error:
            if is_trouble(error) or conn.invalidated:
                raise
            if isinstance(error, DeviceAway):
                return error
            named = {"module": module, "event_id": event.event_id, "type": event.type}
            if event.sealed is not None or context.opened:
                # What the exception says may quote what was encrypted.
                unquoted = Unquoted(error)
                log.warning("handler failed", **named, error=str(unquoted))
                return unquoted
            log.warning("handler failed", **named, exc_info=True)
            return error
        finally:
            self._metrics.handler(module, time.perf_counter() - started)
        batch.outcome.wake |= wake
        batch.outcome.heeded += to_heed(event, effects, self._bot) if effects else ()
        return None

    async def _effects_of(
        self, module: str, handlers: Sequence[Handler], context: Context, event: Event
    ) -> list[Effect]:
        case = (event.event_id, module)
        if self._overdue[case] > len(RETRY_AFTER):
            del self._overdue[case]
            raise TimeoutError(f"not done within {HANDLER_LIMIT} s, several times")
        try:
            async with within(context.conn, HANDLER_LIMIT):
                effects = [effect for handle in handlers for effect in await handle(context, event)]
        except TimeoutError as error:
            self._overdue[case] += 1
            raise TimeoutError(f"not done within {HANDLER_LIMIT} s") from error
        self._overdue.pop(case, None)
        return effects

    async def _hold(self, conn: AsyncConnection, batch: _Batch, row: Row[Any], failed: Mapping[str, Exception]) -> None:
        """Try again a little later; the room waits, so that its order holds."""
        waits = self._needs_the_device(batch, row, failed)
        pause = DEVICE_AWAY if waits else RETRY_AFTER[row.attempts]
        values = {
            "attempts": row.attempts + (0 if waits else 1),
            "not_before": batch.now + int(pause * 1000),
            "remaining": sorted(failed),
        }
        await conn.execute(update(inbox).where(inbox.c.seq == row.seq).values(values))
        batch.held.add(row.queue)

    def _needs_the_device(self, batch: _Batch, row: Row[Any], failed: Mapping[str, Exception]) -> bool:
        """Whether nothing is wrong but that another process has the encrypted device: it may take the event, too."""
        away = all(isinstance(error, DeviceAway) for error in failed.values())
        return away and batch.now - row.arrived < GIVE_UP_MS

    async def _bury(self, conn: AsyncConnection, batch: _Batch, row: Row[Any], failed: Mapping[str, Exception]) -> None:
        """Set the event aside for the modules that could not handle it; the room goes on."""
        for module, error in failed.items():
            why = str(error) if isinstance(error, Unquoted) else reason(error)
            letter = {
                "kind": "event",
                "key": row.event_id,
                "module": module,
                "room": row.queue,
                "body": row.body,
                "error": why,
                "died": batch.now,
            }
            await insert_new(conn, dead_letter, letter)
            batch.outcome.letters += 1
            log.error("dead letter", module=module, event_id=row.event_id, error=why.partition(":")[0])
        batch.done.append(row.seq)

    async def _finish(self, conn: AsyncConnection, batch: _Batch) -> None:
        if batch.done:
            await conn.execute(_DONE, {"seqs": batch.done})
        if batch.moved:
            clocks = [{"room_id": queue, "ts": ts, "spoken": spoken} for queue, (ts, spoken) in batch.moved.items()]
            await upsert(conn, room_clock, clocks)


_COLUMNS = "seq, event_id, queue, arrived, body, remaining, attempts"
# A wait that is longer than any is one from before the clock was set back.
_FREE = (
    "state = 0 AND queue NOT IN (SELECT queue FROM inbox WHERE state = 0 AND not_before > 0"
    f" AND not_before > :now AND not_before < :now + {LONGEST_HOLD_MS})"
)
_TYPED = (
    inbox.c.seq,
    inbox.c.event_id,
    inbox.c.queue,
    inbox.c.arrived,
    inbox.c.body,
    inbox.c.remaining,
    inbox.c.attempts,
)

_CLAIM_ANY = text(f"SELECT {_COLUMNS} FROM inbox WHERE {_FREE} ORDER BY seq LIMIT :limit").columns(*_TYPED)

# A room belongs to the process that holds its advisory lock until the end of the transaction, so a crash frees it.
_LOCK_QUEUES = text(
    f"WITH waiting AS MATERIALIZED (SELECT queue, min(seq) AS head FROM"
    f" (SELECT queue, seq FROM inbox WHERE {_FREE} ORDER BY seq LIMIT 2000) AS oldest"
    f" GROUP BY queue ORDER BY head LIMIT :rooms)"
    f" SELECT queue FROM waiting WHERE pg_try_advisory_xact_lock(hashtextextended('inbox:' || queue, 0))"
)
_CLAIM_LOCKED = (
    text(f"SELECT {_COLUMNS} FROM inbox WHERE {_FREE} AND queue IN :queues ORDER BY seq LIMIT :limit")
    .bindparams(bindparam("queues", expanding=True))
    .columns(*_TYPED)
)
_DONE = text(
    f"UPDATE inbox SET state = {State.done.value}, body = NULL, remaining = NULL, not_before = 0 WHERE seq IN :seqs"
).bindparams(bindparam("seqs", expanding=True))


def _state(event: Event) -> rooms.StateEvent:
    return rooms.StateEvent(
        event.room_id, event.type, event.state_key or "", event.event_id, event.sender, event.ts, event.content
    )
