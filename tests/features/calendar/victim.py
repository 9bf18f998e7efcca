"""The features in a process of their own, on a clock that runs fast, to be killed. Run with one JSON argument:

``database``, ``homeserver``, and ``begin`` (seconds since 1970, the community's time).
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog

from esnbot.discovery import discover
from esnbot.engine.engine import Engine
from esnbot.matrix.client import MatrixClient
from esnbot.store.database import Database
from tests.features.calendar.kit import SETTINGS, a_staff
from tests.features.house import BOT, House

LATE = "23 hours"
"""A moment of a busy machine is hours of the fast clock."""
SPEED = 4 * 86_400.0
"""Seconds of the community in a real one: four days."""
STEP = timedelta(minutes=30)
LOOK = 0.005


class FastClock:
    """A clock that runs fast, but no further than a step between two looks: a busy machine skips no morning."""

    def __init__(self, start: datetime) -> None:
        self._instant, self._since = start, time.monotonic()

    def now(self) -> datetime:
        """The community's time."""
        real = time.monotonic()
        self._instant += min(timedelta(seconds=(real - self._since) * SPEED), STEP)
        self._since = real
        return self._instant

    async def wait_until(self, instant: datetime) -> None:
        """Return once it is that late."""
        while self.now() < instant:  # noqa: ASYNC110 - time itself is waited for
            await asyncio.sleep(LOOK)


async def run(order: dict[str, Any]) -> None:
    """Serve until killed."""
    client = MatrixClient(order["homeserver"], "token", BOT, "ESNBOT")
    database = await Database.open(order["database"])
    clock = FastClock(datetime.fromtimestamp(order["begin"], UTC))
    settings = {"calendar": {**SETTINGS, "grace": LATE}}
    house = House(database, a_staff(), discover(), clock=clock, settings=settings)  # type: ignore[arg-type]
    engine = Engine(database, client, house.modules, clock)
    await engine.start()
    print("running", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(run(orjson.loads(sys.argv[1])))
