"""Spaces: members look into them, add groups to those that are open, and owners take theirs out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from esnbot.commands.command import Command, Names, Noun, Param
from esnbot.commands.params import which_group
from esnbot.commands.reading import Problem, Reading
from esnbot.commands.values import GroupValue, SpaceValue, Switch
from esnbot.commands.words import near
from esnbot.community.group import Place
from esnbot.engine.feature import Module
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.features.space.handlers import SpaceHandlers
from esnbot.features.space.settings import SpaceSettings
from esnbot.speech import Quoted, later

HERE: Final = Path(__file__).parent
NAME: Final = "space"


def build(kit: Kit[SpaceSettings]) -> Feature:
    """The feature for one community."""
    handlers = SpaceHandlers(kit)
    noun = Noun(NAME, Names(("space",), ("espace",)), later("Spaces, and what is in them."))
    commands = (
        Command(
            noun=NAME,
            verb="list",
            names=Names(("list",), ("liste",)),
            summary=later("Shows the spaces."),
            handle=handlers.overview,
            examples={"en": ("space list",), "fr": ("espace liste",)},
        ),
        Command(
            noun=NAME,
            verb="show",
            names=Names(("show",), ("montrer", "voir")),
            summary=later("Shows what is in a space."),
            handle=handlers.show,
            params=(
                Param(
                    name="space",
                    names=Names(("space",), ("espace",)),
                    kind=SpaceValue(),
                    help=later("Which space; the one in which you say it when nothing is said."),
                    required=False,
                ),
            ),
            examples={"en": ('space show "The house"',), "fr": ('espace montrer "La maison"',)},
            default=True,
        ),
        Command(
            noun=NAME,
            verb="add",
            names=Names(("add",), ("ajouter",)),
            summary=later("Adds a group to a space that is open to additions."),
            handle=handlers.add,
            params=(
                which_group(kind=LookedAfter(spaces=True)),
                _space(Names(("to", "in"), ("à", "dans"))),
                Param(
                    name="open",
                    names=Names(("open",), ("ouvrir",)),
                    kind=Switch(),
                    help=later("Lets the members of that space come in without asking; for the group's owners."),
                    required=False,
                    option=True,
                ),
            ),
            confirm=handlers.ask_open,
            examples={
                "en": ('space add "Photo club" --to "The house"', 'space add --to "The house"'),
                "fr": ('espace ajouter "Club photo" --à "La maison"', 'espace ajouter --à "La maison"'),
            },
        ),
        Command(
            noun=NAME,
            verb="remove",
            names=Names(("remove",), ("retirer",)),
            summary=later("Takes a group out of a space to which it was added."),
            handle=handlers.remove,
            whose=later("the owners of the group and animators"),
            params=(which_group(spaces=True), _space(Names(("from",), ("de",)))),
            examples={
                "en": ('space remove "Photo club" --from "The house"',),
                "fr": ('espace retirer "Club photo" --de "La maison"',),
            },
        ),
    )
    module = Module(name=NAME, export=handlers.export, erase=handlers.erase)
    return Feature(module, (noun,), commands)


@dataclass(frozen=True, slots=True)
class LookedAfter(GroupValue):
    """A group that the bot looks after: of other rooms nobody can say whom they are for."""

    def _unknown(self, text: str, places: Sequence[Place], reading: Reading) -> Problem:
        names = [place.name for place in places]
        unknown = later(
            "I do not know any group called {text}. Only groups that I look after can be added.",
            text=Quoted(text[:100]),
        )
        return Problem(unknown, near(text, names))


def _space(names: Names) -> Param:
    return Param(
        name="space",
        names=names,
        kind=SpaceValue(),
        help=later("Which space; where there is no choice, it need not be said."),
        required=False,
        option=True,
    )


DECLARATION: Final = Declaration(
    name=NAME,
    summary="Members add groups to the spaces that are open to it; only a group's owners and animators take it out.",
    settings=SpaceSettings,
    build=build,
    migrations=HERE / "migrations",
    texts=HERE / "texts",
    called=Names(("additions",), ("ajouts",)),
    whispers=True,
)
