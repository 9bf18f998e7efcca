"""The words for a group's life: describe it, merge it with another."""

from __future__ import annotations

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.params import which_group
from esnbot.features.life.describing import Describing
from esnbot.features.life.merging import Merged, Merging
from esnbot.speech import later


def words(describing: Describing, merging: Merging) -> tuple[Command, ...]:
    """The commands; their noun is the groups' own."""
    return (
        Command(
            noun="group",
            verb="describe",
            names=Names(("describe", "about"), ("décrire", "présenter")),
            summary=later("Describes a group: whom it is for, who looks after it, how lively it is."),
            handle=describing.show,
            params=(which_group(archived=True),),
            examples={"en": ('group describe "Photo club"',), "fr": ('groupe décrire "Club photo"',)},
        ),
        Command(
            noun="group",
            verb="merge",
            names=Names(("merge",), ("fusionner",)),
            summary=later("Makes your group a part of another one: its members are invited there, and it is archived."),
            handle=merging.merge,
            whose=later("the group's owners and the animators; the owners of the other group agree first"),
            params=(
                Param(
                    name="groups",
                    names=Names(("other", "groups"), ("autre", "groupes")),
                    kind=Merged(),
                    help=later(
                        "The group that yours becomes part of; with another one before it (`photo into film`), that "
                        "one becomes part of it."
                    ),
                    rest=True,
                ),
            ),
            confirm=merging.ask,
            examples={
                "en": ('group merge "Film club"', 'group merge "Photo club" into "Film club"'),
                "fr": ('groupe fusionner "Ciné-club"', 'groupe fusionner "Club photo" dans "Ciné-club"'),
            },
        ),
    )
