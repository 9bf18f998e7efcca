"""The calendar for calendar programs: what the icalendar library and its recurrences make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from esnbot.features.calendar.icalendars import Shown, to_ical

PARIS = ZoneInfo("Europe/Paris")


def _shown(**more: object) -> Shown:
    values: dict[str, object] = {
        "id": 3,
        "revision": 2,
        "title": "Le mot du mardi",
        "text": "Bonjour, à tous ;\nligne",
        "at": datetime(2026, 3, 24, 9, 0),
        "zone": PARIS,
        "changed": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return Shown(**{**values, **more})  # type: ignore[arg-type]


def _events(file: bytes) -> list[Event]:
    return [one for one in Calendar.from_ical(file).walk("VEVENT") if isinstance(one, Event)]


def test_an_entry_is_an_event_with_its_zone() -> None:
    file = to_ical(
        "Ardoise", "example.org", [_shown(line="metier", where="Le café", url="https://b.example/calendar/3")]
    )
    [event] = _events(file)
    assert str(event["uid"]) == "entry-3@example.org"
    assert event["sequence"] == 2
    assert event.decoded("dtstart") == datetime(2026, 3, 24, 9, 0, tzinfo=PARIS)
    assert str(event["summary"]) == "Le mot du mardi"
    assert str(event["description"]) == "Bonjour, à tous ;\nligne"
    assert b"BEGIN:VTIMEZONE" in file
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))


def test_a_rule_comes_at_nine_local_all_year_without_its_exceptions() -> None:
    shown = _shown(rule="FREQ=WEEKLY;BYDAY=TU;UNTIL=20261231T235959", excepts=("2026-03-31",))
    [event] = _events(to_ical("x", "example.org", [shown]))
    rules = rruleset()
    start = event.decoded("dtstart")
    rules.rrule(rrulestr(event["rrule"].to_ical().decode(), dtstart=start))
    rules.exdate(event["exdate"].dts[0].dt)
    found = list(rules)
    assert {(one.hour, one.minute) for one in found} == {(9, 0)}
    assert datetime(2026, 3, 31, 9, tzinfo=PARIS) not in found
    assert found[-1].date().isoformat() == "2026-12-29"
    assert len(found) == 40


def test_what_is_not_settled_is_tentative() -> None:
    [event] = _events(to_ical("x", "example.org", [_shown(tentative=True)]))
    assert str(event["status"]) == "TENTATIVE"


@given(title=st.text(max_size=200), text=st.text(max_size=2_000))
def test_no_text_breaks_the_file(title: str, text: str) -> None:
    file = to_ical("x", "example.org", [_shown(title=title, text=text), _shown(id=4)])
    assert len(_events(file)) == 2
    assert [str(one["uid"]) for one in _events(file)] == ["entry-3@example.org", "entry-4@example.org"]


def test_a_time_that_the_clocks_skip_is_moved_forward() -> None:
    [event] = _events(to_ical("x", "example.org", [_shown(at=datetime(2026, 3, 29, 2, 30))]))
    assert event.decoded("dtstart") - datetime(2026, 3, 29, 1, 0, tzinfo=UTC) <= timedelta(minutes=30)
