"""Who is on: an order of crews that take turns week by week, what was changed in it, and who is away. Pure.

A week begins on Monday and is named by that day (ISO 8601). A crew is one animator, or several who share the week.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from esnbot.community.person import UserID

WEEK: Final = timedelta(days=7)
Crew = tuple[UserID, ...]


def week_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away, first and last day included."""

    person: UserID
    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether the person is away on that day."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Rota:
    """All that decides who is on."""

    crews: tuple[Crew, ...] = ()
    """They take turns in this order."""
    since: date = date.min
    """The Monday of the first crew's first week."""
    taken: Mapping[date, Crew] = field(default_factory=dict)
    """Weeks that somebody took instead of whose turn it was."""
    joined: Mapping[date, Crew] = field(default_factory=dict)
    """Who comes along, besides whose turn it is."""
    absences: tuple[Absence, ...] = ()

    def is_away(self, person: UserID, day: date) -> bool:
        """Whether somebody is away on a day."""
        return any(one.person == person and one.covers(day) for one in self.absences)

    def crew(self, day: date) -> Crew:
        """Whose week it is, whether or not they are away; those who come along stand last."""
        week = week_of(day)
        own = self.taken.get(week) or (self._turn(week) if self.crews else ())
        return tuple(dict.fromkeys((*own, *self.joined.get(week, ()))))

    def _turn(self, week: date) -> Crew:
        return self.crews[self._place(week)]

    def _place(self, week: date) -> int:
        return (week - week_of(self.since)).days // WEEK.days % len(self.crews)

    def on_duty(self, day: date) -> Crew:
        """Who is on, on a day: of the crew those who are not away, else the next crew that has somebody.

        Empty when there is no order and nobody took the week, or when everybody is away.
        """
        here = self._present(self.crew(day), day)
        if here or not self.crews:
            return here
        place = self._place(week_of(day))
        following = (self.crews[(place + number) % len(self.crews)] for number in range(1, len(self.crews)))
        return next((found for crew in following if (found := self._present(crew, day))), ())

    def _present(self, crew: Crew, day: date) -> Crew:
        return tuple(person for person in crew if not self.is_away(person, day))

    def stand_in(self, person: UserID, day: date, others: Collection[UserID] = ()) -> UserID | None:
        """Who takes what falls to somebody on a day: themselves, else one who is on, else one of ``others``.

        None when nobody is there.
        """
        if not self.is_away(person, day):
            return person
        candidates = (*self.on_duty(day), *(one for crew in self.crews for one in crew), *sorted(others))
        return next((one for one in candidates if one != person and not self.is_away(one, day)), None)

    def known(self) -> frozenset[UserID]:
        """Everybody who stands in the order."""
        return frozenset(person for crew in self.crews for person in crew)


def in_crews(people: Sequence[UserID], size: int) -> tuple[Crew, ...]:
    """People in the order given, so many at once; the last crew may be smaller."""
    unique = tuple(dict.fromkeys(people))
    return tuple(unique[first : first + size] for first in range(0, len(unique), size))
