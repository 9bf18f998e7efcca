"""A clock that runs fast: the community lives by it while the homeserver lives by the real one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

LOOK_AGAIN: Final = 0.05
"""Real seconds after which a sleeper looks again: the speed may have changed."""


class ScaledClock:
    """Begins at an instant and passes ``speed`` seconds in each real one. It never runs backwards."""

    def __init__(
        self,
        start: datetime,
        speed: float = 1.0,
        *,
        real: Callable[[], float] = time.monotonic,
        look: float = LOOK_AGAIN,
    ) -> None:
        if start.tzinfo is None:
            raise ValueError("the start must be aware")
        self._real = real
        self._instant, self._since = start, real()
        self._speed = _positive(speed)

    @property
    def speed(self) -> float:
        """Seconds of this clock in one real second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._instant, self._since = self.now(), self._real()
        self._speed = _positive(speed)

    def now(self) -> datetime:
        """The present instant of this clock."""
        return self._instant + timedelta(seconds=(self._real() - self._since) * self._speed)

    async def wait_until(self, instant: datetime) -> None:
        """Return once this clock shows the instant or a later one."""
        while (remaining := (instant - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - time itself is waited for
            await asyncio.sleep(min(remaining / self._speed, LOOK_AGAIN))


def _positive(speed: float) -> float:
    if speed <= 0:
        raise ValueError("a clock runs forward: its speed must be above zero")
    return speed
