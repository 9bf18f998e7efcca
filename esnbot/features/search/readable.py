"""What somebody may read, for a search: kept per process, and looked at anew whenever a place changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reading import Person
from esnbot.community.group import Group, Place, Space
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.community.reach import audiences_of
from esnbot.features.places import may_read, may_see, memberships, oversees
from esnbot.features.search.shelf import KINDS, Shelf, Within, number_of
from esnbot.provisioning import wanted
from esnbot.provisioning.tables import desired_object
from esnbot.store import bindings, rooms

SEEN: Final = "seen:"
"""Before the key of a place: not what is in it, but that there is such a place."""
_AT_ONCE: Final = 500
_REMEMBERED: Final = 64


class Some:
    """Keys of places, with the numbers that ids of documents have in them; of all there are, also what is left out."""

    __slots__ = ("inside", "keys", "left_out", "seen")

    def __init__(self, keys: Iterable[str], all_there_are: Collection[str] = ()) -> None:
        self.keys = frozenset(keys)
        inside = {number_of(key) for key in self.keys if not key.startswith(SEEN)}
        seen = {number_of(key) for key in self.keys if key.startswith(SEEN)}
        self.inside, self.seen = _listed(inside), _listed(seen)
        # A number that an open place shares is not left out: the keys tell the two apart afterwards.
        left_out = {number_of(key) for key in all_there_are if key not in self.keys} - inside - seen
        self.left_out: frozenset[int] | None = None
        if all_there_are and len(left_out) < len(self.keys) // 2:
            self.left_out = frozenset(left_out)


def _listed(numbers: Iterable[int]) -> str:
    # Sorted: a database puts them into an index of its own for each search, and that is twice as fast so.
    return ",".join(map(str, sorted(numbers)))


@dataclass(frozen=True, slots=True)
class Readable:
    """Keys of the places that somebody may read, and with ``SEEN`` before them of those that they may know of."""

    open: Some
    """By what they are for."""
    own: Some = field(default_factory=lambda: Some(()))
    """By being in them."""

    @classmethod
    def of(cls, *keys: str) -> Readable:
        """Just these places, and to know of them."""
        return cls(Some(chain(keys, (SEEN + key for key in keys))))

    def __contains__(self, key: str) -> bool:
        return key in self.own.keys or key in self.open.keys

    def knows_of(self, key: str) -> bool:
        """Whether they may know that there is such a place."""
        return SEEN + key in self

    def within(self, kinds: Iterable[str] = ()) -> list[Within]:
        """What is searched for these kinds of documents; all of them for none."""
        asked = frozenset(kinds) or frozenset(KINDS)
        kept = tuple(code for code, kind in enumerate(KINDS) if kind in asked and kind != "question")
        found = [Within(Shelf.kept, *self._places(asked), kept)] if kept else []
        if "question" in asked:
            found.append(Within(Shelf.asked, *self._places(frozenset({"question"})), (KINDS.index("question"),)))
        return [place for place in found if place.places or place.besides]

    def _places(self, kinds: frozenset[str]) -> tuple[str, bool]:
        """Numbers of places, and whether they are those that are left out: the shorter list of the two."""
        if self.open.left_out is not None:
            return _listed(self.open.left_out - set(map(number_of, self.own.keys))), True
        lists = [self.open.inside, self.own.inside] if kinds != {"group"} else []
        if "group" in kinds:
            lists += [self.open.seen, self.own.seen]
        return ",".join(filter(None, lists)), False


async def readable_by(conn: AsyncConnection, community: Community, person: Person) -> Readable:
    """What a person may read and know of: by being in places, and by what is open to them."""
    doors = await _doors(conn, community)
    mine = await memberships(conn, person.user)
    own = [key for key, membership in mine.items() if membership == "join"]
    own += [SEEN + key for key, membership in mine.items() if membership in ("join", "invite")]
    return Readable(doors.open_to(person.audiences, overseeing=oversees(person.roles)), Some(own))


async def readable_in(conn: AsyncConnection, community: Community, place: Place, bot: str, now: datetime) -> Readable:
    """What all who are in a place, and all whom it is meant for, may read: what may be said aloud there."""
    doors = await _doors(conn, community)
    today = now.astimezone(community.zone).date()
    room_id = await bindings.room_of(conn, place.key) or ""
    people = {*await rooms.members(conn, room_id), *await rooms.members(conn, room_id, "invite")} - {bot}
    listeners = {community.audiences_of(user, today) for user in people}
    listeners |= {frozenset({audience}) for audience in doors.meant(place)}
    shared = [doors.open_to(audiences).keys for audiences in listeners]
    common = frozenset.intersection(*shared) if shared else frozenset()
    return Readable(Some(common), Some((place.key, SEEN + place.key)))


class _Doors:
    """Places by what decides who may read them; most groups are alike in that."""

    def __init__(self, community: Community) -> None:
        self.community = community
        self.stamp: Any = None
        self._spaces: dict[str, Place] = {}
        self._known: dict[str, tuple[tuple[int, str], Place]] = {}
        self._alike: dict[Place, set[str]] = {}
        self._everything: frozenset[str] = frozenset()
        self._open: dict[tuple[frozenset[str], bool], Some] = {}

    def meant(self, place: Place) -> Iterable[str]:
        """The audiences that a place is for."""
        declared = self.community.audiences
        inside = (key for key, audience in declared.items() if not audience.external)
        return audiences_of(place, self._spaces) or inside

    def open_to(self, audiences: frozenset[str], *, overseeing: bool = False) -> Some:
        """What is open to people of these audiences."""
        wanted_by = (audiences, overseeing)
        if wanted_by not in self._open:
            if len(self._open) >= _REMEMBERED:
                self._open.clear()
            roles = {Role.animator} if overseeing else set()
            self._open[wanted_by] = Some(self._keys(audiences, roles), self._everything)
        return self._open[wanted_by]

    def _keys(self, audiences: frozenset[str], roles: set[Role]) -> Iterator[str]:
        for door, keys in self._alike.items():
            if may_read(door, self._spaces, self.community, audiences, "leave"):
                yield from keys
            if isinstance(door, Group) and may_see(door, self._spaces, self.community, audiences, roles, "leave"):
                yield from (SEEN + key for key in keys)

    async def refresh(self, conn: AsyncConnection) -> None:
        """Take in what changed."""
        columns = func.count(), func.sum(desired_object.c.revision), func.sum(desired_object.c.changed)
        stamp = tuple((await conn.execute(select(*columns))).one())
        if stamp == self.stamp:
            return
        states = desired_object.c.key, desired_object.c.revision, desired_object.c.state
        now = {row.key: (row.revision, row.state) for row in await conn.execute(select(*states))}
        changed = [key for key, state in now.items() if key not in self._known or self._known[key][0] != state]
        for key in [*(self._known.keys() - now.keys()), *changed]:
            if key in self._known:
                self._alike[self._known.pop(key)[1]].discard(key)
        for start in range(0, len(changed), _AT_ONCE):
            for entry in await wanted.some(conn, changed[start : start + _AT_ONCE]):
                if entry.archived and not isinstance(entry.place, Group):
                    continue
                door = _door(entry.place)
                self._known[entry.key] = (now[entry.key], door)
                self._alike.setdefault(door, set()).add(entry.key)
        self._alike = {door: keys for door, keys in self._alike.items() if keys}
        self._spaces = await wanted.spaces(conn)
        self._everything = frozenset(chain(self._known, (SEEN + key for key in self._known)))
        self._open.clear()
        self.stamp = stamp


_DOORS: WeakKeyDictionary[Any, _Doors] = WeakKeyDictionary()


async def _doors(conn: AsyncConnection, community: Community) -> _Doors:
    known = _DOORS.get(conn.engine.sync_engine)
    if known is None or known.community is not community:
        known = _DOORS[conn.engine.sync_engine] = _Doors(community)
    await known.refresh(conn)
    return known


def _door(place: Place) -> Place:
    """What of a place decides who may read it; equal for places that are alike in that."""
    if isinstance(place, Group):
        return Group(
            key="",
            name="",
            audiences=place.audiences,
            joining=place.joining,
            parent=place.parent,
            kind=place.kind,
            history=place.history,
            encrypted=place.encrypted,
        )
    return Space(key=place.key, name="", audiences=place.audiences, joining=place.joining, parent=place.parent)
