"""When a network that speaks by itself may: not in the quiet hours, not on public holidays. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

from esnbot.community.model import Community
from esnbot.community.tempo import QuietHours
from esnbot.speech import at_wall_clock

SATURDAY: Final = 5
MOST_DAYS_OFF: Final = 30
"""Days in a row that are looked at for one on which something may be said."""

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
