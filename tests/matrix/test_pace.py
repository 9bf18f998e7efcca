"""How often the bot looks for keys."""

from __future__ import annotations

from esnbot.matrix.device import BREATH, WAITED, Pace


def test_after_what_was_waited_for_the_next_look_comes_at_once() -> None:
    pace = Pace()
    assert [pace.pause(empty=True, took=30.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_after_keys_the_next_look_comes_at_once() -> None:
    pace = Pace()
    assert [pace.pause(empty=False, took=0.01) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_a_homeserver_that_does_not_wait_is_asked_more_and_more_seldom() -> None:
    pace = Pace()
    pauses = [pace.pause(empty=True, took=0.01) for _ in range(20)]
    assert pauses[0] == BREATH[0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == BREATH[1]


def test_once_it_waits_again_all_is_as_before() -> None:
    pace = Pace()
    for _ in range(20):
        pace.pause(empty=True, took=0.01)
    assert pace.pause(empty=True, took=WAITED) == 0.0
    assert pace.pause(empty=True, took=0.01) == BREATH[0]
