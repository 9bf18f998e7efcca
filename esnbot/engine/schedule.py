"""The schedule: what is due becomes an event of the inbox, once, whatever the wall clock did meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import inbox, signals
from esnbot.engine.clock import now_ms
from esnbot.engine.event import DUE
from esnbot.engine.tables import schedule
from esnbot.store.database import Database

AT_ONCE: Final = 100
PUNCTUAL_MS: Final = 5_000
"""A job is punctual with this much lateness, whatever its grace: a busy moment is no reason to skip it."""
LOOK_AGAIN_MS: Final = 30_000
"""The schedule is looked at this often at least: another process may have written to it."""

log = structlog.get_logger("esnbot.engine.schedule")


class Scheduler:
    """Moves what is due from the schedule into the inbox."""

    def __init__(self, database: Database, clock: Clock, system: Clock, signal: signals.Signals) -> None:
        self._database = database
        self._clock = clock
        self._system = system
        self._signals = signal

    async def run(self) -> None:
        """Watch the schedule until cancelled."""
        while True:
            try:
                fired = await self.step()
                if not fired:
                    await self._wait(await self._next())
            # A database in trouble is waited for; what is due stays due.
            except Exception:
                log.exception("schedule cannot be read")
                await asyncio.sleep(1.0)

    async def step(self) -> int:
        """Enter what is due now; returns how many jobs that were."""
        fired = await self._database.write(self._fire)
        if fired:
            self._signals.set(signals.INBOX)
        return fired

    async def _fire(self, conn: AsyncConnection) -> int:
        now = now_ms(self._clock)
        query = _DUE if self._database.is_sqlite else _DUE_UNLOCKED
        rows: Sequence[Row[Any]] = (await conn.execute(query, {"now": now, "limit": AT_ONCE})).all()
        for row in rows:
            content = {
                "module": row.module,
                "job": row.job,
                "key": row.key,
                "due": row.due,
                "payload": row.payload,
                "missed": row.if_late == "skip" and now - row.due > row.grace * 1000 + PUNCTUAL_MS,
            }
            await self._enter(conn, f"due:{row.module}:{row.key}", row.due, content)
            await conn.execute(delete(schedule).where(schedule.c.module == row.module, schedule.c.key == row.key))
        return len(rows)

    async def _enter(self, conn: AsyncConnection, name: str, due: int, content: dict[str, Any]) -> None:
        """Enter a job that is due; one that was due at the same time before, and was planned again, is another."""
        id, number = f"{name}:{due}", 1
        while not await inbox.put_internal(conn, id, DUE, content, now_ms(self._system), queue=name):
            number += 1
            id = f"{name}:{due}:{number}"

    async def _next(self) -> int | None:
        async with self._database.read() as conn:
            due: int | None = (await conn.execute(select(func.min(schedule.c.due)))).scalar_one_or_none()
            return due

    async def _wait(self, due: int | None) -> None:
        """Until the next job is due, the schedule changed, or it is time to look again."""
        latest = now_ms(self._clock) + LOOK_AGAIN_MS
        instant = datetime.fromtimestamp(min(due if due is not None else latest, latest) / 1000, UTC)
        sleeper = asyncio.create_task(self._clock.wait_until(instant))
        changed = asyncio.create_task(self._signals.wait(signals.SCHEDULE))
        try:
            await asyncio.wait({sleeper, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            changed.cancel()


_COLUMNS = "module, key, job, due, payload, if_late, grace"
_TYPED = (
    schedule.c.module,
    schedule.c.key,
    schedule.c.job,
    schedule.c.due,
    schedule.c.payload,
    schedule.c.if_late,
    schedule.c.grace,
)
_SELECT = f"SELECT {_COLUMNS} FROM schedule WHERE due <= :now ORDER BY due, module, key LIMIT :limit"
_DUE = text(_SELECT).columns(*_TYPED)
_DUE_UNLOCKED = text(f"{_SELECT} FOR UPDATE SKIP LOCKED").columns(*_TYPED)
