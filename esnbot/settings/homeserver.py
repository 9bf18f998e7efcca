"""Where the homeserver is, how the bot speaks to it, and the secrets for that, read from files or the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from esnbot.community.group import Source
from esnbot.settings.document import Node
from esnbot.settings.mistakes import Mistake
from esnbot.settings.sections import HomeserverSection

EMBEDDED_NAME = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Homeserver:
    """A homeserver and the application service on it. Tokens are '' for an embedded one: who starts it makes them."""

    embedded: bool
    server_name: str
    url: str
    """Base of the client-server API, without a trailing slash."""
    data: Path
    """Embedded: where it keeps everything."""
    client_host: str
    """Embedded: where clients reach it."""
    client_port: int
    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)
    admin_token: str | None = field(repr=False)
    appservice_id: str
    bot_localpart: str
    device_id: str
    listen_host: str
    """Where the homeserver's transactions are received."""
    listen_port: int
    appservice_url: str
    """How the homeserver reaches us: ``url`` of the registration."""
    registration: Path | None
    """The registration file, where it is known."""
    source: Source

    @property
    def bot(self) -> str:
        """The bot's user id."""
        return f"@{self.bot_localpart}:{self.server_name}"

    def own(self, user: str) -> bool:
        """Whether a user id is of this homeserver."""
        return user.partition(":")[2] == self.server_name


def make_homeserver(
    section: HomeserverSection, node: Node, mistakes: list[Mistake], folder: Path, environment: Mapping[str, str] | None
) -> Homeserver:
    """The homeserver that a section describes; what is missing or cannot be read is added to the mistakes.

    ``environment`` None: secrets are neither read nor missed.
    """
    _check_keys(section, node, mistakes)
    secrets = _Secrets(section, node, mistakes, folder, environment)
    as_token, hs_token = secrets.get("as_token"), secrets.get("hs_token")
    if as_token and as_token == hs_token:
        _add(mistakes, node, "hs_token_file", "the same token twice", "two different tokens ('esnbot init' makes them)")
    host, port = section.appservice_listen
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    client_host, client_port = section.listen
    embedded_url = f"http://{_in_url(client_host)}:{client_port}"
    return Homeserver(
        embedded=section.embedded,
        server_name=section.server_name or EMBEDDED_NAME,
        url=embedded_url if section.embedded else section.url or "",
        data=Path(section.data),
        client_host=client_host,
        client_port=client_port,
        as_token=as_token,
        hs_token=hs_token,
        admin_token=secrets.get("admin_token") or None,
        appservice_id=section.appservice_id,
        bot_localpart=section.bot,
        device_id=section.device,
        listen_host=host,
        listen_port=port,
        appservice_url=section.appservice_url or f"http://{_in_url(reachable)}:{port}",
        registration=folder / section.registration if section.registration else None,
        source=node.source,
    )


def _check_keys(section: HomeserverSection, node: Node, mistakes: list[Mistake]) -> None:
    stated = section.stated
    if section.embedded:
        for key in ("url", "as_token_file", "hs_token_file", "admin_token_file", "registration"):
            if key in stated:
                _add(
                    mistakes,
                    node,
                    key,
                    f"'{key}' beside 'embedded'",
                    "one of the two: 'embedded', or a homeserver's 'url'",
                )
        return
    for key, meaning in (
        ("url", "the address of its client-server API"),
        ("server_name", "what follows the ':' in user ids"),
    ):
        if getattr(section, key) is None and node.get(key) is None:
            _add(mistakes, node, key, "nothing", f"the key '{key}' ({meaning}), or 'homeserver: embedded'")
    for key in ("data", "listen"):
        if key in stated:
            _add(mistakes, node, key, f"'{key}' without 'embedded'", "no such key: it is for the embedded homeserver")


@dataclass(slots=True)
class _Secrets:
    section: HomeserverSection
    node: Node
    mistakes: list[Mistake]
    folder: Path
    environment: Mapping[str, str] | None

    def get(self, name: str) -> str:
        """A token; the environment goes before the file. '' when there is none."""
        variable = f"ESNBOT_{name.upper()}"
        key = f"{name}_file"
        path: str | None = getattr(self.section, key)
        if self.section.embedded or self.environment is None:
            return ""
        if value := self.environment.get(variable, "").strip():
            return self._shaped(value, key, f"the value of {variable}")
        if path is None:
            if name != "admin_token" and self.node.get(key) is None and self.node.get(name) is None:
                _add(
                    self.mistakes, self.node, key, "nothing", f"the key '{key}' or the environment variable {variable}"
                )
            return ""
        text = read_secret(self.folder / path, f"homeserver.{key}", self.node.get(key) or self.node, self.mistakes)
        return self._shaped(text, key, f"the content of '{path}'") if text else ""

    def _shaped(self, value: str, key: str, what: str) -> str:
        if not re.fullmatch(r"[\x21-\x7e]+", value):
            _add(self.mistakes, self.node, key, f"{what}, which is no token", "one line without spaces")
        return value


def read_secret(path: Path, dotted: str, node: Node, mistakes: list[Mistake]) -> str:
    """The content of a secret's file, '' (and a mistake at ``node``) when it cannot be read or is empty."""
    found, expected = "", "a readable file"
    text = ""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        found, expected = f"no file '{path}'", "a file with the secret in it ('esnbot init' writes them)"
    except OSError as error:
        found = f"a file that cannot be read: '{path}' ({(error.strerror or str(error)).lower()})"
    except UnicodeDecodeError:
        found = f"a file that is no text: '{path}'"
    if not text and not found:
        found, expected = f"an empty file '{path}'", "a file with the secret in it"
    if found:
        mistakes.append(Mistake(node.source, dotted, found, expected))
    return text


def _add(mistakes: list[Mistake], node: Node, key: str, found: str, expected: str) -> None:
    at = node.get(key)
    mistakes.append(Mistake(at.source if at is not None else node.source, f"homeserver.{key}", found, expected))


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
