"""What can be added to a space, and what stands in one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum, auto

from esnbot.community.audience import Audience
from esnbot.community.group import Group, Joining, Kind, Place, Space
from esnbot.community.reach import may_be_shown


class No(Enum):
    """Why a group cannot be added to a space."""

    closed = auto()
    """People come in by invitation alone, and others need not know of it."""
    archived = auto()
    others = auto()
    """Not everybody whom the space is for may know of it."""


def obstacle(group: Group, space: Space, places: Mapping[str, Place], audiences: Mapping[str, Audience]) -> No | None:
    """Why a group cannot be shown in a space; None when it can."""
    if group.archived:
        return No.archived
    if group.joining is Joining.invite or group.kind is Kind.animators:
        return No.closed
    return None if may_be_shown(group, space, places, audiences) else No.others


def stands_in(place: Place, space: str) -> bool:
    """Whether a place is at home in a space, or listed there by the declaration."""
    return place.parent == space or (isinstance(place, Group) and space in place.also_in)


def is_in(place: Place, space: str, places: Mapping[str, Place], audiences: Mapping[str, Audience]) -> bool:
    """Whether one finds a place in a space."""
    if stands_in(place, space):
        return True
    if not isinstance(place, Group) or space not in place.shown_in:
        return False
    return may_be_shown(place, places.get(space), places, audiences)


def shown_in(places: Iterable[Place], space: str) -> int:
    """How many groups were added to a space."""
    return sum(isinstance(place, Group) and space in place.shown_in for place in places)


def added(group: Group, space: str) -> Group:
    """The group, shown in one space more."""
    return replace(group, shown_in=tuple(dict.fromkeys([*group.shown_in, space])))


def opened(group: Group, space: str) -> Group:
    """The group, listed in one space more, whose members may come in by themselves."""
    shown = tuple(key for key in group.shown_in if key != space)
    return replace(group, shown_in=shown, also_in=tuple(dict.fromkeys([*group.also_in, space])))


def taken_out(group: Group, space: str) -> Group:
    """The group, shown or listed in one space less; its home stays."""
    return replace(
        group,
        shown_in=tuple(key for key in group.shown_in if key != space),
        also_in=tuple(key for key in group.also_in if key != space),
    )
