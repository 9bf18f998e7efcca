"""Who looks at the directory, and what they find there: the same for chat and for the board."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reading import Person
from esnbot.community.group import Group, Place
from esnbot.community.reach import audiences_of
from esnbot.features.contract import Kit
from esnbot.features.directory import model, records
from esnbot.features.directory.folding import near, stem, telling
from esnbot.features.directory.model import Entry, Listing, Onlookers, Pace, Paces, Query, Reader, Scope
from esnbot.features.directory.settings import DirectorySettings
from esnbot.features.directory.shelf import Shelf
from esnbot.features.places import memberships
from esnbot.provisioning import wanted
from esnbot.store import bindings

NEAR_AMONG: Final = 1_000
"""So many people's subjects are looked through for a word that may have been meant."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, and who reads along."""

    person: Person
    alone: bool = True
    """Nobody reads along: on the board, in a direct chat."""
    room: Place | None = None
    """Where others read along; None with ``alone`` false is a room of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody who can be asked."""

    person: str
    name: str
    """The name that they go by; their id when they have none."""
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Who was found; all of it is what the onlookers may see."""

    people: tuple[Found, ...]
    """Of the page."""
    total: int
    page: int
    pages: int
    near: tuple[str, ...] = ()


class Reading:
    """Finds groups and people for whoever looks."""

    def __init__(self, kit: Kit[DirectorySettings]) -> None:
        self.kit = kit
        self.community = kit.community
        self.settings = kit.settings
        self.shelf = Shelf(kit.community)
        chosen = kit.settings
        self.paces = Paces(chosen.lively_days, chosen.lively_messages, chosen.calm_days)

    # --- groups --------------------------------------------------------------------------------------------------

    async def seen(self, conn: AsyncConnection, looker: Looker) -> list[Entry]:
        """The groups that somebody may know of; in a room, those that everybody whom it is for may know of."""
        person = looker.person
        if looker.alone:
            reader = model.one_person(person.audiences, person.roles, await memberships(conn, person.user))
        elif looker.room is not None:
            reader = await self._room(conn, looker.room)
        else:
            return []
        return list(model.visible(await self.shelf.entries(conn), reader, self.community))

    async def _room(self, conn: AsyncConnection, room: Place) -> Reader:
        # They all know the room itself, whatever it is.
        return Reader(tuple(await self._meant(conn, room)), memberships={room.key: "join"})

    async def _meant(self, conn: AsyncConnection, room: Place) -> list[frozenset[str]]:
        """The audiences of those whom a room is for, each alone."""
        named = audiences_of(room, await wanted.spaces(conn))
        if not named:
            named = tuple(key for key, one in self.community.audiences.items() if not one.external)
        return [frozenset({key}) for key in named] or [frozenset()]

    async def groups(self, conn: AsyncConnection, looker: Looker, query: Query, size: int) -> Listing:
        """What somebody finds."""
        seen = await self.seen(conn, looker)
        paces: dict[str, Pace | None] = {}
        if query.pace in list(Pace):
            paces = dict.fromkeys(await records.keys_at(conn, self.paces, Pace(query.pace)), Pace(query.pace))
        return model.listing(seen, query, self.community, paces, size)

    async def paces_of(self, conn: AsyncConnection, entries: tuple[Entry, ...]) -> dict[str, Pace | None]:
        """Key of a group to how lively it is, where something is said about that."""
        pulses = await records.pulses(conn, [entry.group.key for entry in entries])
        return {key: self.paces.of(one) for key, one in pulses.items()}

    async def group(self, conn: AsyncConnection, person: Person, key: str) -> Entry | None:
        """A group that somebody may know of; None for any other key, whether there is such a group or not."""
        return next((entry for entry in await self.seen(conn, Looker(person)) if entry.group.key == key), None)

    # --- people --------------------------------------------------------------------------------------------------

    async def people(
        self, conn: AsyncConnection, looker: Looker, words: str, now: datetime, size: int, page: int = 1
    ) -> Findings:
        """Whom one may ask about something; everybody whom one may ask about anything, without words."""
        if not looker.alone and looker.room is None:
            return Findings((), 0, 1, 1)
        by, rooms = await self._onlookers(conn, looker.person, looker.room)
        wanted_stems = _stems_of(words)
        found = await self._allowed(conn, await records.who_states(conn, wanted_stems), by, rooms, now)
        pages = max(1, -(-len(found) // size))
        page = min(max(1, page), pages)
        here = found[(page - 1) * size : page * size]
        stated, names = await records.stated_by_all(conn, here), await records.names(conn, here)
        people = tuple(
            Found(who, names.get(who, who), _fitting_first(stated.get(who, []), wanted_stems)) for who in here
        )
        return Findings(people, len(found), page, pages, () if found else await self._near(conn, words, by, rooms, now))

    async def _onlookers(
        self, conn: AsyncConnection, person: Person, room: Place | None
    ) -> tuple[Onlookers, list[str]]:
        if room is None:
            own = model.standing(self.community, person.user, person.audiences, self.kit.server)
            mine = await memberships(conn, person.user)
            joined = [key for key, membership in mine.items() if membership == "join"]
            entries = {entry.group.key for entry in await self.shelf.entries(conn) if not entry.group.archived}
            rooms = await records.rooms_of(conn, [key for key in joined if key in entries])
            return Onlookers(own.internal, own.external, person.user), rooms
        audiences = [key for own in await self._meant(conn, room) for key in own]
        external = any(self.community.audiences[key].external for key in audiences if key in self.community.audiences)
        room_id = await bindings.room_of(conn, room.key)
        rooms = [room_id] if room_id and isinstance(room, Group) else []
        # An empty room of partners today has colleagues tomorrow: those of the company read along wherever they may.
        return Onlookers(True, external), rooms

    async def _allowed(
        self, conn: AsyncConnection, candidates: dict[str, Scope], by: Onlookers, rooms: list[str], now: datetime
    ) -> list[str]:
        today = now.astimezone(self.community.zone).date()
        known = {
            who: model.standing(self.community, who, self.community.audiences_of(who, today), self.kit.server)
            for who in candidates
        }
        # Among those of the company it does not matter; they are many.
        unsure = [who for who, about in known.items() if by.external or about.external]
        together = await records.within(conn, rooms, unsure)
        return [who for who, scope in candidates.items() if model.may_find(who, scope, known[who], by, who in together)]

    async def _near(
        self, conn: AsyncConnection, words: str, by: Onlookers, rooms: list[str], now: datetime
    ) -> tuple[str, ...]:
        """Words that may have been meant, among those that the onlookers may see."""
        if not words:
            return ()
        everybody = await records.who_states(conn, ())
        some = dict(islice(everybody.items(), NEAR_AMONG))
        known = await records.texts_of(conn, await self._allowed(conn, some, by, rooms, now))
        single = {word for text in known for word in text.split()}
        return tuple(near(words, known | single))


def _stems_of(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(stem, telling(words)))) or ((words.strip().casefold(),) if words.strip() else ())


def _fitting_first(stated: list[records.Stated], wanted_stems: tuple[str, ...]) -> tuple[str, ...]:
    fitting = sorted(stated, key=lambda one: -sum(f" {word} " in one.stems for word in wanted_stems))
    return tuple(one.text for one in fitting)
