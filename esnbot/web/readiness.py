"""Whether the process is ready for people: what it waits for, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

MIGRATED = "migrated"
HOMESERVER = "homeserver"
CAUGHT_UP = "caught_up"
CONDITIONS = (MIGRATED, HOMESERVER, CAUGHT_UP)


class Readiness:
    """A handful of named conditions; ready when all are met."""

    def __init__(self, conditions: Iterable[str] = CONDITIONS) -> None:
        self._met = dict.fromkeys(conditions, False)
        self._all = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether every condition is met."""
        return all(self._met.values())

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """The conditions that are not met, in their order."""
        return tuple(name for name, met in self._met.items() if not met)

    def met(self, condition: str) -> bool:
        """Whether one condition is met."""
        return self._met[condition]

    def mark(self, condition: str, met: bool = True) -> None:
        """Say that a condition is met, or no longer is."""
        if condition not in self._met:
            raise KeyError(condition)
        self._met[condition] = met
        if self.ready:
            self._all.set()
        else:
            self._all.clear()

    async def wait(self) -> None:
        """Return once everything is met."""
        await self._all.wait()
