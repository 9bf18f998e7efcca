"""The planner: fixed dates, then lines by their weights, then gaps; never more than a room bears."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from esnbot.community.tempo import Bounds, QuietHours
from esnbot.features.hours import public_holidays
from esnbot.features.tempo.model import Post, RoomTempo, Rule
from esnbot.features.tempo.planner import Layout, Wish, lay_out

PARIS = ZoneInfo("Europe/Paris")
MONDAY = datetime(2026, 3, 2, tzinfo=PARIS)
QUIET = QuietHours(time(19), time(8))
DAY = timedelta(days=1)
YEARS = 20 if os.environ.get("ESNBOT_SOAK") == "1" else 1


def a_room(zone: str = "Europe/Paris", country: str | None = "FR", **bounds: object) -> RoomTempo:
    declared = {"quiet_hours": QUIET, "at": time(9, 30), **bounds}
    return RoomTempo(Bounds(**declared), ZoneInfo(zone), public_holidays(country))


def a_wish(ref: object, *targets: str, **more: object) -> Wish:
    return Wish(of="calendar", ref=str(ref), targets=targets or ("cafe",), **more)


def plan(
    wishes: Sequence[Wish],
    room: RoomTempo | None = None,
    *,
    weeks: float = 4,
    lines: dict[str, int] | None = None,
    past: Sequence[Post] = (),
    since: datetime = MONDAY,
) -> Layout:
    until = since + timedelta(weeks=weeks)
    return lay_out(wishes, {"cafe": room or a_room()}, lines or {}, {"cafe": past}, since, until)


def times(layout: Layout, zone: ZoneInfo = PARIS) -> dict[str, str]:
    return {one.wish.ref: f"{one.at.astimezone(zone):%a %d %H:%M}" for one in layout.placed}


def paris(day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=PARIS)


# --- what has a date -----------------------------------------------------------------------------------------------


def test_what_has_a_date_and_a_time_stands_there() -> None:
    assert times(plan([a_wish(1, at=paris(5, 14))])) == {"1": "Thu 05 14:00"}


def test_what_has_a_day_comes_at_the_hour_of_the_room() -> None:
    assert times(plan([a_wish(1, day=date(2026, 3, 5))])) == {"1": "Thu 05 09:30"}


def test_what_has_a_day_comes_later_on_that_day_when_another_post_is_too_close() -> None:
    room = a_room(least_gap=timedelta(hours=4))
    layout = plan([a_wish(1, day=date(2026, 3, 5)), a_wish(2, at=paris(5, 11))], room)
    assert times(layout) == {"2": "Thu 05 11:00", "1": "Thu 05 15:00"}


def test_what_has_a_day_is_not_moved_to_another() -> None:
    layout = plan([a_wish(1, day=date(2026, 3, 5)), a_wish(2, at=paris(5, 16))], a_room(least_gap=timedelta(hours=8)))
    assert times(layout) == {"2": "Thu 05 16:00"}
    assert [(one.wish.ref, one.rule) for one in layout.left_out] == [("1", Rule.gap)]


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        (paris(5, 20), Rule.quiet),
        (datetime(2026, 4, 6, 10, tzinfo=PARIS), Rule.holiday),
        (paris(7), Rule.weekend),
    ],
)
def test_what_falls_on_a_time_when_nothing_is_posted_is_left_out_and_says_why(at: datetime, rule: Rule) -> None:
    layout = plan([a_wish(1, at=at)], a_room(weekends=False), weeks=8)
    assert layout.placed == ()
    (one,) = layout.left_out
    assert (one.rule, bool(str(one.because))) == (rule, True)


def test_a_date_on_a_weekend_stands_where_nobody_said_anything_about_weekends() -> None:
    assert times(plan([a_wish(1, at=paris(7))])) == {"1": "Sat 07 10:00"}


def test_what_weighs_more_goes_first() -> None:
    room = a_room(posts_a_week=1)
    assert times(plan([a_wish(1, at=paris(3)), a_wish(2, at=paris(5), weight=1)], room)) == {"2": "Thu 05 10:00"}


def test_what_is_over_is_left_out_and_what_comes_afterwards_is_not_spoken_of() -> None:
    long_ago = paris(1) - timedelta(days=1)
    layout = plan([a_wish(1, at=long_ago), a_wish(2, at=paris(3), expires=paris(2)), a_wish(3, at=paris(30))], weeks=2)
    assert layout.placed == ()
    assert [one.wish.ref for one in layout.left_out] == ["1", "2"]


def test_what_is_late_comes_as_soon_as_the_room_bears_it() -> None:
    room = a_room(least_gap=timedelta(hours=2))
    past = [Post(paris(2, 18))]
    layout = plan([a_wish(1, at=paris(2, 18, 30)), a_prompt(3, 8)], room, since=paris(2, 18, 41), past=past)
    assert times(layout) == {"1": "Tue 03 08:00"}
    assert str(layout.placed[0].because) == "It was to come before, and comes as soon as there is room."


def test_todays_hour_may_be_over_and_the_day_is_not() -> None:
    since = paris(2, 11, 7) + timedelta(seconds=13)
    assert times(plan([a_wish(1, day=date(2026, 3, 2))], since=since)) == {"1": "Mon 02 11:08"}


def test_a_week_is_any_seven_days_in_a_row() -> None:
    room = a_room(posts_a_week=2, weekends=True)
    wishes = [a_wish(1, at=paris(6)), a_wish(2, at=paris(7)), a_wish(3, at=paris(9)), a_wish(4, at=paris(13, 8))]
    assert times(plan(wishes, room)) == {"1": "Fri 06 10:00", "2": "Sat 07 10:00", "4": "Fri 13 08:00"}


def test_what_was_posted_before_counts() -> None:
    room = a_room(posts_a_week=2)
    past = [Post(datetime(2026, 2, 25, 10, tzinfo=PARIS)), Post(datetime(2026, 2, 27, 10, tzinfo=PARIS))]
    layout = plan([a_wish(1, at=paris(3)), a_wish(2, at=paris(4))], room, past=past)
    assert times(layout) == {"2": "Wed 04 10:00"}


def test_a_room_that_is_not_there_is_named() -> None:
    layout = plan([a_wish(1, "gone", "cafe", at=paris(3))])
    assert [one.room for one in layout.placed] == ["cafe"]
    assert [one.room for one in layout.left_out] == ["gone"]


# --- lines ---------------------------------------------------------------------------------------------------------


def test_lines_share_the_weeks_by_their_weights() -> None:
    wishes = [a_wish(f"{line}{number}", line=line) for line in ("craft", "life") for number in range(40)]
    layout = plan(wishes, a_room(posts_a_week=4), weeks=5, lines={"craft": 3, "life": 1})
    assert Counter(one.wish.line for one in layout.placed) == {"craft": 15, "life": 5}
    by_week = Counter((one.at.isocalendar().week, one.wish.line) for one in layout.placed)
    assert {by_week[week, "life"] for week in range(10, 15)} == {1}


def test_a_line_that_had_much_lately_waits_for_the_others() -> None:
    past = [Post(MONDAY - timedelta(days=number, hours=14), line="craft") for number in range(1, 20, 3)]
    wishes = [a_wish(f"{line}{number}", line=line) for line in ("craft", "life") for number in range(9)]
    layout = plan(wishes, a_room(posts_a_week=2), weeks=2, past=past)
    assert {one.wish.line for one in layout.placed} == {"life"}


def test_what_can_wait_no_longer_goes_before_the_shares() -> None:
    wishes = [a_wish(1, line="craft"), a_wish(2, line="life", end=date(2026, 3, 6))]
    layout = plan(wishes, a_room(posts_a_week=1), lines={"craft": 9})
    assert times(layout) == {"2": "Mon 02 09:30", "1": "Mon 09 09:30"}


def test_a_window_is_kept_to() -> None:
    layout = plan([a_wish(1, begin=date(2026, 3, 11), end=date(2026, 3, 12))])
    assert times(layout) == {"1": "Wed 11 09:30"}


def test_what_finds_no_room_in_its_window_says_so() -> None:
    wishes = [a_wish(1, at=paris(4)), a_wish(2, end=date(2026, 3, 6)), a_wish(3)]
    layout = plan(wishes, a_room(posts_a_week=1), weeks=1)
    assert [(one.wish.ref, one.waits) for one in layout.left_out] == [("2", False), ("3", True)]


def test_a_flood_is_spread_over_the_weeks() -> None:
    layout = plan([a_wish(number) for number in range(50)], a_room(posts_a_week=3), weeks=4)
    assert list(times(layout).values())[:6] == [
        "Mon 02 09:30",
        "Wed 04 09:30",
        "Fri 06 09:30",
        "Mon 09 09:30",
        "Wed 11 09:30",
        "Fri 13 09:30",
    ]
    assert len(layout.placed) == 12
    assert all(one.waits for one in layout.left_out)


def test_without_any_bound_one_day_has_one_of_a_flood_and_weekends_none() -> None:
    layout = plan([a_wish(number) for number in range(50)], a_room(), weeks=2)
    assert len(layout.placed) == len({one.at.date() for one in layout.placed}) == 10


def test_promotional_posts_have_a_bound_of_their_own() -> None:
    wishes = [a_wish(number, promotional=number % 2 == 0) for number in range(20)]
    layout = plan(wishes, a_room(posts_a_week=5, promotional_a_week=1), weeks=2)
    assert Counter(one.wish.promotional for one in layout.placed) == {False: 8, True: 2}


def test_numbers_come_as_they_were_given() -> None:
    layout = plan([a_wish(number) for number in (10, 9, 2, 1)])
    assert [one.wish.ref for one in layout.placed] == ["1", "2", "9", "10"]


def test_every_choice_and_every_omission_is_explained() -> None:
    wishes = [a_wish(1, line="craft"), a_wish(2, at=paris(4)), a_wish(3, line="craft"), *map(a_wish, range(5, 40))]
    layout = plan(wishes, a_room(posts_a_week=2), weeks=2)
    assert all(str(one.because) for one in (*layout.placed, *layout.left_out))
    assert str(next(one for one in layout.placed if one.wish.ref == "1").because) == (
        "The line {line} had nothing here this week, and there is room for one more."
    )


# --- prompts -------------------------------------------------------------------------------------------------------


def a_prompt(day: int, hour: int = 9) -> Wish:
    at = paris(day, hour, 30)
    return Wish(of="prompt", ref=f"{at:%Y-%m-%d}", targets=("cafe",), at=at, prompt=True)


def test_prompts_fill_gaps_and_nothing_else() -> None:
    room = a_room(posts_a_week=2)
    layout = plan([a_prompt(2), a_prompt(5), a_prompt(9), a_wish(1, at=paris(5)), a_wish(2, at=paris(3))], room)
    assert times(layout) == {"2": "Tue 03 10:00", "1": "Thu 05 10:00"}
    assert [one.rule for one in layout.left_out] == [Rule.week, Rule.filling, Rule.week]


def test_a_day_has_either_an_entry_or_a_prompt() -> None:
    layout = plan([a_prompt(5), a_wish(1, at=paris(5, 15))])
    assert times(layout) == {"1": "Thu 05 15:00"}
    assert [one.rule for one in layout.left_out] == [Rule.filling]


# --- a year of random calendars ------------------------------------------------------------------------------------

ROOMS = ("cafe", "forge", "garden")
START = datetime(2026, 1, 5, tzinfo=UTC)
YEAR = timedelta(days=365)
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A seed does not get simpler by being smaller."""
hours = st.integers(0, 23).map(time)
rooms = st.builds(
    a_room,
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]),
    posts_a_week=st.none() | st.integers(0, 9),
    promotional_a_week=st.none() | st.integers(0, 3),
    least_gap=st.sampled_from([timedelta(0), timedelta(hours=5), timedelta(days=2), timedelta(days=9, hours=1)]),
    weekends=st.none() | st.booleans(),
    holidays=st.booleans(),
    quiet_hours=st.none() | st.builds(QuietHours, hours, hours),
    at=st.none() | hours,
)


