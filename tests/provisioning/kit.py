"""What tests of provisioning share: builders of declarations, and a bot with its rooms on a real homeserver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import aiohttp
import orjson
from aiohttp import web
from sqlalchemy import select
from yarl import URL

import esnbot.provisioning
from esnbot.community.audience import Audience, Perimeter
from esnbot.community.clock import Clock
from esnbot.community.group import Group, Place, Source, Space
from esnbot.community.model import Community, Roles
from esnbot.engine.clock import SystemClock
from esnbot.engine.engine import Engine
from esnbot.engine.tables import inbox
from esnbot.matrix.appservice import TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.registration import Registration
from esnbot.provisioning import wanted
from esnbot.provisioning.module import build
from esnbot.provisioning.patience import Patience
from esnbot.provisioning.plan import Plan
from esnbot.provisioning.reconciler import Reconciler
from esnbot.speech import Speech
from esnbot.store import bindings
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing.homeserver import Homeserver
from tests.provisioning.simulated import Glass

P = TypeVar("P", bound=Place)
T = TypeVar("T")

MIGRATIONS = Path(next(iter(esnbot.provisioning.__path__))) / "migrations"


def a_space(key: str, name: str = "", **more: Any) -> Space:
    """A space of the file that states what is given."""
    return Space(key=key, name=name or key.title(), **_stated(more), **more)


def a_group(key: str, name: str = "", **more: Any) -> Group:
    """A group of the file that states what is given."""
    return Group(key=key, name=name or key.title(), **_stated(more), **more)


def _stated(more: dict[str, Any]) -> dict[str, Any]:
    # As in a file: what is given is stated, 'parent' under its name there.
    names = {"space" if name == "parent" else name for name in more}
    return {"stated": more.pop("stated", frozenset({"name", *names})), "source": Source("community.yaml", 7, 3)}


def an_audience(key: str, *homeservers: str, **more: Any) -> Audience:
    """An audience bounded by homeservers."""
    return Audience(key, key.title(), Perimeter(homeservers=homeservers), **more)


def a_community(*places: Place, animators: frozenset[str] = frozenset(), **more: Any) -> Community:
    """A community of these places."""
    return Community(
        name="Example",
        languages=("en", "fr"),
        zone=ZoneInfo("Europe/Paris"),
        spaces={place.key: place for place in places if isinstance(place, Space)},
        groups={place.key: place for place in places if isinstance(place, Group)},
        roles=Roles(animators=animators),
        **more,
    )


@dataclass(slots=True)
class Stage:
    """A bot on a homeserver, with its database."""

    database: Database
    client: MatrixClient
    clock: Clock
    prefix: str
    url: str
    registration: Registration = field(repr=False)

    def reconciler(self, client: MatrixClient | None = None, **more: Any) -> Reconciler:
        """A reconciler as a new process would have it."""
        more.setdefault("sealer", Glass())
        return Reconciler(self.database, client or self.client, self.clock, **more)

    def own(self, community: Community) -> Community:
        """The community with aliases of this test alone: the homeserver is shared."""
        return replace(
            community,
            spaces={key: self._own(place) for key, place in community.spaces.items()},
            groups={key: self._own(place) for key, place in community.groups.items()},
        )

    def _own(self, place: P) -> P:
        alias = place.alias or place.key
        return place if alias.startswith(self.prefix) else replace(place, alias=f"{self.prefix}-{alias}")

    def alias(self, localpart: str) -> str:
        """The full alias that a key or an alias of this test has."""
        return f"#{self.prefix}-{localpart}:{self.client.server}"

    async def apply(self, community: Community) -> Any:
        """Declare and apply; everything has to stand."""
        reconciler = self.reconciler()
        await reconciler.declare(self.own(community))
        outcome = await reconciler.apply()
        assert outcome.failures == {}
        return outcome

    async def plan(self, community: Community | None = None, **more: Any) -> Plan:
        """What would change; free aliases are not looked up, which is slow beside many services."""
        more.setdefault("look_up", False)
        return await self.reconciler().plan(self.own(community) if community else None, **more)

    async def room(self, key: str) -> str:
        """The room bound to a key."""
        async with self.database.read() as conn:
            room = await bindings.room_of(conn, key)
        assert room is not None, f"no room for {key}"
        return room

    async def state(self, key: str, type: str, state_key: str = "") -> dict[str, Any] | None:
        """State of the room of a key, from the homeserver."""
        return await self.client.state_event(await self.room(key), type, state_key)

    async def bound(self, key: str) -> str | None:
        """The room bound to a key, None when there is none yet."""
        async with self.database.read() as conn:
            return await bindings.room_of(conn, key)

    async def child_of(self, space: str, room: str) -> bool:
        """Whether a space lists a room."""
        return bool((await self.state(space, "m.space.child", room) or {}).get("via"))

    async def all_settled(self) -> bool:
        """Whether everything declared stands."""
        async with self.database.read() as conn:
            return not await wanted.unsettled(conn)

    async def last_said_in(self, key: str) -> str:
        """The last thing that was said in a room, '' when there is none."""
        return next(reversed(await self.said_in(key)), "")

    async def said_in(self, key: str) -> list[str]:
        """What was said in a room, oldest first, corrections as they are."""
        page = await self.client.messages(await self.room(key))
        said = [event for event in page["chunk"] if event["type"] == "m.room.message"]
        return [event["content"].get("body", "") for event in reversed(said)]

    async def purge(self, homeserver: Homeserver, room: str) -> None:
        """Remove a room from the homeserver for good, as an administrator can."""
        admin = await homeserver.administrator()
        headers = {"Authorization": f"Bearer {admin.access_token}"}
        url = f"{homeserver.url}/_synapse/admin/v1/rooms/{quote(room)}"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.delete(url, json={"purge": True, "force_purge": True}) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def announced(self, type: str) -> list[dict[str, Any]]:
        """The contents of the internal events of a type, in order."""
        async with self.database.read() as conn:
            bodies = (await conn.execute(select(inbox.c.body).order_by(inbox.c.seq))).scalars()
        events = [orjson.loads(body) for body in bodies if body]
        return [event["content"] for event in events if event["type"] == type]

    async def rooms_made(self) -> dict[str, list[str]]:
        """Creation key to the rooms that carry it, of all that the bot is in."""
        made: dict[str, list[str]] = {}
        for room in await self.client.joined_rooms():
            create = await self.client.state_event(room, "m.room.create")
            key = (create or {}).get("org.esnbot.key")
            if isinstance(key, str):
                made.setdefault(key, []).append(room)
        return made


@asynccontextmanager
async def running(stage: Stage, client: MatrixClient | None = None) -> AsyncIterator[Reconciler]:
    """The bot at work with provisioning alone: endpoint, engine and reconciler, which may have a client of its own."""
    bot = stage.client.user
    module = build(Speech(default="en", strict=True), bot, stage.client.server)
    engine = Engine(stage.database, stage.client, [module], stage.clock)
    endpoint = TransactionEndpoint(stage.registration.hs_token, engine.accept, lambda user: user == bot)
    app = web.Application(client_max_size=2**26)
    app.add_routes(endpoint.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", URL(stage.registration.url).port).start()
    reconciler = stage.reconciler(client, signals=engine.signals)
    await engine.start()
    work = asyncio.create_task(reconciler.run())
    try:
        # Synapse stumbles now and then when it pings a service that it waits for.
        await Patience()(lambda: stage.client.ping_service(stage.registration.id, "ping"))
        yield reconciler
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await engine.stop()
        await runner.cleanup()


async def eventually(look: Callable[[], Awaitable[T]], seconds: float = 60.0) -> T:
    """What ``look`` gives once it is something; fails when it stays nothing."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def staged(homeserver: Homeserver, url: str, clock: Clock | None = None) -> AsyncIterator[Stage]:
    """A bot with a device and an empty database."""
    registration = await homeserver.service()
    bot = f"@{registration.bot_localpart}:{homeserver.server_name}"
    client = MatrixClient(homeserver.url, registration.as_token, bot, "ESNBOT")
    database = await Database.open(url)
    try:
        await migrate(database, [MIGRATIONS])
        await client.register()
        await client.ensure_device("esnbot")
        prefix = registration.bot_localpart
        yield Stage(database, client, clock or SystemClock(), prefix, homeserver.url, registration)
    finally:
        await client.close()
        await database.close()
