"""What is known of the homeserver's health, shared by all rooms: while it is away, nobody knocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from esnbot.matrix.errors import HomeserverError

FIRST: Final = 0.25
LONGEST: Final = 15.0

log = structlog.get_logger("esnbot.engine.homeserver")


class Homeserver:
    """Whether the homeserver can be asked now, and until when not. Times are monotonic."""

    def __init__(self, came_back: Callable[[], None] = lambda: None) -> None:
        self._came_back = came_back
        self._until = 0.0
        self._pause = 0.0
        self.last_error = ""

    @property
    def is_away(self) -> bool:
        """Whether the last word was trouble."""
        return bool(self.last_error)

    async def usable(self) -> None:
        """Return when it makes sense to ask it."""
        while (remaining := self._until - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(remaining)

    def fine(self) -> None:
        """It answered."""
        if self.last_error:
            log.info("homeserver is back")
            self.last_error = ""
            self._came_back()
        self._pause = 0.0

    def limited(self, seconds: float) -> None:
        """It asked to wait that long."""
        self._until = max(self._until, time.monotonic() + seconds)

    def trouble(self, error: HomeserverError) -> None:
        """It did not answer, or not as a homeserver; many requests may say so at the same time."""
        now = time.monotonic()
        if self._until > now:
            return
        self._pause = min(self._pause * 2, LONGEST) if self._pause else FIRST
        self._until = now + self._pause
        if not self.last_error:
            log.warning("homeserver is away", error=str(error))
        self.last_error = str(error)