def a_calendar(draw: random.Random, count: int) -> list[Wish]:
    """A year of wishes of all sorts."""
    wishes = []
    for number in range(count):
        at = START + timedelta(minutes=draw.randrange(-20_000, 550_000))
        day, span = at.date(), timedelta(days=draw.randrange(0, 40))
        sort = draw.choice(
            [{"at": at}, {"at": at}, {"day": day}, {"begin": day}, {"begin": day, "end": day + span}, {"end": day}, {}]
        )
        wishes.append(
            a_wish(
                number,
                *draw.sample(ROOMS, draw.randint(1, 3)),
                line=draw.choice(["", "craft", "life", "news"]),
                promotional=draw.random() < 0.3,
                weight=draw.choice([0, 0, 0, 5]),
                expires=at + span if draw.random() < 0.2 else None,
                **sort,
            )
        )
    return wishes


def some_prompts() -> list[Wish]:
    days = [START + timedelta(days=number, hours=9) for number in range(0, 365, 3)]
    return [
        Wish(of="prompt", ref=f"{room}{day}", targets=(room,), at=day, prompt=True) for day in days for room in ROOMS
    ]


def check(layout: Layout, bounds: dict[str, RoomTempo], past: dict[str, list[Post]]) -> None:
    """Nobody's bounds are exceeded, counted anew and in the simplest way."""
    for room, tempo in bounds.items():
        own = tempo.bounds
        placed = [one for one in layout.placed if one.room == room]
        for one in placed:
            wall = one.at.astimezone(tempo.zone)
            assert START <= one.at < START + YEAR
            assert own.quiet_hours is None or not own.quiet_hours.covers(wall.time())
            assert own.holidays or not tempo.off(wall.date())
            assert wall.weekday() < 5 or own.weekends or (own.weekends is None and (one.wish.dated or one.wish.prompt))
            assert (
                one.wish.at is None
                or one.at == one.wish.at
                or START - DAY < one.wish.at < START <= one.at < START + 2 * DAY
            )
            assert one.wish.day is None or wall.date() == one.wish.day
            assert one.wish.begin is None or wall.date() >= one.wish.begin
            assert one.wish.end is None or wall.date() <= one.wish.end
            assert one.wish.expires is None or one.at < one.wish.expires
        walls = sorted(
            (one.astimezone(tempo.zone).replace(tzinfo=None), promotional, new)
            for one, promotional, new in (
                *((one.at, one.wish.promotional, True) for one in placed),
                *((one.at, one.promotional, False) for one in past.get(room, ())),
            )
        )
        for (first, _, _), (second, _, new) in pairwise(walls):
            whole_days = not own.least_gap % timedelta(days=1)
            apart = second.date() - first.date() if whole_days else second - first
            assert not new or apart >= own.least_gap
        for most, days in (
            (own.posts_a_week, [wall.date() for wall, _, _ in walls]),
            (own.promotional_a_week, [wall.date() for wall, promotional, _ in walls if promotional]),
        ):
            for begin in set(days):
                in_seven = sum(timedelta(0) <= day - begin < timedelta(days=7) for day in days)
                assert most is None or in_seven <= max(most, 0)


