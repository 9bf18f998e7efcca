"""The door of the board: links that work once, in one browser, for those who belong here, and for nobody else."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.audience import Audience, Perimeter
from esnbot.engine import effects_in, inbox
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Say
from esnbot.engine.engine import backlog
from esnbot.engine.feature import Context
from esnbot.engine.incoming import Incoming
from esnbot.engine.tables import outbox
from esnbot.testing import eventually
from esnbot.testing.board import Answer, OpenBoard, Visitor
from esnbot.testing.browser import PHONE, Windows
from esnbot.web import links, sessions
from esnbot.web.door import PER_ADDRESS, PER_PERSON
from esnbot.web.guard import path_within
from tests.features.house import ALI, BOT, EVE, ZOE, House, a_community, a_house

LINK = re.compile(r"/sign-in/([\w-]{40,})")


class Door:
    """A board, the bot's house behind it, and a stranger's browser in front."""

    def __init__(self, house: House, board: OpenBoard) -> None:
        self.house, self.board = house, board

    def browser(self) -> Visitor:
        return self.board.stranger()

    async def ask(self, browser: Visitor, user: str, **fields: str) -> Answer:
        page = await browser.get("/sign-in")
        browser.cookies.update(page.cookies)
        return await browser.post("/sign-in", {"user_id": user, **fields, "csrf": csrf_of(page)})

    async def links(self, count: int = 1) -> list[str]:
        """The tokens that the bot has sent in private, once there are so many."""

        async def sent() -> list[str]:
            found = [token for say in await self.said() for token in LINK.findall(say.body)]
            return found if len(found) >= count else []

        return await eventually(sent)

    async def said(self) -> list[Say]:
        """All that the bot would say."""
        async with self.board.database.read() as conn:
            bodies = (await conn.execute(select(outbox.c.body).order_by(outbox.c.seq))).scalars().all()
        return [effect for effect in map(effects_in.read, bodies) if isinstance(effect, Say)]

    async def write(self, user: str, text: str, room: str = "!cafe") -> None:
        """Somebody writes in a room, and it is handled."""
        event = {"event_id": f"${text}{user}", "room_id": room, "type": "m.room.message", "sender": user}
        content = {"msgtype": "m.text", "body": text}
        body = json.dumps({**event, "content": content, "origin_server_ts": milliseconds(self.house.clock.now())})

        async def job(conn: AsyncConnection) -> None:
            incoming = [Incoming(event["event_id"], room, body)]
            await inbox.store(conn, incoming, milliseconds(self.house.clock.now()))

        await self.house.write(job)
        await self.settled()

    async def settled(self) -> None:
        """Everything that came in is handled."""

        async def empty() -> bool:
            async with self.board.database.read() as conn:
                return (await backlog(conn)).inbox == 0

        await eventually(empty)


def csrf_of(page: Answer) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found is not None, page.text
    return found[1]


@asynccontextmanager
async def a_door(url: str) -> AsyncIterator[Door]:
    async with a_house(url) as house:
        await house.declare()
        await house.put_in("!cafe", ZOE, ALI)
        async with house.board() as board:
            yield Door(house, board)


@pytest_asyncio.fixture
async def door(sqlite_url: str) -> AsyncIterator[Door]:
    async with a_door(sqlite_url) as found:
        yield found


@pytest_asyncio.fixture
async def any_door(database_url: str) -> AsyncIterator[Door]:
    async with a_door(database_url) as found:
        yield found


async def press(browser: Visitor, token: str) -> Answer:
    """Open a link and press its button."""
    page = await browser.get(f"/sign-in/{token}")
    browser.cookies.update(page.cookies)
    assert page.status == 200, page.text
    return await browser.post(f"/sign-in/{token}", {"csrf": csrf_of(page)})


def session_of(answer: Answer) -> str:
    return answer.cookies.get("esnbot-session", "")


async def test_whoever_asks_gets_a_link_in_private_and_comes_in_where_they_wanted(any_door: Door) -> None:
    browser = any_door.browser()
    answer = await any_door.ask(browser, ZOE, next="/me")
    assert (answer.status, answer.location) == (303, "./sign-in/sent")
    assert "direct" in (await browser.get("/sign-in/sent?lang=en")).text

    [token] = await any_door.links()
    [said] = await any_door.said()
    assert said.room == f"direct:{ZOE}"
    entered = await press(browser, token)

    assert (entered.status, entered.location) == (303, "../me")
    browser.token = session_of(entered)
    assert ZOE in (await browser.get("/me")).text
    await any_door.settled()
    # Nobody comes in unseen: the message says so from now on.
    used = (await any_door.said())[-1]
    assert used.replaces == f"post:{said.key}"
    assert token not in used.body


async def test_a_link_works_once(any_door: Door) -> None:
    browser = any_door.browser()
    await any_door.ask(browser, ZOE)
    [token] = await any_door.links()
    page = await browser.get(f"/sign-in/{token}")
    first = await press(browser, token)
    again = await browser.post(f"/sign-in/{token}", {"csrf": csrf_of(page)})
    assert session_of(first)
    assert (again.status, session_of(again)) == (410, "")


async def test_two_browsers_that_press_at_the_same_moment_do_not_both_come_in(any_door: Door) -> None:
    await any_door.write(ZOE, "!esn board")
    [token] = await any_door.links()
    answers = await asyncio.gather(*(press(any_door.browser(), token) for _ in range(5)), return_exceptions=True)
    entered = [answer for answer in answers if isinstance(answer, Answer) and session_of(answer)]
    assert len(entered) == 1


async def test_a_link_is_too_old_after_ten_minutes(door: Door) -> None:
    browser = door.browser()
    await door.ask(browser, ZOE)
    [token] = await door.links()
    page = await browser.get(f"/sign-in/{token}")
    door.house.clock.advance(links.LASTS)
    assert (await browser.get(f"/sign-in/{token}")).status == 410
    assert (await browser.post(f"/sign-in/{token}", {"csrf": csrf_of(page)})).status == 410


async def test_a_link_asked_for_at_the_door_works_in_no_other_browser(door: Door) -> None:
    mine, other = door.browser(), door.browser()
    await door.ask(mine, ZOE)
    [token] = await door.links()
    page = await other.get(f"/sign-in/{token}", Accept_Language="en")
    assert page.status == 403
    assert "only in the browser in which it was asked for" in page.text
    # Nor when the other browser has a form and a cookie of its own.
    own = await other.get("/sign-in")
    other.cookies.update(own.cookies)
    assert (await other.post(f"/sign-in/{token}", {"csrf": csrf_of(own)})).status == 410
    # The right one still works.
    assert session_of(await press(mine, token))


async def test_a_link_asked_for_in_chat_is_for_the_first_browser(door: Door) -> None:
    await door.write(ZOE, "!esn board")
    [token] = await door.links()
    link, answer = await door.said()
    assert link.room == f"direct:{ZOE}"
    assert answer.room == "!cafe"
    assert token not in answer.body
    first, second = door.browser(), door.browser()
    assert session_of(await press(first, token))
    assert (await second.get(f"/sign-in/{token}")).status == 410
    await door.settled()
    assert (await door.said())[-1].replaces == f"post:/commands/{link.key}"


async def test_opening_a_link_signs_nobody_in(door: Door) -> None:
    await door.write(ZOE, "!rse tableau")
    [token] = await door.links()
    for _ in range(3):
        preview = await door.browser().get(f"/sign-in/{token}", User_Agent="Synapse (bot; +https://github.com)")
        assert session_of(preview) == ""
    async with ClientSession() as session, session.head(f"{door.board.url}/sign-in/{token}") as looked:
        assert looked.status == 405
    async with door.board.database.read() as conn:
        assert await sessions.of_person(conn, ZOE) == []
    assert session_of(await press(door.browser(), token))


async def test_the_page_says_the_same_whoever_is_named(door: Door) -> None:
    said = set()
    for user in (ZOE, "@nobody:example.org", EVE, BOT, "@x:no-such-server.example"):
        browser = door.browser()
        answer = await door.ask(browser, user)
        said.add((answer.status, answer.location, (await browser.get(answer.location[1:])).text))
    assert len(said) == 1
    await door.settled()
    assert len(await door.links()) == 1
    assert [say.room for say in await door.said()] == [f"direct:{ZOE}"]


async def test_somebody_who_was_never_seen_here_is_written_to_only_when_they_write_first(door: Door) -> None:
    """The door is open to the world: it must not make the bot invite accounts that do not exist."""
    new = "@new:example.org"
    await door.ask(door.browser(), new)
    await door.settled()
    assert await door.said() == []
    await door.house.put_in("!cafe", new)
    await door.ask(door.browser(), new)
    assert len(await door.links()) == 1


async def test_nobody_is_buried_in_links_and_the_count_outlives_a_restart(door: Door, sqlite_url: str) -> None:
    for _ in range(PER_PERSON + 3):
        assert (await door.ask(door.browser(), ZOE)).status == 303
    await door.settled()
    assert len(await door.links()) == PER_PERSON
    door.house.restart()
    async with door.house.board() as board:
        again = Door(door.house, board)
        await again.ask(again.browser(), ZOE)
        await again.settled()
        assert len(await door.links()) == PER_PERSON
        # Others are not kept out by it, and an hour later it is forgotten.
        await again.ask(again.browser(), ALI)
        assert len(await door.links(PER_PERSON + 1)) == PER_PERSON + 1
        door.house.clock.advance(timedelta(hours=1))
        await again.ask(again.browser(), ZOE)
        assert len(await door.links(PER_PERSON + 2)) == PER_PERSON + 2


async def test_an_address_cannot_ask_for_ever(any_door: Door) -> None:
    browser = any_door.browser()
    for number in range(PER_ADDRESS):
        assert (await any_door.ask(browser, f"@nobody-{number}:example.org")).status == 303
    refused = await any_door.ask(browser, ZOE)
    assert refused.status == 429
    # A proxy of ours says for whom it asks.
    page = await browser.get("/sign-in")
    fields = {"user_id": ZOE, "csrf": csrf_of(page)}
    assert (await browser.post("/sign-in", fields, X_Forwarded_For="1.2.3.4, 203.0.113.9")).status == 303


@pytest.mark.parametrize(
    "user",
    [
        "",
        "zoe",
        "@zoe",
        "zoe:example.org",
        "@:example.org",
        "@zoe:",
        "@zoe:example.org\n@ali:example.org",
        "@" + "z" * 10_000 + ":example.org",
        '"><script>alert(1)</script>',
    ],
)
async def test_what_is_no_matrix_id_is_explained(door: Door, user: str) -> None:
    answer = await door.ask(door.browser(), user)
    assert answer.status == 400
    assert "<script" not in answer.text
    assert "@zoe:example.org" in answer.text
    assert await door.said() == []


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/%2Fevil.example",
        "/%5cevil.example",
        "/me/../../../x",
        "javascript:alert(1)",
        "/me\r\nSet-Cookie: a=b",
        "/me%0d%0aSet-Cookie:%20a=b",
        "/" + "x" * 1_000,
        "",
    ],
)
async def test_one_never_ends_up_elsewhere(door: Door, wanted: str) -> None:
    browser = door.browser()
    page = await browser.get("/sign-in")
    browser.cookies.update(page.cookies)
    await browser.post("/sign-in", {"user_id": ZOE, "next": wanted, "csrf": csrf_of(page)})
    [token] = await door.links()
    entered = await press(browser, token)
    assert entered.location == "../"
    assert "a" not in entered.cookies


def test_paths_within_the_board_are_kept() -> None:
    for path in ("/", "/notes/3", "/search?q=caf%C3%A9&page=2", "/wiki/a%20b"):
        assert path_within(path) == path


async def test_a_form_of_the_door_needs_its_own_browser(door: Door) -> None:
    page = await door.browser().get("/sign-in")
    without_cookie = door.browser()
    refused = await without_cookie.post("/sign-in", {"user_id": ZOE, "csrf": csrf_of(page)})
    assert refused.status == 403
    browser = door.browser()
    browser.cookies.update((await browser.get("/sign-in")).cookies)
    refused = await browser.post("/sign-in", {"user_id": ZOE, "csrf": csrf_of(page)})
    assert refused.status == 403
    page = await browser.get("/sign-in")
    refused = await browser.post("/sign-in", {"user_id": ZOE, "csrf": csrf_of(page)}, Origin="https://evil.example")
    assert refused.status == 403
    await door.settled()
    assert await door.said() == []


async def test_a_session_that_somebody_planted_is_not_the_one_that_one_gets(door: Door) -> None:
    browser = door.browser()
    browser.token = "planted-by-somebody-else"
    page = await browser.get("/sign-in")
    browser.cookies.update(page.cookies)
    await browser.post("/sign-in", {"user_id": ZOE, "csrf": csrf_of(page)})
    [token] = await door.links()
    entered = await press(browser, token)
    assert session_of(entered) not in ("", "planted-by-somebody-else")
    assert (await browser.get("/me")).status == 303


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(door: Door) -> None:
    browser = door.browser()
    await door.ask(browser, ZOE)
    [token] = await door.links()
    entered = await press(browser, token)
    [cookie] = [line for line in entered.set_cookies if line.startswith("esnbot-session=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


async def test_one_signs_out_here_or_everywhere(door: Door) -> None:
    here, there = await door.board.visitor(ZOE), await door.board.visitor(ZOE)
    ali = await door.board.visitor(ALI)
    assert (await here.get("/sign-out")).status == 405
    assert (await here.post("/sign-out", {"csrf": "x"})).status == 403
    assert (await here.post("/sign-out")).status == 303
    assert (await here.get("/me")).status == 303
    assert (await there.get("/me")).status == 200
    here = await door.board.visitor(ZOE)
    assert (await here.post("/sign-out/everywhere")).status == 303
    assert (await here.get("/me")).status == (await there.get("/me")).status == 303
    assert (await ali.get("/me")).status == 200


async def test_one_signs_out_from_chat(door: Door) -> None:
    zoe = await door.board.visitor(ZOE)
    await door.write(ZOE, "!esn board")
    [token] = await door.links()
    await door.write(ZOE, "!rse tableau déconnecter")
    assert "fermé dans tous vos navigateurs" in (await door.said())[-1].body
    assert (await zoe.get("/me")).status == 303
    assert (await door.browser().get(f"/sign-in/{token}")).status == 410


async def test_what_is_kept_is_shown_and_erased(door: Door) -> None:
    zoe = await door.board.visitor(ZOE)
    module = door.house.features["board"].module
    assert module.export is not None
    assert module.erase is not None
    async with door.board.database.read() as conn:
        kept: Any = await module.export(conn, ZOE)
    assert len(kept["signed_in"]) == 1
    assert zoe.token not in str(kept)
    everything = await zoe.get("/me/everything.json")
    assert everything.headers["Content-Disposition"].startswith("attachment")
    assert '"signed_in"' in everything.text
    erase = module.erase
    await door.house.write(lambda conn: erase(Context(conn=conn, now=door.house.clock.now(), bot=BOT), ZOE))
    assert (await zoe.get("/me")).status == 303


async def test_somebody_who_left_between_link_and_button_stays_out(door: Door) -> None:
    browser = door.browser()
    await door.ask(browser, ZOE)
    [token] = await door.links()
    community = a_community()
    nobody = Audience("staff", "Salariés", Perimeter())
    audiences = {**community.audiences, "staff": nobody}
    door.house.community = a_community(audiences=audiences)
    door.house.restart()
    async with door.house.board() as board:
        browser.url = board.url
        assert session_of(await press(browser, token)) == ""


async def test_tokens_are_not_in_the_tables(door: Door) -> None:
    browser = door.browser()
    await door.ask(browser, ZOE)
    [token] = await door.links()
    async with door.board.database.read() as conn:
        row = (await conn.execute(links.web_link.select())).one()
        asked = (await conn.execute(links.web_asked.select())).all()
    assert token not in str(row)
    assert browser.cookies["esnbot-browser"] not in str(row)
    assert "127.0.0.1" not in str(asked)
    assert ZOE not in str(asked)


async def test_in_a_real_browser_with_the_keyboard_alone(door: Door, browser: Windows) -> None:
    tab = await browser.tab(door.board, size=PHONE, locale="fr-FR")
    await tab.open("/me")
    await tab.page.wait_for_url("**/sign-in?next=*")
    await tab.page.focus("#user_id")
    await tab.page.keyboard.type(ZOE)
    await tab.page.keyboard.press("Enter")
    await tab.page.wait_for_url("**/sign-in/sent")
    assert "conversation privée" in await tab.text()
    [token] = await door.links()
    await tab.open(f"/sign-in/{token}")
    assert not await tab.is_too_wide()
    await tab.page.keyboard.press("Enter")
    await tab.page.wait_for_url("**/me")
    assert ZOE in await tab.text()
    tab.check()
