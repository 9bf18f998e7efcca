"""The one door out: effects leave in the order of their room, rooms side by side, until the homeserver has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import msgspec
import orjson
import structlog
from sqlalchemy import Row, bindparam, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import effects_in, signals
from esnbot.engine.address import Address, NotYet, Undeliverable
from esnbot.engine.backoff import Homeserver
from esnbot.engine.clock import now_ms
from esnbot.engine.courtesy import Courtesy
from esnbot.engine.delivery import Courier, Parcel
from esnbot.engine.effects import AnyEffect, Fetch, Say
from esnbot.engine.letters import place, reason
from esnbot.engine.metrics import Metrics
from esnbot.engine.tables import State, dead_letter, outbox
from esnbot.matrix.errors import HomeserverError, Limited, Refused, TokenRefused, Unreachable
from esnbot.matrix.keystore import KeysError
from esnbot.store import leases
from esnbot.store.database import Database, DatabaseError
from esnbot.store.trouble import is_trouble
from esnbot.store.upsert import insert_new

SIDE_BY_SIDE: Final = 32
"""Rooms that are delivered to at the same time."""
AT_ONCE: Final = 50
"""Effects of one room that one claim takes; what is urgent cuts in between two of them."""
AT_ONCE_BESIDE_OTHERS: Final = 10
"""The same where another process may write down what is urgent, of which this one hears at the next claim only."""
LEASE: Final = 8.0
"""Seconds after which another process may take over a room from one that died."""
AGAIN: Final = 0.02
"""Seconds after which a room is looked at again that got its key while it was read."""
POLL: Final = 1.0
NOT_YET: Final = (0.2, 30.0)
"""Seconds between two looks for what a reference names: at first, and when it has been missing for long."""
GIVE_UP_NOT_YET: Final = 24 * 3600 * 1000
"""Milliseconds after which a reference to nothing is given up."""
GIVE_UP_TROUBLE: Final = 25
"""Attempts after which a request that the homeserver cannot digest is set aside, while it digests others."""
LONGEST_HOLD_MS: Final = 60_000
"""No effect waits longer than this for its next attempt: a longer wait is from before the clock was set back."""
TROUBLE: Final = (0.5, 30.0)
"""Seconds before such a request is tried again: at first, and in the end."""

log = structlog.get_logger("esnbot.engine.outbox")


class Step(Enum):
    """What became of an effect for now."""

    done = auto()
    held = auto()
    """It has to wait, and with it what stands behind it in its room."""
    halted = auto()
    """The homeserver has to be waited for."""


@dataclass(slots=True)
class _Strikes:
    """Failures of one effect in this process."""

    answers: int
    """How much the homeserver had digested when it last failed."""
    count: int = 0


@dataclass(slots=True)
class _Load:
    """What one claim took from one room."""

    room: str
    rows: Sequence[Row[Any]]
    urgent: int
    """How often something urgent was written down before."""


class Outbox:
    """Delivers what waits; several processes can, each room by one of them."""

    def __init__(
        self,
        database: Database,
        courier: Courier,
        address: Address,
        homeserver: Homeserver,
        system: Clock,
        signal: signals.Signals,
        holder: str,
        metrics: Metrics,
        courtesy: Courtesy | None = None,
    ) -> None:
        self._database = database
        self._courtesy = courtesy
        self._courier = courier
        self._address = address
        self._homeserver = homeserver
        self._system = system
        self._signals = signal
        self._holder = holder
        self._metrics = metrics
        self._busy: set[str] = set()
        self._strikes: dict[int, _Strikes] = {}
        self._pause = POLL

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._busy.clear()
            if not self._database.is_sqlite:
                tasks.create_task(self._keep_leases(), name="outbox leases")
            while True:
                await self._homeserver.usable()
                loads = await self._claim_safely()
                for load in loads:
                    self._busy.add(load.room)
                    tasks.create_task(self._carry(load), name=f"deliver {load.room}")
                if not loads:
                    await self._signals.wait(signals.OUTBOX, self._pause)

    async def _claim_safely(self) -> list[_Load]:
        free = SIDE_BY_SIDE - len(self._busy)
        if free <= 0:
            return []
        try:
            return await self._claim(free)
        # A database in trouble is waited for: nothing is lost, it is all still there.
        except Exception:
            log.exception("outbox cannot be read")
            await asyncio.sleep(POLL)
            return []

    async def _claim(self, free: int) -> list[_Load]:
        """Take rooms that have something to deliver and that nobody else delivers to."""
        now = now_ms(self._system)
        urgent = self._signals.count(signals.URGENT)
        # Before anything is read: what finishes meanwhile would be read as still waiting.
        busy = frozenset(self._busy)
        async with self._database.read() as conn:
            named = {row.room: row.room_id for row in await conn.execute(_NAMED)}
        if not busy.issuperset(named):
            await self._database.write(lambda conn: self._call_by_id(conn, busy))
        # What is still being looked at under its key must come before what stands behind it under its id.
        busy |= {room_id for room, room_id in named.items() if room in busy}
        async with self._database.read() as conn:
            query = _ROOMS if self._database.is_sqlite else _ROOMS_UNLEASED
            values = {"now": now, "limit": free + len(busy)}
            rows = await conn.execute(query, values if self._database.is_sqlite else {**values, "me": self._holder})
            candidates = [room for room in rows.scalars() if room not in busy][:free]
            # Bound since the first look: what waits under the key stands before what was read under the id just now.
            late = {row.room_id for row in await conn.execute(_NAMED)}
            candidates = [room for room in candidates if room not in late]
            soonest: int | None = (await conn.execute(_SOONEST, {"now": now})).scalar_one_or_none()
            self._pause = min(POLL, (soonest - now) / 1000 + 0.001) if soonest is not None else POLL
            if late - busy:
                self._pause = min(self._pause, AGAIN)
            if self._database.is_sqlite:
                return [_Load(room, await _take(conn, room, now, AT_ONCE), urgent) for room in candidates]
        return [load for room in candidates if (load := await self._lease(room, now, urgent)) is not None]

    async def _call_by_id(self, conn: AsyncConnection, busy: frozenset[str]) -> None:
        """Rooms that were named by key before they were made get their id, so that one room is one queue."""
        query = _CALL_BY_ID if self._database.is_sqlite else _CALL_BY_ID_UNLEASED
        values = {"now": now_ms(self._system), "busy": sorted(busy) or [""]}
        await conn.execute(query, values)

    async def _lease(self, room: str, now: int, urgent: int) -> _Load | None:
        async def job(conn: AsyncConnection) -> _Load | None:
            if not await leases.take(conn, _lease_of(room), self._holder, now, LEASE):
                return None
            return _Load(room, await _take(conn, room, now, AT_ONCE_BESIDE_OTHERS), urgent)

        return await self._database.write(job)

    async def _keep_leases(self) -> None:
        """Renew what is held, also while one delivery takes long."""
        while True:
            await asyncio.sleep(LEASE / 4)
            try:
                now = now_ms(self._system)
                await self._database.write(lambda conn, now=now: leases.renew_all(conn, self._holder, now, LEASE))  # type: ignore[misc]
            # A lease that runs out costs order at worst: what is sent twice carries the same transaction id.
            except Exception as error:  # noqa: BLE001
                log.warning("leases cannot be renewed", error=reason(error))

    async def _carry(self, load: _Load) -> None:
        """Deliver one room's load in order; the first that must wait ends it, unless it had overtaken the others."""
        try:
            for row in load.rows:
                await self._homeserver.usable()
                if not row.urgent and self._signals.count(signals.URGENT) != load.urgent:
                    break
                step = await self._one(load.room, row)
                if step is Step.halted or (step is Step.held and not row.urgent):
                    break
        # A failure to record is like a crash after the send: it is sent again with the same transaction id.
        except Exception as error:  # noqa: BLE001
            log.warning("delivery has to wait for the database", room=load.room, error=reason(error))
            await asyncio.sleep(POLL)
        finally:
            try:
                await self._release(load.room)
            finally:
                self._busy.discard(load.room)
                self._signals.set(signals.OUTBOX)

    async def _release(self, room: str) -> None:
        if self._database.is_sqlite:
            return
        try:
            async with asyncio.timeout(POLL):
                await self._database.write(lambda conn: leases.release(conn, _lease_of(room), self._holder))
        # It runs out by itself.
        except Exception as error:  # noqa: BLE001
            log.warning("a lease could not be given back", room=room, error=reason(error))

    async def _one(self, reference: str, row: Row[Any]) -> Step:
        """Deliver one effect and record what came of it."""
        try:
            body = self._courier.sealing.opened(row.body)
            parcel = Parcel(row.key, row.module, row.made, effects_in.read(body))
        except NotYet as error:
            return await self._wait_for_it(row, None, error)
        except (msgspec.ValidationError, KeysError) as error:
            await self._bury(row, None, error)
            return Step.done
        try:
            room = await self._address.room(reference)
            if reference.startswith("key:"):
                # Just made: what waits for it gets its id at the next claim, and with it its place in the queue.
                return Step.halted
            event = await self._courier.deliver(parcel, room, now_ms(self._system))
        except NotYet as error:
            return await self._wait_for_it(row, parcel.effect, error)
        except (Limited, Unreachable, TokenRefused) as error:
            return self._halt(error)
        except (Refused, Undeliverable) as error:
            self._metrics.trouble(type(error).__name__)
            self._homeserver.fine()
            await self._bury(row, parcel.effect, error)
            return Step.done
        # A 5xx, a page instead of an answer, an answer that lacks what it must have.
        except Exception as error:
            if is_trouble(error) or isinstance(error, DatabaseError | OSError):
                raise
            return await self._strike(parcel, row, error)
        self._homeserver.fine()
        await self._record(row, event, room)
        if isinstance(parcel.effect, Fetch):
            self._signals.set(signals.INBOX)
        if self._courtesy is not None and isinstance(parcel.effect, Say) and parcel.effect.answers:
            self._courtesy.answered(parcel.effect.answers)
        self._metrics.delivered(row.kind, (now_ms(self._system) - row.made) / 1000)
        return Step.done

    async def _record(self, row: Row[Any], event: str, room: str) -> None:
        self._strikes.pop(row.seq, None)
        values = {"state": State.done.value, "body": None, "event_id": event or None, "room_id": room, "error": None}
        await self._update(row, values)

    async def _wait_for_it(self, row: Row[Any], effect: AnyEffect | None, error: NotYet) -> Step:
        now = now_ms(self._system)
        if now - row.made > GIVE_UP_NOT_YET:
            await self._bury(row, effect, error)
            return Step.done
        first, last = NOT_YET
        pause = min(max((now - row.made) / 4000, first), last)
        await self._update(row, {"not_before": now + int(pause * 1000), "error": reason(error)})
        return Step.held

    def _halt(self, error: HomeserverError) -> Step:
        """The homeserver asks to wait, is away, or knows us no more: nobody's turn is lost."""
        self._metrics.trouble(type(error).__name__)
        if isinstance(error, Limited):
            self._homeserver.limited(error.seconds)
        else:
            self._homeserver.trouble(error)
        return Step.halted

    async def _strike(self, parcel: Parcel, row: Row[Any], error: Exception) -> Step:
        """This request fails, and others perhaps not: they go on, and this one ends some day.

        Nothing is given up while nothing else works either: then the homeserver is ill, and not the request.
        """
        self._metrics.trouble(type(error).__name__)
        answers = self._homeserver.answers
        strikes = self._strikes.setdefault(row.seq, _Strikes(answers - 1))
        attempts = row.attempts
        if answers > strikes.answers or not isinstance(error, HomeserverError):
            attempts += 1
        else:
            self._homeserver.ill(error)
        if attempts >= GIVE_UP_TROUBLE:
            await self._bury(row, parcel.effect, error)
            return Step.done
        first, last = TROUBLE
        pause = min(first * 2 ** min(strikes.count, 16), last)
        strikes.answers, strikes.count = answers, strikes.count + 1
        not_before = now_ms(self._system) + int(pause * 1000)
        why = _why(error, await self._courier.may_keep_words(row.kind, row.room))
        await self._update(row, {"attempts": attempts, "not_before": not_before, "error": why})
        return Step.held

    async def _bury(self, row: Row[Any], effect: AnyEffect | None, error: Exception) -> None:
        """Set the effect aside, or put what was to be said otherwise in its place."""
        self._strikes.pop(row.seq, None)
        now = now_ms(self._system)
        kept = await self._courier.may_keep_words(row.kind, row.room)
        why = _why(error, kept)
        otherwise = effect.otherwise if isinstance(effect, Say) else None
        body = row.body if kept else self._courier.sealing.locked(row.body)

        async def job(conn: AsyncConnection) -> None:
            if otherwise is not None:
                await effects_in.put(conn, row.module, f"{row.key}/otherwise", [otherwise], now)
            else:
                letter = {
                    "kind": "effect",
                    "key": row.key,
                    "module": row.module,
                    "room": row.room,
                    "body": orjson.dumps(body).decode(),
                    "error": why,
                    "died": now,
                }
                await insert_new(conn, dead_letter, letter)
            values = {"state": State.dead.value, "body": None, "error": why}
            await conn.execute(update(outbox).where(outbox.c.seq == row.seq).values(values))

        await self._database.write(job)
        if otherwise is None:
            self._metrics.died()
            log.warning("effect set aside", key=row.key, kind=row.kind, room=row.room, error=why)
        else:
            self._signals.set(signals.OUTBOX)
            log.info("effect said otherwise", key=row.key, kind=row.kind, room=row.room, error=why)

    async def _update(self, row: Row[Any], values: dict[str, Any]) -> None:
        async def job(conn: AsyncConnection) -> None:
            waits = outbox.c.state == State.waiting.value
            await conn.execute(update(outbox).where(outbox.c.seq == row.seq, waits).values(values))

        await self._database.write(job)


