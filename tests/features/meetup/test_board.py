"""Meet-ups on the board: seen by those who are in the group, a place taken and given back there."""

from __future__ import annotations

from typing import Any

import pytest

from esnbot.testing.browser import DESK, PHONE, Windows
from tests.features.house import ALI, PAT, ZOE, House
from tests.web.audit import audit

PROPOSED = '!rse rencontre proposer "Jeux <b>de société</b>" vendredi 18h à "Cantine, Lyon" places=1 visio=https://meet.example.org/x'


@pytest.fixture
async def planned(house: House) -> House:
    await house.say(PROPOSED, ALI)
    return house


async def test_a_place_is_taken_and_given_back(planned: House) -> None:
    async with planned.board() as board:
        zoe = await board.visitor(ZOE)
        page = (await zoe.get("/meetups")).text
        assert "Jeux &lt;b&gt;de société&lt;/b&gt;" in page
        assert "Cantine, Lyon" in page
        taken = await zoe.post("/meetups", {"number": "1", "way": "remote"})
        assert 'role="status"' in taken.text
        assert 'value="leave"' in taken.text
        left = await zoe.post("/meetups", {"number": "1", "way": "leave"})
        assert 'value="leave"' not in left.text


async def test_who_finds_it_full_waits(planned: House) -> None:
    async with planned.board() as board:
        await (await board.visitor(ALI)).post("/meetups", {"number": "1", "way": "site"})
        page = await (await board.visitor(ZOE)).post("/meetups", {"number": "1", "way": "site"})
        assert "liste d’attente" in page.text


async def test_who_is_not_in_the_group_sees_nothing(planned: House) -> None:
    async with planned.board() as board:
        pat = await board.visitor(PAT)
        assert "société" not in (await pat.get("/meetups")).text
        answer = await pat.post("/meetups", {"number": "1", "way": "site"})
        assert "société" not in answer.text
        assert 'role="alert"' in answer.text


@pytest.mark.parametrize("way", ["", "drop", "here"])
async def test_what_is_no_way_is_refused(planned: House, way: str) -> None:
    async with planned.board() as board:
        zoe = await board.visitor(ZOE)
        assert (await zoe.post("/meetups", {"number": "1", "way": way})).status == 400
        assert (await zoe.post("/meetups", {"number": "x", "way": "site"})).status == 400


@pytest.mark.parametrize("options", [{"size": DESK}, {"size": PHONE, "color_scheme": "dark"}])
async def test_everybody_can_use_it(planned: House, browser: Windows, options: dict[str, Any]) -> None:
    async with planned.board() as board:
        tab = await browser.tab(board, ZOE, **options)
        await tab.open("/meetups")
        assert await audit(tab) == []
        assert not await tab.is_too_wide()
        tab.check()
