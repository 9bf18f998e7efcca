"""The real clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from esnbot.community.clock import Clock

LOOK_AGAIN: Final = 1.0
"""Seconds after which a sleeper looks at the wall clock again: it may have been set."""


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    async def wait_until(self, instant: datetime) -> None:
        """Sleep in short steps, so that a clock that is set meanwhile is noticed."""
        while (remaining := (instant - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(remaining, LOOK_AGAIN))


def milliseconds(instant: datetime) -> int:
    """An instant as milliseconds since 1970."""
    return int(instant.timestamp() * 1000)


def now_ms(clock: Clock) -> int:
    """The clock's present as milliseconds since 1970."""
    return milliseconds(clock.now())
