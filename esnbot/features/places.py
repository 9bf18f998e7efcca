"""What several features ask of places: who may see them, which language they speak, how to get there, who is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import name_of
from esnbot.community.group import Group, History, Joining, Kind, Place
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.community.reach import is_for
from esnbot.speech import Markdown, mention, room_link
from esnbot.store import bindings, rooms


def may_see(
    group: Group,
    places: Mapping[str, Place],
    community: Community,
    audiences: Collection[str],
    roles: Collection[Role],
    membership: str,
) -> bool:
    """Whether somebody may know that a group exists."""
    if membership in ("join", "invite") or oversees(roles):
        return True
    if group.kind is Kind.animators or group.joining is Joining.invite:
        return False
    return is_for(group, places, community, audiences)


def oversees(roles: Collection[Role]) -> bool:
    """Whether these roles may whatever owners may."""
    return Role.animator in roles or Role.administrator in roles


def language_of(place: Place | None, places: Mapping[str, Place], community: Community) -> str:
    """The language that a place speaks: its own, that of the space around it, or the community's first."""
    seen: set[str] = set()
    while place is not None and place.key not in seen:
        if place.language:
            return place.language
        seen.add(place.key)
        place = places.get(place.parent) if place.parent else None
    return community.default_language


async def memberships(conn: AsyncConnection, person: str) -> dict[str, str]:
    """Natural key to membership, for every place that the person is or was in; one query, however many there are."""
    query = (
        select(bindings.binding.c.key, rooms.room_state.c.content)
        .join(rooms.room_state, rooms.room_state.c.room_id == bindings.binding.c.room_id)
        .where(rooms.room_state.c.type == "m.room.member", rooms.room_state.c.state_key == person)
    )
    rows = await conn.execute(query)
    return {key: str(member.get("membership", "leave")) for key, member in rows if isinstance(member, dict)}


async def called(conn: AsyncConnection, room_id: str, user: str) -> Markdown:
    """A person as a pill, with the name that they go by in a room, else in the community."""
    return mention(user, await name_of(conn, room_id, user))


async def link_to(conn: AsyncConnection, room_id: str, name: str, server: str) -> Markdown:
    """A link to a room by its alias, or by its id with the server to join through."""
    content = await rooms.content(conn, room_id, "m.room.canonical_alias") or {}
    alias = content.get("alias")
    if isinstance(alias, str) and alias.startswith("#"):
        return room_link(alias, name)
    return room_link(room_id, name, via=(server,))


def may_read(
    place: Place,
    places: Mapping[str, Place],
    community: Community,
    audiences: Collection[str],
    membership: str,
) -> bool:
    """Whether somebody may read what is kept in a place: those in it, and where it is open those it is meant for.

    Roles give no more than others have here: who looks after the community does not look into closed rooms.
    """
    if membership == "join":
        return True
    if isinstance(place, Group) and (place.encrypted or place.kind is Kind.animators):
        return False
    if isinstance(place, Group) and place.history not in (History.shared, History.world):
        return False
    if place.joining not in (Joining.public, Joining.space):
        return False
    return is_for(place, places, community, audiences)
