"""Where the calendar meets the rota: who is asked while somebody is away, and what one finds in one's own work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from tests.features.calendar.kit import ANA, BACK, MAX, Desk, a_desk
from tests.features.house import said

DIRECT = "!chat"


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with a_desk(database_url) as found:
        yield found


async def test_a_review_goes_to_somebody_else_while_its_reviewer_is_away(desk: Desk) -> None:
    await desk.house.say("!esn rota away --until friday", ANA, BACK)
    number = await desk.add(f'"Portes ouvertes" on 2026-03-05 10:00 in #cafe reviewer={ANA} --draft')
    effects = await desk.say(f"submit {number}")
    [question] = [one for one in said(effects) if one.key.startswith("review:")]
    assert question.mentions == (MAX,)
    await desk.house.say("!esn rota back", ANA, BACK)
    other = await desk.add(f'"Brocante" on 2026-03-05 11:00 in #cafe reviewer={ANA} --draft')
    [question] = [one for one in said(await desk.say(f"submit {other}")) if one.key.startswith("review:")]
    assert question.mentions == (ANA,)


async def test_whoever_is_on_is_asked_before_something_is_posted(desk: Desk) -> None:
    await desk.house.say(f"!esn rota order {ANA} {MAX}", MAX, BACK)
    await desk.add('"Portes ouvertes" on 2026-03-03 14:00 in #cafe --ask')
    [asked] = [one for one in await desk.pass_(timedelta(days=1, hours=3)) if one.key.startswith("ask:")]
    assert asked.mentions == (ANA,)


async def test_what_one_posted_and_looked_at_is_in_ones_own_work(desk: Desk) -> None:
    await desk.house.put_in(DIRECT, MAX, "@esnbot:example.org")
    number = await desk.add('"Promo" on 2026-03-05 10:00 in #cafe line=promo', ANA)
    await desk.say(f"approve {number}")
    await desk.add('"Portes ouvertes" on 2026-03-02 10:00 in #cafe')
    await desk.pass_(timedelta(hours=4))
    shown = await desk.house.ask("rota work", MAX, DIRECT)
    assert "one post published" in shown
    assert "one post reviewed" in shown
