"""An engine on the real homeserver, with an endpoint that can lose what it is given."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from esnbot.engine.clock import SystemClock
from esnbot.engine.effects import Effect, Join
from esnbot.engine.engine import Engine
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Module
from esnbot.matrix.appservice import TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import ServerTrouble
from esnbot.matrix.registration import Registration
from esnbot.store.database import Database
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import Person
from esnbot.testing.waiting import eventually
from tests.engine.workshop import a_module


class LiveBot:
    """A bot in this process: its engine, its endpoint, its account."""

    def __init__(self, homeserver: Homeserver, registration: Registration, database: Database) -> None:
        self.database = database
        self.registration = registration
        self.client = MatrixClient(homeserver.url, registration.as_token, registration.bot_user_id, "ESNBOT")
        self.engine: Engine | None = None
        self.losing = True
        """Whether transactions are acknowledged and thrown away, as a homeserver's queue may be."""
        self.lost = 0
        self._runner: web.AppRunner | None = None

    async def listen(self) -> None:
        """Answer the homeserver; makes the account."""
        app = web.Application()
        endpoint = TransactionEndpoint(self.registration.hs_token, self._accept, lambda user: user == self.client.user)
        app.add_routes(endpoint.routes())
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", int(self.registration.url.rpartition(":")[2])).start()
        await self.client.register()
        await self.client.ensure_device("bot")
        await self.ping()

    async def start(self, *modules: Module) -> Engine:
        """Start a new engine, as a new process would."""
        self.losing = False
        self.engine = Engine(self.database, self.client, (accepting(), *modules), SystemClock())
        await self.engine.start()
        await self.ping()
        return self.engine

    async def ping(self) -> None:
        """Have the homeserver call back, which ends its back-off."""

        async def answered() -> bool:
            try:
                await self.client.ping_service(self.registration.id, "here")
            except ServerTrouble:
                # Synapse answers so when it was just about to try again by itself.
                return False
            return True

        await eventually(answered)

    async def stop(self) -> None:
        """Stop the engine; the endpoint refuses meanwhile."""
        if self.engine is not None:
            await self.engine.stop()
            self.engine = None

    async def close(self) -> None:
        """Stop everything."""
        await self.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.client.close()

    async def room(self, person: Person, **content: object) -> str:
        """A room of a person's that the bot is in."""
        room = await person.create_room(invite=[self.client.user], **content)

        async def joined() -> bool:
            return (await person.members(room)).get(self.client.user) == "join"

        await eventually(joined, 30)
        return room

    async def _accept(self, transaction: str, body: bytes) -> int:
        if self.losing:
            self.lost += 1
            return 0
        if self.engine is None:
            raise RuntimeError("no engine")
        return await self.engine.accept(transaction, body)


def accepting() -> Module:
    """Joins where it is invited."""

    async def invited(ctx: Context, event: Event) -> Sequence[Effect]:
        if event.state_key == ctx.bot and event.text("membership") == "invite":
            return [Join(room=event.room_id)]
        return []

    return a_module("accepting", invited, "m.room.member")
