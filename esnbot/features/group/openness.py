"""Whom a group is open to, and what a change opens or closes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from esnbot.community.group import Group, History, Joining, Place
from esnbot.community.model import Community
from esnbot.community.reach import audiences_of, reached_by

FEW: Final = 5
"""Fewer people than this are 'a few': a number would point at them."""
_DOORS: Final = (Joining.invite, Joining.knock, Joining.space, Joining.public)
_PAST: Final = (History.joined, History.invited, History.shared, History.world)


def inside(community: Community) -> tuple[str, ...]:
    """The audiences of the company itself."""
    return tuple(key for key, audience in community.audiences.items() if not audience.external)


def choices(group: Group, spaces: Mapping[str, Place], community: Community) -> tuple[str, ...]:
    """The audiences among which a group's owner can choose: those of the space around it."""
    around = spaces.get(group.parent) if group.parent else None
    meant = audiences_of(around, spaces) if around is not None else group.audiences
    return meant or inside(community)


def reached(group: Group, spaces: Mapping[str, Place], community: Community) -> tuple[str, ...]:
    """The audiences that a group is for, its own or those around it, in the order of the file."""
    meant = reached_by(group, spaces, community.audiences)
    return tuple(key for key in community.audiences if key in meant)


def may_be_public(group: Group, spaces: Mapping[str, Place]) -> bool:
    """Whether a group may be open to whoever has its address: where its space is, and it leaves nobody of it out."""
    around = spaces.get(group.parent) if group.parent else None
    if around is None or around.joining is not Joining.public:
        return False
    return not group.audiences or set(group.audiences) >= set(audiences_of(around, spaces))


@dataclass(frozen=True, slots=True)
class Opening:
    """What a change opens and closes."""

    added: tuple[str, ...]
    """Audiences that come in."""
    lost: tuple[str, ...]
    """Audiences that it is not for any more."""
    door: Joining | None
    """How people come in from then on, where that is easier than before."""
    past: bool
    """Whether what was said before becomes readable to whoever comes in."""

    @property
    def widens(self) -> bool:
        """Whether somebody will read what they could not read before."""
        return bool(self.added) or self.door is not None or self.past


def opening(before: Group, after: Group, spaces: Mapping[str, Place], community: Community) -> Opening:
    """What is different for readers between a group as it is and as it is to be."""
    was, will = reached(before, spaces, community), reached(after, spaces, community)
    return Opening(
        added=tuple(key for key in will if key not in was),
        lost=tuple(key for key in was if key not in will),
        door=after.joining if _DOORS.index(after.joining) > _DOORS.index(before.joining) else None,
        past=_PAST.index(after.history) > _PAST.index(before.history),
    )


def reads_the_past(group: Group) -> bool:
    """Whether whoever comes in reads what was said before; what is encrypted stays with those who were there."""
    return group.history in (History.shared, History.world) and not group.encrypted
