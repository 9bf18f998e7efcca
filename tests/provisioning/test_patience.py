"""Waiting for a homeserver, within bounds."""

from __future__ import annotations

import random

import pytest

from esnbot.matrix.errors import Forbidden, Limited, ServerTrouble, Unreachable
from esnbot.provisioning.patience import ATTEMPTS, WAITS, Patience, together


class Waits:
    """Remembers how long was slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def answers(*errors: Exception):  # type: ignore[no-untyped-def]
    """A request that fails so often, then answers."""
    left = list(errors)

    async def attempt() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return attempt


async def test_a_429_is_waited_out_as_long_as_the_homeserver_says() -> None:
    waits = Waits()
    assert await Patience(waits, random.Random(1))(answers(Limited(3.0), Limited(1.5))) == "answer"
    assert waits.slept[0] == pytest.approx(3.0, abs=0.1)
    assert waits.slept[1] == pytest.approx(1.5, abs=0.1)


async def test_trouble_is_tried_again_with_growing_pauses_and_given_up_in_the_end() -> None:
    waits = Waits()
    trouble = [ServerTrouble(502, "M_UNKNOWN", "")] * 3 + [Unreachable("away")] * ATTEMPTS
    with pytest.raises(Unreachable):
        await Patience(waits)(answers(*trouble))
    assert len(waits.slept) == ATTEMPTS - 1
    assert waits.slept[-1] > waits.slept[0]
    assert max(waits.slept) < 40


async def test_waiting_has_a_bound_too() -> None:
    with pytest.raises(Limited):
        await Patience(Waits())(answers(*[Limited(1.0)] * (WAITS + 1)))


async def test_an_answer_is_an_answer() -> None:
    waits = Waits()
    with pytest.raises(Forbidden):
        await Patience(waits)(answers(Forbidden(403, "M_FORBIDDEN", "no")))
    assert waits.slept == []


async def test_what_fails_in_a_group_comes_out_as_itself() -> None:
    with pytest.raises(Unreachable):
        async with together() as group:
            group.create_task(answers(Unreachable("away"))())
