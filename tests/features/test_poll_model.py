"""What counts as a vote, and what comes out, whatever order things are looked at in."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnbot.community.tempo import QuietHours
from esnbot.features.hours import after_quiet
from esnbot.features.poll.model import (
    CALM,
    MOST,
    RESPONSES,
    START,
    Ballot,
    Problem,
    Tally,
    Unusable,
    Way,
    cast_at,
    end_content,
    next_showing,
    number_of,
    proper,
    responded,
    selection,
    sign,
    start_content,
    tally,
    target,
    vote,
)

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)
ANSWERS = 4
NIGHT = QuietHours(time(19), time(8))


def responds(*answers: int, at: int, by: str = "zoe") -> Ballot:
    return Ballot(by, Way.response, at, at, answers)


def reacts(answer: int, at: int, by: str = "zoe") -> Ballot:
    return Ballot(by, Way.reaction, at, at, (answer,))


def voted(*ballots: Ballot, several: int = 1) -> set[int]:
    return set(vote(ballots, several)[0])


class TestOneVoteAPerson:
    def test_the_last_counts_whichever_way(self) -> None:
        assert voted(responds(1, at=1), reacts(2, at=2)) == {2}
        assert voted(reacts(2, at=1), responds(1, at=2)) == {1}
        assert voted(responds(1, at=1), responds(3, at=2)) == {3}
        assert voted(reacts(1, at=1), reacts(3, at=2)) == {3}

    def test_a_response_without_answers_withdraws_what_was_before(self) -> None:
        assert voted(responds(1, at=1), reacts(2, at=2), responds(at=3)) == set()
        assert voted(responds(at=1), reacts(2, at=2)) == {2}

    def test_of_the_reactions_the_last_few_count(self) -> None:
        assert voted(reacts(1, at=1), reacts(2, at=2), several=2) == {1, 2}
        assert voted(reacts(1, at=1), reacts(2, at=2), reacts(3, at=3), several=2) == {2, 3}
        assert voted(reacts(1, at=1), reacts(2, at=2), reacts(1, at=3), reacts(3, at=4), several=2) == {1, 3}

    def test_a_reaction_after_a_response_begins_anew(self) -> None:
        assert voted(responds(1, 2, at=1), reacts(3, at=2), several=3) == {3}

    def test_of_two_in_one_moment_the_one_that_arrived_later_counts(self) -> None:
        first, second = Ballot("zoe", Way.reaction, 5, 1, (1,)), Ballot("zoe", Way.reaction, 5, 2, (2,))
        assert voted(second, first) == {2}


PEOPLE = ("zoe", "ali", "max")
NUMBERS = st.integers(1, ANSWERS)


def ballots_of(way: Way, most: int) -> st.SearchStrategy[Ballot]:
    answers = st.lists(NUMBERS, min_size=0 if way is Way.response else 1, max_size=most, unique=True).map(tuple)
    return st.builds(Ballot, st.sampled_from(PEOPLE), st.just(way), st.integers(0, 9), st.integers(0, 999), answers)


BALLOTS = ballots_of(Way.response, 3) | ballots_of(Way.reaction, 1)
MANY = st.lists(BALLOTS, max_size=30, unique_by=lambda one: (one.cast, one.seq))


@given(MANY, st.integers(1, ANSWERS), st.randoms())
def test_the_order_in_which_votes_are_looked_at_changes_nothing(ballots: list[Ballot], several: int, chance) -> None:  # type: ignore[no-untyped-def]
    mixed = list(ballots)
    chance.shuffle(mixed)
    assert tally(ballots, ANSWERS, several) == tally(mixed, ANSWERS, several)


@given(MANY, st.integers(1, ANSWERS))
def test_nobody_has_more_than_their_votes(ballots: list[Ballot], several: int) -> None:
    counted = tally(ballots, ANSWERS, several)
    people = {one.person for one in ballots}
    assert counted.by_reaction <= counted.voters <= len(people)
    assert counted.voters <= sum(counted.totals) <= counted.voters * several
    assert all(0 <= total <= counted.voters for total in counted.totals)


@given(MANY, st.integers(1, ANSWERS))
def test_the_whole_is_the_sum_of_what_each_person_votes(ballots: list[Ballot], several: int) -> None:
    each = [tally([one for one in ballots if one.person == person], ANSWERS, several) for person in PEOPLE]
    whole = tally(ballots, ANSWERS, several)
    assert whole.totals == tuple(map(sum, zip(*(one.totals for one in each), strict=True)))
    assert whole.voters == sum(one.voters for one in each)


@given(MANY, st.integers(1, ANSWERS), st.integers(0, 9))
def test_what_comes_after_the_end_never_happened(ballots: list[Ballot], several: int, end: int) -> None:
    before = [one for one in ballots if one.cast <= end]
    assert tally(ballots, ANSWERS, several, end) == tally(before, ANSWERS, several)


def test_what_leads_and_that_nothing_does() -> None:
    assert Tally((2, 3, 3), 5).leading == (2, 3)
    assert Tally((0, 0)).leading == ()


class TestSelections:
    def test_they_are_cut_to_what_one_may_choose_and_count_once(self) -> None:
        assert selection(["2", "1", "3"], 3, 2) == (2, 1)
        assert selection(["2", "2"], 3, 2) == (2,)

    @pytest.mark.parametrize("ids", [[], ["7"], ["1", "no"], ["1", 2], "1", None, {"1": 1}, ["01"], ["0"], [["1"]]])
    def test_an_unknown_answer_or_anything_else_spoils_them(self, ids: object) -> None:
        assert selection(ids, 3, 2) == ()

    @given(
        st.recursive(
            st.none() | st.text() | st.integers(), lambda some: st.lists(some) | st.dictionaries(st.text(), some)
        )
    )
    def test_nothing_that_people_send_is_too_strange(self, content: object) -> None:
        assert set(selection(content, 3, 2)) <= {1, 2, 3}
        whole = {"m.relates_to": content, RESPONSES[0]: content}
        responded(whole)
        assert isinstance(target(whole, "m.reference"), str)

    def test_both_versions_of_a_response_are_read(self) -> None:
        assert responded({RESPONSES[0]: {"answers": ["1"]}}) == ["1"]
        assert responded({RESPONSES[1]: {"answers": ["1"]}}) == ["1"]
        assert responded({"m.selections": ["2"]}) == ["2"]
        assert responded({"body": "1"}) is None


class TestNumbers:
    def test_each_has_its_sign_and_back(self) -> None:
        assert [number_of(sign(number)) for number in range(1, MOST + 1)] == list(range(1, MOST + 1))

    def test_keyboards_may_leave_the_variation_selector_out(self) -> None:
        assert number_of("2\u20e3") == 2

    @pytest.mark.parametrize("emoji", ["👍", "2", "", "0️⃣", "11"])
    def test_nothing_else_is_one(self, emoji: str) -> None:
        assert number_of(emoji) is None


class TestWhatCanBeAsked:
    def test_everything_stands_on_one_line(self) -> None:
        assert proper(" Where\n to? ", ["a\nb", " c "]) == ("Where to?", ("a b", "c"))

    @pytest.mark.parametrize(
        ("question", "answers", "problem"),
        [
            ("Where?", [], Problem.few),
            ("Where?", ["here"], Problem.few),
            ("Where?", [str(number) for number in range(50)], Problem.many),
            ("Where?", ["Café", "cafe"], Problem.double),
            ("Where?", ["🍕", "🍕"], Problem.double),
            ("Where", ["do", "we", "eat?", "Pizza", "Sushi"], Problem.unquoted),
            ("Où", ["mange-t-on", "?", "Pizza"], Problem.unquoted),
            ("Où ?", ["Pizza", "Sushi", "--jusqu'à", "vendredi"], Problem.option),
        ],
    )
    def test_what_cannot(self, question: str, answers: list[str], problem: Problem) -> None:
        with pytest.raises(Unusable) as caught:
            proper(question, answers)
        assert caught.value.problem is problem

    def test_signs_are_answers_too(self) -> None:
        assert proper("Where?", ["🍕", "🍣", "?"])[1] == ("🍕", "🍣", "?")


class TestTimes:
    def test_a_vote_counts_when_it_was_written_unless_our_clock_was_moved_back(self) -> None:
        assert cast_at(NOON - timedelta(days=3), NOON) == NOON - timedelta(days=3)
        assert cast_at(NOON + timedelta(days=200), NOON) == NOON

    def test_the_count_is_shown_at_once_then_calmly(self) -> None:
        assert next_showing(NOON, None) == NOON
        assert next_showing(NOON, NOON - timedelta(seconds=10)) == NOON + CALM - timedelta(seconds=10)
        assert next_showing(NOON, NOON - timedelta(hours=1)) == NOON
        assert next_showing(NOON, NOON + timedelta(days=9)) == NOON

    @pytest.mark.parametrize(
        ("at", "told"),
        [((6, 12), (6, 12)), ((6, 19), (7, 8)), ((6, 23), (7, 8)), ((7, 2), (7, 8)), ((7, 8), (7, 8))],
    )
    def test_quiet_hours_are_waited_out(self, at: tuple[int, int], told: tuple[int, int]) -> None:
        def local(day: int, hour: int) -> datetime:
            return datetime(2026, 3, day, hour, tzinfo=PARIS)

        assert after_quiet(local(*at), NIGHT, PARIS) == local(*told)
        assert after_quiet(local(*at), None, PARIS) == local(*at)


def test_the_poll_is_what_clients_know_and_shows_no_count_of_its_own() -> None:
    content = start_content("Where?", ["Pizza", "Sushi"], 2)
    inner = content[START]
    assert inner["kind"].endswith("undisclosed")
    assert inner["max_selections"] == 2
    assert [answer["id"] for answer in inner["answers"]] == ["1", "2"]
    assert inner["question"]["body"] == "Where?"
    assert content["org.matrix.msc1767.text"] == "Where?\n1️⃣ Pizza\n2️⃣ Sushi"
    assert end_content("Over", [2, 1])["m.poll.results"] == {"1": 2, "2": 1}
