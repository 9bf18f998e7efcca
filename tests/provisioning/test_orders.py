"""The order of children in a space."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from esnbot.provisioning.orders import appended, orders

keys = st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=12)
some_order = st.one_of(st.integers(0, 20_000).map(lambda number: f"{number:09d}"), st.sampled_from(["", "z", "1"]))


@given(children=keys, found=st.dictionaries(st.text("abcdef", min_size=1, max_size=3), some_order))
def test_orders_grow_and_a_second_look_changes_none(children: list[str], found: dict[str, str]) -> None:
    given_orders = orders(children, found)
    values = [given_orders[child] for child in children]
    assert values == sorted(set(values))
    assert orders(children, given_orders) == given_orders


def test_a_child_in_the_middle_moves_no_other() -> None:
    before = orders(["a", "b"], {})
    after = orders(["a", "new", "b"], before)
    assert {key: after[key] for key in before} == before


def test_one_that_moved_is_the_only_one_to_change() -> None:
    before = orders(["a", "b", "c", "d"], {})
    after = orders(["b", "c", "d", "a"], before)
    assert [key for key in before if before[key] != after[key]] == ["a"]


def test_where_siblings_are_unknown_a_new_child_comes_last() -> None:
    assert appended(["new"], {}, ["000005000", "by hand"]) == {"new": "000006000"}
