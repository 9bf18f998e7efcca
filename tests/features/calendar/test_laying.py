"""What has no time finds one: the planner lays it out, its first group bears it, and it is posted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest_asyncio

from esnbot.community.model import Community
from esnbot.community.tempo import Tempo
from esnbot.features import tempo
from esnbot.features.calendar.laying import planned
from esnbot.features.calendar.model import State
from esnbot.features.tempo import Placed
from tests.features.calendar.kit import BACK, MAX, Desk, a_desk, a_staff, posts


def bearing(**stated: object) -> Community:
    """The community, with a café that bears so much."""
    found = a_staff()
    cafe = replace(found.groups["cafe"], tempo=Tempo(**stated))  # type: ignore[arg-type]
    return replace(found, groups={**found.groups, "cafe": cafe})


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with a_desk(database_url, bearing(posts_a_week=1)) as found:
        await found.house.start()
        yield found


async def layout(desk: Desk) -> list[Placed]:
    """Where the planner sees the entries."""
    keeping_of = desk.house.features["calendar"].module.due["lay out"].__self__._keeping  # type: ignore[attr-defined]
    now = desk.house.clock.now()
    async with desk.house.database.read() as conn:
        return await planned(keeping_of, conn, now, keys={"cafe", "help"})


async def test_an_entry_without_a_time_is_posted_once_when_there_is_room(desk: Desk) -> None:
    number = await desk.add('"Portes ouvertes" in #cafe --draft')
    said = await desk.ask(f"fit {number}")
    assert "when there is room for it" in said
    assert (await desk.entry(number)).state is State.scheduled
    [placed] = await layout(desk)
    out = posts(await desk.pass_(timedelta(weeks=3)), "cafe")
    assert [one.body for one in out] == ["Portes ouvertes"]
    assert placed.room == "cafe"
    assert (await desk.entry(number)).state is State.published


async def test_a_week_never_has_more_than_the_room_bears_and_a_flood_is_spread(desk: Desk) -> None:
    numbers = [await desk.add(f'"Billet {n}" in #cafe --draft') for n in range(4)]
    for number in numbers:
        await desk.say(f"fit {number}")
    fixed = await desk.add('"À date" on 2026-03-10 11:00 in #cafe')
    assert (await desk.entry(fixed)).state is State.scheduled
    days = sorted(one.at.date() for one in await layout(desk))
    assert len(days) == 4
    assert all((later - earlier).days >= 7 for earlier, later in pairwise(days))
    assert [str(day) for day in days].count("2026-03-10") == 1


async def test_what_the_planner_shows_is_what_happens(desk: Desk) -> None:
    for n in range(3):
        await desk.say(f"fit {await desk.add(f'Billet{n} in #cafe --draft')}")
    expected = [(str(one.at), one.wish.ref.partition(":")[0]) for one in await layout(desk)]
    happened = []
    for _ in range(28):
        out = posts(await desk.pass_(timedelta(days=1)), "cafe")
        happened += [(one.body, desk.house.clock.now()) for one in out]
    assert len(happened) == len(expected) == 3
    titles = {str(number): f"Billet{n}" for n, number in enumerate((1, 2, 3))}
    assert [titles[number] for _, number in expected] == [body for body, _ in happened]


async def test_it_is_moved_taken_back_and_cancelled_like_any_other(desk: Desk) -> None:
    number = await desk.add('"Portes ouvertes" in #cafe --draft')
    await desk.say(f"fit {number}")
    await desk.say(f"undo {number}")
    assert (await desk.entry(number)).state is State.draft
    assert await layout(desk) == []
    await desk.say(f"fit {number}")
    await desk.say(f"cancel {number}")
    assert await layout(desk) == []
    assert posts(await desk.pass_(timedelta(weeks=2)), "cafe") == []


async def test_it_needs_a_place_and_somebody_elses_eyes_where_that_is_so(desk: Desk) -> None:
    bare = await desk.add('"Portes ouvertes" --draft')
    assert "Say first where it goes" in await desk.ask(f"fit {bare}")
    promo = await desk.add('"Promo" in #cafe line=promo --draft')
    await desk.say(f"fit {promo}")
    assert (await desk.entry(promo)).state is State.review
    assert await layout(desk) == []


async def test_what_is_posted_counts_for_the_room(desk: Desk) -> None:
    await desk.add('"À date" on 2026-03-02 11:00 in #cafe')
    await desk.pass_(timedelta(hours=6))
    verdict = await desk.house.write(
        lambda conn: tempo.may_post(conn, desk.house.community, "cafe", desk.house.clock.now())
    )
    assert not verdict.free
    assert "one post in seven days" in await desk.house.ask("!esn tempo show #cafe", MAX, BACK)
