"""What the process tells Prometheus: counters that it keeps, and figures that are read from the store when asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.tables import State, dead_letter, inbox, outbox, schedule

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """What waits, as the store says it at one moment."""

    inbox_waiting: int = 0
    outbox_waiting: int = 0
    scheduled: int = 0
    dead_letters: int = 0
    lag: float = 0.0
    """Age in seconds of the oldest event that waits to be handled; 0.0 when none does."""
    overdue: float = 0.0
    """Age in seconds of the oldest effect that waits to be delivered."""


async def read_figures(conn: AsyncConnection, now_ms: int) -> Figures:
    """The figures of this moment."""
    waiting = select(func.count(), func.min(inbox.c.arrived)).where(inbox.c.state == State.waiting)
    events, arrived = (await conn.execute(waiting)).one()
    leaving = select(func.count(), func.min(outbox.c.made)).where(outbox.c.state == State.waiting)
    effects, made = (await conn.execute(leaving)).one()
    return Figures(
        inbox_waiting=events,
        outbox_waiting=effects,
        scheduled=(await conn.execute(select(func.count()).select_from(schedule))).scalar_one(),
        dead_letters=(await conn.execute(select(func.count()).select_from(dead_letter))).scalar_one(),
        lag=max(0, now_ms - arrived) / 1000 if arrived is not None else 0.0,
        overdue=max(0, now_ms - made) / 1000 if made is not None else 0.0,
    )


class Metrics:
    """One process's metrics, in a registry of their own so that several can live in one test."""

    def __init__(self, version: str) -> None:
        self.registry = registry = CollectorRegistry()
        Info("esnbot", "What runs here.", registry=registry).info({"version": version})
        self.accepted = Counter("esnbot_events_accepted", "Events stored and acknowledged.", registry=registry)
        self.handled = Counter(
            "esnbot_events_handled", "Events that a module handled.", ["module", "outcome"], registry=registry
        )
        self.handling = Histogram(
            "esnbot_handling_seconds", "Time in a module's handler.", ["module"], registry=registry, buckets=_SECONDS
        )
        self.delivered = Counter(
            "esnbot_effects_delivered", "Effects that the homeserver took.", ["kind"], registry=registry
        )
        self.errors = Counter(
            "esnbot_homeserver_errors", "Requests to the homeserver that failed.", ["kind"], registry=registry
        )
        self.requests = Counter("esnbot_homeserver_requests", "Requests to the homeserver.", registry=registry)
        self.inbox_waiting = Gauge("esnbot_inbox_waiting", "Events that wait to be handled.", registry=registry)
        self.outbox_waiting = Gauge("esnbot_outbox_waiting", "Effects that wait to be delivered.", registry=registry)
        self.scheduled = Gauge("esnbot_scheduled", "Jobs on the schedule.", registry=registry)
        self.dead_letters = Gauge("esnbot_dead_letters", "Dead letters that wait for somebody.", registry=registry)
        self.lag = Gauge("esnbot_lag_seconds", "Age of the oldest event that waits.", registry=registry)
        self.overdue = Gauge("esnbot_outbox_lag_seconds", "Age of the oldest effect that waits.", registry=registry)
        self.reconciled = Gauge(
            "esnbot_last_reconcile_timestamp_seconds", "When rooms were last reconciled; 0: not yet.", registry=registry
        )
        self.ready = Gauge("esnbot_ready", "1 when the process is ready.", registry=registry)

    def show(self, figures: Figures) -> None:
        """Take over what the store said."""
        self.inbox_waiting.set(figures.inbox_waiting)
        self.outbox_waiting.set(figures.outbox_waiting)
        self.scheduled.set(figures.scheduled)
        self.dead_letters.set(figures.dead_letters)
        self.lag.set(figures.lag)
        self.overdue.set(figures.overdue)

    async def text(self, read: Callable[[], Awaitable[Figures]] | None = None) -> bytes:
        """The exposition, with fresh figures when there is somewhere to read them."""
        if read is not None:
            self.show(await read())
        return generate_latest(self.registry)
