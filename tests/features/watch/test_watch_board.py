"""The watch on the board: animators decide there what they would decide in the room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from esnbot.engine.effects import Say
from esnbot.features.calendar import records as calendar
from esnbot.features.calendar.model import State
from esnbot.testing.browser import DESK, PHONE, Windows
from tests.features.house import MAX, ZOE, House
from tests.features.watch.watching import ONE, a_newsroom, bring, finds, next_day
from tests.web.audit import audit

SETTINGS: dict[str, Any] = {"sources": [{"url": ONE, "name": "Vélo News"}]}


@pytest_asyncio.fixture
async def room(database_url: str) -> AsyncIterator[House]:
    async with a_newsroom(database_url, SETTINGS) as house:
        yield house


async def drafts(house: House) -> list[calendar.Entry]:
    async with house.database.read() as conn:
        return await calendar.standing(conn, list(State))


async def test_what_is_taken_becomes_a_draft_and_the_room_says_so(room: House) -> None:
    await bring(room, "Un cargo <b>léger</b>")
    [shown] = finds(await next_day(room))
    async with room.board() as board:
        max = await board.visitor(MAX)
        page = (await max.get("/watch")).text
        assert "Un cargo &lt;b&gt;léger&lt;/b&gt;" in page
        assert "Vélo News" in page
        answer = await max.post("/watch", {"find": "1", "press": "take"})
        assert (answer.status, answer.location) == (303, "./watch")
        assert "léger" not in (await max.get("/watch")).text
        await max.post("/watch", {"find": "1", "press": "take"})
    assert [entry.credit for entry in await drafts(room)] == ["Vélo News"]
    assert shown.key


async def test_what_waits_to_be_shown_can_be_decided_about_before(room: House) -> None:
    for title in ("Un", "Deux", "Trois"):
        await bring(room, title)
    async with room.board() as board:
        max = await board.visitor(MAX)
        await max.post("/watch", {"find": "1", "press": "away"})
        await max.post("/watch", {"find": "2", "press": "later"})
        page = (await max.get("/watch")).text
    assert "Trois" in page
    assert "Deux" not in page
    assert [one.body.partition("\n")[0] for one in finds(await next_day(room)) if isinstance(one, Say)] != []
    assert await drafts(room) == []


async def test_it_is_the_animators_business(room: House) -> None:
    await bring(room, "Un cargo")
    async with room.board() as board:
        zoe = await board.visitor(ZOE)
        assert (await zoe.get("/watch")).status == 404
        assert (await zoe.post("/watch", {"find": "1", "press": "take"})).status == 404
        max = await board.visitor(MAX)
        for fields in ({"find": "x", "press": "take"}, {"find": "1", "press": "✅"}, {}):
            assert (await max.post("/watch", fields)).status == 400
        assert (await max.post("/watch", {"find": "99", "press": "take"})).status == 303
    assert await drafts(room) == []


@pytest.mark.parametrize("options", [{"size": DESK}, {"size": PHONE, "color_scheme": "dark"}])
async def test_everybody_can_use_it(sqlite_url: str, browser: Windows, options: dict[str, Any]) -> None:
    async with a_newsroom(sqlite_url, SETTINGS) as house:
        await bring(house, "Un cargo léger", summary="Vingt kilos de moins.")
        async with house.board() as board:
            tab = await browser.tab(board, MAX, **options)
            await tab.open("/watch")
            assert await audit(tab) == []
            assert not await tab.is_too_wide()
            tab.check()
