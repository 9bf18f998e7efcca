"""Housekeeping: what is done is forgotten after a while, in small steps between which others have their turn."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from sqlalchemy import Column, Table, delete, exists, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine.clock import now_ms
from esnbot.engine.tables import State, dead_letter, inbox, outbox
from esnbot.store.database import Database

DAY_MS: Final = 24 * 3600 * 1000
INBOX_DAYS: Final = 14
"""How long the ids of handled events are known: a homeserver repeats a transaction after hours, not weeks."""
OUTBOX_DAYS: Final = 90
"""How long it is known what an effect sent: a thread may be continued, a post corrected."""
STEP: Final = 500
EVERY: Final = 3600.0
BETWEEN: Final = 0.1

log = structlog.get_logger("esnbot.engine.housekeeping")


class Housekeeping:
    """Prunes the engine's tables."""

    def __init__(self, database: Database, system: Clock) -> None:
        self._database = database
        self._system = system

    async def run(self) -> None:
        """Tidy up every now and then until cancelled."""
        while True:
            forgotten = await self.once()
            if forgotten:
                log.info("forgot what is long done", rows=forgotten)
            await asyncio.sleep(EVERY)

    async def once(self) -> int:
        """Forget all that is old enough; returns how many rows that were."""
        now = now_ms(self._system)
        events = await self._prune(inbox, inbox.c.event_id, inbox.c.arrived, "event", now - INBOX_DAYS * DAY_MS)
        effects = await self._prune(outbox, outbox.c.key, outbox.c.made, "effect", now - OUTBOX_DAYS * DAY_MS)
        await self._database.write(lambda conn: conn.execute(_LEASES, {"before": now - DAY_MS}))
        return events + effects

    async def _prune(self, table: Table, key: Column[Any], since: Column[Any], kind: str, before: int) -> int:
        after, forgotten = 0, 0
        while True:
            start = after

            async def step(conn: AsyncConnection, start: int = start) -> tuple[int | None, int]:
                rows = (
                    await conn.execute(
                        select(table.c.seq, since).where(table.c.seq > start).order_by(table.c.seq).limit(STEP)
                    )
                ).all()
                if not rows:
                    return None, 0
                last = rows[-1][0]
                # A letter that can be replayed keeps what it goes back to.
                letter = exists().where(dead_letter.c.kind == kind, dead_letter.c.key == key)
                old = table.c.seq.between(start + 1, last) & (since < before) & (table.c.state != State.waiting.value)
                gone = (await conn.execute(delete(table).where(old, ~letter))).rowcount
                # Rows stand in the order of their time: behind young ones there are no old ones.
                return (last if rows[-1][1] < before else None), gone

            following, gone = await self._database.write(step)
            forgotten += gone
            if following is None:
                return forgotten
            after = following
            await asyncio.sleep(BETWEEN)


_LEASES = text("DELETE FROM lease WHERE until < :before")
