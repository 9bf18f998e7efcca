"""The demo world: the company with the bot, a partner beside it on a homeserver of its own, and people with clients."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Final

from esnbot.app import Application, application
from esnbot.demo.clock import ScaledClock
from esnbot.discovery import discover
from esnbot.embedded import Embedded
from esnbot.homeserver import (
    EmbeddedHomeserver,
    FederationListener,
    HomeserverConfig,
    HomeserverError,
    free_port,
    is_free,
)
from esnbot.homeserver.certificates import CertificateAuthority
from esnbot.settings import load
from esnbot.store import bindings
from esnbot.testing.person import Person

FILES: Final = Path(__file__).parent / "community"
COMPANY: Final = "127.0.0.2"
PARTNER: Final = "127.0.0.3"
"""An address each, as real homeservers have; where a system knows 127.0.0.1 only, both live there."""


@dataclass(slots=True)
class Town:
    """What runs during the demo."""

    app: Application
    clock: ScaledClock
    company: EmbeddedHomeserver
    partner: EmbeddedHomeserver
    rooms: dict[str, str] = field(default_factory=dict)
    """Key of a declared space or group to room id."""
    _people: list[Person] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    """User id to password, for who wants to log in afterwards."""

    @property
    def bot(self) -> str:
        """The bot's user id."""
        return self.app.client.user

    async def person(self, localpart: str, name: str, *, partner: bool = False) -> Person:
        """Somebody with an account and a client."""
        server = self.partner if partner else self.company
        password = secrets.token_urlsafe(9)
        account = await server.register(localpart, password, display_name=name)
        self.passwords[account.user_id] = password
        person = Person(account)
        self._people.append(person)
        return person

    async def leave(self) -> None:
        """Close everybody's client."""
        for person in self._people:
            await person.close()


@asynccontextmanager
async def town(folder: Path, clock: ScaledClock) -> AsyncIterator[Town]:
    """Everything up and the community made; stopped and gone at the end (the folder stays)."""
    own, theirs = await asyncio.to_thread(_listeners, folder)
    partner = EmbeddedHomeserver(
        HomeserverConfig(
            data_dir=folder / "partner",
            server_name=f"{theirs.address}:{theirs.port}",
            client_port=free_port(),
            federation=theirs,
            rate_limits=False,
            bcrypt_rounds=4,
        )
    )
    found = discover()
    settings = load(_write_config(folder, own, theirs), found.schemas, environment={})
    embedded = Embedded(settings.homeserver, federation=own, quick=True)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_both, partner, embedded)
        async with asyncio.TaskGroup() as starting:
            starting.create_task(partner.start())
            company = starting.create_task(embedded.start())
        assert embedded.server is not None
        app = await stack.enter_async_context(application(replace(settings, homeserver=company.result()), found, clock))
        here = Town(app, clock, embedded.server, partner)
        stack.push_async_callback(here.leave)
        yield here


async def _both(partner: EmbeddedHomeserver, embedded: Embedded) -> None:
    await asyncio.gather(partner.stop(timeout=1.0), embedded.stop(timeout=1.0))


async def open_town(here: Town) -> None:
    """Make what the configuration declares, and let the bot begin to work."""
    await here.app.listen()
    outcome = await here.app.apply(lambda done, total, key: None)
    if outcome is None or not outcome.ok:
        raise HomeserverError(f"The demo's rooms could not be made: {outcome.failures if outcome else 'nothing tried'}")
    await here.app.start()
    await here.app.until_ready()
    async with here.app.database.read() as conn:
        here.rooms.update(await bindings.all_bindings(conn))


def _listeners(folder: Path) -> tuple[FederationListener, FederationListener]:
    authority = CertificateAuthority(folder / "authority")
    own, theirs = (COMPANY, PARTNER) if is_free(0, COMPANY) and is_free(0, PARTNER) else ("127.0.0.1", "127.0.0.1")
    return _listener(authority, own), _listener(authority, theirs)


def _listener(authority: CertificateAuthority, address: str) -> FederationListener:
    issued = authority.issue(address)
    return FederationListener(address, free_port(address), issued.certificate, issued.key, authority.certificate_file)


def _write_config(folder: Path, own: FederationListener, theirs: FederationListener) -> Path:
    """The demo's configuration with this run's addresses in it."""
    values = {
        "own": f"{own.address}:{own.port}",
        "partner": f"{theirs.address}:{theirs.port}",
        "folder": str(folder),
        "client_port": str(free_port()),
        "service_port": str(free_port()),
        "web_port": str(free_port()),
    }
    target = folder / "config"
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(FILES.glob("*.yaml")):
        (target / source.name).write_text(Template(source.read_text("utf-8")).safe_substitute(values), "utf-8")
    return target / "community.yaml"
