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
LONGEST_LIMIT: Final = 600.0
"""Seconds that it may ask us to wait, whatever it says."""

log = structlog.get_logger("esnbot.engine.homeserver")


class Homeserver:
    """Whether the homeserver can be asked now, and until when not. Times are monotonic."""

    def __init__(self, came_back: Callable[[], None] = lambda: None) -> None:
        self._came_back = came_back
        self._until = 0.0
        self._pause = 0.0
        self.last_error = ""
        self.answers = 0
        """How often it did, or refused, what was asked."""

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
        self.answers += 1
        if self.last_error:
            log.info("homeserver is back")
            self.last_error = ""
            self._came_back()
        self._pause = 0.0

    def limited(self, seconds: float) -> None:
        """It asked to wait that long."""
        self._until = max(self._until, time.monotonic() + min(seconds, LONGEST_LIMIT))

    def trouble(self, error: HomeserverError) -> None:
        """It did not answer, or not as a homeserver; many requests may say so at the same time."""
        now = time.monotonic()
        if self._until > now:
            return
        self._pause = min(self._pause * 2, LONGEST) if self._pause else FIRST
        self._until = now + self._pause
        self.ill(error)

    def ill(self, error: HomeserverError) -> None:
        """It fails at one thing, and nothing else has worked since; nobody has to wait for it."""
        if not self.last_error:
            log.warning("homeserver is away", error=str(error))
        self.last_error = str(error)
