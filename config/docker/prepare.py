"""Makes the keys, tokens and the part of Synapse's configuration that depends on the server's name; once, then kept.

Run by the service `prepare` of docker-compose.yml before Synapse and the bot. It changes nothing that exists, except
that the generated configuration follows community.yaml and the environment.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from esnbot.homeserver.files import kept_secret, write_private
from esnbot.matrix.registration import Registration, RegistrationError


class Unprepared(Exception):
    """Something that a person has to put right first."""


def prepare(community_file: Path, element_file: Path, keys: Path, public_url: str) -> None:
    """Write what is missing into ``keys``; raises Unprepared with a sentence for the administrator."""
    homeserver = yaml.safe_load(community_file.read_text(encoding="utf-8")).get("homeserver")
    if not isinstance(homeserver, dict) or not homeserver.get("server_name"):
        raise Unprepared(
            f"{community_file}: 'homeserver: server_name:' is missing; write the name of your server there."
        )
    server_name = str(homeserver["server_name"])
    if not public_url.startswith(("https://", "http://")):
        raise Unprepared("SYNAPSE_PUBLIC_URL in .env is no address; write for example https://matrix.example.org")
    _check_element(element_file, server_name, public_url)
    registration = _registration(keys / "registration.yaml", homeserver, server_name)
    write_private(keys / "as_token", registration.as_token)
    write_private(keys / "hs_token", registration.hs_token)
    for name in ("registration_shared_secret", "macaroon_secret_key", "form_secret"):
        kept_secret(keys / name)
    if not (keys / "signing.key").exists():
        seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        write_private(keys / "signing.key", f"ed25519 a_{secrets.token_hex(2)} {seed}\n")
    write_private(keys / "server.yaml", yaml.safe_dump(_server_settings(server_name, public_url), sort_keys=False))


def _check_element(element_file: Path, server_name: str, public_url: str) -> None:
    shown = json.loads(element_file.read_text(encoding="utf-8"))["default_server_config"]["m.homeserver"]
    if shown["server_name"] != server_name or shown["base_url"].rstrip("/") != public_url.rstrip("/"):
        raise Unprepared(
            f"{element_file} names {shown['server_name']} at {shown['base_url']}, community.yaml and .env name "
            f"{server_name} at {public_url}; make them agree."
        )


def _registration(path: Path, homeserver: dict[str, Any], server_name: str) -> Registration:
    url = str(homeserver.get("appservice_url", "http://esnbot:29331"))
    if path.exists():
        kept = Registration.read(path, server_name=server_name)
        if kept.url != url:
            kept = replace(kept, url=url)
            kept.write(path)
        return kept
    made = Registration.new(server_name=server_name, url=url, bot_localpart=str(homeserver.get("bot", "esnbot")))
    made = replace(made, id=str(homeserver.get("appservice_id", "esnbot")))
    made.write(path)
    return made


def _server_settings(server_name: str, public_url: str) -> dict[str, Any]:
    return {
        "server_name": server_name,
        "public_baseurl": f"{public_url.rstrip('/')}/",
        "database": {
            "name": "psycopg2",
            # The password comes from the environment (PGPASSWORD).
            "args": {"host": "postgres", "user": "synapse", "database": "synapse", "cp_min": 2, "cp_max": 10},
        },
    }


def main() -> int:
    """Prepare under ``/keys``, with the files of the image or mounted over them."""
    folder = Path(os.environ.get("ESNBOT_CONFIG_DIR", "/config/docker"))
    keys = Path(os.environ.get("ESNBOT_KEYS_DIR", "/keys"))
    try:
        prepare(
            folder / "community.yaml",
            folder / "element" / "config.json",
            keys,
            os.environ.get("SYNAPSE_PUBLIC_URL", ""),
        )
    except (Unprepared, RegistrationError, OSError, yaml.YAMLError, json.JSONDecodeError, KeyError) as error:
        sys.stderr.write(f"prepare: {error}\n")
        return 1
    sys.stdout.write(f"prepare: keys, tokens and Synapse's configuration are in {keys}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
