"""Who asks: their audiences and roles where they ask, and the language in which they are answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records
from esnbot.commands.command import Command
from esnbot.commands.reading import KEEPERS, Person, Places
from esnbot.community.group import Place
from esnbot.community.model import Community
from esnbot.community.person import Role, UserID, server_of
from esnbot.community.reach import is_for
from esnbot.store import bindings, rooms
from esnbot.store.bindings import DIRECT, binding
from esnbot.store.rooms import room_state

OWNER_POWER = 50
_ROOMS_ASKED = 5
"""So many rooms are asked at most what somebody is called."""


@dataclass(frozen=True, slots=True)
class People:
    """Finds out about people, from the community as declared and the rooms as they are."""

    community: Community
    places: Places

    async def person(
        self,
        conn: AsyncConnection,
        user: UserID,
        room_id: str,
        place: Place | None,
        bot: str,
        now: datetime,
        shown: str | None,
    ) -> Person | None:
        """Who asks in a room; None for whoever is outside the community or the room's audience.

        `shown` is the language that the command itself shows.
        """
        audiences = self.community.audiences_of(user, now.astimezone(self.community.zone).date())
        roles = self._roles(user, audiences, bot)
        if not roles:
            return None
        if place is not None and await self._owns(conn, user, room_id, place):
            roles |= {Role.owner}
        language = await self.language(conn, user, place, shown)
        person = Person(user, language, audiences, roles)
        return person if place is None or await self._is_meant(conn, person, place) else None

    async def _is_meant(self, conn: AsyncConnection, person: Person, place: Place) -> bool:
        if person.roles & KEEPERS:
            return True
        inherits = not place.audiences and place.parent is not None
        places = await self.places.spaces(conn) if inherits else {}
        return is_for(place, places, self.community, person.audiences)

    def _roles(self, user: UserID, audiences: frozenset[str], bot: str) -> frozenset[Role]:
        declared = self.community.roles
        roles: set[Role] = set()
        for audience in audiences:
            roles.add(Role.partner if self.community.audiences[audience].external else Role.member)
        if not self.community.audiences and server_of(user) == server_of(bot):
            roles.add(Role.member)  # a community that declares no audiences is its own homeserver
        if user in declared.animators:
            roles |= {Role.animator, Role.member}
        if user in declared.administrators:
            roles |= {Role.administrator, Role.member}
        return frozenset(roles)

    async def _owns(self, conn: AsyncConnection, user: UserID, room_id: str, place: Place) -> bool:
        if user in getattr(place, "owners", ()):
            return True
        return await rooms.power_of(conn, room_id, user) >= OWNER_POWER

    async def language(
        self, conn: AsyncConnection, user: UserID, place: Place | None = None, shown: str | None = None
    ) -> str:
        """The language that a person chose, else what the command shows, else that of the place, else the default."""
        chosen = await records.language_of(conn, user)
        known = self.community.languages
        if chosen in known:
            return chosen or known[0]
        if shown in known:
            return shown or known[0]
        return await self.language_of_place(conn, place)

    async def language_of_place(self, conn: AsyncConnection, place: Place | None) -> str:
        """The language of a place: its own, that of the space around it, or the community's."""
        by_key: dict[str, Place] | None = None
        for _ in range(10):
            if place is None:
                break
            if place.language in self.community.languages:
                return place.language or self.community.default_language
            if place.parent is None:
                break
            if by_key is None:
                by_key = await self.places.spaces(conn)
            place = by_key.get(place.parent)
        return self.community.default_language

    async def owners(self, conn: AsyncConnection, room_id: str, place: Place | None) -> list[UserID]:
        """Who owns the group of a room, without the animators and the bot, who have power everywhere."""
        levels = await rooms.content(conn, room_id, "m.room.power_levels") or {}
        users = levels.get("users")
        powerful = {user for user, level in users.items() if level == OWNER_POWER} if isinstance(users, dict) else set()
        declared = self.community.roles
        everyone = (powerful | set(getattr(place, "owners", ()))) - declared.animators - declared.administrators
        return sorted(everyone)

    async def is_direct(self, conn: AsyncConnection, room_id: str, user: UserID, bot: str) -> bool | None:
        """Whether a room is a direct chat of that person with the bot; None while it is not known who is in it."""
        key = await bindings.key_of(conn, room_id)
        if key is not None and not key.startswith(DIRECT):
            return False
        people = {*await rooms.members(conn, room_id), *await rooms.members(conn, room_id, "invite")}
        if people - {user, bot}:
            return False
        return True if key is not None or user in people else None

    async def name(self, conn: AsyncConnection, room_id: str, user: UserID) -> str:
        """What a person is called in a room; their id when nothing is known."""
        return await name_of(conn, room_id, user) or user


async def name_of(conn: AsyncConnection, room_id: str, user: UserID) -> str | None:
    """What a person is called in a room, else in any room of the community; None when no room knows."""
    here = _name_in(await rooms.content(conn, room_id, "m.room.member", user))
    if here is not None:
        return here
    query = (
        select(room_state.c.content)
        .join(binding, binding.c.room_id == room_state.c.room_id)
        .where(room_state.c.type == "m.room.member", room_state.c.state_key == user)
        .order_by(room_state.c.ts.desc())
        .limit(_ROOMS_ASKED)
    )
    return next(filter(None, map(_name_in, (await conn.execute(query)).scalars())), None)


def _name_in(member: object) -> str | None:
    name = member.get("displayname") if isinstance(member, Mapping) else None
    return name if isinstance(name, str) and name.strip() else None


def may(person: Person, command: Command) -> bool:
    """Whether a person has one of the roles that a command asks for; keepers may whatever owners may."""
    if person.roles & command.who:
        return True
    return Role.owner in command.who and bool(person.roles & KEEPERS)
