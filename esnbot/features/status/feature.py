"""Status, pause and resume, for animators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Command, Names, Noun
from esnbot.community.person import Role
from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.status import records
from esnbot.features.status.handlers import StatusHandlers
from esnbot.features.status.settings import StatusSettings
from esnbot.provisioning import events
from esnbot.speech import later

HERE: Final = Path(__file__).parent
ANIMATORS: Final = frozenset({Role.animator, Role.administrator})


async def export(conn: AsyncConnection, person: str) -> Mapping[str, Any]:
    """What is kept about a person."""
    return await records.of_person(conn, person)


async def erase(ctx: Context, person: str) -> tuple[Effect, ...]:
    """Forget who it was that paused the bot or changed something by hand."""
    await records.forget(ctx.conn, person)
    return ()


def build(kit: Kit[StatusSettings]) -> Feature:
    """The feature for one community."""
    handlers = StatusHandlers(kit)
    nouns = (
        Noun("status", Names(("status",), ("état", "statut")), later("How I am doing.")),
        Noun("pause", Names(("pause",), ("pause",)), later("Make me keep quiet for a while.")),
        Noun("resume", Names(("resume",), ("reprendre", "reprise")), later("Let me speak by myself again.")),
    )
    commands = (
        Command(
            noun="status",
            verb="show",
            names=Names(("show",), ("montrer",)),
            summary=later("Shows what is coming up, what waits, what failed and what was changed by hand."),
            handle=handlers.show,
            who=ANIMATORS,
            examples={"en": ("status",), "fr": ("état",)},
            default=True,
        ),
        Command(
            noun="pause",
            verb="begin",
            names=Names(("begin", "now"), ("commencer", "maintenant")),
            summary=later("Stops everything that I say by myself, until somebody writes `!esn resume`."),
            handle=handlers.pause,
            who=ANIMATORS,
            confirm=handlers.ask_pause,
            examples={"en": ("pause",), "fr": ("pause",)},
            default=True,
        ),
        Command(
            noun="resume",
            verb="now",
            names=Names(("now",), ("maintenant",)),
            summary=later("Lets me speak by myself again: prompts and greetings come back."),
            handle=handlers.resume,
            who=ANIMATORS,
            confirm=handlers.ask_resume,
            examples={"en": ("resume",), "fr": ("reprendre",)},
            default=True,
        ),
    )
    module = Module(
        name="status",
        listeners=(Listener(frozenset({events.DRIFT}), handlers.drifted),),
        export=export,
        erase=erase,
    )
    return Feature(module, nouns, commands)


DECLARATION: Final = Declaration(
    name="status",
    summary="Animators see how the bot is doing, and can make it keep quiet and speak again.",
    settings=StatusSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
)
