"""What worked is learned family by family, and decides by a draw that everybody finds alike."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from esnbot.community.model import Occasion, Prompt
from esnbot.features.prompt.learned import NOTHING, Count, Learned, Outcome, before
from esnbot.features.prompt.model import Moment, ahead, choose

COUNTS = st.builds(Count, st.integers(0, 200), st.integers(0, 200))
MARCH = date(2026, 3, 2)


def prompts(*families: str, each: int = 5) -> list[Prompt]:
    return [Prompt(f"{family}-{n}", {"fr": "?"}, family=family) for family in families for n in range(each)]


@given(st.dictionaries(st.sampled_from("abcd"), COUNTS), st.sampled_from("abcde"))
def test_a_share_lies_between_what_the_family_and_what_all_of_them_did(counts: dict[str, Count], family: str) -> None:
    learned = Learned(counts)
    count = counts.get(family, Count())
    own = count.worked / count.tried if count.tried else learned.overall()
    low, high = sorted((own, learned.overall()))
    assert low - 1e-9 <= learned.share(family) <= high + 1e-9
    assert 0 <= learned.draw(family, "seed") <= 1


def test_one_lucky_prompt_says_little_and_many_say_much() -> None:
    learned = Learned({"lucky": Count(1, 0), "proven": Count(30, 3), "others": Count(20, 47)})
    assert learned.overall() < 0.55
    assert learned.share("unknown") == learned.overall()
    assert learned.share("lucky") < learned.share("proven")


def test_what_is_shown_in_a_month_does_not_change_within_it() -> None:
    outcomes = [Outcome("a", "2026-02", Count(3, 1)), Outcome("a", "2026-03", Count(0, 9))]
    assert before(outcomes, date(2026, 3, 31)) == Learned({"a": Count(3, 1)})
    assert before(outcomes, date(2026, 4, 1)) == before(outcomes) == Learned({"a": Count(3, 10)})


def test_what_works_here_comes_early_and_the_rest_is_tried_as_well() -> None:
    moment = Moment(MARCH, learned=Learned({"good": Count(9, 4), "poor": Count(2, 11), "fair": Count(6, 7)}))
    firsts: Counter[str] = Counter()
    for number in range(300):
        chosen = choose(f"group{number}", prompts("good", "poor", "fair", "new"), [], moment)
        assert chosen is not None
        firsts[chosen.key.partition("-")[0]] += 1
    assert firsts["good"] > firsts["fair"] > firsts["poor"]
    assert firsts["new"] > firsts["poor"]


def test_everything_still_appears_before_anything_appears_again() -> None:
    moment = Moment(MARCH, learned=Learned({"good": Count(40, 0), "poor": Count(0, 40)}))
    library = prompts("good", "poor")
    found = [one.key for one in ahead("cafe", library, [], [moment] * 20) if one is not None]
    assert len(set(found[:10])) == len(set(found[10:])) == 10


def test_whoever_draws_finds_the_same() -> None:
    moment = Moment(MARCH, learned=Learned({"a": Count(4, 2), "b": Count(2, 4)}))
    library = prompts("a", "b", "c")
    order = ahead("cafe", library, [], [moment] * 15)
    assert ahead("cafe", library[::-1], [], [moment] * 15) == order
    assert ahead("help", library, [], [moment] * 15) != order


def test_a_prompt_of_a_season_comes_in_it_first_and_else_not_at_all() -> None:
    snow = Prompt("snow", {"fr": "?"}, family="seasons", months=frozenset({12, 1}))
    library = [*prompts("free", each=3), snow]
    first = ahead("cafe", library, [], [Moment(date(2026, 12, 7))] * 4)
    assert first[0] is not None
    assert first[0].key == "snow"
    spring = ahead("cafe", library, [], [Moment(MARCH)] * 9)
    assert "snow" not in {one.key for one in spring if one is not None}


def test_seasons_do_not_crowd_out_the_rest() -> None:
    seasons = [Prompt(f"s{n}", {"fr": "?"}, family="seasons", months=frozenset({3})) for n in range(4)]
    found = ahead("cafe", [*prompts("free", each=4), *seasons], [], [Moment(MARCH)] * 8)
    assert [one.key.startswith("s") for one in found if one is not None] == [True, False] * 4


def test_a_prompt_of_a_day_comes_on_that_day() -> None:
    friday = Prompt("friday", {"fr": "?"}, weekdays=frozenset({4}))
    assert choose("cafe", [friday], [], Moment(date(2026, 3, 5))) is None
    assert choose("cafe", [friday], [], Moment(date(2026, 3, 6))) is not None


def test_an_occasion_goes_before_everything_and_is_awaited() -> None:
    hush = Prompt("hush", {"fr": "?"}, occasion=Occasion.silence)
    library = [*prompts("free"), hush]
    quiet = choose("cafe", library, [], Moment(MARCH, frozenset({Occasion.silence}), NOTHING))
    assert quiet is not None
    assert quiet.key == "hush"
    found = ahead("cafe", library, [], [Moment(MARCH)] * 10)
    assert "hush" not in {one.key for one in found if one is not None}
