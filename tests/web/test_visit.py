"""Visits to the board: who is let in, what a form needs, and how a page has something done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from esnbot.testing.browser import PHONE, Windows
from esnbot.web import sessions
from esnbot.web.guard import csrf_token
from tests.features.house import EVE, MAX, ZOE
from tests.web.guestbook import FAILS, Place, a_board, without_staff


@pytest_asyncio.fixture
async def place(sqlite_url: str) -> AsyncIterator[Place]:
    async with a_board(sqlite_url) as found:
        yield found


@pytest_asyncio.fixture
async def any_place(database_url: str) -> AsyncIterator[Place]:
    async with a_board(database_url) as found:
        yield found


async def test_a_page_has_something_done_and_shows_it(any_place: Place) -> None:
    zoe = await any_place.board.visitor(ZOE)
    answer = await zoe.post("/book", {"line": "Bonjour\r\n\u202eà tous\u0000"})
    assert (answer.status, answer.location) == (303, "./book/page/1")
    assert any_place.book.lines == [(ZOE, "Bonjour\nà tous")]
    assert "Bonjour" in (await zoe.get("/book/page/1")).text


async def test_many_at_once_are_all_done_each_once(any_place: Place) -> None:
    zoe = await any_place.board.visitor(ZOE)
    answers = await asyncio.gather(*(zoe.post("/book", {"line": str(number)}) for number in range(20)))
    assert {answer.status for answer in answers} == {303}
    assert sorted(int(line) for _, line in any_place.book.lines) == list(range(20))


async def test_what_cannot_be_done_is_said_and_not_believed(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    asked = asyncio.create_task(zoe.post("/book", {"line": FAILS}))
    while not asked.done():
        # The engine tries again before it gives up.
        place.clock.advance(timedelta(seconds=1))
        await asyncio.sleep(0.02)
    answer = await asked
    assert answer.status == 500
    assert "noté dans le journal" in answer.text
    assert "no ink" not in answer.text
    assert place.book.lines == []


async def test_a_stranger_goes_to_the_door_and_the_way_is_remembered(place: Place) -> None:
    stranger = place.board.stranger()
    assert (await stranger.get("/book")).location == "./sign-in?next=%2Fbook"
    assert (await stranger.get("/book/page/1?q=a")).location == "../../sign-in?next=%2Fbook%2Fpage%2F1%3Fq%3Da"
    assert (await stranger.post("/book", {"line": "x"})).location == "./sign-in"
    assert (await stranger.post("/book", {"line": "x"}, Origin="https://evil.example")).status == 403
    stranger.token = "x" * 5_000
    assert (await stranger.get("/book")).status == 303
    assert place.book.lines == []


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ([("csrf", "")], {}),
        ([("csrf", "é" * 64)], {}),
        ([("csrf", csrf_token("somebody else"))], {}),
        ([], {"Origin": "https://evil.example"}),
        ([], {"Origin": "null"}),
        ([], {"Sec_Fetch_Site": "cross-site"}),
        ([], {"Sec_Fetch_Site": "same-site"}),
    ],
)
async def test_a_form_from_elsewhere_does_nothing(
    place: Place, fields: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    zoe = await place.board.visitor(ZOE)
    answer = await zoe.post("/book", [("line", "x"), *fields], **headers)
    assert answer.status == 403
    assert "Rechargez la page" in answer.text
    assert place.book.lines == []


async def test_nobody_loses_what_they_wrote_because_they_are_signed_out_or_the_page_is_old(place: Place) -> None:
    words = "A long and thoughtful <b>text</b>"
    zoe = await place.board.visitor(ZOE)
    await place.board.database.write(lambda conn: sessions.end_all(conn, ZOE))
    out = await zoe.post("/book", {"line": words})
    again = await place.board.visitor(ZOE)
    old = await again.post("/book", {"line": words, "csrf": csrf_token(zoe.token)})
    assert (out.status, old.status) == (401, 403)
    for answer in (out, old):
        assert "A long and thoughtful &lt;b&gt;text&lt;/b&gt;" in answer.text
        assert "<b>" not in answer.text
    assert place.book.lines == []


async def test_a_form_from_the_board_itself_is_taken(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    answer = await zoe.post("/book", {"line": "x"}, Origin=place.board.url, Sec_Fetch_Site="same-origin")
    assert answer.status == 303


async def test_whoever_does_not_belong_here_any_more_is_signed_out(place: Place, sqlite_url: str) -> None:
    zoe = await place.board.visitor(ZOE)
    assert (await zoe.get("/book")).status == 200
    async with a_board(sqlite_url, without_staff()) as later:
        zoe.url = later.board.url
        assert (await zoe.get("/book")).status == 303
        async with later.board.database.read() as conn:
            assert await sessions.of_person(conn, ZOE) == []
    eve = await place.board.visitor(EVE)
    assert (await eve.get("/book")).status == 303


async def test_a_session_ends_with_its_time(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    place.clock.advance(timedelta(days=1, seconds=1))
    assert (await zoe.get("/book")).status == 303


async def test_tokens_are_not_in_the_database(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    async with place.board.database.read() as conn:
        rows = (await conn.execute(sessions.web_session.select())).all()
    assert zoe.token not in str(rows)
    # What is in the table opens nothing.
    zoe.token = rows[0].token
    assert (await zoe.get("/book")).status == 303


async def test_what_is_not_there_and_what_may_not_be_seen_look_the_same(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    assert (await zoe.get("/book/page/2")).status == 404


async def test_giant_and_strange_forms_are_refused(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    assert (await zoe.post("/book", {"line": "x" * 1_100_000})).status == 413
    assert (await zoe.post("/book", [("a", "b")] * 400)).status == 400
    assert place.book.lines == []


async def test_pages_may_not_be_framed_or_load_from_elsewhere(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    headers = (await zoe.get("/book")).headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_language_that_somebody_chooses_stays(place: Place) -> None:
    zoe = await place.board.visitor(ZOE)
    assert '<html lang="fr"' in (await zoe.get("/book")).text
    assert '<html lang="en"' in (await zoe.get("/book?lang=en")).text
    assert '<html lang="en"' in (await zoe.get("/book")).text


async def test_in_a_real_browser_a_form_is_sent_and_nothing_complains(place: Place, browser: Windows) -> None:
    tab = await browser.tab(place.board, ZOE, size=PHONE, locale="en-GB")
    await tab.open("/book?lang=en")
    await tab.page.fill("#line", "From a browser")
    await tab.page.press("#line", "Enter")
    await tab.page.wait_for_url("**/book/page/1")
    assert "From a browser" in await tab.text()
    assert not await tab.is_too_wide()
    tab.check()


async def test_htmx_fetches_a_piece_of_a_page_within_the_policy(place: Place, browser: Windows) -> None:
    place.book.lines += [(ZOE, "apples"), (ZOE, "pears")]
    tab = await browser.tab(place.board, ZOE)
    await tab.open("/book")
    await tab.page.type("#find", "pear")
    await tab.page.locator("#lines li").nth(1).wait_for(state="detached")
    assert "apples" not in await tab.text()
    tab.check()
    # Signed out meanwhile, the whole page goes to the door, not a piece of it.
    await place.board.database.write(lambda conn: sessions.end_all(conn, ZOE))
    await tab.page.type("#find", "s")
    await tab.page.wait_for_url("**/sign-in?next=*")


async def test_a_page_for_animators_stands_in_their_navigation_only(place: Place) -> None:
    zoe, max = await place.board.visitor(ZOE), await place.board.visitor(MAX)
    assert "book/ink" not in (await zoe.get("/book")).text
    assert "book/ink" in (await max.get("/book")).text


async def test_a_feature_has_style_sheets_and_scripts_of_its_own(place: Place) -> None:
    sheet = await place.board.stranger().get("/assets/book/ink.css")
    assert (sheet.status, sheet.text) == (200, ".ink { color: inherit; }\n")
    # Only what pages load: templates stand in the same folder here.
    assert (await place.board.stranger().get("/assets/book/show.html")).status == 404
