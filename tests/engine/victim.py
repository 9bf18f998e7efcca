"""A bot in a process of its own, to be killed: it answers commands and posts what is scheduled, and nothing more.

Run with one JSON argument: ``database``, ``homeserver``, ``registration``, ``port``, and ``posts`` (how many for each
room, the first ones due at once, the others every ``every`` milliseconds from ``begin`` on) for the ``rooms``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog
from aiohttp import web
from sqlalchemy import text

from esnbot.engine.clock import SystemClock
from esnbot.engine.effects import Effect, Join, Say, Schedule, post
from esnbot.engine.engine import Engine
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.matrix.appservice import TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import HomeserverError
from esnbot.matrix.registration import Registration
from esnbot.store import kept
from esnbot.store.database import Database
from esnbot.store.migrate import migrate


def commands() -> Module:
    """Counts commands for each room in its own table, so that state and answers must agree, and answers them."""

    async def handle(ctx: Context, event: Event) -> Sequence[Effect]:
        number = int(await kept.get(ctx.conn, event.room_id) or 0) + 1
        await kept.put(ctx.conn, event.room_id, str(number))
        return [Say(room=event.room_id, body=f"answer {number} to {event.text('body')}", thread=event.event_id)]

    async def invited(_ctx: Context, event: Event) -> Sequence[Effect]:
        return [Join(room=event.room_id)] if event.text("membership") == "invite" else []

    return Module(
        "commands",
        (
            Listener(frozenset({"m.room.message"}), handle, lambda event: event.text("body").startswith("!do ")),
            Listener(frozenset({"m.room.member"}), invited),
        ),
    )


def posts(rooms: list[str], count: int, begin: datetime, every: float) -> Module:
    """Posts on a schedule: each job plans the next one and says its own, with a line in the thread of it."""

    def job(room: str, number: int) -> Schedule:
        due = begin + timedelta(milliseconds=number * every)
        return Schedule(key=room, job="post", due=due, payload={"room": room, "number": number})

    async def start(ctx: Context) -> Sequence[Effect]:
        if not count or await kept.get(ctx.conn, "planned"):
            return []
        await kept.put(ctx.conn, "planned", "yes")
        return [job(room, 0) for room in rooms]

    async def due(_ctx: Context, event: Event) -> Sequence[Effect]:
        room, number = event.content["payload"]["room"], event.content["payload"]["number"]
        said: list[Effect] = [Say(key=f"{room}{number}", room=room, body=f"post {number}")]
        if number % 5 == 0:
            said.append(Say(room=room, body=f"reply {number}", thread=post(f"{room}{number}")))
        return [*said, job(room, number + 1)] if number + 1 < count else said

    return Module("posts", due={"post": due}, start=start)


async def run(order: dict[str, Any]) -> None:
    """Serve until told to end."""
    registration = Registration.read(Path(order["registration"]), server_name=order["server_name"])
    client = MatrixClient(order["homeserver"], registration.as_token, registration.bot_user_id, "ESNBOT")
    database = await Database.open(order["database"])
    await migrate(database)
    begin = datetime.fromtimestamp(order["begin"], UTC)
    modules = [commands(), posts(order["rooms"], order["posts"], begin, order["every"])]
    engine = Engine(database, client, modules, SystemClock())
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


async def greet(client: MatrixClient, registration: Registration) -> None:
    """Make the account and end the homeserver's back-off, however long the homeserver is away."""
    while True:
        try:
            await client.register()
            await client.ensure_device("bot")
            await client.ping_service(registration.id, "here")
        except HomeserverError:
            await asyncio.sleep(0.2)
            continue
        return


async def backlog(database: Database) -> int:
    """How much waits: events, effects and jobs."""
    async with database.read() as conn:
        query = text(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 0) + (SELECT count(*) FROM outbox WHERE state = 0)"
            " + (SELECT count(*) FROM schedule)"
        )
        return int((await conn.execute(query)).scalar_one())


if __name__ == "__main__":
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(run(orjson.loads(sys.argv[1])))
