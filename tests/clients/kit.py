"""What these tests share: a community with staff and partners, the bot at work in it, and people with matrix-js-sdk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from esnbot.app import Application, application
from esnbot.discovery import discover
from esnbot.homeserver import Account
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.testing.homeserver import Homeserver
from tests.app.bench import echo, with_features
from tests.clients.install import Installed
from tests.clients.js import JsClient
from tests.town import at_work, declared

HOUSE = """
spaces:
  house:
    name: House
    alias: house-{bot}
    audiences: [staff, partners]
    joining: public
    groups:
      cafe: {{name: The café, alias: cafe-{bot}, joining: public}}
"""


@dataclass(frozen=True, slots=True)
class Town:
    """A community on a homeserver, and a partner's homeserver beside it."""

    registration: Registration
    homeserver: Homeserver
    client: Installed
    settings: Settings
    people: AsyncExitStack

    def alias(self, name: str) -> str:
        """Of the house, or of the café."""
        return f"#{name}-{self.registration.bot_localpart}:{self.homeserver.server_name}"

    async def person(self, name: str = "alice", homeserver: Homeserver | None = None, **more: bool) -> JsClient:
        """Somebody with matrix-js-sdk, until the test ends."""
        person = await (homeserver or self.homeserver).person(name)
        return await self.device(person.account, **more)

    async def device(self, account: Account, **more: bool) -> JsClient:
        """One more device of somebody's."""
        return await self.people.enter_async_context(JsClient(self.client, account, **more))

    @asynccontextmanager
    async def repeating(self) -> AsyncIterator[Application]:
        """The bot at work with one feature, which repeats what begins with 'say'."""
        settings, found = with_features(self.settings, echo())
        async with application(settings, found) as app:
            await app.start()
            await asyncio.wait_for(app.until_ready(), 30)
            yield app

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[Application]:
        """The bot at work with all its features, in the rooms that are declared."""
        async with at_work(self.settings) as app:
            yield app


@asynccontextmanager
async def a_town(
    registration: Registration, homeserver: Homeserver, client: Installed, folder: Path, database: str, partner: str
) -> AsyncIterator[Town]:
    """A community of which nothing is made yet; people's clients end with it."""
    settings = declared(registration, homeserver.url, folder, database, HOUSE, partner=partner, found=discover())
    async with AsyncExitStack() as people:
        yield Town(registration, homeserver, client, settings, people)
