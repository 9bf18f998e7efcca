"""Meet-ups as iCalendar (RFC 5545), for files and feeds. Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from icalendar import Calendar, Event, vCalAddress, vText, vUri

PRODUCT: Final = "-//esnbot//meet-ups//EN"
TYPE: Final = "text/calendar"
PUBLISH: Final = "PUBLISH"
CANCEL: Final = "CANCEL"
CONFIRMED: Final = "CONFIRMED"
TENTATIVE: Final = "TENTATIVE"
CANCELLED: Final = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One meet-up, as calendars show it."""

    uid: str
    sequence: int
    created: datetime
    revised: datetime
    start: datetime
    end: datetime
    title: str
    status: str = CONFIRMED
    place: str = ""
    video: str = ""
    about: str = ""
    """Further lines for people to read."""
    organiser: str = ""
    """A Matrix id; '' for nobody."""
    called: str = ""


def calendar(occasions: Iterable[Occasion], *, method: str = "", name: str = "") -> str:
    """The text of a calendar; a file has a method, which a feed does not."""
    found = Calendar()
    found.add("prodid", PRODUCT)
    found.add("version", "2.0")
    if method:
        found.add("method", method)
    if name:
        found.add("name", name)
        found.add("x-wr-calname", name)
        found.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
        found.add("x-published-ttl", "PT1H")
    for occasion in occasions:
        found.add_component(_event(occasion))
    return str(found.to_ical().decode())


def _event(occasion: Occasion) -> Event:
    event = Event()
    event.add("uid", occasion.uid)
    event.add("sequence", occasion.sequence)
    event.add("dtstamp", occasion.revised)
    event.add("created", occasion.created)
    event.add("last-modified", occasion.revised)
    event.add("dtstart", occasion.start)
    event.add("dtend", occasion.end)
    event.add("summary", occasion.title)
    event.add("status", occasion.status)
    if occasion.place or occasion.video:
        event.add("location", occasion.place or occasion.video)
    if occasion.video:
        event.add("url", vUri(occasion.video))
    if lines := [line for line in (occasion.video, occasion.about) if line]:
        event.add("description", "\n".join(lines))
    if occasion.organiser:
        address = vCalAddress(f"matrix:u/{quote(occasion.organiser.removeprefix('@'), safe=':')}")
        if occasion.called:
            address.params["CN"] = vText(occasion.called)
        event.add("organizer", address)
    return event
