"""When something may be said unasked: which days, at which hour, not in quiet hours or on a public holiday. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

from esnbot.community.model import Community
from esnbot.community.tempo import QuietHours, Tempo
from esnbot.speech import at_wall_clock

SATURDAY: Final = 5
MOST_DAYS_OFF: Final = 30
"""Days in a row that are looked at for one on which something may be said."""
HORIZON: Final = 366
"""Days that are looked at for the next occurrence; a tempo that has none in a year has none."""

DayOff = Callable[[date], bool]


def public_holidays(country: str | None) -> DayOff:
    """Whether a day is a public holiday in a country ('FR', 'DE-BY'); none are known where no country is named."""
    if country is None:
        return lambda day: False
    code, _, subdivision = country.partition("-")
    return _calendar(code.upper(), subdivision.upper() or None)


@cache
def _calendar(code: str, subdivision: str | None) -> DayOff:
    try:
        calendar = holidays.country_holidays(code, subdiv=subdivision)
    except NotImplementedError:
        # Settings refuse what the library does not know; a library that forgot a country must not stop the prompts.
        return lambda day: False
    return lambda day: day in calendar


@dataclass(frozen=True, slots=True)
class Beat:
    """A tempo with all that decides about its occurrences."""

    tempo: Tempo
    zone: ZoneInfo
    off: DayOff
    quiet: QuietHours | None = None

    def after(self, instant: datetime, last: datetime | None = None) -> Iterator[datetime]:
        """The occurrences later than an instant, aware, in UTC, for a year; ``last`` is the last one that was kept.

        Local wall-clock time decides, whatever the offset from UTC does: a time that the clocks skip is moved forward,
        of a time that comes twice the first is meant.
        """
        first = instant.astimezone(self.zone).date()
        if last is not None and last > instant:
            # The clock was wrong when that was kept.
            last = None
        for day in (first + timedelta(days=number) for number in range(HORIZON)):
            due = self.on(day)
            if due is None or due <= instant or (last is not None and self._too_soon(due, last)):
                continue
            yield due
            last = due

    def next(self, instant: datetime, last: datetime | None = None) -> datetime | None:
        """The first occurrence later than an instant."""
        return next(self.after(instant, last), None)

    def on(self, day: date) -> datetime | None:
        """The occurrence of a local day, in UTC, when there is one."""
        if day.weekday() not in self.tempo.weekdays or self.off(day):
            return None
        due = at_wall_clock(day, self.tempo.at, self.zone)
        if self.quiet is not None and self.quiet.covers(due.time()):
            # It waits for the end of the quiet hours, unless that is another day.
            due = at_wall_clock(day, self.quiet.end, self.zone)
            if due.time() < self.tempo.at or self.quiet.covers(due.time()):
                return None
        return due.astimezone(UTC) if due.date() == day else None

    def _too_soon(self, due: datetime, last: datetime) -> bool:
        """On the wall: three days are three days, also when the clocks change in between."""
        here, there = (instant.astimezone(self.zone).replace(tzinfo=None) for instant in (due, last))
        return here - there < self.tempo.gap

    def allows(self, instant: datetime) -> bool:
        """Whether something that comes a little late may still appear."""
        local = instant.astimezone(self.zone)
        return not self.off(local.date()) and (self.quiet is None or not self.quiet.covers(local.time()))


def after_quiet(instant: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime:
    """The instant, or the end of the quiet hours in which it lies."""
    local = instant.astimezone(zone)
    if quiet is None or not quiet.covers(local.time()):
        return instant
    day = local.date()
    if quiet.end <= local.time():
        day += timedelta(days=1)
    return at_wall_clock(day, quiet.end, zone)


def next_occasion(instant: datetime, community: Community, at: time | None = None) -> datetime:
    """The first instant from then on at which something unasked may be said, in UTC; ``at`` that time of day, if given.

    Neither in the quiet hours nor on a public holiday nor at a weekend.
    """
    zone, is_off = community.zone, public_holidays(community.country)
    first = instant.astimezone(zone).date()
    for number in range(MOST_DAYS_OFF):
        day = first + timedelta(days=number)
        if day.weekday() >= SATURDAY or is_off(day):
            continue
        begin = at_wall_clock(day, at or time(0), zone)
        allowed = after_quiet(begin if at is not None else max(begin, instant), community.quiet_hours, zone)
        if allowed >= instant and allowed.astimezone(zone).date() == day:
            return allowed.astimezone(UTC)
    return instant
