"""The tempo: how often the network speaks by itself, what a room bears of it, and when it keeps quiet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of local time in which nothing unasked is posted; it may cross midnight. Begin and end alike: none."""

    begin: time
    end: time

    def covers(self, local: time) -> bool:
        """Whether a local wall-clock time lies in it (begin included, end not)."""
        if self.begin <= self.end:
            return self.begin <= local < self.end
        return local >= self.begin or local < self.end


@dataclass(frozen=True, slots=True)
class Tempo:
    """When prompts are due, and what is borne of all that is posted unasked; None: not stated here, so inherited."""

    weekdays: tuple[int, ...] = ()
    """Local weekdays (0 is Monday) on which prompts are due; none: no prompts."""
    at: time = time(10)
    """The local time of day of prompts."""
    least_gap: timedelta | None = None
    """Between two posts that nobody asked for."""
    posts_a_week: int | None = None
    """Posts that nobody asked for, in any seven days in a row."""
    promotional_a_week: int | None = None
    """Those of them that promote something."""
    weekends: bool | None = None
    """Whether something is posted on Saturdays and Sundays."""
    holidays: bool | None = None
    """Whether something is posted on public holidays."""
    quiet_hours: QuietHours | None = None

    @property
    def gap(self) -> timedelta:
        """The least gap; none at all when it is not stated."""
        return self.least_gap or timedelta(0)

    def over(self, template: Tempo | None) -> Tempo:
        """This tempo, with what it does not state from a template's.

        Days, hour and gap of prompts belong together: who states days of their own has no gap of the template's.
        """
        if template is None:
            return self
        own = bool(self.weekdays)
        gap = self.least_gap if own or self.least_gap is not None else template.least_gap
        return Tempo(
            self.weekdays if own else template.weekdays,
            self.at if own else template.at,
            gap,
            _first((self.posts_a_week, template.posts_a_week)),
            _first((self.promotional_a_week, template.promotional_a_week)),
            _first((self.weekends, template.weekends)),
            _first((self.holidays, template.holidays)),
            self.quiet_hours or template.quiet_hours,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a room bears, with all that it inherits; what nobody states is no bound."""

    posts_a_week: int | None = None
    promotional_a_week: int | None = None
    least_gap: timedelta = timedelta(0)
    weekends: bool | None = None
    """False: never. None: what has a date of its own may fall on one, and nothing else is put there."""
    holidays: bool = False
    quiet_hours: QuietHours | None = None
    at: time | None = None
    """The hour at which this room's prompts come; None without any."""


def bounds(tempos: Iterable[Tempo | None], quiet_hours: QuietHours | None) -> Bounds:
    """What follows from the tempo of a room, then of the spaces around it, from the inside out.

    ``quiet_hours`` are the community's, which hold where nobody states others.
    """
    stated = [tempo for tempo in tempos if tempo is not None]
    return Bounds(
        posts_a_week=_first(tempo.posts_a_week for tempo in stated),
        promotional_a_week=_first(tempo.promotional_a_week for tempo in stated),
        least_gap=_first(tempo.least_gap for tempo in stated) or timedelta(0),
        weekends=_first(tempo.weekends for tempo in stated),
        holidays=bool(_first(tempo.holidays for tempo in stated)),
        quiet_hours=_first(tempo.quiet_hours for tempo in stated) or quiet_hours,
        at=_first(tempo.at for tempo in stated if tempo.weekdays),
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)
