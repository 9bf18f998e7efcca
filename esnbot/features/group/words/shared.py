"""What several commands about groups have in common: the noun, and kinds."""

from __future__ import annotations

from typing import Final

from esnbot.commands.command import Names, Param
from esnbot.commands.values import Choice
from esnbot.features.group.model import KINDS, MADE_IN_CHAT
from esnbot.speech import Later, later

NOUN: Final = "group"
LONGEST_TEXT: Final = 2_000
LONGEST_MESSAGE: Final = 65_536
"""No event of Matrix has more."""
KEEPERS: Final = later("the group's owners and the animators")
"""Whose commands those of owners are."""


def kind_param(help_: Later) -> Param:
    """The parameter for a kind of group."""
    return Param(
        name="kind",
        names=Names(("kind",), ("type", "genre")),
        kind=Choice(
            {kind.value: KINDS[kind] for kind in MADE_IN_CHAT}, later("{text} is not a kind of group that I know.")
        ),
        help=help_,
        required=False,
        option=True,
    )