@settings(max_examples=15 * YEARS, deadline=None, phases=UNSHRUNK)
@given(st.tuples(rooms, rooms, rooms), st.integers(0, 2**32), st.sampled_from([5, 60, 400]))
def test_a_year_of_random_calendars_never_exceeds_the_tempo(
    tempos: tuple[RoomTempo, RoomTempo, RoomTempo], seed: int, count: int
) -> None:
    draw = random.Random(seed)
    wishes = a_calendar(draw, count)
    bounds, lines = dict(zip(ROOMS, tempos, strict=True)), {"craft": 3, "life": 1, "news": 0}
    until = START + YEAR
    layout = lay_out(wishes, bounds, lines, {}, START, until)
    check(layout, bounds, {})

    everything = Counter((one.wish.ref, one.room) for one in (*layout.placed, *layout.left_out))
    assert set(everything.values()) <= {1}, "each wish is answered at most once a room"

    shuffled = draw.sample(wishes, len(wishes))
    assert lay_out(shuffled, dict(reversed(bounds.items())), lines, {}, START, until) == layout, "whatever the order"

    filled = lay_out([*some_prompts(), *wishes], bounds, lines, {}, START, until)
    check(filled, bounds, {})
    assert filled.of("calendar") == layout, "prompts displace nothing"


