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
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from tests.town import declared

HOUSE = """
spaces:
  house: {{name: House, alias: "house-{bot}", audiences: [staff], joining: public}}
"""


def settings_for(registration: Registration, url: str, folder: Path, database: str, *, token: str = "") -> Settings:
    """A configuration whose homeserver is the kit's and whose service is this test's."""
    return declared(registration, url, folder, database, HOUSE, token=token, languages="fr, en")


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
