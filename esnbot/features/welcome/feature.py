"""Welcome: whoever comes into a space is greeted once, in their language."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Names
from esnbot.engine.event import Event
from esnbot.engine.feature import Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.status import RESUMED
from esnbot.features.welcome.handlers import GREET, WelcomeHandlers
from esnbot.features.welcome.settings import WelcomeSettings
from esnbot.provisioning import events

HERE: Final = Path(__file__).parent


def build(kit: Kit[WelcomeSettings]) -> Feature:
    """The feature for one community."""
    handlers = WelcomeHandlers(kit)

    def concerns_somebody(event: Event) -> bool:
        return event.state_key not in (None, "", kit.bot) and event.text("membership") in ("join", "leave", "ban")

    return Feature(
        Module(
            name="welcome",
            listeners=(
                Listener(frozenset({"m.room.member"}), handlers.member, wants=concerns_somebody),
                Listener(frozenset({events.ROOM_READY}), handlers.room_ready),
                Listener(frozenset({RESUMED}), handlers.resumed),
            ),
            due={GREET: handlers.greet},
            export=handlers.export,
            erase=handlers.erase,
        )
    )


DECLARATION: Final = Declaration(
    name="welcome",
    summary="Newcomers to a space are greeted once, in private, in their language, with what they can do there.",
    settings=WelcomeSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("greetings",), ("accueils",)),
    posts=True,
    whispers=True,
)
