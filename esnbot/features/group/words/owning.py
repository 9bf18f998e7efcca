"""The words for who owns a group, and for bringing people in."""

from __future__ import annotations

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.params import which_group
from esnbot.commands.values import PersonValue
from esnbot.features.group.desk import Desk
from esnbot.features.group.inviting import Inviting
from esnbot.features.group.owning import Owning
from esnbot.features.group.words.shared import KEEPERS, NOUN
from esnbot.speech import later


def owning(desk: Desk) -> tuple[Command, ...]:
    """The commands about owners."""
    own = Owning(desk)
    person = Names(("person",), ("personne",))
    return (
        Command(
            noun=NOUN,
            verb="invite",
            names=Names(("invite",), ("inviter",)),
            summary=later("Invites somebody to your group."),
            handle=Inviting(desk).invite,
            whose=later("whoever is in the group; where one comes in by invitation only, its owners"),
            params=(
                Param(
                    name="person", names=person, kind=PersonValue(), help=later("Whom you would like to have there.")
                ),
                which_group(option=True),
            ),
            examples={"en": ("group invite @zoe",), "fr": ("groupe inviter @zoe",)},
        ),
        Command(
            noun=NOUN,
            verb="owners",
            names=Names(("owners", "owner"), ("propriétaires", "propriétaire")),
            summary=later("Shows who owns a group."),
            handle=own.show,
            params=(which_group(archived=True),),
            examples={"en": ("group owners",), "fr": ("groupe propriétaires",)},
        ),
        Command(
            noun=NOUN,
            verb="add-owner",
            names=Names(("add-owner",), ("ajouter-propriétaire",)),
            summary=later("Lets somebody own your group with you."),
            handle=own.add,
            whose=KEEPERS,
            params=(
                Param(name="person", names=person, kind=PersonValue(), help=later("Who will own it too.")),
                which_group(option=True),
            ),
            confirm=own.ask_add,
            examples={"en": ("group add-owner @zoe",), "fr": ("groupe ajouter-propriétaire @zoe",)},
        ),
        Command(
            noun=NOUN,
            verb="remove-owner",
            names=Names(("remove-owner",), ("retirer-propriétaire",)),
            summary=later("Takes somebody off the owners of your group; one stays."),
            handle=own.remove,
            whose=KEEPERS,
            params=(
                Param(name="person", names=person, kind=PersonValue(), help=later("Who will own it no more.")),
                which_group(option=True),
            ),
            examples={"en": ("group remove-owner @zoe",), "fr": ("groupe retirer-propriétaire @zoe",)},
        ),
    )
