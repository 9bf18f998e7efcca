"""Feeds for calendar programs: what a secret address shows, to whom, for how long."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from icalendar import Calendar

from esnbot.engine.effects import Effect, Say
from esnbot.features.calendar.feeds import MOST
from esnbot.testing.board import OpenBoard
from tests.features.calendar.kit import ANA, BACK, MAX, Desk, a_desk
from tests.features.house import ZOE, said
from tests.khal import Khal

DIRECT = "!chat"


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with a_desk(database_url) as found:
        await with_board(found)
        yield found


async def with_board(desk: Desk) -> None:
    """The house has a board, and Max a chat with the bot."""
    desk.house.address = "https://board.example.org"
    desk.house.restart()
    await desk.house.put_in(DIRECT, MAX, "@esnbot:example.org")


def path_in(effects: list[Effect]) -> str:
    """The path of the feed that the bot names."""
    text = "\n".join(one.body for one in said(effects))
    found = re.search(r"/calendar/feed/[\w-]+\.ics", text)
    assert found, text
    return found[0]


async def titles(board: OpenBoard, path: str) -> list[str]:
    feed = await board.stranger().get(path)
    assert feed.status == 200, feed.text
    assert feed.headers["Cache-Control"] == "no-store"
    return [str(one["summary"]) for one in Calendar.from_ical(feed.text).events]


async def test_a_feed_shows_what_comes_and_came_with_its_rule(desk: Desk) -> None:
    await desk.add('"Portes ouvertes" on 2026-03-05 10:00 in #cafe line=metier')
    await desk.add('"Le mot du mardi" on 2026-03-03 9:00 in #help repeat="every tuesday"')
    await desk.add('"Une idée" --idea')
    path = path_in(await desk.house.say("calendar feed", MAX, DIRECT))
    async with desk.house.board() as board:
        feed = await board.stranger().get(path)
        events = {str(one["summary"]): one for one in Calendar.from_ical(feed.text).events}
    assert set(events) == {"Portes ouvertes", "Le mot du mardi"}
    assert events["Le mot du mardi"]["rrule"]["FREQ"] == ["WEEKLY"]
    assert events["Portes ouvertes"].decoded("dtstart").isoformat() == "2026-03-05T10:00:00+01:00"


async def test_it_is_of_a_line_a_space_or_ones_own(desk: Desk) -> None:
    await desk.add('"Métier au café" on 2026-03-05 10:00 in #cafe line=metier')
    await desk.add('"Au chantier" on 2026-03-06 10:00 in #yard', ANA)
    paths = {
        what: path_in(await desk.house.say(f"calendar feed {what}", MAX, DIRECT))
        for what in ("line=metier", "group=workshop", "group=cafe", "--own")
    }
    async with desk.house.board() as board:
        shown = {what: await titles(board, path) for what, path in paths.items()}
    assert shown == {
        "line=metier": ["Métier au café"],
        "group=workshop": ["Au chantier"],
        "group=cafe": ["Métier au café"],
        "--own": ["Métier au café"],
    }


async def test_a_real_calendar_program_reads_it_with_its_rule_and_exceptions(desk: Desk, tmp_path: Path) -> None:
    await desk.add('"Le mot du mardi; & co 🎲" on 2026-03-24 9:00 in #cafe repeat="every tuesday" except=2026-03-31')
    path = path_in(await desk.house.say("calendar feed", MAX, DIRECT))
    async with desk.house.board() as board:
        feed = (await board.stranger().get(path)).text
    khal = Khal(tmp_path)
    khal.take(feed)
    shown = {day: khal.listed(day) for day in ("2026-03-24", "2026-03-31", "2026-04-07")}
    # The clocks change between the two.
    assert "09:00 Le mot du mardi" in shown["2026-03-24"]
    assert "09:00 Le mot du mardi" in shown["2026-04-07"]
    assert "Le mot du mardi" not in shown["2026-03-31"]


async def test_in_a_room_the_address_comes_in_private(desk: Desk) -> None:
    effects = await desk.house.say("!esn calendar feed", MAX, BACK)
    rooms = {one.room for one in effects if isinstance(one, Say) and "/calendar/feed/" in one.body}
    assert rooms == {f"direct:{MAX}"}


async def test_it_ends_when_its_owner_says_so_or_is_no_animator(desk: Desk) -> None:
    path = path_in(await desk.house.say("calendar feed", MAX, DIRECT))
    async with desk.house.board() as board:
        assert (await board.stranger().get(path)).status == 200
        await desk.house.say("calendar feed --off", MAX, DIRECT)
        assert (await board.stranger().get(path)).status == 404
        assert (await board.stranger().get("/calendar/feed/x.ics")).status == 404
    assert (await desk.house.export("calendar", MAX))["feeds"] == []


async def test_others_get_none_and_nobody_gets_many(desk: Desk) -> None:
    assert "feed/" not in await desk.house.ask("!esn calendar feed", ZOE, "!cafe")
    for _ in range(MOST):
        path_in(await desk.house.say("calendar feed", MAX, DIRECT))
    assert "--off" in await desk.house.ask("calendar feed", MAX, DIRECT)
    assert len((await desk.house.export("calendar", MAX))["feeds"]) == MOST
    await desk.house.erase("calendar", MAX)
    assert (await desk.house.export("calendar", MAX))["feeds"] == []


async def test_an_address_that_is_asked_for_too_often_waits(database_url: str) -> None:
    async with a_desk(database_url, feed_an_hour=2) as desk:
        await with_board(desk)
        path = path_in(await desk.house.say("calendar feed", MAX, DIRECT))
        async with desk.house.board() as board:
            assert [(await board.stranger().get(path)).status for _ in range(3)] == [200, 200, 429]
