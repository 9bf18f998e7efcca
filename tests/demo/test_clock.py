"""The demo's clock: faster than life, and never backwards."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from esnbot.demo.clock import ScaledClock

MONDAY = datetime(2026, 11, 9, 7, 0, tzinfo=UTC)


class Real:
    """Real time, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_begins_where_it_is_told_to_and_passes_faster() -> None:
    real = Real()
    clock = ScaledClock(MONDAY, 3600, real=real)
    assert clock.now() == MONDAY
    real.seconds += 2
    assert clock.now() == MONDAY + timedelta(hours=2)


def test_a_change_of_speed_makes_no_jump() -> None:
    real = Real()
    clock = ScaledClock(MONDAY, 3600, real=real)
    real.seconds += 1
    clock.speed = 1
    assert clock.now() == MONDAY + timedelta(hours=1)
    real.seconds += 5
    assert clock.now() == MONDAY + timedelta(hours=1, seconds=5)


async def test_a_week_can_be_waited_for_in_a_moment() -> None:
    clock = ScaledClock(MONDAY, 7 * 24 * 3600 * 20)
    await asyncio.wait_for(clock.wait_until(MONDAY + timedelta(days=7)), timeout=5)
    assert clock.now() >= MONDAY + timedelta(days=7)


async def test_a_sleeper_notices_that_the_clock_became_faster() -> None:
    clock = ScaledClock(MONDAY, 1)
    waiting = asyncio.create_task(clock.wait_until(MONDAY + timedelta(days=1)))
    await asyncio.sleep(0)
    clock.speed = 1_000_000
    await asyncio.wait_for(waiting, timeout=5)


async def test_what_is_past_is_not_waited_for() -> None:
    await asyncio.wait_for(ScaledClock(MONDAY, 1).wait_until(MONDAY - timedelta(days=1)), timeout=1)


@pytest.mark.parametrize("speed", [0, -1])
def test_a_clock_that_stands_or_runs_backwards_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="forward"):
        ScaledClock(MONDAY, speed)


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        ScaledClock(datetime(2026, 11, 9), 1)
