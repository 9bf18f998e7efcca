"""Ours: the transaction endpoint and the engine with the small module; ``idle``: the endpoint alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from benchmarks.bots.serving import run_until_stopped, serve
from benchmarks.bots.small import handled, small_module
from benchmarks.kit.machine import quiet, stay_on
from benchmarks.kit.setup import Setup, read
from esnbot.engine.clock import SystemClock
from esnbot.engine.engine import Engine
from esnbot.matrix.appservice import LARGEST, TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.store.database import Database
from esnbot.store.migrate import migrate


async def main(setup: Setup) -> None:
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
    asyncio.run(main(told))
