"""The reconciler for a command: the database and the homeserver of the configuration, opened and closed again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from esnbot.cli.common import Failure
from esnbot.composed import compose, extras
from esnbot.discovery import Discovery
from esnbot.embedded import AlreadyRuns, Embedded
from esnbot.engine.clock import SystemClock
from esnbot.homeserver import HomeserverError as EmbeddedError
from esnbot.logs import masker
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import HomeserverError, TokenRefused
from esnbot.provisioning.reconciler import Reconciler
from esnbot.settings import Homeserver, Settings
from esnbot.speech import Speech
from esnbot.store.database import DatabaseError
from esnbot.stored import migrated

DEVICE_NAME = "esnbot"


@asynccontextmanager
async def reconciler(settings: Settings, found: Discovery) -> AsyncIterator[Reconciler]:
    """A reconciler on the community's database and homeserver; raises ``Failure`` when one cannot be reached."""
    try:
        async with _homeserver(settings.homeserver) as homeserver, migrated(settings.database, found) as database:
            masker.learn(homeserver.as_token)
            client = MatrixClient(homeserver.url, homeserver.as_token, homeserver.bot, homeserver.device_id)
            try:
                await client.register()
                await client.ensure_device(DEVICE_NAME)
                clock = SystemClock()
                community = settings.community
                speech = Speech(found.texts, languages=community.languages, default=community.default_language)
                shown = extras(settings, compose(settings, found, speech, clock), speech)
                yield Reconciler(database, client, clock, extras=shown)
            finally:
                await client.close()
    except TokenRefused as error:
        hint = "is the registration file in the homeserver's configuration? 'esnbot doctor' looks at it."
        raise Failure(f"the homeserver does not know our token: {error}", hint) from error
    except HomeserverError as error:
        hint = "'esnbot doctor' looks at the homeserver and says what to do."
        raise Failure(f"the homeserver cannot be used: {error}", hint) from error
    except DatabaseError as error:
        raise Failure(str(error)) from error


@asynccontextmanager
async def _homeserver(declared: Homeserver) -> AsyncIterator[Homeserver]:
    """The homeserver as it can be reached: an embedded one is started for us, unless a running bot has it up."""
    if not declared.embedded:
        yield declared
        return
    embedded = Embedded(declared)
    try:
        homeserver = await embedded.start()
    except AlreadyRuns as error:
        running = _running(declared)
        if running is None:
            raise Failure(str(error)) from error
        yield running
        return
    except EmbeddedError as error:
        raise Failure(str(error), getattr(error, "hint", "")) from error
    try:
        yield homeserver
    finally:
        await embedded.stop()


def _running(declared: Homeserver) -> Homeserver | None:
    """The embedded homeserver that another process has up, by what it wrote down; None when that is not there."""
    port = _read(declared.data / "ports.json").get("the homeserver", {}).get("taken", declared.client_port)
    token = _read(declared.data / "tokens.json").get("as")
    if not isinstance(port, int) or not isinstance(token, str):
        return None
    url = declared.url.replace(f":{declared.client_port}", f":{port}")
    return replace(declared, client_port=port, url=url, as_token=token)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
