"""When something without a time of its own can be posted: one slot a day, the same for rooms whose tempo is alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from esnbot.features.tempo.model import RoomTempo, hour_of


@dataclass(frozen=True, slots=True)
class Slot:
    """A day, with the hour at which something can be posted on it."""

    day: int
    """As ``date.toordinal`` has it."""
    wall: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Week:
    """A calendar week, or what of it is planned."""

    begin: int
    """Its Monday, also when that is not planned any more."""
    end: int
    """The last day of it that is planned."""
    slots: tuple[Slot, ...]


class Slots:
    """The slots of what is planned, kept for rooms that are alike."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self.since, self.until = since.astimezone(UTC), until.astimezone(UTC)
        self._weeks: dict[Any, tuple[Week, ...]] = {}

    def weeks(self, tempo: RoomTempo) -> tuple[Week, ...]:
        """The weeks of a room, with the slots in each."""
        bounds = tempo.bounds
        alike = (tempo.zone, tempo.off, bounds.weekends, bounds.holidays, bounds.quiet_hours, hour_of(tempo))
        known = self._weeks.get(alike)
        if known is None:
            known = self._weeks[alike] = tuple(self._of(tempo))
        return known

    def _of(self, tempo: RoomTempo) -> list[Week]:
        first, last = self.days(tempo)
        days = [date.fromordinal(number) for number in range(first, last + 1)]
        weeks = []
        for monday, some in groupby(days, key=lambda day: day.toordinal() - day.weekday()):
            whole = list(some)
            slots = [slot for day in whole if (slot := self._slot(tempo, day)) is not None]
            weeks.append(Week(monday, whole[-1].toordinal(), tuple(slots)))
        return weeks

    def days(self, tempo: RoomTempo) -> tuple[int, int]:
        """The first and the last local day of what is planned."""
        last = tempo.wall(self.until - timedelta(microseconds=1)).date()
        return tempo.wall(self.since).date().toordinal(), last.toordinal()

    def _slot(self, tempo: RoomTempo, day: date) -> Slot | None:
        if tempo.closed_day(day, own_date=False) is not None:
            return None
        wall = datetime.combine(day, hour_of(tempo))
        quiet = tempo.bounds.quiet_hours
        if quiet is not None and quiet.covers(wall.time()):
            wall = datetime.combine(day, quiet.end)
            if wall.time() < hour_of(tempo) or quiet.covers(wall.time()):
                return None
        at = tempo.instant(wall)
        # A time that the clocks skip is one that is on the wall later.
        wall = tempo.wall(at)
        return Slot(day.toordinal(), wall, at) if self.since <= at < self.until and wall.date() == day else None
