"""Search on the board: a form that needs no scripts, and finds while one types with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from esnbot.features.search import Document, put
from esnbot.testing.board import OpenBoard
from esnbot.testing.browser import PHONE, Browser
from tests.features.house import PAT, ZOE, House


@pytest_asyncio.fixture
async def board(house: House) -> AsyncIterator[OpenBoard]:
    """The board over a house with three notes and a question."""

    async def job(conn: Any) -> None:
        for number, place in enumerate(("cafe", "secret", "yard")):
            note = Document(
                key=f"note:{number}",
                kind="note",
                place=place,
                title=f"Imprimante <b>n° {number}</b>",
                text="Ouvrir le bac du bas, retirer la feuille.",
                tags=("bureau",),
                path=f"/notes/{number}",
                moment=1_772_000_000_000,
            )
            await put(conn, note)
        asked = "Qui sait réparer l’imprimante ?"
        question = Document(key="question:$q", kind="question", place="help", title="", text=asked, event="$q")
        await put(conn, question)

    await house.write(job)
    async with house.board() as one:
        yield one


async def test_it_shows_what_the_reader_may_read_and_nothing_of_the_rest(board: OpenBoard) -> None:
    zoe, pat = await board.visitor(ZOE), await board.visitor(PAT)
    page = (await zoe.get("/search?q=imprimantes")).text
    assert "notes/0" in page
    assert "notes/2" in page
    assert "notes/1" not in page
    assert "réparer" in page
    assert "3 résultats" in page
    assert "<b>n°" not in page
    partner = (await pat.get("/search?q=imprimantes")).text
    assert "notes/2" in partner
    assert "notes/0" not in partner
    assert "réparer" not in partner


async def test_kinds_and_no_result(board: OpenBoard) -> None:
    zoe = await board.visitor(ZOE)
    questions = (await zoe.get("/search?q=imprimante&kind=question")).text
    assert "réparer" in questions
    assert "notes/0" not in questions
    assert "rien trouvé" in (await zoe.get("/search?q=licorne")).text
    assert "rien trouvé" not in (await zoe.get("/search")).text


@pytest.mark.parametrize(
    "query",
    ["q=%22", "q=%00", "q=AND", "q=a&kind=zzz&page=-1", "q=a&page=99999999", "q=" + "x" * 3_000, "q=%F0%9F%8E%89"],
)
async def test_odd_addresses_are_answered(board: OpenBoard, query: str) -> None:
    assert (await (await board.visitor(ZOE)).get(f"/search?{query}")).status == 200


async def test_a_stranger_is_asked_to_sign_in(board: OpenBoard) -> None:
    assert (await board.stranger().get("/search?q=imprimante")).status in (302, 303)


async def test_results_come_while_one_types_and_fit_a_phone(board: OpenBoard, browser: Browser) -> None:
    tab = await browser.tab(board, ZOE, size=PHONE, locale="fr-FR")
    await tab.open("/search")
    await tab.page.get_by_role("searchbox").press_sequentially("impriman")
    await tab.page.get_by_role("link", name="réparer").wait_for()
    await tab.page.get_by_role("status").filter(has_text="3 résultats").wait_for()
    assert await tab.page.get_by_role("link", name="Imprimante <b>").count() == 2
    assert not await tab.is_too_wide()
    tab.check()


async def test_without_scripts_the_button_does_it(board: OpenBoard, browser: Browser) -> None:
    tab = await browser.tab(board, ZOE, locale="fr-FR", java_script_enabled=False)
    await tab.open("/search")
    await tab.page.get_by_role("searchbox").fill("imprimante")
    await tab.page.get_by_role("main").get_by_role("button").click()
    await tab.page.get_by_role("link", name="réparer").wait_for()
    tab.check()
