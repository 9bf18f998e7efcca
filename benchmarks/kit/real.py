"""A real homeserver with application services and people, for one benchmark."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import aiohttp

from benchmarks.kit.setup import Behaviour, Setup
from esnbot.homeserver import EmbeddedHomeserver, HomeserverConfig, free_port
from esnbot.matrix.registration import Registration
from esnbot.testing.person import Person

PASSWORD = "correct horse battery staple"  # of people who exist for one benchmark


@dataclass(frozen=True, slots=True)
class Service:
    """A registered application service and the bot that speaks for it."""

    registration: Registration
    homeserver: str

    @property
    def user(self) -> str:
        """The bot's user id."""
        return self.registration.bot_user_id

    @property
    def port(self) -> int:
        """Where the homeserver pushes to."""
        return int(self.registration.url.rpartition(":")[2])

    def setup(self, folder: Path, behaviour: Behaviour, *, features: bool = False) -> Setup:
        """What its program is told."""
        return Setup(
            homeserver=self.homeserver,
            server_name=self.registration.server_name,
            user=self.user,
            port=self.port,
            counts_port=free_port(),
            as_token=self.registration.as_token,
            hs_token=self.registration.hs_token,
            service=self.registration.id,
            folder=str(folder),
            behaviour=behaviour,
            features=features,
        )


@dataclass(slots=True)
class RealHomeserver:
    """Synapse without rate limits."""

    server: EmbeddedHomeserver
    services: dict[str, Service]
    people: list[Person] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None

    @classmethod
    @asynccontextmanager
    async def start(cls, folder: Path, names: Iterable[str]) -> AsyncIterator[RealHomeserver]:
        """A fresh one, with one application service for each name."""
        port = free_port()
        name = f"localhost:{port}"
        services, files = {}, []
        for service in names:
            registration = Registration.new(
                server_name=name, url=f"http://127.0.0.1:{free_port()}", bot_localpart=f"{service}bot"
            )
            if service == "mautrix":
                # As it is used everywhere: the service's sender is the bot.
                registration = replace(registration, sender_localpart=registration.bot_localpart)
            path = folder / f"{service}.yaml"
            registration.write(path)
            files.append(path)
            services[service] = Service(registration, f"http://127.0.0.1:{port}")
        config = HomeserverConfig(
            data_dir=folder / "data",
            server_name=name,
            client_port=port,
            registrations=tuple(files),
            rate_limits=False,
            bcrypt_rounds=4,
        )
        real = cls(EmbeddedHomeserver(config), services)
        await real.server.start()
        try:
            yield real
        finally:
            for person in real.people:
                await person.close()
            if real._session is not None:
                await real._session.close()
            await real.server.stop()

    async def person(self, name: str) -> Person:
        """Somebody with an account and a client."""
        person = Person(await self.server.register(name, PASSWORD))
        self.people.append(person)
        return person

    async def join(self, service: Service, room: str) -> None:
        """Let a service's bot join a room that it was invited to."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        headers = {"Authorization": f"Bearer {service.registration.as_token}"}
        account = {"type": "m.login.application_service", "username": service.registration.bot_localpart}
        account_url = f"{self.server.url}/_matrix/client/v3/register"
        # Refused when it is there already, which is as good.
        async with self._session.post(account_url, json={**account, "inhibit_login": True}, headers=headers) as answer:
            await answer.read()
        url = f"{self.server.url}/_matrix/client/v3/join/{quote(room, safe='')}"
        async with self._session.post(url, json={}, headers=headers, params={"user_id": service.user}) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{service.user} could not join: {await answer.text()}")
