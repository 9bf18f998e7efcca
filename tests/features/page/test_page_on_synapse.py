"""Pages on a real homeserver: a message with versions in the group's room, a chat to write in, the board beside."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.app import Application
from esnbot.features.text.model import STRUCTURE
from esnbot.matrix.registration import Registration
from esnbot.testing import ManualClock, Seen, eventually
from esnbot.testing.board import OpenBoard
from esnbot.testing.homeserver import Homeserver
from tests.encryption.test_declared_rooms import at_work, in_the_clear, room_of, settings_with
from tests.encryption.voter import Voter
from tests.town import Town, a_town, answer_to

KEPT = ("kept_text", "text_version", "page", "page_name", "page_link", "page_draft", "inbox", "outbox", "dead_letter")


def corrects(event: Seen, root: str) -> bool:
    relation = event.content.get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace" and relation["event_id"] == root


async def test_two_people_write_one_page_over_a_restart(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    async with a_town(homeserver, service, tmp_path, database_url) as town:
        zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
        bot, cafe = town.app.client.user, await town.room("cafe")
        await zoe.say(cafe, "!esn page write Bread\nTake flour.\n\nWait for an hour.\n\nBake.")
        root = await ali.wait_for(lambda event: event.sender == bot and STRUCTURE in event.content, room=cafe)
        assert root.body.startswith("📄 Bread")

        # Ali writes at length, in the direct chat.
        await ali.say(cafe, "!esn page edit Bread")
        chat = await ali.wait_for_invite()
        await ali.join(chat)
        await ali.wait_for_text("Send me the whole text", room=chat)
        await ali.say(chat, "Take flour.")
        await town.restart()
        await ali.say(chat, "Wait for two hours.\n\nBake well.")
        await ali.say(chat, "done")
        preview = await ali.wait_for_text("The page as it would be", room=chat)

        # Meanwhile Zoé changes another passage on the board.
        board = OpenBoard(town.app.board.url, town.app.database, town.clock)
        browser = await board.visitor(zoe.id)
        saved = await browser.post(
            "/wiki/cafe/bread/edit", {"base": "1", "words": "Take rye flour.\n\nWait for an hour.\n\nBake."}
        )
        assert saved.status == 303
        await ali.wait_for(lambda event: corrects(event, root.id) and "rye" in str(event.content), room=cafe)

        await ali.react(chat, preview.id, "✅")
        merged = await zoe.wait_for(
            lambda event: corrects(event, root.id) and "Bake well." in str(event.content), room=cafe
        )
        whole = merged.content["m.new_content"]["body"]
        for words in ("Take rye flour.", "Wait for two hours.", "Bake well."):
            assert words in whole
        told = await zoe.wait_for(lambda event: event.thread == root.id, room=cafe)
        assert "at the same time" in told.body
        assert zoe.id in told.content["m.mentions"]["user_ids"]
        await ali.wait_for_text("both stand", room=chat)

        page = (await browser.get("/wiki/cafe/bread")).text
        assert "Take rye flour." in page
        assert "/wiki/cafe/bread/talk" in page
        assert root.id in (await browser.get("/wiki/cafe/bread/talk")).location

        # Who takes the message away takes the page away.
        await town.animator.redact(cafe, root.id)
        await eventually(lambda: _is_gone(browser))
        assert "no page called" in (await answer_to(zoe, cafe, "!esn page show Bread")).body


async def _is_gone(browser: object) -> bool:
    return (await browser.get("/wiki/cafe/bread")).status == 404  # type: ignore[attr-defined]


async def test_many_write_at_the_same_second_and_no_word_is_lost(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    async with a_town(homeserver, service, tmp_path, database_url) as town:
        await _all_at_once(town)


async def _all_at_once(any_town: Town) -> None:
    zoe, ali = await any_town.newcomer("zoe"), await any_town.newcomer("ali")
    cafe, bot = await any_town.room("cafe"), any_town.app.client.user
    lines = [f"line{number}" for number in range(6)]
    await zoe.say(cafe, "!esn page write List\n" + "\n\n".join(lines))
    root = await ali.wait_for(lambda event: event.sender == bot and STRUCTURE in event.content, room=cafe)
    board = OpenBoard(any_town.app.board.url, any_town.app.database, any_town.clock)
    visitors = [await board.visitor(person.id) for person in (zoe, ali)]

    async def write(number: int) -> None:
        words = "\n\n".join(f"{line} new{number}" if at == number else line for at, line in enumerate(lines))
        await visitors[number % 2].post("/wiki/cafe/list/edit", {"base": "1", "words": words})

    await asyncio.gather(*(write(number) for number in range(6)))
    last = await zoe.wait_for(
        lambda event: corrects(event, root.id) and all(f"new{number}" in str(event.content) for number in range(6)),
        room=cafe,
    )
    body = last.content["m.new_content"]["body"]
    assert all(f"line{number} new{number}" in body for number in range(6))


async def test_of_an_encrypted_group_nothing_is_kept_and_nothing_is_on_the_board(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> None:
    clock = ManualClock(datetime.now(UTC))
    zoe = await homeserver.person("zoe")
    settings = settings_with(service, homeserver, tmp_path, database_url, zoe.id)
    async with at_work(settings, clock) as app, Voter(zoe.account, tmp_path / "zoe") as client:
        lab, house = await room_of(app, "lab"), await room_of(app, "house")
        for room in (house, lab):
            await client.join(room)
        await eventually(lambda: client.knows(lab, app.client.user), 20)
        await client.say(lab, "!esn page write Goggles Wear saffron ones, see [[Coats]].")
        await client.wait_for("📄 Goggles")
        await client.say(lab, "!esn page show goggles")
        await client.wait_for("Version 1")
        await client.say(lab, "!esn page add Goggles Wash them in vinegar.")
        await client.wait_for("Saved as version 2" if _english(app) else "version 2")
        await client.say(lab, "!esn page rename Goggles Spectacles")
        await client.wait_for("Spectacles")
        await client.say(lab, "!esn page write spectacles Other words.")
        await client.say(lab, "!esn page list")
        await client.say(lab, "!esn search goggles")
        await client.wait_for("pas cherché" if not _english(app) else "not searched")
        await client.say(lab, "!esn page export")
        await client.wait_for("chiffré" if not _english(app) else "encrypted")
        await eventually(lambda: _nothing_waits(app), 20)
        for table in KEPT:
            stored = await _stored(app, table)
            for word in ("Goggles", "goggles", "saffron", "vinegar", "Spectacles", "Coats"):
                assert word not in stored, (table, word)
        assert "saffron" not in str(await in_the_clear(app, lab))
        board = OpenBoard(app.board.url, app.database, clock)
        browser = await board.visitor(zoe.id)
        for path in ("/wiki/lab", "/wiki/lab/goggles", "/wiki/lab/-/export", "/wiki/lab/-/new"):
            assert (await browser.get(path)).status == 404
        assert "Lab" in (await browser.get("/wiki")).text


def _english(app: Application) -> bool:
    return app.settings.community.default_language == "en"


async def _nothing_waits(app: Application) -> bool:
    async def waiting(conn: AsyncConnection) -> int:
        return int((await conn.execute(text("SELECT count(*) FROM outbox WHERE state = 0"))).scalar_one())

    async with app.database.read() as conn:
        return not await waiting(conn)


async def _stored(app: Application, table: str) -> str:
    async with app.database.read() as conn:
        return str((await conn.execute(text(f"SELECT * FROM {table}"))).all())
