"""Time as the rest of the house reads it: passed in, never taken."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """A wall clock that can also be waited for."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    async def wait_until(self, instant: datetime) -> None:
        """Return once ``now() >= instant``, also when the wall clock was set meanwhile."""
        ...
