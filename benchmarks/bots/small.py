"""The small module that answers or redacts, and how much was handled."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.kit.setup import PING, PONG, WORD, Setup
from esnbot.engine.effects import Effect, Redact, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.engine.metrics import Metrics

MESSAGES = frozenset({"m.room.message"})


async def ping(_ctx: Context, event: Event) -> Sequence[Effect]:
    """'!ping 7' is answered with 'pong 7'."""
    return [Say(room=event.room_id, body=PONG + event.text("body").removeprefix(PING))]


async def redact(_ctx: Context, event: Event) -> Sequence[Effect]:
    """A message with the forbidden word is taken out."""
    return [Redact(room=event.room_id, event=event.event_id, reason="forbidden")]


def small_module(setup: Setup) -> Module:
    """What the bot does itself."""

    def is_ping(event: Event) -> bool:
        return event.sender != setup.user and event.text("body").startswith(PING)

    def is_forbidden(event: Event) -> bool:
        return event.sender != setup.user and WORD in event.text("body")

    if setup.behaviour == "ping":
        return Module("bench", (Listener(MESSAGES, ping, is_ping),))
    if setup.behaviour == "redact":
        return Module("bench", (Listener(MESSAGES, redact, is_forbidden),), gate=True)
    return Module("bench")


def handled(metrics: Metrics) -> int:
    """How many events were handled."""
    return int(metrics.registry.get_sample_value("esnbot_events_handled_total") or 0)
