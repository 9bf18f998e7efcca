"""Patience with a homeserver: wait when it says so, back off when it has trouble, give up in the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from esnbot.matrix.errors import HomeserverError, Limited, TokenRefused

T = TypeVar("T")

ATTEMPTS: Final = 8
"""Attempts with trouble, about two minutes in all."""

WAITS: Final = 100
"""Times that a 429 is obeyed before the request is given up."""


class Patience:
    """Tries a request again while that makes sense."""

    def __init__(
        self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, luck: random.Random | None = None
    ) -> None:
        self._sleep = sleep
        self._luck = luck or random.Random()

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The request's answer; raises what the last attempt raised."""
        trouble = waits = 0
        while True:
            try:
                return await attempt()
            except Limited as error:
                waits += 1
                if waits > WAITS:
                    raise
                # A little later than asked, and not all at once.
                await self._sleep(min(error.seconds, 60.0) + self._luck.uniform(0, 0.1))
            except TokenRefused:
                raise
            except HomeserverError as error:
                trouble += 1
                if not error.passes or trouble >= ATTEMPTS:
                    raise
                await self._sleep(min(0.25 * 2**trouble, 30.0) * self._luck.uniform(0.8, 1.2))


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A group of tasks whose first failure comes out as itself, and ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failed:
        first: Exception = failed
        while isinstance(first, ExceptionGroup):
            first = first.exceptions[0]
        raise first from failed
