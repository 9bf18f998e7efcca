"""The one place where everything is put together: database, features, engine, reconciler and the two listeners."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from itertools import chain, repeat
from typing import Any, Final

import structlog
from aiohttp import web

from esnbot.commands import invitations
from esnbot.commands import module as commands
from esnbot.commands.people import People
from esnbot.community.clock import Clock
from esnbot.composed import compose, extras
from esnbot.discovery import Discovery, discover
from esnbot.engine.clock import SystemClock, now_ms
from esnbot.engine.engine import Engine
from esnbot.engine.feature import Module
from esnbot.engine.metrics import Metrics
from esnbot.engine.signals import INBOX
from esnbot.features.contract import Feature
from esnbot.logs import masker
from esnbot.matrix.appservice import LARGEST, TransactionEndpoint
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.device import Device
from esnbot.matrix.errors import HomeserverError, ServerTrouble, TokenRefused
from esnbot.provisioning import module as provisioning
from esnbot.provisioning import wanted
from esnbot.provisioning.passing import Outcome, Progress
from esnbot.provisioning.reconciler import Reconciler
from esnbot.settings import Settings
from esnbot.speech import Speech
from esnbot.store.database import Database
from esnbot.stored import migrated
from esnbot.web import Figures, Gauges, Page, Readiness, WebServer, first_page, make_app
from esnbot.web.board import Board, assets
from esnbot.web.door import Door
from esnbot.web.me import Me
from esnbot.web.metrics import read_figures
from esnbot.web.openid import OpenId
from esnbot.web.readiness import CAUGHT_UP, HOMESERVER, MIGRATED
from esnbot.web.reception import Reception
from esnbot.web.visit import navigation

DISPLAY_NAME: Final = "Esnbot"
DEVICE_NAME: Final = "esnbot"
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
STOP_WITHIN: Final = 1.5
"""Seconds; what has not ended by then is cancelled. Nothing is lost: what is not done is in the database."""
SETTLED_WITHIN: Final = 5.0
"""Seconds that the encrypted device has to publish its keys before the bot counts as ready without it."""
_RETRY: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 15.0)

log = structlog.get_logger("esnbot.app")


class StartError(Exception):
    """The homeserver answers and will not have the bot as it is: an administrator has to put something right."""

    def __init__(self, url: str, error: HomeserverError) -> None:
        what = "does not accept the as_token" if isinstance(error, TokenRefused) else "refuses the bot"
        super().__init__(f"The homeserver at {url} {what} ({error}).")
        self.hint = "'esnbot doctor' looks at the registration, the tokens and the homeserver, and says what to do."


class Application:
    """One process of the bot. Use ``async with application(settings) as app``, then ``await app.start()``."""

    def __init__(self, settings: Settings, found: Discovery, database: Database, clock: Clock | None = None) -> None:
        homeserver = settings.homeserver
        masker.learn(homeserver.as_token, homeserver.hs_token, homeserver.admin_token or "")
        self.settings = settings
        self._found = found
        self.database = database
        self.clock = clock or SystemClock()
        community = settings.community
        self.speech = Speech(found.texts, languages=community.languages, default=community.default_language)
        self.client = MatrixClient(homeserver.url, homeserver.as_token, homeserver.bot, homeserver.device_id)
        self.device = Device(self.client, settings.encryption, settings.encryption_key) if settings.encryption else None
        """The bot's encrypted device; None where there is no place for its keys."""
        self.composed = compose(settings, found, self.speech, self.clock)
        self.features: Mapping[str, Feature] = self.composed.features
        self.broken: Mapping[str, str] = self.composed.broken
        """Features that do not run, with a sentence on why."""
        shown = extras(settings, self.composed, self.speech)
        drift = provisioning.build(self.speech, homeserver.bot, homeserver.server_name, shown)
        doorkeeper = invitations.build(People(community, wanted), self.speech, homeserver.bot)
        features = (feature.module for feature in self.features.values())
        modules = (doorkeeper, self._commands(), drift, *features)
        self.metrics = Metrics()
        self.engine = Engine(
            database,
            self.client,
            modules,
            self.clock,
            metrics=self.metrics,
            cipher=self.device,
            encrypted_chats=settings.encrypted_chats,
            manners=settings.manners,
        )
        self.reconciler = Reconciler(
            database,
            self.client,
            self.engine.system,
            signals=self.engine.signals,
            extras=shown,
            sealer=self.engine.sealing,
        )
        self.readiness = Readiness()
        self.gauges = Gauges(self.metrics.registry, version("esnbot"))
        reception = self._reception()
        self.board = WebServer(
            make_app(reception.board, self.gauges, self.readiness, self.figures, self._pages(reception)),
            settings.web.host,
            settings.web.port,
        )
        self.listener = WebServer(
            self._listener(), homeserver.listen_host, homeserver.listen_port, "homeserver: appservice_listen:"
        )
        self._tasks: list[asyncio.Task[None]] = []

    # --- composition --------------------------------------------------------------------------------------------

    def _commands(self) -> Module:
        return commands.build(
            self.composed.registry,
            community=self.settings.community,
            speech=self.speech,
            places=wanted,
            bot=self.settings.homeserver.bot,
            names=(DISPLAY_NAME,),
            takers=[taker for feature in self.features.values() for taker in feature.takes],
        )

    def _reception(self) -> Reception:
        settings = self.settings
        clients = settings.web.clients if settings.web.widget else ()
        return Reception(
            board=Board(
                self.speech,
                settings.community.languages,
                name=settings.community.name,
                templates={name: folder for name, folder in self._found.templates.items() if name in self.features},
                menu=navigation(page for feature in self.features.values() for page in feature.pages),
            ),
            database=self.database,
            people=People(settings.community, wanted),
            bot=settings.homeserver.bot,
            url=settings.web.url,
            clock=self.clock,
            system=self.engine.system,
            wake=partial(self.engine.signals.set, INBOX),
            clients=clients,
            stay=settings.web.stay,
        )

    def _pages(self, reception: Reception) -> Iterable[Page]:
        settings = self.settings
        yield from assets({name: folder for name, folder in self._found.assets.items() if name in self.features})
        yield from first_page.pages(reception, self.composed.all_commands(settings, self.speech))
        openid = OpenId(
            community=settings.community,
            server=settings.homeserver.server_name,
            url=settings.homeserver.url,
            inside=settings.web.inside,
        )
        secret = settings.homeserver.hs_token.encode()
        yield from Door(reception, secret, openid, settings.web.proxies).pages()
        yield from Me(reception, lambda: self.engine.modules).pages()
        for feature in self.features.values():
            yield from reception.pages(feature.pages)

    def _listener(self) -> web.Application:
        endpoint = TransactionEndpoint(self.settings.homeserver.hs_token, self.engine.accept, self._owns)
        app = web.Application(client_max_size=LARGEST)
        app.add_routes(endpoint.routes())
        return app

    def _owns(self, user: str) -> bool:
        homeserver = self.settings.homeserver
        return user == homeserver.bot or (user.startswith(f"@{homeserver.bot_localpart}_") and homeserver.own(user))

    async def figures(self) -> Figures:
        """What waits, for the metrics."""
        async with self.database.read() as conn:
            return await read_figures(conn, now_ms(self.engine.system))

    def count(self, name: str) -> int:
        """The present value of one of the engine's counters, over all its labels."""
        families = (family for family in self.metrics.registry.collect() if family.name == name)
        return int(sum(one.value for family in families for one in family.samples if one.name == f"{name}_total"))

    # --- what is declared ---------------------------------------------------------------------------------------

    async def apply(self, progress: Progress) -> Outcome | None:
        """Make what the file declares, before ``start``; None when the file lacks something that it declared before.

        What vanished from the file would be archived, and nobody has looked at a plan here.
        """
        await self._until_reached(self._be_somebody)
        if await self.reconciler.vanished(self.settings.community):
            return None
        await self.reconciler.declare(self.settings.community)
        return await self.reconciler.apply(progress=progress)

    # --- life ---------------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Be there for the homeserver and for ``/health``: what arrives is stored, and handled after ``start``."""
        if not self.readiness.met(MIGRATED):
            self.readiness.mark(MIGRATED)
            await self.listener.start()
            await self.board.start()

    async def start(self) -> None:
        """Begin to work; returns at once, also while the homeserver is away (see ``until_ready``)."""
        await self.listen()
        self._tasks = [asyncio.create_task(self._come_up(), name="come up")]

    async def until_ready(self) -> None:
        """Return when everything is up; raise what keeps it from ever being so."""
        ready = asyncio.create_task(self.readiness.wait())
        try:
            await self.watch(ready)
        finally:
            ready.cancel()

    async def watch(self, *others: asyncio.Task[Any]) -> None:
        """Return when one of the ``others`` ends; raise what ended it, or our own work. Cancel it to stop watching."""
        done, _ = await asyncio.wait({*self._tasks, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stop within three seconds; what is not done is in the database."""
        for task in self._tasks:
            task.cancel()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await asyncio.gather(self.listener.stop(), self.board.stop())
                await self.engine.stop()
        except TimeoutError:
            log.warning("stopping took too long; what was under way is done again at the next start")
        await self.client.close()
        log.info("stopped")

    async def _come_up(self) -> None:
        """Reach the homeserver, be somebody on it, work, and stay aware of whether it is there."""
        await self._until_reached(self._be_somebody)
        self.readiness.mark(HOMESERVER)
        await self.engine.start()
        reconciling = asyncio.create_task(self.reconciler.run(), name="reconciler")
        working = {reconciling}
        if self.device is not None:
            working.add(asyncio.create_task(self.device.run(), name="device"))
        try:
            if self.device is not None:
                await self._until_settled(self.device)
            await self._until_reached(self._end_back_off)
            await self._catch_up()
            log.info("ready", bot=self.settings.homeserver.bot, features=sorted(self.features))
            while not (await asyncio.wait(working, timeout=1.0, return_when=asyncio.FIRST_COMPLETED))[0]:
                self.readiness.mark(HOMESERVER, not self.engine.homeserver.is_away)
                if self.reconciler.holds_lease:
                    self.gauges.reconciled.set(self.engine.system.now().timestamp())
            for task in working:
                if task.done():
                    task.result()
        finally:
            # They give back their lease and their lock, so that the next process need not wait for them to run out.
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def _until_settled(self, device: Device) -> None:
        """Who writes to the bot from now on should find its keys; what is not encrypted waits for a moment only."""
        try:
            async with asyncio.timeout(SETTLED_WITHIN):
                await device.settled.wait()
        except TimeoutError:
            log.warning("the keys of the encrypted device are not published yet")

    async def _catch_up(self) -> None:
        """Return once what was missed is known and handled."""
        await self.engine.caught_up.wait()
        while (await self.engine.backlog()).inbox:  # noqa: ASYNC110 - the database is what is waited for
            await asyncio.sleep(0.05)
        self.readiness.mark(CAUGHT_UP)

    async def _until_reached(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step until the homeserver answers; raises ``StartError`` when it does and says no."""
        for seconds in chain(_RETRY, repeat(_RETRY[-1])):
            try:
                await step()
            except HomeserverError as error:
                if not error.passes or isinstance(error, TokenRefused):
                    raise StartError(self.settings.homeserver.url, error) from error
                log.warning("homeserver is away", error=str(error), again_in=seconds)
                await asyncio.sleep(seconds)
            else:
                return

    async def _be_somebody(self) -> None:
        await self.client.register()
        await self.client.ensure_device(DEVICE_NAME)
        # A new account is called by its local part; a name that an administrator gave it stays.
        localpart = self.settings.homeserver.bot_localpart
        if (await self.client.profile(self.client.user)).get("displayname", "") in ("", localpart):
            await self.client.set_profile("displayname", DISPLAY_NAME)

    async def _end_back_off(self) -> None:
        """Make the homeserver deliver at once what it holds for us."""
        try:
            await self.client.ping_service(self.settings.homeserver.appservice_id, secrets.token_urlsafe(8))
        except HomeserverError as error:
            if error.passes and not isinstance(error, ServerTrouble):
                raise
            # Old homeservers have no such request, and one that cannot reach us says so here: it tries again by itself.
            log.warning("the homeserver could not be asked to deliver at once", error=str(error))


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until the work ends, or SIGINT or SIGTERM cancels it; return when it has cleaned up.

    A second signal does what signals do by default: it ends the process at once.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        let_go()
        task.cancel()

    def let_go() -> None:
        for number in _STOPPING:
            loop.remove_signal_handler(number)

    for number in _STOPPING:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            task.cancel()
            raise
    finally:
        let_go()


@asynccontextmanager
async def application(
    settings: Settings, found: Discovery | None = None, clock: Clock | None = None
) -> AsyncIterator[Application]:
    """An application on its migrated database, stopped and closed at the end."""
    found = found or discover()
    async with migrated(settings.database, found) as database:
        app = Application(settings, found, database, clock)
        try:
            yield app
        finally:
            await app.stop()
