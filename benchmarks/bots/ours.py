"""Ours: the transaction endpoint alone, the engine with one small module, or the whole application with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel

from benchmarks.bots.serving import run_until_stopped, serve
from benchmarks.kit.house import tokens, write_config
from benchmarks.kit.machine import quiet, stay_on
from benchmarks.kit.setup import PING, PONG, WORD, Setup, read
from esnbot.app import application
from esnbot.discovery import Discovery, discover
from esnbot.engine.clock import SystemClock
from esnbot.engine.effects import Effect, Redact, Say
from esnbot.engine.engine import Engine
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.engine.metrics import Metrics
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.matrix.appservice import LARGEST, TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.settings import load
from esnbot.store.database import Database
from esnbot.store.migrate import migrate

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


class _NoSettings(BaseModel):
    pass


def declaration(setup: Setup) -> Declaration:
    """The small module as a feature beside the others."""

    def build(_kit: Kit[_NoSettings]) -> Feature:
        return Feature(small_module(setup))

    return Declaration(name="bench", summary="For benchmarks.", settings=_NoSettings, build=build)


def handled(metrics: Metrics) -> int:
    """How many events were handled."""
    return int(metrics.registry.get_sample_value("esnbot_events_handled_total") or 0)


async def whole(setup: Setup) -> None:
    """The application with all features, as `esnbot run` runs it."""
    installed = discover()
    found = Discovery({**installed.declarations, "bench": declaration(setup)}, installed.broken)
    settings = load(write_config(setup, Path(setup.folder)), found.schemas, environment=tokens(setup))
    async with application(settings, found) as app:
        if app.broken:
            raise SystemExit("\n".join(app.broken.values()))
        await app.start()
        await app.until_ready()
        runner = await serve(web.Application(), setup.counts, lambda: handled(app.metrics))
        await run_until_stopped()
        await runner.cleanup()


async def small(setup: Setup) -> None:
    """The engine with the small module alone; ``idle``: what arrives is accepted, and nobody handles it."""
    database = await Database.open(f"sqlite+aiosqlite:///{Path(setup.folder) / 'esnbot.db'}")
    await migrate(database)
    client = MatrixClient(setup.homeserver, setup.as_token, setup.user, "BENCH")
    engine = Engine(database, client, [small_module(setup)], SystemClock())
    app = web.Application(client_max_size=LARGEST)
    app.add_routes(TransactionEndpoint(setup.hs_token, engine.accept, lambda user: user == setup.user).routes())
    runner = await serve(app, setup.port, lambda: handled(engine.metrics))
    if not setup.idle:
        await client.register()
        await client.ensure_device("benchmark")
        await engine.start()
        if setup.service:
            await client.ping_service(setup.service, "start")
    await run_until_stopped()
    await engine.stop()
    await runner.cleanup()
    await database.close()
    await client.close()


if __name__ == "__main__":
    told = read()
    stay_on(told.core)
    quiet()
    asyncio.run(whole(told) if told.features else small(told))
