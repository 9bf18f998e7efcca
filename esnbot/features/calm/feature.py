"""Calm: one budget for private words that nobody asked for, and groups that silence what they do not want."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import Choice
from esnbot.engine.feature import Listener, Module
from esnbot.features.calm import model
from esnbot.features.calm.desk import ALL, Desk
from esnbot.features.calm.handlers import LOOK, CalmHandlers
from esnbot.features.calm.settings import CalmSettings
from esnbot.features.calm.silencing import Silencing
from esnbot.features.calm.words import WHISPERED
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.status import RESUMED
from esnbot.speech import later

HERE: Final = Path(__file__).parent
NAME: Final = "calm"


def build(kit: Kit[CalmSettings]) -> Feature:
    """The feature for one community."""
    silencing = Silencing(kit.declared)
    handlers, desk = CalmHandlers(kit, silencing), Desk(kit, silencing)
    module = Module(
        name=NAME,
        listeners=(
            Listener(frozenset({WHISPERED}), handlers.whispered),
            Listener(frozenset({RESUMED}), handlers.resumed),
        ),
        due={LOOK: handlers.due},
        start=handlers.start,
        export=handlers.export,
        erase=handlers.erase,
    )
    nouns = (
        Noun("quiet", Names(("quiet",), ("tranquille",)), later("What I write to you unasked.")),
        Noun("silence", Names(("silence",), ("silence",)), later("What I post unasked in this group.")),
    )
    return Feature(module, nouns, (*_for_oneself(desk), *_for_a_group(desk, silencing)))


def _for_oneself(desk: Desk) -> tuple[Command, ...]:
    what = _what(desk.private)
    return (
        Command(
            noun="quiet",
            verb="show",
            names=Names(("show",), ("montrer",)),
            summary=later("Shows what I write to you unasked."),
            handle=desk.quiet,
            examples={"en": ("quiet",), "fr": ("tranquille",)},
            default=True,
        ),
        Command(
            noun="quiet",
            verb="on",
            names=Names(("on", "yes"), ("oui",)),
            summary=later("Stops what I write to you unasked, all of it or one thing."),
            handle=desk.quiet_on,
            params=(what,),
            examples={"en": ("quiet on", "quiet on greetings"), "fr": ("tranquille oui", "tranquille oui accueils")},
        ),
        Command(
            noun="quiet",
            verb="off",
            names=Names(("off", "no"), ("non",)),
            summary=later("Lets me write to you again."),
            handle=desk.quiet_off,
            params=(what,),
            examples={"en": ("quiet off",), "fr": ("tranquille non",)},
        ),
    )


def _for_a_group(desk: Desk, silencing: Silencing) -> tuple[Command, ...]:
    what = _what(silencing.features)
    return (
        Command(
            noun="silence",
            verb="begin",
            names=Names(("begin", "add"), ("mettre", "ajouter")),
            summary=later("Stops something that I post unasked in this group."),
            handle=desk.silence,
            params=(what,),
            examples={"en": ("silence prompts",), "fr": ("silence amorces",)},
            default=True,
        ),
        Command(
            noun="silence",
            verb="list",
            names=Names(("list", "show"), ("liste", "montrer")),
            summary=later("Shows what is silenced in this group, and what can be."),
            handle=desk.silences,
            examples={"en": ("silence list",), "fr": ("silence liste",)},
        ),
        Command(
            noun="silence",
            verb="lift",
            names=Names(("lift", "end"), ("lever", "finir")),
            summary=later("Lets me post it in this group again."),
            handle=desk.lift,
            params=(what,),
            examples={"en": ("silence lift prompts",), "fr": ("silence lever amorces",)},
        ),
    )


def _what(features: Mapping[str, Names]) -> Param:
    return Param(
        name="what",
        names=Names(("what",), ("quoi",)),
        kind=Choice({**features, model.EVERYTHING: ALL}, later("I do not know {text} among what I do unasked.")),
        help=later("What is meant; all of it when nothing is said."),
        required=False,
    )


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Unasked private words stay within a budget a week, and groups silence what they do not want.",
    settings=CalmSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
)
