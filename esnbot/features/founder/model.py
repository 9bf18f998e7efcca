"""Where an idea stands on its way to a living group, and what moves it on. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

INTERESTED: Final = "✋"
"""The reaction of those who would like to be part of it."""
SELECTOR: Final = "\ufe0f"


class Stage(StrEnum):
    """Where an idea stands, in this order."""

    idea = "idea"
    interested = "interested"
    met = "met"
    group = "group"
    settled = "settled"
    """Its founder said after a month how the group goes."""
    dropped = "dropped"


class Answer(StrEnum):
    """How a group goes, as its founder says after a month."""

    well = "well"
    so_so = "so_so"
    help = "help"


BUTTONS: Final = {"🌱": Answer.well, "🤔": Answer.so_so, "🆘": Answer.help}
_ORDER: Final = list(Stage)


def moved(stage: Stage, to: Stage) -> Stage | None:
    """The stage after something has happened; None where it changes nothing.

    An idea only moves on: who founds a group at once need not have met before. What is settled or dropped stays so.
    """
    if stage in (Stage.settled, Stage.dropped) or _ORDER.index(to) <= _ORDER.index(stage):
        return None
    if to is Stage.settled and stage is not Stage.group:
        return None
    return to


def has_company(stage: Stage, people: int, enough: int) -> bool:
    """Whether the founder hears now that there are enough people for a first meet-up."""
    return stage is Stage.idea and people >= enough


def answered(emoji: str) -> Answer | None:
    """What a reaction says about how a group goes; None for any other."""
    return BUTTONS.get(emoji.replace(SELECTOR, ""))
