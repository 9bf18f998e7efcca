"""What the process tells Prometheus beside the engine's counters: figures that are read from the store when asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.engine import Backlog, backlog
from esnbot.engine.tables import State, inbox, outbox

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True)
class Figures:
    """What waits, as the store says it at one moment, and for how long."""

    backlog: Backlog
    lag: float = 0.0
    """Age in seconds of the oldest event that waits to be handled; 0.0 when none does."""
    overdue: float = 0.0
    """Age in seconds of the oldest effect that waits to be delivered."""


async def read_figures(conn: AsyncConnection, now_ms: int) -> Figures:
    """The figures of this moment."""
    arrived = await conn.execute(select(func.min(inbox.c.arrived)).where(inbox.c.state == State.waiting))
    made = await conn.execute(select(func.min(outbox.c.made)).where(outbox.c.state == State.waiting))
    return Figures(await backlog(conn), _age(arrived.scalar_one(), now_ms), _age(made.scalar_one(), now_ms))


def _age(since: int | None, now_ms: int) -> float:
    return max(0, now_ms - since) / 1000 if since is not None else 0.0


class Gauges:
    """The figures as Prometheus shows them, on the registry on which the engine counts."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        Info("esnbot", "What runs here", registry=registry).info({"version": version})
        self._inbox = self._gauge("esnbot_inbox_waiting", "Events that wait to be handled")
        self._outbox = self._gauge("esnbot_outbox_waiting", "Effects that wait to be delivered")
        self._scheduled = self._gauge("esnbot_scheduled", "Jobs on the schedule")
        self._letters = self._gauge("esnbot_dead_letters_waiting", "Dead letters that wait for somebody")
        self._lag = self._gauge("esnbot_inbox_lag_seconds", "Age of the oldest event that waits")
        self._overdue = self._gauge("esnbot_outbox_lag_seconds", "Age of the oldest effect that waits")
        self._ready = self._gauge("esnbot_ready", "1 when the process is ready")
        self.reconciled = self._gauge(
            "esnbot_last_reconcile_timestamp_seconds", "When this process last looked after the rooms; 0: never"
        )

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(name, documentation, registry=self.registry)

    def show(self, figures: Figures) -> None:
        """Take over what the store said."""
        self._inbox.set(figures.backlog.inbox)
        self._outbox.set(figures.backlog.outbox)
        self._scheduled.set(figures.backlog.scheduled)
        self._letters.set(figures.backlog.letters)
        self._lag.set(figures.lag)
        self._overdue.set(figures.overdue)

    async def exposition(self, *, ready: bool, read: Callable[[], Awaitable[Figures]] | None = None) -> bytes:
        """Everything on the registry as text, with fresh figures when there is somewhere to read them."""
        if read is not None:
            self.show(await read())
        self._ready.set(1 if ready else 0)
        return generate_latest(self.registry)
