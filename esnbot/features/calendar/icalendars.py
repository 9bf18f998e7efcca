"""Entries of the calendar as an iCalendar file (RFC 5545) that calendar programs subscribe to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vRecur

from esnbot.speech import at_wall_clock

LENGTH: Final = timedelta(minutes=15)
"""What is posted lasts no time; calendar programs draw a line for it."""
REFRESH: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An entry as a calendar program shows it."""

    id: int
    revision: int
    title: str
    text: str
    """Plain."""
    at: datetime
    """Local and naive: the first occurrence."""
    zone: ZoneInfo
    rule: str = ""
    excepts: tuple[str, ...] = ()
    """Local days (ISO)."""
    line: str = ""
    where: str = ""
    """Names of the groups that get it."""
    url: str = ""
    changed: datetime
    """Aware."""
    tentative: bool = False
    """Whether it is not settled yet."""


def to_ical(name: str, server: str, entries: Iterable[Shown]) -> bytes:
    """A calendar called ``name``; ``server`` makes the entries' ids unique in the world."""
    calendar = Calendar()
    calendar.add("prodid", "-//esnbot//calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", REFRESH)
    for one in entries:
        calendar.add_component(_event(one, server))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(one: Shown, server: str) -> Event:
    begin = at_wall_clock(one.at.date(), one.at.time(), one.zone)
    event = Event()
    event.add("uid", f"entry-{one.id}@{server}")
    event.add("sequence", one.revision)
    event.add("dtstamp", one.changed)
    event.add("last-modified", one.changed)
    event.add("dtstart", begin)
    event.add("duration", LENGTH)
    event.add("summary", one.title)
    event.add("status", "TENTATIVE" if one.tentative else "CONFIRMED")
    # It takes nobody's time.
    event.add("transp", "TRANSPARENT")
    for key, value in (("description", one.text), ("location", one.where), ("url", one.url)):
        if value:
            event.add(key, value)
    if one.line:
        event.add("categories", [one.line])
    if one.rule:
        event.add("rrule", vRecur.from_ical(_in_utc(one)))
        for day in one.excepts:
            event.add("exdate", at_wall_clock(date.fromisoformat(day), one.at.time(), one.zone))
    return event


def _in_utc(one: Shown) -> str:
    """The rule with its end in UTC, as it has to be beside a start with a zone (RFC 5545, 3.3.10)."""
    parts = []
    for part in one.rule.split(";"):
        key, _, value = part.partition("=")
        if key == "UNTIL" and not value.endswith("Z"):
            end = datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=one.zone)
            value = end.astimezone(ZoneInfo("UTC")).strftime("%Y%m%dT%H%M%SZ")
        parts.append(f"{key}={value}")
    return ";".join(parts)
