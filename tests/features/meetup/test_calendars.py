"""Calendars: a feed behind a secret address, files, and a real client that reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import icalendar
import pytest_asyncio

from tests.features.house import ALI, BOT, EVE, MAX, PAT, ZOE, House, a_house, said
from tests.features.meetup.saying import FRIDAY, chat_of, plan
from tests.khal import Khal

BOARD = "https://board.example.org"


@pytest_asyncio.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    """A house with a board."""
    async with a_house(sqlite_url) as one:
        one.address = BOARD
        one.restart()
        await one.put_in(chat_of(ALI), ALI, BOT)
        yield one


async def address_of(house: House, more: str = "") -> str:
    """The path of Ali's feed, as the bot says it in private."""
    body = await house.ask(f"rencontre agenda {more}".strip(), ALI, chat_of(ALI))
    return body[body.index(BOARD) :].split()[0].strip("`").removeprefix(BOARD)


async def test_a_feed_shows_what_one_takes_part_in_and_what_became_of_it(house: House) -> None:
    first = await plan(house)
    await first.come(ALI)
    other = await plan(house, '!esn meetup propose "Walk" on saturday 10am at Park seats=1')
    await other.come(ZOE, ALI)
    await plan(house, '!esn meetup propose "Not mine" on sunday 10am')
    path = await address_of(house)
    async with house.board() as board:
        feed = await board.stranger().get(path)
        assert feed.status == 200
        assert feed.headers["Content-Type"] == "text/calendar; charset=utf-8"
        assert feed.headers["Cache-Control"] == "no-store"
        events = {str(one["summary"]): one for one in icalendar.Calendar.from_ical(feed.text).events}
        assert {name: str(one["status"]) for name, one in events.items()} == {
            "Board games": "CONFIRMED",
            "Walk": "TENTATIVE",
        }
        assert events["Board games"].start == FRIDAY
        assert str(events["Board games"]["uid"]) == "meetup-1@example.org"
        assert "matrix:u/zoe:example.org" in str(events["Board games"]["organizer"])
        await house.agree("!esn meetup cancel 1")
        feed = await board.stranger().get(path)
        cancelled = next(
            one for one in icalendar.Calendar.from_ical(feed.text).events if "Board" in str(one["summary"])
        )
        assert (str(cancelled["status"]), cancelled["sequence"]) == ("CANCELLED", 1)


async def test_its_address_is_a_secret_that_is_kept_by_nobody_and_can_be_taken_back(house: House) -> None:
    sent = await house.say("!rse rencontre agenda", ALI)
    assert [one.room for one in said(sent)] == ["!cafe", f"direct:{ALI}"]
    assert BOARD not in said(sent)[0].body
    assert "déjà un flux" in await house.ask("rencontre agenda", ALI, chat_of(ALI))
    path = await address_of(house, "nouveau")
    async with house.board() as board:
        assert (await board.stranger().get(path)).status == 200
        assert (await board.stranger().get(path.replace(".ics", "x.ics"))).status == 404
        assert "supprimé" in await house.ask("rencontre agenda fin", ALI, chat_of(ALI))
        assert (await board.stranger().get(path)).status == 404


async def test_it_is_read_so_often_and_wrong_addresses_are_tried_so_often(sqlite_url: str) -> None:
    async with a_house(sqlite_url, settings={"meetup": {"feed_an_hour": 2}}) as house:
        house.address = BOARD
        house.restart()
        await house.put_in(chat_of(ALI), ALI, BOT)
        path = await address_of(house)
        async with house.board() as board:
            stranger = board.stranger()
            assert [(await stranger.get(path)).status for _ in range(3)] == [200, 200, 429]
            house.clock.advance(timedelta(hours=1, minutes=1))
            assert (await stranger.get(path)).status == 200
            tried = [(await stranger.get(f"/meetups/feed/wrong{number}.ics")).status for number in range(31)]
            assert (tried[0], tried[-1]) == (404, 429)
            assert (await stranger.get(path)).status == 200


async def test_whoever_leaves_the_group_or_the_community_reads_nothing_of_it(house: House) -> None:
    it = await plan(house)
    await it.come(ALI)
    path = await address_of(house)
    await house.member(ALI, "!cafe", "leave")
    async with house.board() as board:
        feed = await board.stranger().get(path)
        assert icalendar.Calendar.from_ical(feed.text).events == []
    await house.erase("meetup", ALI)
    async with house.board() as board:
        assert (await board.stranger().get(path)).status == 404


async def test_the_file_is_for_those_who_may_see_the_group(house: House) -> None:
    await house.put_in("!secret", ZOE)
    await plan(house)
    await plan(house, '!esn meetup propose "Hidden" on friday 6pm', room="!secret")
    async with house.board() as board:
        zoe, pat = await board.visitor(ZOE), await board.visitor(PAT)
        file = await zoe.get("/meetups/1.ics")
        assert file.headers["Content-Disposition"] == 'attachment; filename="meetup-1.ics"'
        assert str(icalendar.Calendar.from_ical(file.text)["method"]) == "PUBLISH"
        assert (await zoe.get("/meetups/2.ics")).status == 200
        assert (await (await board.visitor(MAX)).get("/meetups/2.ics")).status == 404
        assert (await pat.get("/meetups/1.ics")).status == 404
        assert (await zoe.get("/meetups/99.ics")).status == 404
        assert (await zoe.get("/meetups/x.ics")).status == 404
        assert (await board.stranger().get("/meetups/1.ics")).status == 303
    assert await house.say("!esn meetup feed", EVE) == []


async def test_without_a_board_there_is_no_feed(sqlite_url: str) -> None:
    async with a_house(sqlite_url) as house:
        assert "pas de flux" in await house.ask("!rse rencontre agenda", ALI)


async def test_a_real_calendar_program_reads_the_feed(house: House, tmp_path: Path) -> None:
    it = await plan(house, '!esn meetup propose "Jeux, thé; & \\"co\\" 🎲" on friday 6pm at "Cantine, Lyon"')
    await it.come(ALI)
    path = await address_of(house)
    async with house.board() as board:
        feed = (await board.stranger().get(path)).text
    khal = Khal(tmp_path)
    khal.take(feed)
    listed = khal.listed("2026-03-06")
    assert '18:00 Jeux, thé; & "co" 🎲 @ Cantine, Lyon' in listed
