"""The application service: tokens, registration, namespace, the bot and its device, the way back, and admin rights."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import yaml
from aiohttp import web

from esnbot.cli.checkup.finding import Findings
from esnbot.cli.checkup.probe import Answer, Probe, Trouble
from esnbot.settings import Homeserver

WHOAMI: Final = "/_matrix/client/v3/account/whoami"
_LOAD: Final = "List the registration file under 'app_service_config_files' of the homeserver and restart that."


@dataclass(slots=True)
class Service:
    """Looks at the application service of a homeserver that answers."""

    homeserver: Homeserver
    probe: Probe
    findings: Findings

    async def examine(self) -> bool:
        """Whether the bot can speak."""
        written = self._registration_file()
        sender = await self._token(written)
        if sender is None or not self._server_name(sender):
            return False
        if not await self._bot(sender):
            return False
        await self._device()
        await self._ping(written)
        return True

    # --- what the registration file says ------------------------------------------------------------------------

    def _registration_file(self) -> dict[str, Any] | None:
        path = self.homeserver.registration
        if path is None:
            return None
        why = "It is what the homeserver loads: it has to fit the configuration."
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else "it cannot be read"
            todo = "Correct 'registration' in the configuration, or write the file anew with 'esnbot init'."
            self.findings.failed("registration file", f"'{path}': {reason}.", why, todo)
            return None
        if not isinstance(found, dict):
            todo = "Write it anew with 'esnbot init'."
            self.findings.failed("registration file", f"'{path}' is no registration.", why, todo)
            return None
        if self._fits(path, found, why):
            self.findings.ok("registration file", f"'{path}' fits the configuration.")
        return found

    def _fits(self, path: Path, found: dict[str, Any], why: str) -> bool:
        homeserver = self.homeserver
        before = len(self.findings.all)
        for key, secret in (("as_token", homeserver.as_token), ("hs_token", homeserver.hs_token)):
            if not hmac.compare_digest(str(found.get(key, "")).encode(), secret.encode()):
                what = f"The {key} in '{path}' is another one than in the configuration."
                todo = f"Copy it into the file that '{key}_file' names (or into ESNBOT_{key.upper()})."
                self.findings.failed("registration file", what, why, todo)
        if found.get("id") != homeserver.appservice_id:
            what = f"The id in '{path}' is '{found.get('id')}', in the configuration '{homeserver.appservice_id}'."
            self.findings.failed("registration file", what, why, "Make 'appservice_id' and 'id' the same.")
        if found.get("rate_limited") is not False:
            self.findings.warning(
                "registration file",
                f"'{path}' does not say 'rate_limited: false'.",
                "The homeserver slows the bot down as if it were a person: answers to many people come late.",
                "Add 'rate_limited: false' and restart the homeserver.",
            )
        self._namespace(path, found)
        self._aliases(path, found)
        return len(self.findings.all) == before

    def _namespace(self, path: Path, found: dict[str, Any]) -> None:
        namespaces = found.get("namespaces")
        users = namespaces.get("users") if isinstance(namespaces, dict) else None
        mine = [
            entry
            for entry in (users if isinstance(users, list) else [])
            if isinstance(entry, dict) and _matches(str(entry.get("regex", "")), self.homeserver.bot)
        ]
        bot = self.homeserver.bot
        todo = f"Put '{bot}' into 'namespaces: users:' with 'exclusive: true' ('esnbot init' does), and restart."
        if not mine:
            what = f"No user namespace in '{path}' contains {self.homeserver.bot}."
            self.findings.failed("registration file", what, "The bot is nobody's: it cannot speak.", todo)
        elif not any(entry.get("exclusive") is True for entry in mine):
            what = f"The namespace of {self.homeserver.bot} in '{path}' is not exclusive."
            self.findings.warning("registration file", what, "Somebody else can take the bot's name first.", todo)

    def _aliases(self, path: Path, found: dict[str, Any]) -> None:
        namespaces = found.get("namespaces")
        aliases = namespaces.get("aliases") if isinstance(namespaces, dict) else None
        patterns = (
            [entry.get("regex") for entry in aliases if isinstance(entry, dict)] if isinstance(aliases, list) else []
        )
        if not any(_matches(str(pattern), f"#any:{self.homeserver.server_name}") for pattern in patterns):
            server = re.escape(self.homeserver.server_name)
            self.findings.warning(
                "registration file",
                f"The alias namespaces in '{path}' do not cover all aliases of {self.homeserver.server_name}.",
                "A service may only make aliases of its own namespaces: spaces and groups outside cannot be made.",
                f"Add '- {{exclusive: false, regex: \"^#.*:{server}$\"}}' to 'namespaces: aliases:', and restart.",
            )

    # --- what the homeserver says -------------------------------------------------------------------------------

    async def _token(self, written: dict[str, Any] | None) -> str | None:
        """The sender behind the as_token, None when it is not accepted."""
        answer = await self.probe.ask(WHOAMI)
        if isinstance(answer, Trouble):
            self.findings.failed("as_token", answer.what, "The bot speaks with it.", answer.todo)
            return None
        user = answer.json.get("user_id") if answer.status == 200 and answer.json else None
        if isinstance(user, str):
            self.findings.ok("as_token", "The homeserver accepts the as_token, so the registration is in force.")
            return user
        same = written is not None and written.get("as_token") == self.homeserver.as_token
        if answer.errcode in ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"):
            what = "The homeserver does not know the as_token."
            todo = (
                f"{_LOAD} "
                if same
                else f"Compare the token with the registration that the homeserver has loaded. {_LOAD} "
            )
            todo += "The snippet for its configuration: 'esnbot init --print'."
        else:
            what = f"The homeserver refuses the as_token (HTTP {answer.status} {answer.errcode} {answer.error})."
            todo = "See the homeserver's log for the reason."
        self.findings.failed(
            "as_token", what, "Without it the registration is not in force: the bot cannot speak.", todo
        )
        return None

    def _server_name(self, sender: str) -> bool:
        actual = sender.partition(":")[2]
        if actual == self.homeserver.server_name:
            self.findings.ok("server name", f"The homeserver is {actual}, as declared.")
            return True
        self.findings.failed(
            "server name",
            f"The homeserver is '{actual}', but 'server_name' says '{self.homeserver.server_name}'.",
            "User ids and aliases end with it: the bot would look for people who do not exist.",
            f"Write 'server_name: {actual}', or correct 'url' if another homeserver is meant.",
        )
        return False

    async def _bot(self, sender: str) -> bool:
        bot = self.homeserver.bot
        if sender == bot:
            self.findings.failed(
                "bot",
                f"{bot} is the service's own sender.",
                "A sender cannot call /sync, so encrypted rooms and the catch-up after a stop would not work.",
                "Give the registration another 'sender_localpart' ('_esnbot_service'), keep the bot in its namespace.",
            )
            return False
        answer = await self.probe.ask(WHOAMI, query={"user_id": bot})
        if isinstance(answer, Trouble):
            self.findings.failed("bot", answer.what, "The bot has to be somebody.", answer.todo)
            return False
        if answer.status == 200:
            self.findings.ok("bot", f"{bot} is in the namespace and has its account.")
            return True
        if "not registered" in answer.error:
            self.findings.ok("bot", f"{bot} is in the namespace; its account is made at the first start.")
            return True
        self.findings.failed(
            "bot",
            f"{bot} is not in the namespace of the registration ({answer.errcode}: {answer.error}).",
            "The service may only speak as users of its namespace.",
            f"Let 'namespaces: users:' contain it, exclusively ('esnbot init' does), or correct 'bot'. {_LOAD}",
        )
        return False

    async def _device(self) -> None:
        query = {"user_id": self.homeserver.bot}
        device = self.homeserver.device_id
        answer = await self.probe.ask(f"/_matrix/client/v3/devices/{quote(device, safe='')}", query=query)
        if isinstance(answer, Answer) and answer.status == 200:
            self.findings.ok("device", f"The bot has its device {device}.")
        elif isinstance(answer, Answer) and answer.status in (403, 404):
            self.findings.note(
                "device",
                f"The device {device} is not there yet; it is made at the first start.",
                "With a device, a message that is sent again after a crash is recognised and not said twice.",
            )
        else:
            reason = answer.what if isinstance(answer, Trouble) else f"HTTP {answer.status} {answer.errcode}"
            self.findings.warning(
                "device",
                f"The bot's device cannot be looked at ({reason}).",
                "Without a device, a message that is sent again after a crash may be said twice.",
                "Update the homeserver to Matrix 1.17 (Synapse 1.141) or newer.",
            )

    # --- the way back -------------------------------------------------------------------------------------------

    async def _ping(self, written: dict[str, Any] | None) -> None:
        homeserver = self.homeserver
        listener = _Listener(homeserver)
        taken = await listener.start()
        try:
            answer = await self.probe.ask(
                f"/_matrix/client/v1/appservice/{quote(homeserver.appservice_id, safe='')}/ping",
                method="POST",
                content={"transaction_id": "doctor"},
            )
        finally:
            await listener.stop()
        if isinstance(answer, Answer) and answer.status == 200:
            self.findings.ok("ping", "The homeserver reaches the bot's address, with the right hs_token.")
            return
        what, todo = self._ping_failure(answer, listener, taken, written)
        why = "The homeserver brings everything that happens this way: without it the bot hears nothing."
        self.findings.failed("ping", what, why, todo)

    def _ping_failure(
        self, answer: Answer | Trouble, listener: _Listener, taken: str, written: dict[str, Any] | None
    ) -> tuple[str, str]:
        homeserver = self.homeserver
        here = f"{homeserver.listen_host}:{homeserver.listen_port}"
        url = str(written.get("url")) if written and written.get("url") else homeserver.appservice_url
        if isinstance(answer, Trouble):
            return answer.what, answer.todo
        if listener.wrong_token:
            return (
                "The homeserver comes with another hs_token than the configuration has.",
                "Copy 'hs_token' of the registration that the homeserver has loaded into the file of 'hs_token_file'.",
            )
        if answer.errcode == "M_FORBIDDEN":
            return (
                f"The homeserver knows the service under another id than '{homeserver.appservice_id}'.",
                "Write the 'id' of the registration as 'appservice_id' in the configuration.",
            )
        if answer.errcode == "M_URL_NOT_SET":
            return (
                "The registration has no 'url'.",
                f"Set 'url: {homeserver.appservice_url}' in it and restart the homeserver.",
            )
        if taken:
            return (
                f"Another program holds {here}, where the bot listens ({taken}).",
                "Stop that program, or choose another 'appservice_listen', and the same in the registration's 'url'.",
            )
        if answer.errcode == "M_CONNECTION_TIMEOUT":
            return (
                f"The homeserver does not get through to {url}: no answer in time.",
                f"Let the homeserver's machine reach it (firewall, container network); the bot listens at {here}.",
            )
        if answer.errcode == "M_BAD_STATUS":
            return (
                f"Something else answers the homeserver at {url}.",
                f"Make the registration's 'url' lead to {here}, where the bot listens, and restart the homeserver.",
            )
        if answer.errcode == "M_CONNECTION_FAILED":
            return (
                f"The homeserver cannot connect to the 'url' of its registration; the bot listens at {here}.",
                f"Make 'url' in the registration '{homeserver.appservice_url}', as the homeserver sees it; restart it.",
            )
        return (
            f"The homeserver refuses to ping (HTTP {answer.status} {answer.errcode} {answer.error}).",
            "Update the homeserver to Matrix 1.7 or newer, and see its log.",
        )

    # --- the administrator --------------------------------------------------------------------------------------

    async def admin(self) -> None:
        """Whether a declared admin token is one."""
        token = self.homeserver.admin_token
        if token is None:
            self.findings.note(
                "admin right",
                "No admin token is declared.",
                "The bot cannot make people join: where it would bring somebody in, it invites them.",
                "If that is not enough: 'admin_token_file', with the access token of a server administrator.",
            )
            return
        path = f"/_synapse/admin/v1/users/{quote(self.homeserver.bot, safe='')}/admin"
        answer = await self.probe.ask(path, token=token)
        why = "Without it, joining means inviting."
        if isinstance(answer, Answer) and (answer.status == 200 or answer.errcode == "M_NOT_FOUND"):
            self.findings.ok("admin right", "The admin token is one.")
        elif isinstance(answer, Answer) and answer.errcode == "M_UNKNOWN_TOKEN":
            todo = "Log the administrator in again and store the new access token in the file of 'admin_token_file'."
            self.findings.failed("admin right", "The homeserver does not know the admin token (any more).", why, todo)
        elif isinstance(answer, Answer) and answer.errcode == "M_FORBIDDEN":
            todo = "Make that account a server administrator, or take 'admin_token_file' out."
            self.findings.failed("admin right", "The admin token is of an account that is no administrator.", why, todo)
        else:
            todo = "Let esnbot reach '/_synapse/admin' of the homeserver (it need not be open to the world)."
            self.findings.warning("admin right", "The homeserver's admin interface does not answer here.", why, todo)


class _Listener:
    """Answers pings, and only pings, where the bot will listen; transactions have to wait for the bot itself."""

    def __init__(self, homeserver: Homeserver) -> None:
        self.homeserver = homeserver
        self.wrong_token = False
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """'' when it listens; otherwise why not."""
        app = web.Application()
        app.router.add_post("/_matrix/app/v1/ping", self._ping)
        app.router.add_route("*", "/{path:.*}", self._busy)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.homeserver.listen_host, self.homeserver.listen_port).start()
        except OSError as error:
            return (error.strerror or str(error)).lower().rpartition(": ")[2]
        return ""

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _ping(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(token.encode(), self.homeserver.hs_token.encode()):
            self.wrong_token = True
            return web.json_response({"errcode": "M_FORBIDDEN"}, status=403)
        return web.json_response({})

    async def _busy(self, request: web.Request) -> web.Response:
        return web.json_response({"errcode": "M_UNKNOWN", "error": "the doctor is in; try again"}, status=503)


def _matches(pattern: str, user: str) -> bool:
    try:
        return re.match(pattern, user) is not None
    except re.error:
        return False
