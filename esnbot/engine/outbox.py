"""The one door out: effects leave in the order of their room, rooms side by side, until the homeserver has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Row, bindparam, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import effects_in, signals
from esnbot.engine.address import Address, NotYet, Undeliverable
from esnbot.engine.backoff import Homeserver
from esnbot.engine.clock import now_ms
from esnbot.engine.delivery import Courier, Parcel
from esnbot.engine.effects import Say
from esnbot.engine.metrics import Metrics
from esnbot.engine.tables import State, dead_letter, outbox
from esnbot.matrix.errors import HomeserverError, Limited, Refused, ServerTrouble, TokenRefused
from esnbot.store import leases
from esnbot.store.database import Database
from esnbot.store.upsert import insert_new

SIDE_BY_SIDE: Final = 16
"""Rooms that are delivered to at the same time."""
AT_ONCE: Final = 50
"""Effects of one room that one claim takes."""
LEASE: Final = 20.0
"""Seconds after which another process may take over a room from one that died."""
POLL: Final = 1.0
NOT_YET: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds to wait for what a reference names; the last one again and again."""
GIVE_UP_NOT_YET: Final = 24 * 3600 * 1000
"""Milliseconds after which a reference to nothing is given up."""
GIVE_UP_TROUBLE: Final = 25
"""Attempts after which a request that the homeserver cannot handle (5xx) is set aside: about half an hour."""

