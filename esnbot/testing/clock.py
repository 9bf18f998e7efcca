"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday morning on which nothing special happens."""


class ManualClock:
    """Implements ``esnbot.community.clock.Clock``; ``advance`` and ``set`` wake those whose instant has come."""

    def __init__(self, start: datetime = START) -> None:
        """``start`` is aware; the clock shows it in UTC."""
        self._now = start.astimezone(UTC)
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The instant that the test chose, aware, in UTC."""
        return self._now

    async def wait_until(self, instant: datetime) -> None:
        """Return once the test has moved the clock to this instant or past it."""
        if self._now >= instant:
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (instant, turn)
        self._waiting.append(entry)
        try:
            await turn
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    def advance(self, by: timedelta) -> None:
        """Move the clock; those who wait continue when the test next awaits."""
        self.set(self._now + by)

    def set(self, instant: datetime) -> None:
        """Set the clock, backwards too, as administrators do."""
        self._now = instant.astimezone(UTC)
        for due, turn in list(self._waiting):
            if self._now >= due and not turn.done():
                turn.set_result(None)

    @property
    def next_wake(self) -> datetime | None:
        """For when the earliest waiter waits; None when nobody does."""
        return min((due for due, turn in self._waiting if not turn.done()), default=None)
