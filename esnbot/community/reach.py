"""Whom a place is for, and what it inherits from the spaces around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from esnbot.community.audience import Audience
from esnbot.community.group import Group, Joining, Kind, Place, Space
from esnbot.community.model import Community
from esnbot.community.tempo import Bounds, bounds


def audiences_of(place: Place, places: Mapping[str, Place]) -> tuple[str, ...]:
    """The audiences of a place: its own, or those of the space around it; ``places`` is by key."""
    seen: set[str] = set()
    at: Place | None = place
    while at is not None and at.key not in seen:
        if at.audiences:
            return at.audiences
        seen.add(at.key)
        at = places.get(at.parent) if at.parent else None
    return ()


def is_for(place: Place, places: Mapping[str, Place], community: Community, audiences: Collection[str]) -> bool:
    """Whether a place is for somebody of these audiences; where nothing is declared, for those inside the company."""
    meant = audiences_of(place, places)
    if meant:
        return not set(meant).isdisjoint(audiences)
    if not community.audiences:
        return True
    return any(key in community.audiences and not community.audiences[key].external for key in audiences)


def reached_by(place: Place, places: Mapping[str, Place], audiences: Mapping[str, Audience]) -> frozenset[str]:
    """The audiences that a place is for; where nothing is declared, all of those inside the company."""
    meant = audiences_of(place, places)
    return frozenset(meant) or frozenset(key for key, audience in audiences.items() if not audience.external)


def may_be_shown(
    group: Group, space: Place | None, places: Mapping[str, Place], audiences: Mapping[str, Audience]
) -> bool:
    """Whether a space may show a group: everybody whom the space is for may know of the group anyway."""
    if not isinstance(space, Space) or group.archived:
        return False
    if group.joining is Joining.invite or group.kind is Kind.animators:
        return False
    return is_within(space, group, places, audiences)


def is_within(space: Place, group: Place, places: Mapping[str, Place], audiences: Mapping[str, Audience]) -> bool:
    """Whether everybody whom a space is for is also one whom a group is for."""
    return reached_by(space, places, audiences) <= reached_by(group, places, audiences)


def bounds_of(place: Place, places: Mapping[str, Place], community: Community) -> Bounds:
    """What is borne in a place of posts that nobody asked for: by its own tempo, then those of the spaces around it."""
    tempos = []
    seen: set[str] = set()
    at: Place | None = place
    while at is not None and at.key not in seen:
        tempos.append(at.tempo)
        seen.add(at.key)
        at = places.get(at.parent) if at.parent else None
    return bounds(tempos, community.quiet_hours)
