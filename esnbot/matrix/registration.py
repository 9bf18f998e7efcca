"""The registration of our application service: who it is, how it is called, what is its own."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


class RegistrationError(Exception):
    """The registration file cannot be used; the message says what is wrong, where."""


def direct_alias_prefix(bot: str) -> str:
    """With what the localparts of aliases begin by which the bot finds its direct chats again."""
    return f"_{bot[1:].partition(':')[0]}_direct_"


@dataclass(frozen=True, slots=True)
class Registration:
    """What the homeserver must know about the application service.

    The sender is a technical account that nobody sees, since a service's sender cannot call ``/sync``; the bot that
    people see is a user of the namespace. Ghosts (``GHOST_PREFIX…``) speak for people of outside networks.
    """

    server_name: str
    url: str
    """Where the homeserver delivers transactions, for example ``http://127.0.0.1:29400``."""
    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)
    id: str = "esnbot"
    sender_localpart: str = "_esnbot_service"
    bot_localpart: str = "esnbot"
    alias_patterns: tuple[str, ...] = ()
    """Regular expressions of aliases that the service may make, not exclusively; empty: any of its server."""

    @classmethod
    def new(cls, *, server_name: str, url: str, bot_localpart: str = "esnbot") -> Registration:
        """A registration with fresh tokens; id and accounts are named after the bot."""
        return cls(
            server_name=server_name,
            url=url,
            as_token=secrets.token_urlsafe(32),
            hs_token=secrets.token_urlsafe(32),
            id=bot_localpart,
            sender_localpart=f"_{bot_localpart}_service",
            bot_localpart=bot_localpart,
        )

    @property
    def bot_user_id(self) -> str:
        """The bot that people see."""
        return f"@{self.bot_localpart}:{self.server_name}"

    @property
    def sender_user_id(self) -> str:
        """The technical account behind the service."""
        return f"@{self.sender_localpart}:{self.server_name}"

    @property
    def ghost_prefix(self) -> str:
        """With what the localparts of ghosts begin."""
        return f"{self.bot_localpart}_"

    def document(self) -> dict[str, Any]:
        """The registration as the homeserver reads it (specification of application services, 'Registration')."""
        server = re.escape(self.server_name)
        return {
            "id": self.id,
            "url": self.url,
            "as_token": self.as_token,
            "hs_token": self.hs_token,
            "sender_localpart": self.sender_localpart,
            "rate_limited": False,
            "receive_ephemeral": False,
            "namespaces": {
                "users": [
                    {"exclusive": True, "regex": f"^@{re.escape(self.bot_localpart)}:{server}$"},
                    {"exclusive": True, "regex": f"^@{re.escape(self.ghost_prefix)}.*:{server}$"},
                ],
                # A service may only make aliases of its own namespace, and groups are named by people: all of the
                # server's, not exclusively. What the homeserver pushes of rooms without the bot is not looked at.
                "aliases": [
                    # By these aliases a direct chat is found again after a crash: nobody else may take one.
                    {
                        "exclusive": True,
                        "regex": f"^#{re.escape(direct_alias_prefix(self.bot_user_id))}.*:{server}$",
                    },
                    *(
                        {"exclusive": False, "regex": pattern}
                        for pattern in self.alias_patterns or (f"^#.*:{server}$",)
                    ),
                ],
                "rooms": [],
            },
        }

    def to_yaml(self) -> str:
        """The registration file's text. It contains both tokens."""
        return yaml.safe_dump(self.document(), sort_keys=False)

    def write(self, path: Path) -> None:
        """Write the registration file for its owner only (mode 0600), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.to_yaml())
        scratch.replace(path)

    @classmethod
    def read(cls, path: Path, *, server_name: str) -> Registration:
        """Read a registration file that ``write`` made. Raises RegistrationError."""
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
            raise RegistrationError(
                f"{path}: the registration file cannot be read ({type(cause).__name__})."
            ) from cause
        if not isinstance(found, dict):
            raise RegistrationError(f"{path}: a registration is a mapping with id, url, as_token, hs_token and so on.")
        for key in ("id", "url", "as_token", "hs_token", "sender_localpart"):
            if not (isinstance(found.get(key), str) and found[key]):
                raise RegistrationError(
                    f"{path}: '{key}' is missing or no text; write the file anew with `esnbot init`."
                )
        bot = _bot_localpart(found, server_name)
        if bot is None:
            raise RegistrationError(
                f"{path}: no user of {server_name} is in its exclusive namespace; is it for another homeserver?"
            )
        return cls(
            server_name=server_name,
            url=found["url"],
            as_token=found["as_token"],
            hs_token=found["hs_token"],
            id=found["id"],
            sender_localpart=found["sender_localpart"],
            bot_localpart=bot,
            alias_patterns=tuple(_patterns(found, "aliases", exclusive=False)),
        )


def _patterns(document: dict[str, Any], kind: str, *, exclusive: bool) -> list[str]:
    namespaces = document.get("namespaces")
    entries = namespaces.get(kind) if isinstance(namespaces, dict) else None
    return [
        str(entry["regex"])
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and entry.get("regex") and bool(entry.get("exclusive")) is exclusive
    ]


def _bot_localpart(document: dict[str, Any], server_name: str) -> str | None:
    """The one localpart that the user namespace names in full; patterns with room for others are the ghosts'."""
    for pattern in _patterns(document, "users", exclusive=True):
        plain = re.sub(r"\\(.)", r"\1", pattern.removeprefix("^").removesuffix("$"))
        localpart, colon, server = plain.removeprefix("@").partition(":")
        if colon and server == server_name and re.fullmatch(r"[a-z0-9._=/+-]+", localpart):
            return localpart
    return None
