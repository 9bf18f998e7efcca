"""When something may be posted, and when it is worth trying again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from esnbot.community.tempo import Bounds
from esnbot.features.tempo.model import Had, Post, Talk, judge, most_in_a_week, on_day
from tests.features.tempo.test_planner import a_room, rooms

START = datetime(2026, 1, 1, tzinfo=UTC)
minutes = st.integers(0, 60 * 24 * 60).map(lambda number: START + timedelta(minutes=number))
posts = st.lists(st.builds(Post, minutes, st.booleans()), max_size=25)


@settings(deadline=None, max_examples=200)
@given(
    rooms,
    posts,
    minutes,
    st.booleans(),
    st.booleans(),
    st.lists(minutes, max_size=4),
    st.timedeltas(timedelta(0), timedelta(hours=4)) | st.none(),
)
def test_when_it_is_worth_trying_again_it_is_free_and_not_a_minute_before(
    tempo, had: list[Post], at: datetime, promotional: bool, prompt: bool, ahead: list[datetime], talking
) -> None:
    talk = None if talking is None else Talk(at - talking, at)
    known = Had.of(tempo, [one for one in had if one.at <= at], [one for one in ahead if one > at])
    asked = {"promotional": promotional, "prompt": prompt, "talk": talk}
    verdict = judge(tempo, known, at, **asked)
    assert verdict.free == (verdict.rule is None)
    if verdict.free or verdict.until is None:
        return
    assert verdict.until > at
    assert judge(tempo, known, verdict.until, **asked).free
    if tempo.wall(verdict.until - timedelta(hours=2)) == tempo.wall(verdict.until) - timedelta(hours=2):
        before = verdict.until - timedelta(minutes=1)
        assert before <= at or not judge(tempo, known, before, **asked).free


def test_a_conversation_holds_for_a_quarter_of_an_hour_after_the_last_word_and_three_hours_in_all() -> None:
    tempo, had = a_room(quiet_hours=None), Had((), ())
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    talk = Talk(at - timedelta(minutes=10), at - timedelta(minutes=5))
    assert judge(tempo, had, at, talk=talk).until == at + timedelta(minutes=10)
    long = Talk(at - timedelta(minutes=170), at - timedelta(minutes=1))
    assert judge(tempo, had, at, talk=long).until == at + timedelta(minutes=10)
    assert judge(tempo, had, at + timedelta(minutes=10), talk=long).free


def test_the_hour_that_comes_twice_keeps_nobody_busy() -> None:
    tempo = a_room(least_gap=timedelta(minutes=30), quiet_hours=None, country=None)
    second = datetime(2026, 10, 25, 1, 20, tzinfo=UTC)
    verdict = judge(tempo, Had.of(tempo, [Post(second - timedelta(minutes=10))]), second)
    assert verdict.until is not None
    assert verdict.until > second


def test_days_are_counted_in_any_seven_in_a_row() -> None:
    days = [date(2026, 3, number) for number in (1, 2, 6, 8, 8, 13)]
    assert [most_in_a_week(days, date(2026, 3, number)) for number in (1, 8, 13, 20)] == [3, 4, 3, 0]


def test_what_only_has_a_day_comes_at_ten_where_no_hour_is_usual() -> None:
    assert on_day(a_room(at=None), date(2026, 7, 1)) == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert Bounds().posts_a_week is None
