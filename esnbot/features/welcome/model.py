"""What newcomers are shown. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from esnbot.community.group import Group, Joining, Kind, Place, Posting
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.features.places import may_see

ORDER: Final = (Kind.help, Kind.informal, Kind.hobby, Kind.practice, Kind.event, Kind.project, Kind.announcements)
"""What helps a newcomer most comes first."""


def suggested(
    spaces: Sequence[str],
    places: Iterable[Place],
    community: Community,
    audiences: Collection[str],
    roles: Collection[Role],
    memberships: Mapping[str, str],
    most: int,
) -> list[Group]:
    """Groups to look at: open ones of the spaces that somebody came into, that they may see and are not in yet."""
    known = {place.key: place for place in places}
    found = [
        place
        for place in known.values()
        if isinstance(place, Group)
        and not place.archived
        and place.kind is not Kind.animators
        and place.joining is not Joining.invite
        and {place.parent, *place.also_in} & set(spaces)
        and memberships.get(place.key) != "join"
        and may_see(place, known, community, audiences, roles, "leave")
    ]
    found.sort(key=lambda group: ORDER.index(group.kind) if group.kind in ORDER else len(ORDER))
    return found[:most]


def meeting_place(spaces: Sequence[str], places: Iterable[Place]) -> Group | None:
    """Where one says hello to somebody whose direct chat is closed: an open group of the space, where all may post."""
    groups = [
        place
        for place in places
        if isinstance(place, Group)
        and not place.archived
        and place.parent in spaces
        and place.joining in (Joining.space, Joining.public)
        and place.posting is Posting.everyone
        and place.kind in (Kind.help, Kind.informal)
    ]
    return groups[0] if groups else None
