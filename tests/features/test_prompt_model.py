"""When a prompt is due, and which one it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.community.group import Kind
from esnbot.community.model import Prompt, Template
from esnbot.community.tempo import QuietHours, Tempo
from esnbot.features.hours import Beat, public_holidays
from esnbot.features.prompt.model import (
    Used,
    beat_of,
    choose,
    coming,
    headline,
    signature,
    suited,
)
from tests.features.house import PROMPTS, a_community, a_group, a_tempo

PARIS = ZoneInfo("Europe/Paris")
ZONES = st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"])
DAYS = st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days)))
TIMES = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
QUIET = st.none() | st.builds(QuietHours, TIMES, TIMES)


def a_beat(*days: int, at: time = time(9, 30), country: str | None = None, quiet: QuietHours | None = None) -> Beat:
    return Beat(Tempo(days or (0, 1, 2, 3, 4, 5, 6), at), PARIS, public_holidays(country), quiet)


def local(beat: Beat, instant: datetime | None) -> datetime:
    assert instant is not None
    return instant.astimezone(beat.zone)


@given(DAYS, TIMES, ZONES, INSTANTS, QUIET)
def test_occurrences_keep_to_weekdays_holidays_and_quiet_hours(
    days: tuple[int, ...], at: time, zone: str, start: datetime, quiet: QuietHours | None
) -> None:
    beat = Beat(Tempo(days, at), ZoneInfo(zone), public_holidays("FR"), quiet)
    found = [due for due, _ in zip(beat.after(start), range(60), strict=False)]
    for due in found:
        there = due.astimezone(beat.zone)
        assert due > start
        assert there.weekday() in days
        assert not public_holidays("FR")(there.date())
        assert quiet is None or not quiet.covers(there.time())
        assert beat.allows(due)
    assert all(one < other for one, other in pairwise(found))


@given(DAYS, ZONES, INSTANTS)
def test_each_day_of_the_tempo_has_one_occurrence_through_a_whole_year_of_clock_changes(
    days: tuple[int, ...], zone: str, start: datetime
) -> None:
    beat = Beat(Tempo(days, time(2, 30)), ZoneInfo(zone), public_holidays(None))
    dates = [due.astimezone(beat.zone).date() for due in beat.after(start)]
    assert len(dates) == len(set(dates))
    first = start.astimezone(beat.zone).date() + timedelta(days=1)
    wanted = [first + timedelta(days=n) for n in range(300) if (first + timedelta(days=n)).weekday() in days]
    assert set(wanted) <= set(dates)


def test_the_local_time_stays_when_the_offset_changes() -> None:
    beat = a_beat(0)
    before = beat.next(datetime(2026, 3, 20, tzinfo=UTC))
    after = beat.next(datetime(2026, 3, 29, tzinfo=UTC))
    assert (before, after) == (datetime(2026, 3, 23, 8, 30, tzinfo=UTC), datetime(2026, 3, 30, 7, 30, tzinfo=UTC))


def test_a_time_that_the_clocks_skip_moves_forward() -> None:
    beat = a_beat(at=time(2, 30))
    assert local(beat, beat.on(date(2026, 3, 29))).time() == time(3, 30)


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    beat = a_beat(at=time(2, 30))
    assert beat.on(date(2026, 10, 25)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_nothing_is_due_on_a_public_holiday() -> None:
    beat = a_beat(country="FR")
    assert beat.on(date(2026, 7, 14)) is None
    assert beat.on(date(2026, 4, 6)) is None
    assert beat.on(date(2026, 7, 15)) is not None


def test_regions_have_holidays_of_their_own() -> None:
    assert public_holidays("DE-BY")(date(2026, 1, 6))
    assert not public_holidays("DE-BE")(date(2026, 1, 6))
    assert not public_holidays("XX")(date(2026, 1, 1))


def test_what_lies_in_quiet_hours_waits_for_their_end_on_the_same_day() -> None:
    night = QuietHours(time(19), time(8))
    early = a_beat(at=time(7), quiet=night)
    assert local(early, early.on(date(2026, 3, 3))).time() == time(8)
    assert a_beat(at=time(20), quiet=night).on(date(2026, 3, 3)) is None
    assert a_beat(at=time(20), quiet=night).next(datetime(2026, 3, 3, tzinfo=UTC)) is None


def test_a_least_gap_leaves_out_what_comes_too_soon() -> None:
    beat = Beat(Tempo((0, 2, 4), time(9), timedelta(days=3)), PARIS, public_holidays(None))
    days = [
        due.astimezone(PARIS).day
        for due, _ in zip(beat.after(datetime(2026, 3, 1, tzinfo=UTC)), range(4), strict=False)
    ]
    assert days == [2, 6, 9, 13]
    monday = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert local(beat, beat.next(monday, last=monday)).day == 6


def test_a_gap_of_days_is_counted_on_the_wall() -> None:
    beat = Beat(Tempo((3, 6), time(9), timedelta(days=3)), PARIS, public_holidays(None))
    days = [local(beat, due).day for due in islice(beat.after(datetime(2026, 3, 25, tzinfo=UTC)), 3)]
    assert days == [26, 29, 2]


def test_an_archived_group_and_one_without_tempo_have_no_beat() -> None:
    community = a_community()
    assert beat_of(a_group(), community) is None
    assert beat_of(a_group(tempo=a_tempo(), archived=True), community) is None
    assert beat_of(a_group(tempo=a_tempo()), community) is not None


def test_the_signature_changes_with_all_that_matters_and_nothing_else() -> None:
    community, group = a_community(), a_group(tempo=a_tempo())
    others = {
        signature(replace(group, tempo=a_tempo(1)), community),
        signature(replace(group, tempo=a_tempo(at=time(10))), community),
        signature(group, replace(community, country="BE")),
        signature(group, replace(community, zone=ZoneInfo("Europe/Brussels"))),
        signature(group, replace(community, quiet_hours=None)),
    }
    assert len(others) == 5
    assert signature(group, community) not in others
    assert signature(replace(group, name="Autre"), community) == signature(group, community)


# --- which one ------------------------------------------------------------------------------------------------------


def some_prompts(count: int, families: int = 1) -> list[Prompt]:
    return [Prompt(f"p{n}", {"fr": "?"}, family=f"f{n % families}" if families > 1 else "") for n in range(count)]


@given(st.integers(1, 12), st.integers(1, 4), st.text(max_size=10))
def test_none_appears_twice_until_all_have_appeared(count: int, families: int, group: str) -> None:
    found = [one.key for one in coming(group, some_prompts(count, families), [], 4 * count)]
    for round_ in range(4):
        assert len(set(found[round_ * count : (round_ + 1) * count])) == count
    assert count == 1 or all(one != other for one, other in pairwise(found))


@given(st.lists(st.sets(st.integers(0, 9), min_size=1), min_size=1, max_size=30))
def test_a_library_that_changes_repeats_nothing_while_something_is_left(libraries: list[set[int]]) -> None:
    used: list[Used] = []
    for numbers in libraries:
        prompts = [Prompt(f"p{n}", {"fr": "?"}) for n in sorted(numbers)]
        round_ = used[-1].round if used else 1
        fresh = {prompt.key for prompt in prompts} - {one.key for one in used if one.round == round_}
        chosen = choose("cafe", prompts, used)
        assert chosen is not None
        assert chosen.key in fresh if fresh else chosen.round == round_ + 1
        used.append(chosen)


def test_whoever_computes_it_finds_the_same_order_and_groups_differ() -> None:
    prompts = some_prompts(9)
    order = [one.key for one in coming("cafe", prompts, [], 9)]
    assert [one.key for one in coming("cafe", prompts[::-1], [], 9)] == order
    assert [one.key for one in coming("help", prompts, [], 9)] != order


def test_two_of_a_family_do_not_follow_each_other_where_there_is_a_choice() -> None:
    families = [prompt.family for prompt in PROMPTS]
    known = {prompt.key: prompt.family for prompt in PROMPTS}
    found = [known[one.key] for one in coming("cafe", PROMPTS, [], 4)]
    assert sorted(families) == sorted(found)
    assert found in (["food", "free"] * 2, ["free", "food"] * 2)


def test_without_prompts_nothing_is_chosen() -> None:
    assert choose("cafe", [], []) is None


def test_prompts_suit_by_kind_and_language() -> None:
    prompts = [
        Prompt("any", {"fr": "?", "en": "?"}),
        Prompt("hobby", {"fr": "?"}, frozenset({Kind.hobby})),
        Prompt("english", {"en": "?"}),
        Prompt("blank", {"fr": " "}),
    ]
    community = a_community(prompts=tuple(prompts))
    assert [p.key for p in suited(a_group(), community, "fr")] == ["any"]
    assert [p.key for p in suited(a_group(kind=Kind.hobby), community, "fr")] == ["any", "hobby"]


def test_the_questions_of_the_groups_template_come_before_those_of_the_library() -> None:
    own = tuple(Prompt(f"bench/{key}", {"fr": "?", "en": "?"}, template="bench") for key in ("one", "two"))
    bench = Template(Kind.practice, key="bench", prompts=own)
    community = a_community(templates={"bench": bench})
    prompts = suited(a_group(template="bench"), community, "fr")
    order = [used.key for used in coming("cafe", prompts, [], 6)]
    assert set(order[:2]) == {"bench/one", "bench/two"}
    assert len(set(order)) == 6
    assert not any(prompt.template for prompt in suited(a_group(), community, "fr"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Your weekend?\nTell us.", "**Your weekend?**\n\nTell us."),
        ("**Your weekend?**\nTell us.\n- or not", "**Your weekend?**\n\nTell us.\n- or not"),
        ("# Your **best** weekend?", "**Your best weekend?**"),
    ],
)
def test_the_first_line_is_bold_and_stands_alone(written: str, shown: str) -> None:
    assert headline(written) == shown
