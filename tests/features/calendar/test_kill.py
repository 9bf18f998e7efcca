"""``kill -9`` at random moments of a year of mornings: each comes once, none is lost."""

from __future__ import annotations

import asyncio
import random
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from esnbot.features.calendar.publishing import STRUCTURE
from esnbot.testing.stub import Reply, StubHomeserver
from esnbot.testing.waiting import eventually
from tests.engine.test_kill import Victim
from tests.features.calendar.kit import PARIS, a_desk
from tests.features.calendar.victim import LATE

FIRST = date(2026, 3, 3)


def posted(stub: StubHomeserver) -> list[str]:
    """The occurrences that the room got, in order."""
    found = [event.content.get(STRUCTURE) for event in stub.sent if event.type == "m.room.message"]
    return [one["occurrence"] for one in found if one is not None]


def mornings(count: int) -> list[str]:
    return [f"{FIRST + timedelta(days=number)}T09:00" for number in range(count)]


@pytest.mark.timeout(1800)
async def test_a_year_of_mornings_through_kills(
    tmp_path: Path, database_url: str, soak: bool, stub_homeserver: StubHomeserver
) -> None:
    kills, days = (200, 365) if soak else (2, 8)
    chance = random.Random(20260303)
    async with a_desk(database_url, grace=LATE) as desk:
        await desk.add('"Good morning" on tuesday 9am in #cafe repeat="every day"')
        begin = desk.house.clock.now()
    (tmp_path / "log").touch()
    # Some answers are lost on the way: what took effect is tried again.
    stub_homeserver.answer("PUT", "/send/m.room.message/", *[Reply.lost()] * (days // 3))
    for number in range(kills + 1):
        done = posted(stub_homeserver)
        # The clock goes on a little after the last morning that came, or a little before it.
        last = datetime.fromisoformat(done[-1]).replace(tzinfo=PARIS) if done else begin
        begin = max(begin, last + timedelta(minutes=chance.randrange(-60, 600)))
        order: dict[str, Any] = {
            "database": database_url,
            "homeserver": stub_homeserver.url,
            "begin": begin.timestamp(),
        }
        victim = Victim(order, tmp_path / "log", "tests.features.calendar.victim")
        try:
            await victim.has_begun()
            if number == kills:
                await eventually(partial(_came, stub_homeserver, victim, days), 600 if soak else 60)
            else:
                # At whatever moment: while it plans, posts, or waits.
                await asyncio.sleep(chance.uniform(0.0, days / kills / 2))
                victim.check()
        finally:
            victim.kill()
    came = posted(stub_homeserver)
    assert came[:days] == mornings(days)
    assert len(came) == len(set(came))


def _came(stub: StubHomeserver, victim: Victim, days: int) -> bool:
    victim.check()
    return len(posted(stub)) >= days
