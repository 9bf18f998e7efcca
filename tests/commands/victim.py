"""The commands of the kit in a process of its own, to be killed. Run with one JSON argument, as the engine's victim."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import orjson
import structlog
from aiohttp import web

from esnbot.commands import invitations
from esnbot.commands import module as commands
from esnbot.commands.people import People
from esnbot.commands.registry import Registry
from esnbot.community.audience import Audience, Perimeter
from esnbot.engine.clock import SystemClock
from esnbot.engine.engine import Engine
from esnbot.matrix.appservice import TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.registration import Registration
from esnbot.speech import Speech
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from tests.commands.kit import COMMANDS, NOUNS, KnownPlaces, the_community
from tests.engine.victim import greet


async def run(order: dict[str, Any]) -> None:
    """Serve until told to end."""
    registration = Registration.read(Path(order["registration"]), server_name=order["server_name"])
    client = MatrixClient(order["homeserver"], registration.as_token, registration.bot_user_id, "ESNBOT")
    database = await Database.open(order["database"])
    await migrate(database, [commands.MIGRATIONS])
    staff = Audience("staff", "Staff", Perimeter(homeservers=(order["server_name"],)))
    community = the_community(audiences={"staff": staff}, languages=("en",))
    speech, places = Speech(strict=True), KnownPlaces()
    module = commands.build(
        Registry(NOUNS, COMMANDS), community=community, speech=speech, places=places, bot=client.user
    )
    doorkeeper = invitations.build(People(community, places), speech, client.user)
    engine = Engine(database, client, (module, doorkeeper), SystemClock())
    endpoint = TransactionEndpoint(registration.hs_token, engine.accept, lambda user: user == client.user)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes(endpoint.routes())
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", order["port"]).start()
    await engine.start()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    print("running", flush=True)
    await greet(client, registration)
    await told.wait()
    await engine.stop()
    await runner.cleanup()
    await database.close()
    await client.close()


if __name__ == "__main__":
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(run(orjson.loads(sys.argv[1])))
