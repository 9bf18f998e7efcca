"""From what is declared to what each room should be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from esnbot.community.group import Group, Origin, Place, Space
from esnbot.community.reach import audiences_of, is_within, may_be_shown
from esnbot.provisioning.codec import Frame
from esnbot.provisioning.rights import Acl, Power, acl_for, power_for
from esnbot.provisioning.wanted import WantedObject


@dataclass(frozen=True, slots=True)
class Extra:
    """A state event that a room has besides what makes it the room that it is: something for clients to show."""

    type: str
    """One of ``facets.EXTRAS``."""
    state_key: str
    content: dict[str, Any]


Extras = Callable[[Place, str, bool], tuple[Extra, ...]]
"""From a place, the language that it speaks, and whether people from outside the company are meant to be in it."""


def no_extras(_place: Place, _language: str, _external: bool) -> tuple[Extra, ...]:
    """Nothing besides."""
    return ()


@dataclass(frozen=True, slots=True)
class Around:
    """What every desired room is computed from: who the bot is, where, and on which day."""

    bot: str
    server: str
    today: date
    extras: Extras = no_extras


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredRoom:
    """One room as it should be; other rooms are named by key, as their ids may not be known yet."""

    place: Place
    alias: str
    """The full alias."""
    archived: bool
    parents: tuple[str, ...]
    """Keys of the spaces that it stands in; the first is the canonical one."""
    doors: tuple[str, ...]
    """Keys of those whose members may all come in: they are for nobody whom the room leaves out."""
    links: tuple[str, ...]
    """Keys of the spaces that list it: the parents, or none once it is archived."""
    shown: tuple[str, ...] = ()
    """Keys of further spaces that list it and let nobody in by that; the room itself does not name them."""
    power: Power
    acl: Acl | None
    charter: str
    extras: tuple[Extra, ...]
    revision: int
    settled: int

    @property
    def key(self) -> str:
        """Its natural key."""
        return self.place.key

    @property
    def around(self) -> tuple[str, ...]:
        """Keys of all spaces that have to do with it."""
        return (*self.parents, *self.shown)

    @property
    def is_space(self) -> bool:
        """Whether it is a space."""
        return isinstance(self.place, Space)

    @property
    def stands(self) -> bool:
        """Whether the last change of the declaration was made so already."""
        return self.revision == self.settled

    @property
    def charter_digest(self) -> str:
        """Which text of the charter should stand; '' for none."""
        return digest_of(self.charter) if self.charter else ""

    def states(self, field: str) -> bool:
        """Whether the file states a field, and therefore owns it."""
        return field in self.place.stated


def digest_of(text: str) -> str:
    """A short name for a text."""
    return sha256(text.encode()).hexdigest()[:16]


def desired_rooms(frame: Frame, objects: Iterable[WantedObject], around: Around) -> dict[str, DesiredRoom]:
    """Every declared room by key, in the order of the objects, spaces before what stands in them."""
    found = {entry.key: entry for entry in objects}
    places = {entry.key: entry.place for entry in found.values()}
    rooms = {entry.key: _room(frame, entry, places, around) for entry in found.values()}
    return {key: rooms[key] for key in _parents_first(rooms)}


def _room(frame: Frame, entry: WantedObject, all: Mapping[str, Place], around: Around) -> DesiredRoom:
    place = entry.place
    parents = tuple(
        key
        for key in dict.fromkeys([place.parent, *_opened(place, all, frame)])
        if key is not None and key != place.key and key in all and isinstance(all[key], Space)
    )
    return DesiredRoom(
        place=place,
        alias=f"#{place.alias or place.key}:{around.server}",
        archived=entry.archived,
        parents=parents,
        doors=tuple(key for key in parents if _lets_in(all[key], place, all, frame)),
        links=() if entry.archived else parents,
        shown=() if entry.archived else _shown(place, all, frame, parents),
        power=power_for(place, archived=entry.archived, bot=around.bot, animators=frame.animators),
        acl=acl_for(place, frame.audiences, around.server, around.today),
        charter=place.charter.strip() if isinstance(place, Group) else "",
        extras=around.extras(place, _language_of(place, all, frame), _is_external(place, all, frame)),
        revision=entry.revision,
        settled=entry.settled,
    )


def _opened(place: Place, all: Mapping[str, Place], frame: Frame) -> tuple[str, ...]:
    """Further spaces whose members may join. What an owner opened lets in nobody for whom the group is not meant."""
    if not isinstance(place, Group) or place.origin is Origin.file:
        return place.also_in if isinstance(place, Group) else ()
    known = (key for key in place.also_in if key in all)
    return tuple(key for key in known if is_within(all[key], place, all, frame.audiences))


def _shown(place: Place, all: Mapping[str, Place], frame: Frame, parents: Iterable[str]) -> tuple[str, ...]:
    """Of the spaces that should show a group those that may: a space may be for more people now, a group for fewer."""
    if not isinstance(place, Group):
        return ()
    further = (key for key in dict.fromkeys(place.shown_in) if key not in parents)
    return tuple(key for key in further if may_be_shown(place, all.get(key), all, frame.audiences))


def _language_of(place: Place, all: Mapping[str, Place], frame: Frame) -> str:
    """The language that a place speaks: its own, that of the space around it, or the community's first."""
    path: set[str] = set()
    while not place.language and place.parent is not None and place.parent in all and place.parent not in path:
        path.add(place.parent)
        place = all[place.parent]
    return place.language or frame.languages[0]


def _is_external(place: Place, all: Mapping[str, Place], frame: Frame) -> bool:
    return any(frame.audiences[key].external for key in audiences_of(place, all) if key in frame.audiences)


def _lets_in(space: Place, place: Place, all: Mapping[str, Place], frame: Frame) -> bool:
    """Whether all members of a space may come in: the place leaves out none of them, or the file opens it to them."""
    if isinstance(place, Group) and place.origin is Origin.file and not place.audiences and space.key in place.also_in:
        return True
    return is_within(space, place, all, frame.audiences)


def _parents_first(rooms: Mapping[str, DesiredRoom]) -> list[str]:
    """Keys with parents before children; a circle is broken where it is met (the settings refuse one)."""
    done: dict[str, None] = {}

    def visit(key: str, path: frozenset[str]) -> None:
        if key in done or key in path:
            return
        for parent in rooms[key].around:
            visit(parent, path | {key})
        done[key] = None

    for key in rooms:
        visit(key, frozenset())
    return list(done)
