"""Wake-up calls between the machines of one process. A lost one costs a short wait, never an event."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

INBOX = "inbox"
OUTBOX = "outbox"
SCHEDULE = "schedule"
URGENT = "urgent"


class Signals:
    """Named events that are taken back when somebody wakes from them."""

    def __init__(self) -> None:
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._counts: Counter[str] = Counter()

    def set(self, name: str) -> None:
        """Wake whoever waits for the name, now or next."""
        self._counts[name] += 1
        self._events[name].set()

    def count(self, name: str) -> int:
        """How often the name was called; for whoever only wants to know whether it was called again."""
        return self._counts[name]

    async def wait(self, name: str, seconds: float | None = None) -> bool:
        """Wait for the name; False when the time was over first."""
        event = self._events[name]
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True
