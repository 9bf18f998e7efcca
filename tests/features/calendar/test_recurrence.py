"""When an entry comes again: on the readers' wall, whatever the clocks do."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.features.calendar import recurrence, rule_words
from esnbot.features.calendar.recurrence import BadRule
from esnbot.speech import Voice, at_wall_clock

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
ENGLISH = Voice("en")


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("every monday", "FREQ=WEEKLY;BYDAY=MO"),
        ("chaque lundi", "FREQ=WEEKLY;BYDAY=MO"),
        ("every Monday and Thursday", "FREQ=WEEKLY;BYDAY=MO,TH"),
        ("tous les lundis et jeudis", "FREQ=WEEKLY;BYDAY=MO,TH"),
        ("last Thursday of the month", "FREQ=MONTHLY;BYDAY=-1TH"),
        ("le dernier jeudi du mois", "FREQ=MONTHLY;BYDAY=-1TH"),
        ("every first monday", "FREQ=MONTHLY;BYDAY=1MO"),
        ("every 2 weeks until 30 June", "FREQ=WEEKLY;INTERVAL=2;UNTIL=20260630T235959"),
        ("toutes les deux semaines", "FREQ=WEEKLY;INTERVAL=2"),
        ("une semaine sur deux le mardi", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        ("every day, 10 times", "FREQ=DAILY;COUNT=10"),
        ("tous les jours ouvrés", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("every weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("le 15 de chaque mois", "FREQ=MONTHLY;BYMONTHDAY=15"),
        ("last day of the month", "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("rrule:freq=monthly;bysetpos=-1;byday=MO,TU", "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU"),
        ("FREQ=WEEKLY;UNTIL=20260630T220000Z", "FREQ=WEEKLY;UNTIL=20260701T000000"),
    ],
)
def test_rules_are_understood_in_both_languages_and_as_the_standard_writes_them(said: str, rule: str) -> None:
    assert rule_words.read(said, "en", NOW, PARIS) == rule


@pytest.mark.parametrize(
    "said",
    [
        "every second",
        "every 5 minutes",
        "FREQ=SECONDLY",
        "FREQ=HOURLY;INTERVAL=3",
        "FREQ=DAILY;BYHOUR=9,10,11",
        "FREQ=DAILY;BYSECOND=0,1,2",
        "FREQ=WEEKLY;UNTIL=20260231",
        "every monday until 31 february",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=99999999999999999999",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=MONTHLY;BYMONTHDAY=1,",
        "FREQ=WEEKLY;DTSTART=20200101",
        "FREQ=" + "A" * 5_000,
        "whenever",
        "",
    ],
)
def test_what_is_no_rule_or_comes_too_often_is_refused_with_a_reason(said: str) -> None:
    with pytest.raises(BadRule) as refused:
        rule_words.read(said, "en", NOW, PARIS)
    assert ENGLISH.say(refused.value.reason)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=7",
        "FREQ=MONTHLY;BYMONTHDAY=99",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=WEEKLY;UNTIL=20200101",
    ],
)
def test_what_never_comes_is_found_out_at_once(rule: str) -> None:
    began = time.perf_counter()
    assert not recurrence.starts(rule, datetime(2026, 3, 2, 9, 0))
    assert time.perf_counter() - began < 1


def test_the_29th_of_february_comes_in_leap_years() -> None:
    rule = recurrence.proper("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", PARIS)
    found = islice(recurrence.occurrences(rule, datetime(2026, 3, 2, 9, 0), PARIS, NOW), 2)
    assert [one.day for one in found] == ["2028-02-29", "2032-02-29"]


def test_a_skipped_time_moves_forward_and_of_a_doubled_one_the_first_counts() -> None:
    every = list(islice(recurrence.occurrences("FREQ=DAILY", datetime(2026, 3, 28, 2, 30), PARIS, NOW), 400))
    by_day = {one.day: one.due.astimezone(PARIS) for one in every}
    assert f"{by_day['2026-03-29']:%H:%M %z}" == "03:30 +0200"
    assert f"{by_day['2026-10-25']:%H:%M %z}" == "02:30 +0200"
    assert f"{by_day['2026-10-26']:%H:%M %z}" == "02:30 +0100"


def test_exceptions_are_left_out() -> None:
    first = datetime(2026, 12, 25, 9, 0)
    found = recurrence.occurrences("FREQ=WEEKLY", first, PARIS, NOW, excepts=["2027-01-01"])
    assert [one.day for one in islice(found, 2)] == ["2026-12-25", "2027-01-08"]


@given(
    st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR", "FREQ=MONTHLY;BYDAY=-1TH", "FREQ=DAILY;COUNT=40", ""]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.integers(0, 900),
)
def test_looking_later_finds_the_same(rule: str, first: datetime, zone: str, days: int) -> None:
    """Whoever starts anew, at whatever time, goes on where the others were: in order, each once, on the wall."""
    there = ZoneInfo(zone)
    begin = first.replace(tzinfo=UTC) - timedelta(days=2)
    every = list(islice(recurrence.occurrences(rule, first, there, begin), 60))
    since = begin + timedelta(days=days)
    later = list(islice(recurrence.occurrences(rule, first, there, since), 20))
    known = [one for one in every if one.due >= since][:20]
    assert later[: len(known)] == known
    assert len({one.name for one in every}) == len(every)
    assert [one.due for one in every] == sorted(one.due for one in every)
    for one in every:
        local = datetime.fromisoformat(one.name)
        assert one.due == at_wall_clock(local.date(), local.time(), there)