def _why(error: Exception, kept: bool) -> str:
    """Why it failed; of what may quote words that must not be kept, its type and place."""
    ours = isinstance(error, HomeserverError | Undeliverable | NotYet)
    return reason(error) if kept or ours else place(error)


def _lease_of(room: str) -> str:
    return f"outbox:{room}"


# A room is ready when something urgent in it may go, or when nothing else in it has to wait for a later time: what
# stands behind must not overtake.
_FREE = f"(not_before <= :now OR not_before > :now + {LONGEST_HOLD_MS})"
_READY = (
    "SELECT room FROM outbox WHERE state = 0{} GROUP BY room"
    f" HAVING max(CASE WHEN urgent AND {_FREE} THEN 1 ELSE 0 END) = 1"
    f" OR (max(CASE WHEN urgent THEN 0 ELSE 1 END) = 1 AND max(CASE WHEN urgent OR {_FREE} THEN 0 ELSE 1 END) = 0)"
    " ORDER BY max(CASE WHEN urgent THEN 1 ELSE 0 END) DESC, min(seq) LIMIT :limit"
)
_ROOMS = text(_READY.format(""))
_ROOMS_UNLEASED = text(
    _READY.format(
        " AND NOT EXISTS (SELECT 1 FROM lease WHERE name = 'outbox:' || room AND until >= :now AND holder <> :me)"
    )
)
_SOONEST = text("SELECT min(not_before) FROM outbox WHERE state = 0 AND not_before > :now")
_NAMED = text(
    "SELECT DISTINCT room, binding.room_id FROM outbox JOIN binding ON room = 'key:' || binding.key"
    " WHERE state = 0 AND room >= 'key:' AND room < 'key;'"
)
_RENAME = (
    "UPDATE outbox SET room = (SELECT binding.room_id FROM binding WHERE outbox.room = 'key:' || binding.key)"
    " WHERE state = 0 AND room >= 'key:' AND room < 'key;' AND room NOT IN :busy"
    " AND EXISTS (SELECT 1 FROM binding WHERE outbox.room = 'key:' || binding.key)"
)
_CALL_BY_ID = text(_RENAME).bindparams(bindparam("busy", expanding=True))
_CALL_BY_ID_UNLEASED = text(
    f"{_RENAME} AND NOT EXISTS (SELECT 1 FROM lease WHERE name = 'outbox:' || room AND until >= :now)"
).bindparams(bindparam("busy", expanding=True))
_TAKE = text(
    "SELECT seq, key, module, room, kind, body, urgent, made, attempts FROM outbox"
    f" WHERE state = 0 AND room = :room AND CASE WHEN urgent THEN {_FREE} ELSE NOT EXISTS"
    " (SELECT 1 FROM outbox AS held WHERE held.state = 0 AND held.room = :room AND NOT held.urgent"
    f" AND held.not_before > :now AND held.not_before < :now + {LONGEST_HOLD_MS}) END"
    " ORDER BY urgent DESC, seq LIMIT :limit"
).columns(
    outbox.c.seq,
    outbox.c.key,
    outbox.c.module,
    outbox.c.room,
    outbox.c.kind,
    outbox.c.body,
    outbox.c.urgent,
    outbox.c.made,
    outbox.c.attempts,
)


async def _take(conn: AsyncConnection, room: str, now: int, limit: int) -> Sequence[Row[Any]]:
    return (await conn.execute(_TAKE, {"room": room, "now": now, "limit": limit})).all()