@settings(max_examples=10 * YEARS, deadline=None, phases=UNSHRUNK)
@given(rooms, st.integers(0, 2**32))
def test_what_was_posted_before_and_what_comes_keep_the_tempo_together(tempo: RoomTempo, seed: int) -> None:
    draw = random.Random(seed)
    before = lay_out(a_calendar(draw, 80), {"cafe": tempo}, {}, {}, START - timedelta(days=30), START)
    past = {"cafe": [Post(one.at, one.wish.promotional, one.wish.line) for one in before.placed]}
    layout = lay_out(a_calendar(draw, 120), {"cafe": tempo}, {}, past, START, START + YEAR)
    check(layout, {"cafe": tempo}, past)


@settings(max_examples=10 * YEARS, deadline=None, phases=UNSHRUNK)
@given(st.sampled_from([1, 2, 3, 5, None]), st.integers(0, 2**32))
def test_a_preview_is_what_happens_when_the_weeks_are_planned_again_each_monday(most: int | None, seed: int) -> None:
    draw = random.Random(seed)
    lines = {"craft": 3, "life": 1}
    wishes = [
        replace(one, targets=("cafe",), begin=None)
        for one in a_calendar(draw, 40)
        if one.at is None and one.day is None
    ]
    tempo = a_room(posts_a_week=most)
    preview = lay_out(wishes, {"cafe": tempo}, lines, {}, MONDAY, MONDAY + timedelta(weeks=6))
    past: list[Post] = []
    happened = []
    for week in range(6):
        now = MONDAY + timedelta(weeks=week)
        layout = lay_out(wishes, {"cafe": tempo}, lines, {"cafe": past}, now, now + timedelta(weeks=6))
        for one in layout.placed:
            if one.at < now + timedelta(weeks=1):
                happened.append(one)
                past.append(Post(one.at, one.wish.promotional, one.wish.line))
                wishes.remove(one.wish)
    assert happened == list(preview.placed)
