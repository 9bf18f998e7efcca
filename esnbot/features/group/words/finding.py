"""The commands that find groups, and take people in and out."""

from __future__ import annotations

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.params import which_group
from esnbot.commands.values import Text
from esnbot.features.group.desk import Desk
from esnbot.features.group.finding import Finding
from esnbot.features.group.words.shared import NOUN, kind_param
from esnbot.speech import later


def finding(desk: Desk) -> tuple[Command, ...]:
    """The commands that find groups."""
    finder = Finding(desk)
    return (
        Command(
            noun=NOUN,
            verb="list",
            names=Names(("list", "find"), ("liste", "lister", "chercher")),
            summary=later("Lists the groups that you can see."),
            handle=finder.overview,
            params=(
                Param(
                    name="words",
                    names=Names(("words",), ("mots",)),
                    kind=Text(200),
                    help=later("Words of its name or topic."),
                    required=False,
                ),
                kind_param(later("Only groups of this kind.")),
            ),
            examples={"en": ("group list", "group list photo"), "fr": ("groupe liste", "groupe liste photo")},
            default=True,
        ),
        Command(
            noun=NOUN,
            verb="join",
            names=Names(("join",), ("rejoindre",)),
            summary=later("Takes you into a group."),
            handle=finder.join,
            params=(which_group(required=True, archived=True),),
            examples={"en": ('group join "Photo club"',), "fr": ('groupe rejoindre "Club photo"',)},
        ),
        Command(
            noun=NOUN,
            verb="leave",
            names=Names(("leave",), ("quitter",)),
            summary=later("Takes you out of a group."),
            handle=finder.leave,
            params=(which_group(archived=True),),
            confirm=finder.ask_leave,
            examples={"en": ("group leave",), "fr": ("groupe quitter",)},
        ),
    )
