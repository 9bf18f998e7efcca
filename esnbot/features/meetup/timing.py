"""When what is said about a meet-up, and when it comes again. Pure: instants and rules in, instants out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from esnbot.commands.words import fold
from esnbot.community.tempo import QuietHours
from esnbot.features.hours import after_quiet
from esnbot.speech import at_wall_clock

WEEK: Final = "week"
HOUR: Final = "hour"
MORNING_LEAST: Final = timedelta(minutes=90)
"""In the morning nothing is said about what begins sooner than this: the hour before it is reminder enough."""
LATEST_FINISH: Final = time(12)
"""A morning ends here."""


def reminders(start: datetime, now: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> dict[str, datetime]:
    """The reminders of one meet-up that are still to come: a week before (after the night), and the hour before.

    What would come at night is left out, unless it can wait until the morning.
    """
    found: dict[str, datetime] = {}
    local = start.astimezone(zone)
    week = after_quiet(at_wall_clock(local.date() - timedelta(days=7), local.time(), zone), quiet, zone)
    hour = start - timedelta(hours=1)
    if week > now:
        found[WEEK] = week.astimezone(UTC)
    if hour > now and not _is_night(hour, quiet, zone):
        found[HOUR] = hour.astimezone(UTC)
    return found


def morning_of(start: datetime, at: time, quiet: QuietHours | None, zone: ZoneInfo) -> datetime | None:
    """When the morning's reminder of that day comes, in UTC; None where the meet-up begins too soon after it."""
    due = morning(start.astimezone(zone).date(), at, quiet, zone)
    return due if due is not None and start - due >= MORNING_LEAST else None


def morning(day: date, at: time, quiet: QuietHours | None, zone: ZoneInfo) -> datetime | None:
    """The hour at which people hear what there is on a day, in UTC; None where the night takes all the morning."""
    due = after_quiet(at_wall_clock(day, at, zone), quiet, zone)
    local = due.astimezone(zone)
    return due.astimezone(UTC) if local.date() == day and local.time() <= LATEST_FINISH else None


def _is_night(instant: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> bool:
    return quiet is not None and quiet.covers(instant.astimezone(zone).time())


def offer_until(
    now: datetime, lasts: timedelta, start: datetime, quiet: QuietHours | None, zone: ZoneInfo
) -> datetime | None:
    """Until when a place is held that is offered now, in UTC; None at night, when nothing is offered.

    Hours of the night do not count, and nothing is held once the meet-up has begun.
    """
    if _is_night(now, quiet, zone) or now >= start:
        return None
    at, left = now, lasts
    while quiet is not None:
        night = _next_night(at, quiet, zone)
        if at + left <= night:
            break
        left -= night - at
        at = after_quiet(night, quiet, zone)
    return min(at + left, start).astimezone(UTC)


def _next_night(after: datetime, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    day = after.astimezone(zone).date()
    found = at_wall_clock(day, quiet.begin, zone)
    return found if found > after else at_wall_clock(day + timedelta(days=1), quiet.begin, zone)


# --- again and again ------------------------------------------------------------------------------------------------

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAYS: Final = {
    word: number
    for words in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
    )
    for number, word in enumerate(words.split())
}
_NUMBERS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("first", "1st", "premier", "premiere", "1er"), 1),
    **dict.fromkeys(("second", "2nd", "deuxieme", "2e"), 2),
    **dict.fromkeys(("third", "3rd", "troisieme", "3e"), 3),
    **dict.fromkeys(("fourth", "4th", "quatrieme", "4e"), 4),
    **dict.fromkeys(("last", "dernier", "derniere"), -1),
}
_COUNTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("two", "other", "deux", "2"), 2),
    **dict.fromkeys(("three", "trois", "3"), 3),
    **dict.fromkeys(("four", "quatre", "4"), 4),
}
_NOISE: Final = re.compile(r"^(?:every |each |toutes les |tous les |chaque |les? |the )+")
_MONTH_END: Final = re.compile(r" (?:of|in) (?:the|each|every) month$| (?:du|de chaque) mois$")


def rule_of(text: str, first: datetime) -> str | None:
    """The RFC 5545 rule that a text names ('first Thursday', 'two weeks', 'mois'); None for what is none.

    ``first`` is the first occurrence in local time: 'month' means its weekday in its week of the month.
    """
    folded = _MONTH_END.sub("", _NOISE.sub("", fold(text)))
    words = folded.split()
    match words:
        case ["week" | "semaine" | "weekly"]:
            return "FREQ=WEEKLY"
        case ["fortnight" | "quinzaine"]:
            return "FREQ=WEEKLY;INTERVAL=2"
        case [count, "weeks" | "semaines" | "week"] if count in _COUNTS:
            return f"FREQ=WEEKLY;INTERVAL={_COUNTS[count]}"
        case ["month" | "mois" | "monthly"]:
            which = (first.day - 1) // 7 + 1
            return f"FREQ=MONTHLY;BYDAY={which if which < 5 else -1}{DAYS[first.weekday()]}"
        case [day] if day.rstrip("s") in _WEEKDAYS or day in _WEEKDAYS:
            return f"FREQ=WEEKLY;BYDAY={DAYS[_WEEKDAYS.get(day, _WEEKDAYS.get(day.rstrip('s'), 0))]}"
        case [which, day] if which in _NUMBERS and day in _WEEKDAYS:
            return f"FREQ=MONTHLY;BYDAY={_NUMBERS[which]}{DAYS[_WEEKDAYS[day]]}"
    return None


def occurrence(rule: str, first: datetime, after: datetime | None, zone: ZoneInfo) -> datetime | None:
    """The first occurrence of a rule that is later than an instant (None: the very first), in UTC.

    ``first`` sets the local time of all of them, whatever the clocks do. None when there is none within four years.
    """
    began = first.astimezone(zone).replace(tzinfo=None)
    wall = rrulestr(rule, dtstart=began)
    floor = began - timedelta(seconds=1) if after is None else after.astimezone(zone).replace(tzinfo=None)
    found = wall.after(max(floor, began - timedelta(seconds=1)))
    if found is None or found - max(floor, began) > timedelta(days=1461):
        return None
    return at_wall_clock(found.date(), found.time(), zone).astimezone(UTC)
