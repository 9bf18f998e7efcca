"""The embedded Synapse: start, stop, kill, restart, and make accounts on it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import importlib.util
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from esnbot.homeserver.child import start_child
from esnbot.homeserver.config import HomeserverConfig, write_synapse_files
from esnbot.homeserver.errors import (
    AccountRefused,
    HomeserverDied,
    HomeserverError,
    HomeserverNotReady,
    PortInUse,
    SynapseMissing,
)
from esnbot.homeserver.ports import is_free

_LOOK_EVERY = 0.05
_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Account:
    """A person's access to a homeserver."""

    user_id: str
    access_token: str
    device_id: str
    homeserver_url: str


class EmbeddedHomeserver:
    """One Synapse process. It belongs to no event loop, so that a session of tests can share one."""

    def __init__(self, config: HomeserverConfig) -> None:
        """Nothing is started or written yet."""
        self.config = config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return self.config.client_url

    @property
    def server_name(self) -> str:
        """What stands after the colon in user ids."""
        return self.config.server_name

    @property
    def pid(self) -> int | None:
        """The process id while the process runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process lives (it may not answer yet)."""
        return self._process is not None and self._process.poll() is None

    async def start(self, *, timeout: float = 60.0) -> None:
        """Write the configuration, start Synapse, return when it answers.

        Raises PortInUse, SynapseMissing, HomeserverDied (with the end of the log) or HomeserverNotReady.
        """
        if self.running:
            return
        self._check_ports()
        if importlib.util.find_spec("synapse") is None:
            raise SynapseMissing
        config = self.config
        write_synapse_files(config)
        with config.output_file.open("wb") as output:
            self._process = start_child(
                [sys.executable, "-m", "synapse.app.homeserver", "--config-path", str(config.config_file)],
                output=output,
                working_dir=config.data_dir,
                environment={**os.environ, "SYNAPSE_CACHE_FACTOR": "0.5", "PYTHONUNBUFFERED": "1"},
            )
        try:
            await self._wait_until_it_answers(timeout)
        except BaseException:
            self.kill()
            raise

    async def stop(self, *, timeout: float = 10.0) -> None:
        """Ask the process to end (SIGTERM); kill it when it has not ended after ``timeout`` seconds."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            waited = 0.0
            while self._process.poll() is None and waited < timeout:
                await asyncio.sleep(_LOOK_EVERY)
                waited += _LOOK_EVERY
        self.kill()

    def kill(self) -> None:
        """End the process at once (SIGKILL), as a crash would; harmless when it does not run."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    async def restart(self, *, timeout: float = 60.0) -> None:
        """Stop, if it runs, and start again with the same data."""
        await self.stop()
        await self.start(timeout=timeout)

    def with_config(self, **changes: Any) -> None:
        """Change settings for the next start, for example ``registrations``."""
        self.config = replace(self.config, **changes)

    async def wait_for_death(self) -> HomeserverDied:
        """Return when the process ended although ``stop``, ``kill`` and ``restart`` were not called."""
        while True:
            process = self._process
            if process is not None and (code := process.poll()) is not None:
                return HomeserverDied(code, self.log_tail())
            await asyncio.sleep(0.5)

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """The last lines that Synapse printed or logged."""
        said = []
        for path in (self.config.log_file, self.config.output_file):
            if path.exists():
                said.extend(_last_lines(path, lines))
        return "\n".join(said[-lines:])

    async def register(self, localpart: str, password: str, *, admin: bool = False, display_name: str = "") -> Account:
        """Make an account with the shared secret and log it in. Raises AccountRefused, for example if it exists."""
        secret = self.config.shared_secret_file.read_text().strip()
        address = f"{self.url}/_synapse/admin/v1/register"
        async with aiohttp.ClientSession() as session:
            async with session.get(address) as answer:
                nonce = str((await answer.json())["nonce"])
            words = (nonce, localpart, password, "admin" if admin else "notadmin")
            proof = hmac.new(secret.encode(), "\0".join(words).encode(), hashlib.sha1).hexdigest()
            body = {"nonce": nonce, "username": localpart, "password": password, "admin": admin, "mac": proof}
            if display_name:
                body["displayname"] = display_name
            async with session.post(address, json=body) as answer:
                return await self._account(localpart, answer)

    async def login(self, localpart: str, password: str, *, device_id: str | None = None) -> Account:
        """Log in with a password. Raises AccountRefused."""
        body: dict[str, Any] = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": localpart},
            "password": password,
        }
        if device_id is not None:
            body["device_id"] = device_id
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/_matrix/client/v3/login", json=body) as answer,
        ):
            return await self._account(localpart, answer)

    async def _account(self, localpart: str, answer: aiohttp.ClientResponse) -> Account:
        content = await answer.json()
        if answer.status != 200:
            raise AccountRefused(localpart, answer.status, str(content.get("error", "no reason given")))
        return Account(content["user_id"], content["access_token"], content["device_id"], self.url)

    def _check_ports(self) -> None:
        config = self.config
        places = [(config.bind_address, config.client_port)]
        if config.federation is not None:
            places.append((config.federation.address, config.federation.port))
        for address, port in places:
            if not is_free(port, address):
                raise PortInUse(address, port)

    async def _wait_until_it_answers(self, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while loop.time() < deadline:
                if self._process is not None and (code := self._process.poll()) is not None:
                    raise self._why_it_died(code)
                try:
                    async with session.get(f"{self.url}/_matrix/client/versions") as answer:
                        if answer.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(_LOOK_EVERY)
        raise HomeserverNotReady(timeout, self.log_tail())

    def _why_it_died(self, code: int) -> HomeserverError:
        tail = self.log_tail()
        if "Address already in use" in tail or "Couldn't listen on" in tail:
            return PortInUse(self.config.bind_address, self.config.client_port)
        return HomeserverDied(code, tail)


def _last_lines(path: Path, lines: int) -> list[str]:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 16_384))
        return file.read().decode(errors="replace").splitlines()[-lines:]
