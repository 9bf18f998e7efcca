"""Places at a meet-up: never more promised than there are, nobody overtaken. Whatever happens, in whatever order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.community.tempo import QuietHours
from esnbot.features.meetup import codes, timing
from esnbot.features.meetup.model import Outcome, Roster, Standing, Way, join, leave, next_expiry, settle
from esnbot.features.meetup.opening import best_date, vote_until
from esnbot.features.meetup.proposing import capacities
from esnbot.features.meetup.values import is_safe_link
from esnbot.features.meetup.wording import Words

PARIS = ZoneInfo("Europe/Paris")
QUIET = QuietHours(time(19), time(8))
NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
LATER = NOON + timedelta(hours=4)


def roster(site: int | None = 1, remote: int | None = 0) -> Roster:
    return Roster({Way.site: site, Way.remote: remote})


class TestPlaces:
    def test_who_comes_first_has_a_place_and_the_next_wait_in_order(self) -> None:
        it, first = join(roster(), "zoe", Way.site, 1)
        it, second = join(it, "ali", Way.site, 2)
        it, third = join(it, "max", Way.site, 3)
        assert (first, second, third) == (Outcome.coming, Outcome.waiting, Outcome.waiting)
        assert [entry.person for entry in it.queue(Way.site)] == ["ali", "max"]

    def test_a_place_that_becomes_free_is_held_for_the_first_and_nobody_overtakes(self) -> None:
        it = roster()
        for turn, person in enumerate(("zoe", "ali", "max")):
            it, _ = join(it, person, Way.site, turn)
        settled = settle(leave(it, "zoe"), NOON, LATER)
        assert [entry.person for entry in settled.offered] == ["ali"]
        it, outcome = join(settled.roster, "eve", Way.site, 9)
        assert outcome is Outcome.waiting
        it, outcome = join(it, "ali", Way.site, 10)
        assert outcome is Outcome.coming

    def test_an_offer_that_nobody_takes_goes_to_the_next(self) -> None:
        it = roster()
        for turn, person in enumerate(("zoe", "ali", "max")):
            it, _ = join(it, person, Way.site, turn)
        it = settle(leave(it, "zoe"), NOON, LATER).roster
        assert next_expiry(it) == LATER
        settled = settle(it, LATER, LATER + timedelta(hours=4))
        assert [entry.person for entry in settled.expired] == ["ali"]
        assert [entry.person for entry in settled.offered] == ["max"]

    def test_at_night_nothing_is_offered_and_newcomers_wait_all_the_same(self) -> None:
        it = roster()
        for turn, person in enumerate(("zoe", "ali")):
            it, _ = join(it, person, Way.site, turn)
        it = settle(leave(it, "zoe"), NOON, None).roster
        assert join(it, "eve", Way.site, 5)[1] is Outcome.waiting

    def test_whoever_changes_to_a_way_that_is_full_keeps_their_place(self) -> None:
        it, _ = join(roster(1, 1), "zoe", Way.site, 1)
        it, _ = join(it, "ali", Way.remote, 2)
        same, outcome = join(it, "zoe", Way.remote, 3)
        assert outcome is Outcome.kept
        assert same == it

    def test_a_way_that_there_is_not(self) -> None:
        assert join(roster(), "zoe", Way.remote, 1)[1] is Outcome.impossible


PEOPLE = ("zoe", "ali", "max", "pat", "eve", "kim")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.sampled_from(PEOPLE), st.sampled_from(list(Way))),
        st.tuples(st.just("leave"), st.sampled_from(PEOPLE), st.none()),
        st.tuples(st.just("settle"), st.booleans(), st.integers(0, 300)),
        st.tuples(st.just("room"), st.sampled_from(list(Way)), st.one_of(st.none(), st.integers(1, 3))),
    ),
    max_size=60,
)


@given(st.one_of(st.none(), st.integers(0, 3)), st.one_of(st.none(), st.integers(0, 3)), STEPS)
def test_whatever_happens_no_place_is_promised_twice(
    site: int | None, remote: int | None, steps: list[tuple[str, object, object]]
) -> None:
    it, now = roster(site, remote), NOON
    most: Mapping[Way, int | None] = it.room
    for turn, (what, one, other) in enumerate(steps):
        before = it
        if what == "join":
            assert isinstance(one, str)
            assert isinstance(other, Way)
            it, outcome = join(it, one, other, turn)
            mine = it.of(one)
            if outcome is Outcome.coming:
                assert mine is not None
                assert mine.standing is Standing.coming
                assert mine.way is other
                was = before.of(one)
                if was is None or was.standing is not Standing.offered:
                    assert not [e for e in before.queue(other) if e.person != one], "somebody was overtaken"
        elif what == "leave":
            it = leave(it, str(one))
            assert it.of(str(one)) is None
        elif what == "settle":
            now += timedelta(minutes=int(str(other)))
            settled = settle(it, now, now + timedelta(hours=2) if one else None)
            it = settled.roster
            for entry in settled.offered:
                first = before.queue(entry.way)[0]
                assert first.turn <= entry.turn
            for way in Way:
                if one and it.queue(way):
                    assert not it.has_room(way), "somebody waits beside a free place"
        else:
            assert isinstance(one, Way)
            it = replace(it, room={**it.room, one: other if isinstance(other, int) else None})
            most = it.room
        for way in Way:
            taken, were = (r.count(way, Standing.coming, Standing.offered) for r in (it, before))
            limit = most[way]
            assert limit is None or taken <= max(limit, were), "more places than there are"
        assert len({entry.person for entry in it.entries}) == len(it.entries)
        assert all((entry.until is not None) == (entry.standing is Standing.offered) for entry in it.entries)


class TestTimes:
    def test_reminders_a_week_and_an_hour_before_and_none_at_night(self) -> None:
        evening = datetime(2026, 3, 13, 18, tzinfo=PARIS)
        found = timing.reminders(evening, NOON, QUIET, PARIS)
        assert found[timing.WEEK] == datetime(2026, 3, 6, 18, tzinfo=PARIS)
        assert found[timing.HOUR] == datetime(2026, 3, 13, 17, tzinfo=PARIS)
        late = datetime(2026, 3, 13, 21, tzinfo=PARIS)
        found = timing.reminders(late, NOON, QUIET, PARIS)
        assert timing.HOUR not in found
        assert found[timing.WEEK] == datetime(2026, 3, 7, 8, tzinfo=PARIS)

    def test_what_is_sooner_than_a_week_has_no_reminder_of_the_week(self) -> None:
        assert timing.WEEK not in timing.reminders(NOON + timedelta(days=3), NOON, QUIET, PARIS)

    def test_the_week_is_one_on_the_wall_also_when_the_clocks_change(self) -> None:
        start = datetime(2026, 3, 31, 18, tzinfo=PARIS)
        assert timing.reminders(start, NOON, None, PARIS)[timing.WEEK] == datetime(2026, 3, 24, 18, tzinfo=PARIS)

    def test_the_morning_says_nothing_of_what_begins_at_once(self) -> None:
        at = time(8, 30)
        assert timing.morning_of(datetime(2026, 3, 3, 9, tzinfo=PARIS), at, QUIET, PARIS) is None
        due = timing.morning_of(datetime(2026, 3, 3, 18, tzinfo=PARIS), at, QUIET, PARIS)
        assert due == datetime(2026, 3, 3, 8, 30, tzinfo=PARIS)
        early = timing.morning(date(2026, 3, 3), time(6), QUIET, PARIS)
        assert early == datetime(2026, 3, 3, 8, tzinfo=PARIS)

    def test_hours_of_the_night_do_not_count_for_an_offer(self) -> None:
        start, lasts = datetime(2026, 3, 9, 12, tzinfo=PARIS), timedelta(hours=4)
        at_five = datetime(2026, 3, 3, 17, tzinfo=PARIS)
        assert timing.offer_until(at_five, lasts, start, QUIET, PARIS) == datetime(2026, 3, 4, 10, tzinfo=PARIS)
        assert timing.offer_until(at_five, lasts, start, None, PARIS) == datetime(2026, 3, 3, 21, tzinfo=PARIS)
        assert timing.offer_until(at_five.replace(hour=22), lasts, start, QUIET, PARIS) is None
        soon = datetime(2026, 3, 3, 18, tzinfo=PARIS)
        assert timing.offer_until(at_five, lasts, soon, QUIET, PARIS) == soon

    @pytest.mark.parametrize(
        ("text", "days"),
        [
            ("first Thursday", [2, 7, 4]),
            ("le premier jeudi du mois", [2, 7, 4]),
            ("week", [6, 13, 20]),
            ("toutes les deux semaines", [6, 20, 3]),
            ("mois", [6, 3, 1]),
            ("last friday", [27, 24, 29]),
        ],
    )
    def test_what_comes_again_does_so_at_the_same_time_on_the_wall(self, text: str, days: list[int]) -> None:
        first = datetime(2026, 3, 6, 18, tzinfo=PARIS)
        rule = timing.rule_of(text, first)
        assert rule is not None
        found: list[datetime] = []
        for _ in days:
            following = timing.occurrence(rule, first, found[-1] if found else None, PARIS)
            assert following is not None
            found.append(following.astimezone(PARIS))
        assert [one.day for one in found] == days
        assert {one.time() for one in found} == {time(18)}

    def test_what_is_no_rhythm_is_none(self) -> None:
        for text in ("sometimes", "FREQ=SECONDLY", "", "first", "thirteenth Friday"):
            assert timing.rule_of(text, NOON) is None

    def test_the_date_with_the_most_votes_that_is_still_to_come(self) -> None:
        days = [NOON + timedelta(days=number) for number in (-1, 1, 2)]
        assert best_date(days, [9, 2, 2], NOON) == days[1]
        assert best_date(days, [9, 0, 0], NOON) is None
        assert best_date(days, [], NOON) is None

    def test_people_choose_before_the_first_of_the_dates(self) -> None:
        lasts = timedelta(days=3)
        for ahead in (timedelta(hours=3), timedelta(days=1), timedelta(days=2), timedelta(days=30)):
            assert NOON < vote_until(NOON, NOON + ahead, lasts) < NOON + ahead


class TestInput:
    @pytest.mark.parametrize(
        "link",
        [
            "javascript:alert(1)",
            "http://meet.example.org/x",
            "https://user:pass@meet.example.org/",
            "https://user@meet.example.org/",
            "https://",
            "https:///x",
            "https://localhost/x",
            "https://meet.example.org/<script>",
            'https://meet.example.org/"onclick',
            "https://meet.example.org/a b",
            "https://meet.example.org:99999/",
            "https://meet.example.org/" + "x" * 600,
            "data:text/html,x",
            "//meet.example.org/x",
        ],
    )
    def test_what_is_no_address_of_a_video_meeting(self, link: str) -> None:
        assert not is_safe_link(link)

    def test_what_is_one(self) -> None:
        for link in ("https://meet.example.org/lunch?x=1#2", "https://visio.exemple.fr:8443/café"):
            assert is_safe_link(link)

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            ((12, 50, Words("t", "Lyon", "https://a.b/c")), (12, 50)),
            ((None, None, Words("t", "Lyon", "https://a.b/c")), (None, None)),
            ((None, None, Words("t", "Lyon")), (None, 0)),
            ((None, None, Words("t", "", "https://a.b/c")), (0, None)),
            ((None, None, Words("t")), (None, 0)),
            ((5, None, Words("t", "", "https://a.b/c")), (5, None)),
            ((None, 5, Words("t")), (0, 5)),
        ],
    )
    def test_how_many_can_come_follows_from_what_there_is(
        self, given: tuple[int | None, int | None, Words], found: tuple[int | None, int | None]
    ) -> None:
        assert capacities(*given) == found

    def test_a_code_is_read_however_it_is_typed(self) -> None:
        code = codes.new_code()
        assert codes.fits(code, f" {code[:3].lower()}-{code[3:]} ")
        assert not codes.fits(code, code[:-1])
        assert not codes.fits(code, "é")
