"""The board's own pages in a real Chromium: for everybody, on a phone, by keyboard, in light and dark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import pytest_asyncio

from esnbot.commands import module as commands
from esnbot.commands.registry import Registry
from esnbot.testing.board import OpenBoard
from esnbot.testing.browser import DESK, PHONE, Tab, Windows
from esnbot.web import first_page
from tests.features.house import MAX, ZOE, House, a_house
from tests.web.audit import audit

FOR_ALL: Final = ("/", "/sign-in", "/sign-in/sent", "/sign-in/no-such-link", "/nowhere")
SIGNED_IN: Final = ("/", "/me", "/nowhere")


@asynccontextmanager
async def a_whole_board(house: House) -> AsyncIterator[OpenBoard]:
    """With the first page, too."""
    features = house.features.values()
    registry = Registry([n for one in features for n in one.nouns], [c for one in features for c in one.commands])
    everything = commands.complete(registry, house.community, house.speech)
    async with house.board(lambda reception: first_page.pages(reception, everything)) as board:
        yield board


@pytest_asyncio.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    async with a_house(sqlite_url) as found:
        await found.declare()
        await found.put_in("!cafe", ZOE)
        yield found


@pytest_asyncio.fixture
async def board(house: House) -> AsyncIterator[OpenBoard]:
    async with a_whole_board(house) as found:
        yield found


def mistakes(tab: Tab) -> list[str]:
    """What the console complains of, but for the status that was asked for."""
    return [error for error in tab.errors if "status of 4" not in error]


@pytest.mark.parametrize("user", ["", ZOE], ids=["stranger", "zoe"])
@pytest.mark.parametrize("options", [{"size": DESK}, {"size": PHONE, "color_scheme": "dark"}], ids=["desk", "phone"])
async def test_its_pages_can_be_used_by_everybody(
    board: OpenBoard, browser: Windows, user: str, options: dict[str, Any]
) -> None:
    tab = await browser.tab(board, user, **options)
    for path in SIGNED_IN if user else FOR_ALL:
        await tab.open(path)
        assert await audit(tab) == [], path
        assert not await tab.is_too_wide(), path
        assert await tab.page.locator("h1").count() == 1, path
    assert mistakes(tab) == []
    assert tab.foreign == []


@pytest.mark.parametrize("options", [{"size": DESK}, {"size": PHONE, "color_scheme": "dark"}], ids=["desk", "phone"])
async def test_the_first_pages_of_all_features_can_be_used_by_everybody(
    house: House, board: OpenBoard, browser: Windows, options: dict[str, Any]
) -> None:
    pages = [page for feature in house.features.values() for page in feature.pages]
    # An animator has all of them in the navigation.
    tab = await browser.tab(board, MAX, **options)
    for path in [page.path for page in pages if page.method == "GET" and page.menu is not None]:
        await tab.open(path)
        assert await audit(tab) == [], path
        assert not await tab.is_too_wide(), path
        assert await tab.page.locator("nav.menu a[aria-current=page]").count() == 1, path
    tab.check()


async def test_the_keyboard_reaches_the_content_first(board: OpenBoard, browser: Windows) -> None:
    tab = await browser.tab(board, ZOE)
    await tab.open("/me")
    await tab.page.keyboard.press("Tab")
    assert await tab.page.evaluate("document.activeElement.className") == "skip"
    assert await tab.page.locator(".skip").is_visible()
    await tab.page.keyboard.press("Enter")
    assert await tab.page.evaluate("document.activeElement.id") == "main"
    await tab.page.keyboard.press("Tab")
    assert "everything.json" in await tab.page.evaluate("document.activeElement.href")


@pytest.mark.parametrize("java_script", [True, False])
async def test_one_signs_out_with_and_without_scripts(board: OpenBoard, browser: Windows, java_script: bool) -> None:
    tab = await browser.tab(board, ZOE, java_script_enabled=java_script, locale="fr-FR")
    await tab.open("/me")
    await tab.page.click("text=Se déconnecter ici")
    await tab.page.locator("text=Se connecter").wait_for()
    await tab.open("/me")
    assert "/sign-in?next=" in tab.page.url


async def test_the_language_is_switched_by_a_link(board: OpenBoard, browser: Windows) -> None:
    tab = await browser.tab(board, ZOE)
    await tab.open("/me")
    await tab.page.click("text=English")
    assert await tab.page.locator("h1").inner_text() == "About me"
    await tab.page.click("text=Ardoise")
    assert await tab.page.locator("h1").inner_text() == "What you can ask the bot"
    tab.check()


async def test_what_is_kept_can_be_downloaded(board: OpenBoard, browser: Windows) -> None:
    tab = await browser.tab(board, ZOE)
    await tab.open("/me")
    async with tab.page.expect_download() as waiting:
        await tab.page.click("text=Télécharger")
    assert (await waiting.value).suggested_filename == "everything.json"
