"""Addresses that programs ask for without signing in, with a secret in them: a calendar feed, for example.

Whoever asks too often waits: one secret is asked for so often in an hour, and from one address only so many wrong ones.
The counts are in the database, under hashes that name nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reading import Person
from esnbot.speech import later
from esnbot.web import links
from esnbot.web.guard import Refusal, address_of, neighbours
from esnbot.web.page import Page
from esnbot.web.reception import Reception

WINDOW: Final = timedelta(hours=1)
STRANGERS: Final = 30
"""Wrong secrets from one address in an hour; a whole office may stand behind it."""
TOO_OFTEN: Final = later("This address was asked for too often. Please try again in an hour.")


@dataclass(frozen=True, slots=True)
class OpenPage:
    """One address of the board that needs no signing in: what is asked for is in the address itself."""

    path: str
    """Below the board's root, such as ``/meetups/feed/{token}.ics`` (aiohttp's syntax)."""
    handle: Callable[[OpenVisit], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """One request of somebody of whom nothing is known but what they ask for."""

    request: web.Request
    now: datetime
    """The clock's instant, aware, in UTC."""
    openly: Openly = field(repr=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading."""
        async with self.openly.reception.database.read() as conn:
            yield conn

    async def person(self, user: str) -> Person | None:
        """Somebody as the whole community knows them; None for whoever does not belong to it any more."""
        async with self.read() as conn:
            return await self.openly.reception.person(conn, user)

    async def count(self, key: str, most: int) -> None:
        """Note that something was asked for. Raises a response that says so when it is asked for too often."""
        named = self.openly.key(key)
        job = lambda conn: links.count(conn, named, self.now, WINDOW)  # noqa: E731
        if await self.openly.reception.database.write(job) > most:
            raise Refusal(TOO_OFTEN, 429)

    async def count_stranger(self) -> None:
        """Note that an address asked for what there is not; the same."""
        address = neighbours(address_of(self.request, self.openly.proxies))
        await self.count(f"stranger:{address}", STRANGERS)


@dataclass(frozen=True, slots=True)
class Openly:
    """Serves open pages."""

    reception: Reception
    secret: bytes = field(repr=False)
    """Keys the hashes of those who ask."""
    proxies: Collection[IPv4Network | IPv6Network] = (ip_network("127.0.0.1"), ip_network("::1"))

    def pages(self, declared: Iterable[OpenPage]) -> Iterable[Page]:
        """The pages of a feature."""
        for page in declared:
            yield Page(page.path, self._serving(page))

    def _serving(self, page: OpenPage) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await page.handle(OpenVisit(request, self.reception.clock.now(), self))

        return handle

    def key(self, what: str) -> str:
        """What is kept of who asked for what."""
        return hmac.new(self.secret, f"open:{what}".encode(errors="replace"), hashlib.sha256).hexdigest()
