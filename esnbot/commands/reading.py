"""How the value of a parameter is read: what is at hand for it, and what is said when it cannot be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar, Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group, Place
from esnbot.community.person import Role, UserID
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.speech import Later, Voice

KEEPERS = frozenset({Role.animator, Role.administrator})
"""Those who look after the whole community, and see all of it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks."""

    user: UserID
    language: str
    audiences: frozenset[str]
    roles: frozenset[Role]
    """Roles in the room where they ask (owner by its power levels) and in the community."""

    def may_see(self, place: Place) -> bool:
        """Whether the place is meant for them."""
        return not place.audiences or bool(self.audiences & set(place.audiences)) or bool(self.roles & KEEPERS)


class Places(Protocol):
    """Where spaces and groups are looked up; `esnbot.provisioning.wanted` is one."""

    async def all_places(self, conn: AsyncConnection) -> list[Place]:
        """All spaces and groups, from the file and made in chat."""
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
    zone: tzinfo
    places: Places

    async def visible_places(self, *, archived: bool = False) -> list[Place]:
        """The spaces and groups that the person may know of."""
        places = await self.places.all_places(self.ctx.conn)
        return [
            place
            for place in places
            if self.person.may_see(place) and (archived or not (isinstance(place, Group) and place.archived))
        ]


class Problem(Exception):
    """Something in a command that the person has to put right: a whole sentence, near words, examples."""

    def __init__(self, text: Later, near: tuple[str, ...] = (), examples: tuple[str, ...] = ()) -> None:
        super().__init__(str(text))
        self.text = text
        self.near = near
        self.examples = examples


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
