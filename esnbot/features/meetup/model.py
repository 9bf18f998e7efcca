"""Who comes to a meet-up, and who waits for a place: on site and remote are counted apart. Pure: values in, values out.

Nobody is promised a place that there is not: who comes and who was offered a place are at most as many as there is room
for. Who waits is offered a place in the order in which they came; nobody overtakes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Way(StrEnum):
    """How somebody takes part."""

    site = "site"
    remote = "remote"


class Standing(StrEnum):
    """What somebody has of a meet-up."""

    coming = "coming"
    waiting = "waiting"
    offered = "offered"
    """A place is held for them until they say yes or no, or for a while."""


class Outcome(StrEnum):
    """What came of a wish to take part."""

    coming = "coming"
    waiting = "waiting"
    already = "already"
    """Nothing changed: they come, or wait, as they wish to."""
    kept = "kept"
    """The other way is full: they keep the place that they have."""
    impossible = "impossible"
    """One cannot take part in this way."""


ON_SITE: Final = "🏢"
REMOTE: Final = "💻"
NOT_ANY_MORE: Final = "❌"
HERE: Final = "👋"
SIGNS: Final[Mapping[str, Way]] = {ON_SITE: Way.site, REMOTE: Way.remote}
"""Reactions by which one takes part."""
EARLY: Final = timedelta(hours=1)
"""So long before it begins one can have arrived."""
ALL_SIGNS: Final = frozenset({*SIGNS, NOT_ANY_MORE, HERE})


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of a meet-up."""

    person: str
    way: Way
    standing: Standing
    turn: int
    """The order in which they asked for what they have; no two are the same."""
    until: datetime | None = None
    """Of somebody who was offered a place: until when it is held."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody of a meet-up, and how much room there is."""

    room: Mapping[Way, int | None]
    """People who can take part in each way; 0: not at all, None: as many as like to."""
    entries: tuple[Entry, ...] = ()

    def of(self, person: str) -> Entry | None:
        """The entry of a person."""
        return next((entry for entry in self.entries if entry.person == person), None)

    def count(self, way: Way, *standings: Standing) -> int:
        """How many stand so."""
        return sum(entry.way is way and entry.standing in standings for entry in self.entries)

    def queue(self, way: Way) -> list[Entry]:
        """Who waits, in order."""
        waiting = (entry for entry in self.entries if entry.way is way and entry.standing is Standing.waiting)
        return sorted(waiting, key=lambda entry: entry.turn)

    def has_room(self, way: Way) -> bool:
        """Whether there is a place that is nobody's and is held for nobody."""
        most = self.room[way]
        return most is None or self.count(way, Standing.coming, Standing.offered) < most

    def with_entry(self, new: Entry) -> Roster:
        """The same, with this entry in the place of the person's former one."""
        others = (entry for entry in self.entries if entry.person != new.person)
        return replace(self, entries=(*others, new))

    def without(self, people: Iterable[str]) -> Roster:
        """The same without some people."""
        gone = frozenset(people)
        return replace(self, entries=tuple(entry for entry in self.entries if entry.person not in gone))


def join(roster: Roster, person: str, way: Way, turn: int) -> tuple[Roster, Outcome]:
    """Somebody would like to take part; ``turn`` is greater than all before."""
    mine = roster.of(person)
    if mine is not None and mine.way is way:
        if mine.standing is Standing.offered:
            return roster.with_entry(replace(mine, standing=Standing.coming, until=None)), Outcome.coming
        return roster, Outcome.already
    if roster.room[way] == 0:
        return roster, Outcome.impossible
    if roster.has_room(way) and not roster.queue(way):
        return roster.with_entry(Entry(person, way, Standing.coming, turn)), Outcome.coming
    if mine is not None and mine.standing is not Standing.waiting:
        return roster, Outcome.kept
    return roster.with_entry(Entry(person, way, Standing.waiting, turn)), Outcome.waiting


def leave(roster: Roster, person: str) -> Roster:
    """Somebody does not take part any more, or waits no longer."""
    return roster.without([person])


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of places that are free."""

    roster: Roster
    offered: tuple[Entry, ...]
    """Who is offered a place now."""
    expired: tuple[Entry, ...]
    """Who was offered one, and did not take it in time: they wait no more."""


def settle(roster: Roster, now: datetime, until: datetime | None, most: int = 100) -> Settled:
    """Let offers expire, and offer what is free to those who wait, in order, until then; None: offer nothing now.

    ``most`` of them at once.
    """
    expired = tuple(
        entry
        for entry in roster.entries
        if entry.standing is Standing.offered and entry.until is not None and entry.until <= now
    )
    roster = roster.without(entry.person for entry in expired)
    offered: list[Entry] = []
    if until is not None and until > now:
        for way in Way:
            for entry in roster.queue(way):
                if not roster.has_room(way) or len(offered) >= most:
                    break
                offered.append(replace(entry, standing=Standing.offered, until=until))
                roster = roster.with_entry(offered[-1])
    return Settled(roster, tuple(offered), expired)


def next_expiry(roster: Roster) -> datetime | None:
    """When the first of the offers expires."""
    return min((entry.until for entry in roster.entries if entry.until is not None), default=None)


def has_places_to_offer(roster: Roster) -> bool:
    """Whether somebody waits for whom there is a place."""
    return any(roster.has_room(way) and roster.queue(way) for way in Way)
