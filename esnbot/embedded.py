"""The embedded mode: a Synapse of our own under ``var/``, with our registration and three accounts to log in with."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

import orjson

from esnbot.community.model import Community
from esnbot.homeserver import (
    AccountRefused,
    EmbeddedHomeserver,
    FederationListener,
    HomeserverConfig,
    HomeserverError,
    PortInUse,
    free_port,
    is_free,
)
from esnbot.homeserver.files import private_dir, write_private
from esnbot.logs import masker
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import Forbidden, TokenRefused
from esnbot.matrix.registration import Registration
from esnbot.settings import Homeserver

NAMES: Final = ("alex", "sam", "camille", "noa", "lou", "charlie")
"""For accounts where the configuration names nobody."""
EMPLOYEES: Final = 2
_PORTS_TRIED: Final = 3


class AlreadyRuns(HomeserverError):
    """Another process holds the folder."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(f"esnbot already runs on '{folder}'{f' (process {pid})' if pid else ''}.")
        self.hint = "stop that one first (Ctrl-C where it runs), or give this one another folder."


@dataclass(frozen=True, slots=True)
class Seat:
    """An account that is ready for a person."""

    localpart: str
    role: str
    """'animator' or 'employee'."""
    password: str = field(repr=False)
    made: bool = False
    seated: bool = False
    """Whether the person was brought into the spaces; what they leave later stays left."""

    @property
    def name(self) -> str:
        """The display name."""
        return self.localpart.replace("_", " ").replace(".", " ").title()


