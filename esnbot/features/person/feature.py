"""What people say about themselves: their site and their teams."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.values import Switch, Text
from esnbot.engine.feature import Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.person.handlers import PersonHandlers
from esnbot.features.person.settings import PersonSettings
from esnbot.speech import Later, later

HERE: Final = Path(__file__).parent
NOUN: Final = "me"


def build(kit: Kit[PersonSettings]) -> Feature:
    """The feature for one community."""
    handlers = PersonHandlers(kit)
    noun = Noun(NOUN, Names(("me",), ("moi",)), later("What I know about you, and how to change it."))
    commands = (
        Command(
            noun=NOUN,
            verb="show",
            names=Names(("show",), ("montrer",)),
            summary=later("Shows all that is kept about you."),
            handle=handlers.show,
            examples={"en": ("me",), "fr": ("moi",)},
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="site",
            names=Names(("site",), ("site",)),
            summary=later("Tells me where you work."),
            handle=handlers.site,
            params=_params(later("The name of the site; without a name, I show those that I know.")),
            examples={"en": ("me site Lyon", "me site --remove"), "fr": ("moi site Lyon", "moi site --retirer")},
        ),
        Command(
            noun=NOUN,
            verb="team",
            names=Names(("team",), ("équipe",)),
            summary=later("Tells me with whom you work."),
            handle=handlers.team,
            params=_params(later("The name of the team; without a name, I show those that I know.")),
            examples={"en": ("me team data",), "fr": ("moi équipe données",)},
        ),
        Command(
            noun=NOUN,
            verb="forget",
            names=Names(("forget",), ("oublier",)),
            summary=later("Makes me forget what you told me about you."),
            handle=handlers.forget,
            confirm=handlers.ask_forget,
            examples={"en": ("me forget",), "fr": ("moi oublier",)},
        ),
    )
    return Feature(Module(name="person", export=handlers.export, erase=handlers.erase), (noun,), commands)


def _params(help_: Later) -> tuple[Param, ...]:
    return (
        Param(
            name="name",
            names=Names(("name",), ("nom",)),
            kind=Text(200),
            help=help_,
            required=False,
        ),
        Param(
            name="remove",
            names=Names(("remove",), ("retirer",)),
            kind=Switch(),
            help=later("Removes it instead of adding it."),
            required=False,
            option=True,
        ),
    )


DECLARATION: Final = Declaration(
    name="person",
    summary="People say at which site and in which teams they work, see what is kept about them, and take it back.",
    settings=PersonSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
)
