"""What tests of the application share: a configuration for a service on the kit's homeserver, and a small feature."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from esnbot.discovery import Discovery
from esnbot.engine.effects import Effect, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.homeserver import free_port
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings, load

CONFIG = """
name: A community
languages: [fr, en]
time_zone: Europe/Paris
homeserver:
  url: {url}
  server_name: "{server_name}"
  appservice_id: {id}
  bot: {bot}
  appservice_listen: 127.0.0.1:{service_port}
web: {{listen: "127.0.0.1:{web_port}"}}
database: {database}
encryption: {{store: "{store}"}}
audiences:
  staff: {{name: Staff, homeservers: [own]}}
spaces:
  house: {{name: House, alias: "{alias}", audiences: [staff], joining: public}}
"""


def settings_for(registration: Registration, url: str, folder: Path, database: str, *, token: str = "") -> Settings:
    """A configuration whose homeserver is the kit's and whose service is this test's."""
    path = folder / "community.yaml"
    path.write_text(
        CONFIG.format(
            url=url,
            server_name=registration.server_name,
            id=registration.id,
            bot=registration.bot_localpart,
            service_port=registration.url.rpartition(":")[2],
            web_port=free_port(),
            database=database,
            store=folder / "encryption",
            alias=f"house-{registration.bot_localpart}",
        )
    )
    environment = {"ESNBOT_AS_TOKEN": token or registration.as_token, "ESNBOT_HS_TOKEN": registration.hs_token}
    return load(path, environment=environment)


class NoSettings(BaseModel):
    """A feature that has none."""


def echo(name: str = "echo") -> Declaration:
    """A feature that repeats what people say."""

    async def repeat(ctx: Context, event: Event) -> Sequence[Effect]:
        body = event.text("body")
        if event.sender == ctx.bot or not body.startswith("say "):
            return []
        return [Say(room=event.room_id, body=body.removeprefix("say "))]

    def build(_kit: Kit[NoSettings]) -> Feature:
        return Feature(Module(name, (Listener(frozenset({"m.room.message"}), repeat),)))

    return Declaration(name=name, summary="Repeats.", settings=NoSettings, build=build)


def broken(name: str = "broken") -> Declaration:
    """A feature that cannot be built."""

    def build(_kit: Kit[NoSettings]) -> Feature:
        raise RuntimeError("no tea left")

    return Declaration(name=name, summary="Breaks.", settings=NoSettings, build=build)


def with_features(settings: Settings, *declarations: Declaration) -> tuple[Settings, Discovery]:
    """The settings and what is found, for these features and no others."""
    from dataclasses import replace

    found = Discovery({declaration.name: declaration for declaration in declarations})
    return replace(settings, features={name: NoSettings() for name in found.declarations}), found
