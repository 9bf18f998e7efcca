"""Forgets what is old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.effects import Effect, Schedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.tempo import records

CLEAR: Final = "clear"
EVERY: Final = timedelta(days=1)


class TempoHandlers:
    """The feature at work."""

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Begin the daily clearing."""
        return [Schedule(key=CLEAR, job=CLEAR, due=ctx.now + timedelta(minutes=2))]

    async def clear(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Clear what is of no use any more, and again a day later."""
        await records.clear(ctx.conn, ctx.now)
        return [Schedule(key=CLEAR, job=CLEAR, due=ctx.now + EVERY)]

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: nothing."""
        return {}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Nothing is kept about anybody."""
        return []