log = structlog.get_logger("esnbot.engine.outbox")


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
    ) -> None:
        self._database = database
        self._courier = courier
        self._address = address
        self._homeserver = homeserver
        self._system = system
        self._signals = signal
        self._holder = holder
        self._metrics = metrics
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._homeserver.usable()
                loads = await self._claim_safely()
                for load in loads:
                    self._busy.add(load.room)
                    tasks.create_task(self._carry(load), name=f"deliver {load.room}")
                if not loads:
                    await self._signals.wait(signals.OUTBOX, POLL)

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
        async with self._database.read() as conn:
            rows = await conn.execute(_ROOMS, {"now": now, "limit": free + len(self._busy)})
            candidates = [room for room in rows.scalars() if room not in self._busy][:free]
            if self._database.is_sqlite:
                return [_Load(room, await _take(conn, room), urgent) for room in candidates]
        return [load for room in candidates if (load := await self._lease(room, now, urgent)) is not None]

    async def _lease(self, room: str, now: int, urgent: int) -> _Load | None:
        async def job(conn: AsyncConnection) -> _Load | None:
            if not await leases.take(conn, f"outbox:{room}", self._holder, now, LEASE):
                return None
            return _Load(room, await _take(conn, room), urgent)

        return await self._database.write(job)

    async def _carry(self, load: _Load) -> None:
        """Deliver one room's load in order; the first that must wait ends it."""
        try:
            for row in load.rows:
                if not await self._one(load.room, row):
                    break
        # A failure to record is like a crash after the send: it is sent again with the same transaction id.
        except Exception:
            log.exception("delivery failed", room=load.room)
            await asyncio.sleep(POLL)
        finally:
            if not self._database.is_sqlite:
                await self._database.write(lambda conn: leases.release(conn, f"outbox:{load.room}", self._holder))
            self._busy.discard(load.room)
            self._signals.set(signals.OUTBOX)

    async def _one(self, reference: str, row: Row[Any]) -> bool:
        """Deliver one effect and record what came of it; whether the room's next may follow."""
        parcel = Parcel(row.key, row.module, row.made, effects_in.read(row.body))
        try:
            room = await self._address.room(reference)
            event = await self._courier.deliver(parcel, room, now_ms(self._system))
        except NotYet as error:
            return await self._wait_for_it(row, error)
        except TokenRefused as error:
            self._homeserver.trouble(error)
            return False
        except (Refused, Undeliverable) as error:
            self._metrics.trouble(type(error).__name__)
            await self._bury(parcel, row, error)
            return True
        except HomeserverError as error:
            return await self._later(parcel, row, error)
        self._homeserver.fine()
        await self._record(row, event, room)
        self._metrics.delivered(row.kind, (now_ms(self._system) - row.made) / 1000)
        return True

    async def _record(self, row: Row[Any], event: str, room: str) -> None:
        values = {"state": State.done.value, "body": None, "event_id": event or None, "room_id": room, "error": None}
        await self._update(row, values)

    async def _wait_for_it(self, row: Row[Any], reason: NotYet) -> bool:
        now = now_ms(self._system)
        if now - row.made > GIVE_UP_NOT_YET:
            await self._bury(Parcel(row.key, row.module, row.made, effects_in.read(row.body)), row, reason)
            return True
        pause = NOT_YET[min(row.attempts, len(NOT_YET) - 1)]
        await self._update(
            row, {"attempts": row.attempts + 1, "not_before": now + int(pause * 1000), "error": str(reason)}
        )
        return False

    async def _later(self, parcel: Parcel, row: Row[Any], error: HomeserverError) -> bool:
        """The homeserver is limited, away or in trouble: nobody's turn is lost."""
        self._metrics.trouble(type(error).__name__)
        if isinstance(error, ServerTrouble):
            # It may be this one request that it cannot digest: other rooms go on, and this one ends some day.
            if row.attempts + 1 >= GIVE_UP_TROUBLE:
                await self._bury(parcel, row, error)
                return True
            pause = min(0.5 * 2**row.attempts, 120.0)
            values = {
                "attempts": row.attempts + 1,
                "not_before": now_ms(self._system) + int(pause * 1000),
                "error": str(error),
            }
            await self._update(row, values)
        elif isinstance(error, Limited):
            self._homeserver.limited(error.seconds)
        else:
            self._homeserver.trouble(error)
        return False

    async def _bury(self, parcel: Parcel, row: Row[Any], error: Exception) -> None:
        """Set the effect aside, or put what was to be said otherwise in its place."""
        now = now_ms(self._system)

        async def job(conn: AsyncConnection) -> None:
            effect = parcel.effect
            done = State.dead
            if isinstance(effect, Say) and effect.otherwise is not None:
                await effects_in.put(conn, row.module, f"{row.key}/otherwise", [effect.otherwise], now)
                self._signals.set(signals.OUTBOX)
            else:
                letter = {
                    "kind": "effect",
                    "key": row.key,
                    "module": row.module,
                    "room": row.room,
                    "body": effects_in.dump(effect),
                    "error": f"{type(error).__name__}: {error}",
                    "died": now,
                }
                await insert_new(conn, dead_letter, letter)
            values = {"state": done.value, "body": None, "error": str(error)}
            await conn.execute(update(outbox).where(outbox.c.seq == row.seq).values(values))

        await self._database.write(job)
        self._metrics.died()
        log.warning("effect set aside", key=row.key, kind=row.kind, room=row.room, error=str(error))

    async def _update(self, row: Row[Any], values: dict[str, Any]) -> None:
        async def job(conn: AsyncConnection) -> None:
            await conn.execute(update(outbox).where(outbox.c.seq == row.seq).values(values))
            if not self._database.is_sqlite:
                await leases.take(conn, f"outbox:{row.room}", self._holder, now_ms(self._system), LEASE)

        await self._database.write(job)


# Rooms whose head waits for a later time are left out: what stands behind it must not overtake.
_ROOMS = text(
    "SELECT room FROM outbox WHERE state = 0 GROUP BY room HAVING max(not_before) <= :now"
    " ORDER BY max(CASE WHEN urgent THEN 1 ELSE 0 END) DESC, min(seq) LIMIT :limit"
)
_TAKE = (
    text(
        "SELECT seq, key, module, room, kind, body, made, attempts FROM outbox"
        " WHERE state = 0 AND room = :room ORDER BY urgent DESC, seq LIMIT :limit"
    )
    .bindparams(bindparam("limit"))
    .columns(
        outbox.c.seq,
        outbox.c.key,
        outbox.c.module,
        outbox.c.room,
        outbox.c.kind,
        outbox.c.body,
        outbox.c.made,
        outbox.c.attempts,
    )
)


async def _take(conn: AsyncConnection, room: str) -> Sequence[Row[Any]]:
    return (await conn.execute(_TAKE, {"room": room, "limit": AT_ONCE})).all()
