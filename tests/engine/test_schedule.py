"""The schedule: what is due happens once, whatever the clock did meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from esnbot.engine.effects import Effect, Schedule, Unschedule
from esnbot.engine.engine import Engine
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Module
from esnbot.testing.clock import START
from esnbot.testing.waiting import eventually
from tests.engine.workshop import Workshop

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Bell:
    """A module whose job notes when it rang."""

    def __init__(self) -> None:
        self.rang: list[tuple[str, bool]] = []
        self.then: list[Effect] = []
        self.module = Module("bell", due={"ring": self._ring})

    @property
    def names(self) -> list[str]:
        """The keys of the jobs that rang."""
        return [name for name, _ in self.rang]

    async def _ring(self, _ctx: Context, event: Event) -> Sequence[Effect]:
        self.rang.append((event.text("key"), bool(event.content["missed"])))
        then, self.then = self.then, []
        return then


def at(key: str, when: datetime, **more: Any) -> Schedule:
    return Schedule(key=key, job="ring", due=when, **more)


async def ringing(workshop: Workshop, engine: Engine) -> None:
    """Let everything ring that is due now."""
    while await engine.scheduler.step():
        pass
    await workshop.dispatch(engine)


async def test_a_job_rings_when_it_is_due_and_once(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    await workshop.said(engine, "bell", at("tea", START + HOUR))
    await ringing(workshop, engine)
    assert bell.rang == []
    workshop.clock.advance(HOUR)
    for _ in range(3):
        await ringing(workshop, engine)
    assert bell.rang == [("tea", False)]


async def test_a_started_engine_rings_by_itself(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    await engine.start()
    await workshop.said(engine, "bell", at("tea", START + HOUR))
    await eventually(lambda: workshop.clock.next_wake is not None)
    workshop.clock.advance(HOUR)
    await eventually(lambda: bell.names == ["tea"])
    await workshop.said(engine, "bell", at("now", START))
    await eventually(lambda: bell.names == ["tea", "now"], 5)


async def test_a_clock_that_is_set_back_and_forth_rings_nothing_twice_and_forgets_nothing(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    await workshop.said(engine, "bell", *[at(f"{n:02}", START + n * HOUR) for n in range(24)])
    for moved in (3 * HOUR, -2 * HOUR, 10 * HOUR, -DAY, 2 * DAY, -3 * DAY, 5 * DAY):
        workshop.clock.advance(moved)
        await ringing(workshop, engine)
    assert bell.names == [f"{n:02}" for n in range(24)]


async def test_a_job_is_moved_by_its_key_and_taken_off_by_it(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    await workshop.said(engine, "bell", at("moved", START + HOUR), at("gone", START + HOUR))
    await workshop.said(engine, "bell", at("moved", START + DAY), Unschedule(key="gone"), Unschedule(key="never was"))
    workshop.clock.advance(2 * HOUR)
    await ringing(workshop, engine)
    assert bell.rang == []
    workshop.clock.advance(DAY)
    await ringing(workshop, engine)
    assert bell.names == ["moved"]


async def test_many_jobs_of_one_instant_all_ring(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    await workshop.said(engine, "bell", *[at(f"{n:03}", START + HOUR) for n in range(350)])
    workshop.clock.advance(HOUR)
    await ringing(workshop, engine)
    assert sorted(bell.names) == [f"{n:03}" for n in range(350)]


async def test_what_was_due_while_we_were_off_rings_late_or_says_that_it_was_missed(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    jobs = [
        at("a late", START + HOUR, if_late="run"),
        at("b missed", START + HOUR, if_late="skip"),
        at("c within grace", START + HOUR, if_late="skip", grace=7 * 3600),
        at("d beyond grace", START + HOUR, if_late="skip", grace=3600),
        at("e just now", START + 6 * HOUR - timedelta(seconds=2), if_late="skip"),
    ]
    await workshop.said(engine, "bell", *jobs)
    workshop.clock.advance(6 * HOUR)
    await ringing(workshop, engine)
    assert dict(bell.rang) == {
        "a late": False,
        "b missed": True,
        "c within grace": False,
        "d beyond grace": True,
        "e just now": False,
    }


async def test_a_job_may_be_planned_again_for_the_instant_at_which_it_rang(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    bell.then = [at("again", START)]
    await workshop.said(engine, "bell", at("again", START))
    await ringing(workshop, engine)
    await ringing(workshop, engine)
    assert bell.names == ["again", "again"]


async def test_a_day_with_twenty_five_hours_has_each_local_time_once(workshop: Workshop) -> None:
    bell = Bell()
    engine = workshop.engine(bell.module)
    paris = ZoneInfo("Europe/Paris")
    days = [datetime(2026, 10, day, 9, 30, tzinfo=paris) for day in (24, 25, 26)]
    await workshop.said(engine, "bell", *[at(str(day.day), day) for day in days])
    workshop.clock.set(datetime(2026, 10, 24, 0, 0, tzinfo=UTC))
    heard: list[tuple[str, str]] = []
    while workshop.clock.now() < datetime(2026, 10, 27, tzinfo=UTC):
        await ringing(workshop, engine)
        heard += [(name, workshop.clock.now().astimezone(paris).strftime("%H:%M")) for name in bell.names[len(heard) :]]
        workshop.clock.advance(30 * MINUTE)
    assert heard == [("24", "09:30"), ("25", "09:30"), ("26", "09:30")]