class Embedded:
    """The folder of an embedded homeserver: ports, registration, accounts, and the Synapse that runs there."""

    def __init__(
        self, wanted: Homeserver, *, federation: FederationListener | None = None, quick: bool = False
    ) -> None:
        """``quick`` is for communities that live for minutes: no rate limits, cheap password hashes."""
        self.wanted = wanted
        self.notices: list[str] = []
        """What a person should know: sentences such as that another port was taken."""
        self._folder = wanted.data
        self._federation = federation
        self._quick = quick
        self._lock: IO[str] | None = None
        self.server: EmbeddedHomeserver | None = None

    async def start(self) -> Homeserver:
        """Start Synapse and return the homeserver as it is: with the ports and tokens that it got."""
        private_dir(self._folder)
        self._hold()
        try:
            for _ in range(_PORTS_TRIED):
                homeserver = self._arranged()
                self.server = self._synapse(homeserver)
                await self.server.start()
                if await self._is_ours(homeserver):
                    return homeserver
                await self.server.stop()
            raise PortInUse(homeserver.client_host, homeserver.client_port)
        except BaseException:
            if self.server is not None:
                self.server.kill()
            self._let_go()
            raise

    def _synapse(self, homeserver: Homeserver) -> EmbeddedHomeserver:
        return EmbeddedHomeserver(
            HomeserverConfig(
                data_dir=self._folder.resolve(),
                server_name=homeserver.server_name,
                client_port=homeserver.client_port,
                bind_address=homeserver.client_host,
                registrations=(self._registration(homeserver).resolve(),),
                federation=self._federation,
                rate_limits=not self._quick,
                bcrypt_rounds=4 if self._quick else 12,
            )
        )

    async def _is_ours(self, homeserver: Homeserver) -> bool:
        """Whether what answers is the Synapse that we started: another program may have been quicker with the port."""
        service = MatrixClient(
            homeserver.url, homeserver.as_token, f"@{_sender(homeserver)}:{homeserver.server_name}", None
        )
        try:
            await service.capabilities()
        except TokenRefused:
            return False
        finally:
            await service.close()
        return True

    async def stop(self, *, timeout: float = 2.0) -> None:
        """Stop Synapse; after ``timeout`` seconds it is ended at once (its database takes no harm)."""
        if self.server is not None:
            await self.server.stop(timeout=timeout)
        self._let_go()

    def port(self, name: str, address: str, wanted: int) -> int:
        """The port for a listener: the wanted one, or the one that was taken instead of it before, or a free one."""
        kept = self._read("ports.json").get(name)
        taken = wanted
        if isinstance(kept, dict) and kept.get("wanted") == wanted and isinstance(kept.get("taken"), int):
            taken = kept["taken"]
        if not is_free(taken, address):
            busy, taken = taken, free_port(address)
            self.notices.append(f"Port {busy} is in use by another program; {name} uses {taken} from now on.")
        self._write("ports.json", {**self._read("ports.json"), name: {"wanted": wanted, "taken": taken}})
        return taken

    def _arranged(self) -> Homeserver:
        wanted = self.wanted
        client_port = self.port("the homeserver", wanted.client_host, wanted.client_port)
        service_port = self.port("the application service", wanted.listen_host, wanted.listen_port)
        tokens = self._read("tokens.json")
        if not tokens:
            tokens = {"as": secrets.token_urlsafe(32), "hs": secrets.token_urlsafe(32)}
            self._write("tokens.json", tokens)
        masker.learn(tokens["as"], tokens["hs"])
        return replace(
            wanted,
            client_port=client_port,
            url=wanted.url.replace(f":{wanted.client_port}", f":{client_port}"),
            listen_port=service_port,
            appservice_url=wanted.appservice_url.replace(f":{wanted.listen_port}", f":{service_port}"),
            as_token=tokens["as"],
            hs_token=tokens["hs"],
        )

    def _registration(self, homeserver: Homeserver) -> Path:
        path = self._folder / "registration.yaml"
        Registration(
            server_name=homeserver.server_name,
            url=homeserver.appservice_url,
            as_token=homeserver.as_token,
            hs_token=homeserver.hs_token,
            id=homeserver.appservice_id,
            sender_localpart=_sender(homeserver),
            bot_localpart=homeserver.bot_localpart,
        ).write(path)
        return path

    # --- accounts -----------------------------------------------------------------------------------------------

    def seats(self, community: Community) -> list[Seat]:
        """The accounts for people, with the passwords that were made on the first call."""
        kept = [Seat(**entry) for entry in self._read("accounts.json").get("accounts", [])]
        if kept:
            return kept
        made = [Seat(name, role, secrets.token_urlsafe(9)) for name, role in chosen(community, self.wanted)]
        self._keep(made)
        return made

    async def make_accounts(self, seats: Sequence[Seat]) -> list[Seat]:
        """Make the accounts that are not there yet."""
        assert self.server is not None
        done: list[Seat] = []
        for seat in seats:
            masker.learn(seat.password)
            if not seat.made:
                try:
                    account = await self.server.register(seat.localpart, seat.password, display_name=seat.name)
                    await self._log_out(account.access_token, account.user_id)
                except AccountRefused as error:
                    # A call before this one made it and was ended before it could note so.
                    if error.status != 400:
                        raise
            done.append(replace(seat, made=True))
        self._keep(done)
        return done

    async def seat(self, seats: Sequence[Seat], rooms: Mapping[str, Sequence[str]], bot: MatrixClient) -> list[Seat]:
        """Bring each person into their rooms (local part to room ids), once."""
        done: list[Seat] = []
        for seat in seats:
            if not seat.seated:
                await self._bring_in(seat, rooms.get(seat.localpart, ()), bot)
            done.append(replace(seat, seated=True))
        if done != list(seats):
            self._keep(done)
        return done

    async def _bring_in(self, seat: Seat, rooms: Sequence[str], bot: MatrixClient) -> None:
        assert self.server is not None
        account = await self.server.login(seat.localpart, seat.password)
        person = MatrixClient(self.server.url, account.access_token, account.user_id, None)
        try:
            for room in rooms:
                # Forbidden: in already, or invited by somebody else.
                with suppress(Forbidden):
                    await bot.invite(room, account.user_id)
                await person.join(room)
        finally:
            await person.close()
            await self._log_out(account.access_token, account.user_id)

    async def _log_out(self, token: str, user: str) -> None:
        """A session that nobody uses would stand among the person's devices for ever."""
        assert self.server is not None
        person = MatrixClient(self.server.url, token, user, None)
        try:
            await person.call("POST", "/_matrix/client/v3/logout", {})
        finally:
            await person.close()

    # --- what is kept -------------------------------------------------------------------------------------------

    def _keep(self, seats: Sequence[Seat]) -> None:
        entries = [
            {
                "localpart": seat.localpart,
                "role": seat.role,
                "password": seat.password,
                "made": seat.made,
                "seated": seat.seated,
            }
            for seat in seats
        ]
        self._write("accounts.json", {"accounts": entries})

    @property
    def accounts_file(self) -> Path:
        """Where the accounts and passwords are kept, for their owner only."""
        return self._folder / "accounts.json"

    def _read(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        if not path.exists():
            return {}
        try:
            found = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise HomeserverError(f"'{path}' is damaged; remove it to have it made anew.") from error
        return found if isinstance(found, dict) else {}

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        data = orjson.dumps(value, option=orjson.OPT_INDENT_2)
        path = self._folder / name
        if not path.exists() or path.read_bytes() != data:
            write_private(path, data)

    def _hold(self) -> None:
        """Two Synapses on one database would ruin it."""
        path = self._folder / "esnbot.lock"
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = file.read().strip()
            file.close()
            raise AlreadyRuns(self._folder, pid) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock = file

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def chosen(community: Community, homeserver: Homeserver) -> list[tuple[str, str]]:
    """Local part and role of the accounts: an animator, and employees, those whom the configuration names first."""
    animators = [_localpart(user) for user in sorted(community.roles.animators) if homeserver.own(user)]
    named = {
        user
        for site in (*community.sites.values(), *community.teams.values())
        for user in site.people
        if homeserver.own(user)
    }
    named |= {user for group in community.groups.values() for user in group.owners if homeserver.own(user)}
    taken = {*animators, *(_localpart(user) for user in community.roles.administrators)}
    employees = [name for name in map(_localpart, sorted(named)) if name not in taken]
    employees += [name for name in NAMES if name not in taken and name not in employees]
    return [(name, "animator") for name in animators[:1]] + [(name, "employee") for name in employees[:EMPLOYEES]]


def rooms_for(community: Community, user: str, today: date, bindings: Mapping[str, str]) -> list[str]:
    """The spaces that are open to a person, parents first, and the animators' room for an animator."""
    audiences = community.audiences_of(user, today)
    keys = [key for key, space in community.spaces.items() if audiences.intersection(space.audiences)]
    if user in community.roles.animators:
        # They look after all of it, also where only others are the audience.
        keys = [*community.spaces, *([community.animators_room] if community.animators_room else [])]
    return [bindings[key] for key in keys if key in bindings]


def _sender(homeserver: Homeserver) -> str:
    return f"_{homeserver.bot_localpart}_service"


def _localpart(user: str) -> str:
    return user[1:].partition(":")[0]
