"""How the value of a parameter is read: what is at hand for it, and what is said when it cannot be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group, Joining, Place
from esnbot.community.group import Kind as GroupKind
from esnbot.community.model import Community
from esnbot.community.person import Role, UserID
from esnbot.community.reach import is_for
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.speech import Later, Voice
from esnbot.store import bindings, rooms

KEEPERS = frozenset({Role.animator, Role.administrator})
"""Those who look after the whole community, and see all of it."""


_MOVED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks."""

    user: UserID
    language: str
    audiences: frozenset[str]
    roles: frozenset[Role]
    """Roles in the room where they ask (owner by its power levels) and in the community."""


class Places(Protocol):
    """Where spaces and groups are looked up; `esnbot.provisioning.wanted` is one."""

    async def all_places(self, conn: AsyncConnection) -> list[Place]:
        """All spaces and groups, from the file and made in chat."""
        ...

    async def spaces(self, conn: AsyncConnection) -> dict[str, Place]:
        """The spaces by key: what groups inherit from."""
        ...

    async def place_of(self, conn: AsyncConnection, room_id: str) -> Place | None:
        """The space or group that a room is."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What a value is read with."""

    ctx: Context
    event: Event
    person: Person
    voice: Voice
    community: Community
    places: Places

    @property
    def now(self) -> datetime:
        """From when 'tomorrow' is seen: when it was written, also if that is some hours ago because the bot was away.

        A clock that was moved (in the demo) is far from the homeserver's, and then counts itself.
        """
        written = self.event.moment
        return written if abs(self.ctx.now - written) < _MOVED else self.ctx.now

    async def visible_places(self, *, archived: bool = False) -> list[Place]:
        """The spaces and groups that the person may know of."""
        places = {place.key: place for place in await self.places.all_places(self.ctx.conn)}
        candidates = [
            place for place in places.values() if archived or not (isinstance(place, Group) and place.archived)
        ]
        if self.person.roles & KEEPERS:
            return candidates
        visible = []
        for place in candidates:
            if is_for(place, places, self.community, self.person.audiences) and await self._is_open(place):
                visible.append(place)
        return visible

    async def _is_open(self, place: Place) -> bool:
        """Whether whoever it is for may know of it; a closed group is known to those in it only."""
        closed = place.joining is Joining.invite or (isinstance(place, Group) and place.kind is GroupKind.animators)
        if not closed:
            return True
        room_id = await bindings.room_of(self.ctx.conn, place.key)
        if room_id is None:
            return False
        return await rooms.membership(self.ctx.conn, room_id, self.person.user) in ("join", "invite")


class Problem(Exception):
    """Something in a command that the person has to put right: a whole sentence, near words, examples."""

    def __init__(
        self, text: Later, near: tuple[str, ...] = (), examples: tuple[str, ...] = (), *, alone: Later | None = None
    ) -> None:
        super().__init__(str(text))
        self.text = text
        self.alone = alone or text
        """The sentence for where what one can choose is listed anyway."""
        self.near = near
        self.examples = examples


class Missing(Problem):
    """A value that the command cannot do without was not given."""


class Kind(ABC):
    """Base of the kinds of value that a parameter takes; the subclasses are in ``esnbot.commands.values``."""

    words: ClassVar[Literal["one", "longest", "all"]] = "one"
    """How many words it takes without quotation marks: one, the most that can be read, or all that are left."""

    @abstractmethod
    async def read(self, text: str, reading: Reading) -> Any:
        """The value of a text. Raises Problem."""

    def choices(self, language: str) -> tuple[str, ...]:
        """The words that it takes, when they can be listed."""
        return ()
