"""Real homeservers for a session of tests: each test has people and an application service of its own on them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from esnbot.homeserver import Account, EmbeddedHomeserver, FederationListener, HomeserverConfig, free_port
from esnbot.homeserver.certificates import CertificateAuthority
from esnbot.matrix.registration import Registration
from esnbot.testing.person import Person

_BANK = 32
PASSWORD = "correct horse battery staple"  # of people who exist for one test


def homeserver_for_tests(
    folder: Path, *, address: str, authority: CertificateAuthority | None = None, room_version: str | None = None
) -> HomeserverConfig:
    """A server named after its own address, without rate limits, that federates when there is an authority."""
    federation_port = free_port(address)
    listener = None
    if authority is not None:
        issued = authority.issue(address)
        listener = FederationListener(
            address=address,
            port=federation_port,
            certificate=issued.certificate,
            key=issued.key,
            authority=authority.certificate_file,
        )
    return HomeserverConfig(
        data_dir=folder,
        server_name=f"{address}:{federation_port}",
        client_port=free_port(),
        federation=listener,
        rate_limits=False,
        bcrypt_rounds=4,
        default_room_version=room_version,
    )


@dataclass(slots=True)
class SharedHomeserver:
    """A homeserver that lives as long as the session, with a bank of registered application services."""

    server: EmbeddedHomeserver
    services: list[Registration] = field(default_factory=list)
    used: int = 0
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    admin: Account | None = None

    async def start(self) -> None:
        """Register the first services and start."""
        self._enlarge()
        await self.server.start()

    async def next_service(self) -> Registration:
        """A registered service that no test has used; enlarges the bank (a restart) when all are used."""
        if self.used == len(self.services):
            self._enlarge()
            await self.server.restart()
        self.used += 1
        return self.services[self.used - 1]

    def _enlarge(self) -> None:
        folder = self.server.config.data_dir.parent / f"{self.server.config.data_dir.name}-services"
        files = list(self.server.config.registrations)
        taken = {registration.url for registration in self.services}
        for number in range(len(self.services), len(self.services) + _BANK):
            url = f"http://127.0.0.1:{free_port()}"
            while url in taken:
                url = f"http://127.0.0.1:{free_port()}"
            taken.add(url)
            server_name, bot = self.server.server_name, f"esnbot{number:03}"
            # Only aliases with its name: a service that has all of the server's is pushed every room that has an alias,
            # and one that no test has taken yet, with nobody listening, is then written to ever more seldom.
            registration = replace(
                Registration.new(server_name=server_name, url=url, bot_localpart=bot),
                alias_patterns=(f"^#.*{bot}.*:{re.escape(server_name)}$",),
            )
            registration.write(folder / f"{registration.id}.yaml")
            files.append(folder / f"{registration.id}.yaml")
            self.services.append(registration)
        self.server.with_config(registrations=tuple(files))


class Homeserver:
    """What one test sees of a homeserver; the people that it makes are closed with the test."""

    def __init__(self, shared: SharedHomeserver) -> None:
        """For one test."""
        self._shared = shared
        self._people: list[Person] = []

    @property
    def server(self) -> EmbeddedHomeserver:
        """The process: ``pid``, ``kill()``, ``stop()``, ``start()``, ``restart()``, ``log_tail()``."""
        return self._shared.server

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return self.server.url

    @property
    def server_name(self) -> str:
        """What stands after the colon in user ids; it contains a colon itself."""
        return self.server.server_name

    async def person(self, name: str = "alice", *, admin: bool = False) -> Person:
        """A new account, logged in: ``@alice-7:…`` with 'Alice' as display name."""
        localpart = f"{name}-{next(self._shared.numbers)}"
        account = await self.server.register(localpart, PASSWORD, admin=admin, display_name=name.capitalize())
        person = Person(account)
        self._people.append(person)
        return person

    async def administrator(self) -> Account:
        """The server's administrator, one for the whole session."""
        if self._shared.admin is None:
            self._shared.admin = await self.server.register("administrator", PASSWORD, admin=True)
        return self._shared.admin

    async def service(self) -> Registration:
        """A registered application service for this test alone; nothing listens on its URL's port yet."""
        return await self._shared.next_service()

    async def close(self) -> None:
        """Close the people's connections, and bring the server back if the test left it down."""
        for person in self._people:
            await person.close()
        self._people.clear()
        if not self.server.running:
            await self.server.start()
