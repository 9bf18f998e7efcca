"""Notes in a real Chromium: by everybody, on a phone, without scripts, in both languages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from esnbot.testing.board import OpenBoard
from esnbot.testing.browser import DESK, PHONE, Windows
from tests.features.house import ALI, ZOE, House
from tests.features.notes import Room
from tests.features.test_note import HALF_A_YEAR, a_room, a_thread
from tests.web.audit import audit

PATHS = ("/notes", "/notes?q=drill", "/notes?q=elephant", "/notes/1", "/notes/2", "/notes/1/edit", "/notes/1/history")


@pytest_asyncio.fixture
async def room(house: House) -> Room:
    """A café with a written note of two versions, one of a thread, and one in another script."""
    room = await a_room(house)
    await room.say("!esn note Which drill for concrete\nThe **blue** one.\n\n- light\n- cheap #tools", ALI)
    await room.say("!esn note edit 1\nThe **red** one.\n\n- light\n- not cheap #tools")
    await room.react(a_thread(room), ZOE)
    await room.say("!esn note ملاحظة عن الأدوات\nنص طويل هنا #أدوات")
    return room


@pytest_asyncio.fixture
async def board(house: House, room: Room) -> AsyncIterator[OpenBoard]:
    async with house.board() as one:
        yield one


@pytest.mark.parametrize(
    "options",
    [{"size": DESK, "locale": "en-GB"}, {"size": PHONE, "color_scheme": "dark", "locale": "fr-FR"}],
    ids=["desk", "phone"],
)
async def test_the_pages_can_be_used_by_everybody(
    house: House, board: OpenBoard, browser: Windows, options: dict[str, Any]
) -> None:
    await house.let_pass(HALF_A_YEAR)
    tab = await browser.tab(board, ZOE, **options)
    for path in PATHS:
        await tab.open(path)
        assert await audit(tab) == [], path
        assert not await tab.is_too_wide(), path
        assert await tab.page.locator("h1").count() == 1, path
    tab.check()


@pytest.mark.parametrize("java_script", [True, False])
async def test_a_note_is_found_changed_and_found_to_hold(
    house: House, room: Room, board: OpenBoard, browser: Windows, java_script: bool
) -> None:
    await house.let_pass(HALF_A_YEAR)
    tab = await browser.tab(board, ZOE, java_script_enabled=java_script, locale="en-GB")
    page = tab.page
    await tab.open("/notes")
    await page.get_by_label("Words of the note").fill("concrete")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="Which drill for concrete").click()
    await page.get_by_role("button", name="It still holds").click()
    await page.get_by_text("Checked on").wait_for()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Title").fill("Drills")
    await page.get_by_label("Text").fill("The green one.")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("heading", name="Drills").wait_for()
    assert (await room.kept(1)).current.words == "The green one."
    await page.get_by_role("link", name="History").click()
    await page.get_by_role("button", name="Bring version 1 back").click()
    await page.get_by_role("button", name="Bring version 3 back").wait_for()
    assert (await room.kept(1)).current.title == "Which drill for concrete"
    tab.check()
