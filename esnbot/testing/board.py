"""The board for tests: signed in as anybody, over plain HTTP or (``esnbot.testing.browser``) in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from aiohttp import ClientSession, DummyCookieJar

from esnbot.commands.people import People
from esnbot.community.clock import Clock
from esnbot.community.model import Community
from esnbot.engine.dispatch import Dispatcher
from esnbot.engine.feature import Module
from esnbot.engine.metrics import Metrics
from esnbot.engine.signals import INBOX, Signals
from esnbot.features.contract import Feature
from esnbot.provisioning import wanted
from esnbot.speech import Speech
from esnbot.store.database import Database
from esnbot.web import Gauges, Page, Readiness, WebServer, make_app, sessions
from esnbot.web.board import Board, assets
from esnbot.web.door import Door
from esnbot.web.guard import CSRF_FIELD, Cookies, csrf_token
from esnbot.web.me import Me
from esnbot.web.reception import Reception
from esnbot.web.visit import navigation

URL = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the board answered."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    set_cookies: Sequence[str] = ()
    """The headers that set them, whole."""

    @property
    def location(self) -> str:
        """Where it sends the browser, '' for nowhere."""
        return self.headers.get("Location", "")


@dataclass(slots=True)
class Visitor:
    """Somebody at the board, without a browser: keeps no cookies but those given, and follows no redirections."""

    url: str
    token: str = ""
    """Of the session; '' for a stranger."""
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page; header names are written with underscores."""
        return await self._ask("GET", path, None, headers)

    async def post(
        self, path: str, fields: Mapping[str, str] | Sequence[tuple[str, str]] = (), **headers: str
    ) -> Answer:
        """Send a form, with the token that its page would have unless ``csrf`` is among the fields."""
        given = list(fields.items() if isinstance(fields, Mapping) else fields)
        if all(name != CSRF_FIELD for name, _ in given):
            given.append((CSRF_FIELD, csrf_token(self.token)))
        return await self._ask("POST", path, given, headers)

    async def _ask(
        self, method: str, path: str, fields: Sequence[tuple[str, str]] | None, headers: Mapping[str, str]
    ) -> Answer:
        own = {Cookies(secure=False).session: self.token} if self.token else {}
        sent = "; ".join(f"{name}={value}" for name, value in {**own, **self.cookies}.items())
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Accept": "text/html", **({"Cookie": sent} if sent else {}), **named}
        async with (
            ClientSession(cookie_jar=DummyCookieJar()) as session,
            session.request(method, self.url + path, data=fields, headers=named, allow_redirects=False) as answer,
        ):
            found = {name: morsel.value for name, morsel in answer.cookies.items()}
            lines = answer.headers.getall("Set-Cookie", [])
            return Answer(answer.status, await answer.text(), dict(answer.headers), found, lines)


@dataclass(slots=True)
class OpenBoard:
    """A board that is being served."""

    url: str
    database: Database
    clock: Clock

    async def sign_in(self, user: str) -> str:
        """Sign somebody in, past the door; the token for the cookie."""
        stay = timedelta(days=1)
        session = await self.database.write(lambda conn: sessions.begin(conn, user, self.clock.now(), stay))
        return session.token

    async def visitor(self, user: str) -> Visitor:
        """Somebody who is signed in."""
        return Visitor(self.url, await self.sign_in(user))

    def stranger(self) -> Visitor:
        """Somebody who is not."""
        return Visitor(self.url)


@dataclass(slots=True, kw_only=True)
class BoardOnHouse:
    """Serves the pages of features over a database, with a dispatcher beside that does what the pages ask for.

    Use it as an async context manager; it gives an ``OpenBoard``.
    """

    database: Database
    community: Community
    speech: Speech
    features: Mapping[str, Feature]
    templates: Mapping[str, Path]
    clock: Clock
    bot: str
    assets: Mapping[str, Path] = field(default_factory=dict)
    modules: Sequence[Module] | None = None
    """What runs on the dispatcher; the features' when not given."""
    more: Callable[[Reception], Iterable[Page]] = lambda _reception: ()
    """Further pages."""
    signals: Signals = field(default_factory=Signals)

    def reception(self) -> Reception:
        """The reception of this board."""
        board = Board(
            self.speech,
            self.community.languages,
            name=self.community.name,
            templates=self.templates,
            menu=navigation(page for feature in self.features.values() for page in feature.pages),
        )
        return Reception(
            board=board,
            database=self.database,
            people=People(self.community, wanted),
            bot=self.bot,
            url=URL,
            clock=self.clock,
            system=self.clock,
            wake=lambda: self.signals.set(INBOX),
        )

    def pages(self, reception: Reception) -> Iterable[Page]:
        """All pages."""
        yield from assets(self.assets)
        yield from Door(reception, b"for tests").pages()
        yield from Me(reception, self._modules).pages()
        for feature in self.features.values():
            yield from reception.pages(feature.pages)
        yield from self.more(reception)

    def _modules(self) -> Sequence[Module]:
        return self.modules or [feature.module for feature in self.features.values()]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OpenBoard]:
        """Serve it on a free port."""
        dispatcher = Dispatcher(
            self.database, self._modules(), self.clock, self.clock, self.signals, self.bot, Metrics()
        )
        reception = self.reception()
        pages = self.pages(reception)
        app = make_app(reception.board, Gauges(Metrics().registry, "1"), Readiness(), None, pages)
        server = WebServer(app, "127.0.0.1", 0)
        await server.start()
        working = asyncio.create_task(dispatcher.run())
        try:
            yield OpenBoard(server.url, self.database, self.clock)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await server.stop()
