"""Signing in as it is: a person on a real Synapse, the bot's message, and a real browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from esnbot.app import Application, application
from esnbot.features.board.feature import DECLARATION
from esnbot.matrix.registration import Registration
from esnbot.store import rooms
from esnbot.testing.board import OpenBoard
from esnbot.testing.browser import Windows
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.app.bench import settings_for, with_features


@pytest_asyncio.fixture
async def app(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> AsyncIterator[Application]:
    settings, found = with_features(settings_for(service, homeserver.url, tmp_path, database_url), DECLARATION)
    async with application(settings, found) as app:
        await app.apply(lambda done, total, key: None)
        await app.start()
        await asyncio.wait_for(app.until_ready(), 30)
        yield app


async def test_a_person_asks_on_the_page_and_comes_in_by_the_link_of_their_direct_chat(
    app: Application, homeserver: Homeserver, browser: Windows
) -> None:
    alice = await homeserver.person("alice")
    house = await alice.join(f"#{app.settings.community.spaces['house'].alias}:{homeserver.server_name}")

    async def is_known() -> bool:
        async with app.database.read() as conn:
            return await rooms.membership(conn, house, alice.id) == "join"

    # Whom the bot has never seen gets no link.
    await eventually(is_known)
    board = OpenBoard(app.board.url, app.database, app.clock)
    tab = await browser.tab(board, locale="fr-FR")

    await tab.open("/")
    await tab.page.click("text=Se connecter")
    await tab.page.fill("#user_id", alice.id)
    await tab.page.click("button")
    await tab.page.wait_for_url("**/sign-in/sent")

    chat = await alice.wait_for_invite()
    await alice.join(chat)
    link = await alice.wait_for_text("/sign-in/", room=chat)
    assert link.sender == app.client.user
    address = re.search(r"http://\S+/sign-in/[\w-]+", link.body)
    assert address is not None
    await tab.page.goto(address[0])
    await tab.page.click("main button")
    await tab.page.wait_for_url(f"{app.board.url}/")
    await tab.page.click(".account")
    assert alice.id in await tab.text()
    tab.check()

    # The message tells that it was used.
    edit = await alice.wait_for(lambda seen: seen.content.get("m.relates_to", {}).get("rel_type") == "m.replace")
    assert edit.content["m.relates_to"]["event_id"] == link.id

    # Signed out in chat, the browser is out at its next request.
    await alice.say(chat, "tableau déconnecter")
    await alice.wait_for_text("fermé", room=chat)
    await tab.open("/me")
    assert "/sign-in" in tab.page.url


async def test_the_bot_answers_with_a_link_in_private(app: Application, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    chat = await alice.direct_chat(app.client.user)
    await alice.wait_for(
        lambda seen: (
            seen.type == "m.room.member"
            and seen.state_key == app.client.user
            and seen.content.get("membership") == "join"
        ),
        room=chat,
    )
    await alice.say(chat, "board")
    link = await alice.wait_for_text("/sign-in/", room=chat)
    board = OpenBoard(app.board.url, app.database, app.clock)
    token = link.body.partition("/sign-in/")[2].partition(")")[0].strip()
    page = await board.stranger().get(f"/sign-in/{token}")
    assert alice.id in page.text
