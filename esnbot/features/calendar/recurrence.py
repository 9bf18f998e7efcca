"""When an entry comes again: rules of RFC 5545, computed on the readers' wall clock. Pure.

Rules are kept without a start and without hours: the entry has both. Local time decides, whatever the offset from UTC
does: a time that the clocks skip is moved forward, of a time that comes twice the first is meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from esnbot.features.calendar.model import LOCAL
from esnbot.speech import Later, Quoted, at_wall_clock, later

LONGEST: Final = 300
"""Characters of a rule."""
MOST: Final = 1_000
"""Occurrences of a rule that says how many, and the longest interval."""
HORIZON: Final = timedelta(days=366 * 9)
"""A rule that has no occurrence in this time has none: 29 February is eight years away at most, usually four."""
_AGES: Final = 7_600
"""Years, a multiple of 400: the calendar repeats. So near to the last year that dateutil knows, a rule that never
matches comes to its end after a few hundred years, and not after eight thousand."""
_PARTS: Final[dict[str, frozenset[str]]] = {
    "DAILY": frozenset({"BYDAY", "BYMONTH"}),
    "WEEKLY": frozenset({"BYDAY", "BYMONTH", "WKST"}),
    "MONTHLY": frozenset({"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}),
    "YEARLY": frozenset({"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYYEARDAY", "BYWEEKNO", "WKST"}),
}
_ENDS: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL"})


class BadRule(ValueError):
    """A text that is no usable rule; ``reason`` says why."""

    def __init__(self, reason: Later) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which an entry comes."""

    name: str
    """The local time that its rule gives (``model.LOCAL``), also where the clocks skip it."""
    due: datetime
    """Aware, in UTC."""

    @property
    def day(self) -> str:
        """Its local day (ISO)."""
        return self.name.partition("T")[0]


def proper(text: str, zone: ZoneInfo) -> str:
    """A rule as it is kept, from one as RFC 5545 writes it. Raises ``BadRule``."""
    said = text.strip().upper().removeprefix("RRULE:")
    if len(said) > LONGEST:
        raise BadRule(later("This rule is too long."))
    parts: dict[str, str] = {}
    for part in said.split(";"):
        key, equals, value = part.partition("=")
        if not equals or not value or key in parts or not re.fullmatch(r"[A-Z0-9,+\-]+", value):
            raise BadRule(later("I do not understand {part} in this rule.", part=Quoted(part[:50])))
        parts[key] = value
    frequency = parts.get("FREQ", "")
    if frequency in ("SECONDLY", "MINUTELY", "HOURLY"):
        raise BadRule(later("An entry can come once a day at most."))
    if frequency not in _PARTS:
        raise BadRule(later("A rule begins with how often: every day, every week, every month or every year."))
    for key in parts:
        if key not in _ENDS | _PARTS[frequency]:
            raise BadRule(later("I do not understand {part} in this rule.", part=Quoted(f"{key}={parts[key]}"[:50])))
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadRule(later("A rule says how many times or until when, not both."))
    for key in ("COUNT", "INTERVAL"):
        if key in parts and not (parts[key].isdigit() and 1 <= int(parts[key]) <= MOST):
            raise BadRule(later("Choose a number from 1 to {most}.", most=MOST))
    if "UNTIL" in parts:
        parts["UNTIL"] = _until(parts["UNTIL"], zone)
    rule = ";".join(f"{key}={value}" for key, value in parts.items())
    try:
        _rrule(rule, datetime(2026, 1, 1))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise BadRule(later("I do not understand {part} in this rule.", part=Quoted(said[:50]))) from error
    return rule


def _until(text: str, zone: ZoneInfo) -> str:
    """The end as a local time: a day counts whole, and UTC becomes local."""
    try:
        if len(text) == 8:
            return datetime.strptime(text, "%Y%m%d").strftime("%Y%m%dT235959")
        end = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")
        if text.endswith("Z"):
            end = end.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
        return end.strftime("%Y%m%dT%H%M%S")
    except (ValueError, OverflowError) as error:
        raise BadRule(later("The day {day} does not exist.", day=Quoted(text))) from error


def until_day(rule: str) -> date | None:
    """The last day of a rule that has one."""
    found = re.search(r"UNTIL=(\d{8})", rule)
    return datetime.strptime(found[1], "%Y%m%d").date() if found else None


def count(rule: str) -> int | None:
    """How many times a rule says that it comes."""
    found = re.search(r"COUNT=(\d+)", rule)
    return int(found[1]) if found else None


def _rrule(rule: str, first: datetime) -> rrule:
    """The rule, ages from now; ``first`` is local."""
    there = re.sub(r"UNTIL=(\d{4})", lambda match: f"UNTIL={min(int(match[1]) + _AGES, 9999)}", rule)
    made = rrulestr(there, dtstart=first.replace(year=first.year + _AGES))
    assert isinstance(made, rrule)
    return made


def times(rule: str, first: datetime, after: datetime) -> Iterator[datetime]:
    """The local times of a rule from a local time on (naive, not before ``first``), within ``HORIZON``."""
    if not rule:
        if first >= after:
            yield first
        return
    end = max(first, after) + HORIZON
    for found in _rrule(rule, first):
        here = found.replace(year=found.year - _AGES)
        if here > end:
            return
        if here >= after:
            yield here


def occurrences(
    rule: str, first: datetime, zone: ZoneInfo, since: datetime, *, excepts: Collection[str] = ()
) -> Iterator[Occurrence]:
    """What comes at an instant or later, in order; ``first`` is local, ``excepts`` are local days (ISO)."""
    # Where the clocks were moved, the wall is not far from where it would have been.
    begin = (since.astimezone(zone) - timedelta(days=1)).replace(tzinfo=None)
    for found in times(rule, first, max(first, begin) if rule else begin):
        due = at_wall_clock(found.date(), found.time(), zone).astimezone(UTC)
        if due >= since and found.date().isoformat() not in excepts:
            yield Occurrence(found.strftime(LOCAL), due)


def starts(rule: str, first: datetime) -> bool:
    """Whether a rule has any occurrence at all."""
    return next(times(rule, first, first), None) is not None
