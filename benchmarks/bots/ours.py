"""Ours: the transaction endpoint and the engine, with one small module or with everything that the software can do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from benchmarks.bots import everything
from benchmarks.bots.serving import run_until_stopped, serve
from benchmarks.kit.machine import quiet, stay_on
from benchmarks.kit.setup import PING, PONG, WORD, Setup, read
from esnbot.engine.clock import SystemClock
from esnbot.engine.effects import Effect, Redact, Say
from esnbot.engine.engine import Engine
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.matrix.appservice import LARGEST, TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import HomeserverError
from esnbot.store.database import Database
from esnbot.store.migrate import migrate

MESSAGES = frozenset({"m.room.message"})


async def ping(_ctx: Context, event: Event) -> Sequence[Effect]:
    """'!ping 7' is answered with 'pong 7'."""
    return [Say(room=event.room_id, body=PONG + event.text("body").removeprefix(PING))]


async def redact(_ctx: Context, event: Event) -> Sequence[Effect]:
    """A message with the forbidden word is taken out."""
    return [Redact(room=event.room_id, event=event.event_id, reason="forbidden")]


def small_modules(setup: Setup) -> list[Module]:
    """What the bot does itself."""

    def is_ping(event: Event) -> bool:
        return event.sender != setup.user and event.text("body").startswith(PING)

    def is_forbidden(event: Event) -> bool:
        return event.sender != setup.user and WORD in event.text("body")

    if setup.behaviour == "ping":
        return [Module("ping", (Listener(MESSAGES, ping, is_ping),))]
    if setup.behaviour == "redact":
        return [Module("redact", (Listener(MESSAGES, redact, is_forbidden),), gate=True)]
    return []


async def main(setup: Setup) -> None:
    """Serve until the end."""
    database = await Database.open(f"sqlite+aiosqlite:///{Path(setup.folder) / 'esnbot.db'}")
    client = MatrixClient(setup.homeserver, setup.as_token, setup.user, "BENCH")
    whole = everything.build(setup) if setup.features else everything.NOTHING
    await migrate(database, whole.migrations)
    engine = Engine(database, client, [*whole.modules, *small_modules(setup)], SystemClock())
    app = web.Application(client_max_size=LARGEST)
    app.add_routes(TransactionEndpoint(setup.hs_token, engine.accept, lambda user: user == setup.user).routes())

    def handled() -> int:
        return int(engine.metrics.registry.get_sample_value("esnbot_events_handled_total") or 0)

    runner = await serve(app, setup.port, handled)
    try:
        if not setup.idle:
            await client.register()
            await client.ensure_device("benchmark")
            await engine.start()
            if setup.service:
                await client.ping_service(setup.service, "start")
    except HomeserverError as error:
        print(f"the homeserver does not answer: {error}", flush=True)
    await run_until_stopped()
    await engine.stop()
    await runner.cleanup()
    await database.close()
    await client.close()


if __name__ == "__main__":
    told = read()
    stay_on(told.core)
    quiet()
    asyncio.run(main(told))
