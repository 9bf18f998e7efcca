"""The calendar on the board: seen by animators, moved by hand and by keyboard, alive while others work on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from esnbot.community.group import Kind
from esnbot.community.model import Community, Roles
from esnbot.features.calendar import records
from esnbot.features.calendar.model import Entry, State
from esnbot.testing.board import OpenBoard, Visitor
from esnbot.testing.browser import DESK, PHONE, Tab, Windows
from tests.features.house import ALI, MAX, ZOE, House, a_community, a_group, a_house
from tests.web.audit import audit

LINES = {"metier": {"name": {"fr": "Métier", "en": "Trade"}, "color": "#2a9d8f"}, "fun": {"color": "#e76f51"}}


def with_animators() -> Community:
    """Max and Ali look after a community."""
    groups = (
        a_group(),
        a_group("help", "Entraide", kind=Kind.help),
        a_group("backstage", "Coulisses", kind=Kind.animators),
    )
    return a_community(*groups, roles=Roles(animators=frozenset({MAX, ALI})), animators_room="backstage")


@dataclass
class Desk:
    """The board, and the house behind it."""

    house: House
    board: OpenBoard
    max: Visitor

    async def entry(self, id: int) -> Entry:
        async with self.house.database.read() as conn:
            found = await records.get(conn, id)
        assert found is not None
        return found

    async def let_pass(self, span: timedelta) -> None:
        """Time passes, and Max signs in anew."""
        await self.house.let_pass(span)
        self.max = await self.board.visitor(MAX)

    async def add(self, title: str, plan: str, by: str = MAX, **options: str) -> int:
        """An entry that somebody puts in by chat; its number."""
        more = " ".join(f'{name}="{value}"' for name, value in options.items())
        await self.house.say(f'!esn calendar add "{title}" {plan} {more}', by, "!backstage")
        async with self.house.database.read() as conn:
            return max(entry.id for entry in await records.standing(conn, list(State)))


@pytest_asyncio.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Desk]:
    async with a_house(sqlite_url, with_animators(), {"calendar": {"lines": LINES}}) as house:
        await house.put_in("!backstage", MAX, ALI)
        async with house.board() as board:
            yield Desk(house, board, await board.visitor(MAX))


async def events(desk: Desk, start: str = "2026-03-01", end: str = "2026-04-06") -> list[dict[str, Any]]:
    answer = await desk.max.get(f"/calendar/entries.json?start={start}&end={end}")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.text)
    return found


class TestWhoComesIn:
    async def test_only_who_looks_after_the_community(self, desk: Desk) -> None:
        await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
        zoe = await desk.board.visitor(ZOE)
        for path in (
            "/calendar",
            "/calendar/1",
            "/calendar/entries.json",
            "/calendar/live",
            "/calendar/files",
            "/calendar/calendar.csv",
            "/calendar/new",
            "/calendar/1/edit",
        ):
            assert (await zoe.get(path)).status == 404, path
        for path in ("/calendar/1", "/calendar/1/move", "/calendar/1/undo", "/calendar/new", "/calendar/1/edit"):
            assert (await zoe.post(path, {"do": "cancel", "at": "2026-03-06T10:00", "title": "x"})).status == 404, path
        assert (await desk.entry(1)).at == "2026-03-05T10:00"
        assert 'href="./calendar"' not in (await zoe.get("/me")).text
        assert (await desk.max.get("/calendar/7")).status == 404

    async def test_a_stranger_goes_to_the_door(self, desk: Desk) -> None:
        answer = await desk.board.stranger().get("/calendar")
        assert answer.status == 303


class TestLookingAtIt:
    async def test_what_comes_and_what_waits_is_listed(self, desk: Desk) -> None:
        await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe", line="metier")
        await desk.add("Une idée <b>folle</b>", "--idea")
        page = (await desk.max.get("/calendar")).text
        assert "Portes ouvertes" in page
        assert "Métier" in page
        assert "Une idée &lt;b&gt;folle&lt;/b&gt;" in page
        assert "<b>folle</b>" not in page

    async def test_each_time_of_a_rule_is_an_event_of_its_own_and_stays_where_the_rule_puts_it(
        self, desk: Desk
    ) -> None:
        await desk.add("Le mot du mardi", "on 2026-03-03 9:00 in #cafe", repeat="every tuesday")
        found = await events(desk)
        assert [one["start"] for one in found] == [f"2026-03-{day:02} 09:00" for day in (3, 10, 17, 24, 31)]
        assert not any(one["startEditable"] for one in found)

    async def test_what_was_posted_stays_to_be_seen(self, desk: Desk) -> None:
        await desk.add("Bonjour", "on 2026-03-02 10:00 in #cafe and #help")
        await desk.let_pass(timedelta(days=1))
        [event] = await events(desk)
        assert (event["start"], event["classNames"]) == ("2026-03-02 10:00", ["published"])

    @pytest.mark.parametrize(
        "query", ["", "start=x&end=y", "start=2026-03-01&end=2026-02-01", "start=0001-01-01&end=9999-12-31"]
    )
    async def test_a_span_that_is_none_is_refused(self, desk: Desk, query: str) -> None:
        assert (await desk.max.get(f"/calendar/entries.json?{query}")).status == 400

    async def test_it_shows_how_it_will_look_and_what_was_done(self, desk: Desk) -> None:
        number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
        await desk.house.say(f"!esn calendar move {number} to 2026-03-06 10:00", ALI, "!backstage")
        page = (await desk.max.get(f"/calendar/{number}")).text
        assert "<strong>Portes ouvertes</strong>" in page
        assert "jeudi 5 mars" in page
        assert "vendredi 6 mars" in page

    async def test_what_has_no_time_stands_where_the_planner_sees_it_with_the_reason(self, desk: Desk) -> None:
        number = await desk.add("Portes ouvertes", "in #cafe --draft")
        await desk.max.post(f"/calendar/{number}", {"do": "fit"})
        [event] = await events(desk)
        assert event["classNames"] == ["laid"]
        page = (await desk.max.get(f"/calendar/{number}")).text
        assert 'id="planner"' in page
        await desk.max.post(f"/calendar/{number}/move", {"at": "2026-03-06T11:30"})
        assert (await desk.entry(number)).at == "2026-03-06T11:30"
        assert [one["classNames"] for one in await events(desk)] == [["scheduled"]]


class TestMovingIt:
    async def test_it_is_moved_and_moved_back(self, desk: Desk) -> None:
        number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
        answer = await desk.max.post(f"/calendar/{number}/move", {"at": "2026-03-06T11:30", "revision": "0"})
        assert answer.status in (200, 303), answer.text
        assert (await desk.entry(number)).at == "2026-03-06T11:30"
        assert (await desk.max.post(f"/calendar/{number}/undo", {})).status in (200, 303)
        assert (await desk.entry(number)).at == "2026-03-05T10:00"

    async def test_of_two_who_move_it_at_once_the_second_is_told(self, desk: Desk) -> None:
        number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
        ali = await desk.board.visitor(ALI)
        revision = str((await desk.entry(number)).revision)
        first, second = await asyncio.gather(
            desk.max.post(f"/calendar/{number}/move", {"at": "2026-03-06T10:00", "revision": revision}),
            ali.post(f"/calendar/{number}/move", {"at": "2026-03-09T10:00", "revision": revision}),
        )
        told = [one for one in (first, second) if 'role="alert"' in one.text]
        assert len(told) == 1, (first.text[:500], second.text[:500])
        assert (await desk.entry(number)).at in ("2026-03-06T10:00", "2026-03-09T10:00")

    @pytest.mark.parametrize("at", ["", "tomorrow", "2026-02-30T10:00", "2020-01-01T10:00", "9999-99-99T99:99"])
    async def test_a_time_that_cannot_be_is_refused_in_words(self, desk: Desk, at: str) -> None:
        number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
        answer = await desk.max.post(f"/calendar/{number}/move", {"at": at})
        assert 'role="alert"' in answer.text
        assert (await desk.entry(number)).at == "2026-03-05T10:00"


class TestWritingIt:
    async def test_an_entry_is_written_planned_and_changed(self, desk: Desk) -> None:
        form = {
            "title": "La journée <portes> ouvertes",
            "words": "**Samedi**, venez !\n\n- à midi",
            "at": "2026-03-07T10:00",
            "groups": "cafe",
            "line": "metier",
            "rule": "",
            "language": "fr",
        }
        answer = await desk.max.post("/calendar/new", form)
        assert answer.status == 303, answer.text
        entry = await desk.entry(1)
        assert (entry.at, entry.targets, entry.line, entry.state) == (
            "2026-03-07T10:00",
            ("cafe",),
            "metier",
            State.scheduled,
        )
        page = (await desk.max.get("/calendar/1")).text
        assert "<strong>Samedi</strong>, venez" in page
        assert "&lt;portes&gt;" in page
        changed = {
            **form,
            "title": "La journée",
            "at": "2026-03-08T11:00",
            "line": "fun",
            "revision": str(entry.revision),
        }
        assert (await desk.max.post("/calendar/1/edit", changed)).status == 303
        entry = await desk.entry(1)
        assert (entry.at, entry.line) == ("2026-03-08T11:00", "fun")
        assert "La journée" in (await desk.max.get("/calendar/1")).text

    async def test_what_cannot_be_taken_stays_in_the_form(self, desk: Desk) -> None:
        for form in (
            {"title": "x" * 400, "words": "Ce que j’ai écrit"},
            {"title": "x", "words": "Ce que j’ai écrit", "groups": "nowhere"},
            {"title": "x", "words": "Ce que j’ai écrit", "rule": "FREQ=SECONDLY", "at": "2026-03-07T10:00"},
            {"title": "x", "words": "Ce que j’ai écrit", "link": "javascript:alert(1)"},
        ):
            answer = await desk.max.post("/calendar/new", form)
            assert 'role="alert"' in answer.text, form
            assert "Ce que j’ai écrit" in answer.text
        async with desk.house.database.read() as conn:
            assert await records.standing(conn, list(State)) == []

    async def test_whoever_saves_what_was_changed_meanwhile_keeps_what_they_wrote(self, desk: Desk) -> None:
        number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
        seen = (await desk.entry(number)).revision
        await desk.house.say(f"!esn calendar move {number} to 2026-03-06 10:00", ALI, "!backstage")
        form = {
            "title": "Mon titre",
            "words": "Mes mots",
            "at": "2026-03-05T10:00",
            "groups": "cafe",
            "revision": str(seen),
        }
        answer = await desk.max.post(f"/calendar/{number}/edit", form)
        assert 'role="alert"' in answer.text
        assert "Mes mots" in answer.text
        assert (await desk.entry(number)).at == "2026-03-06T10:00"

    async def test_steps_are_taken_and_what_asks_first_asks(self, desk: Desk) -> None:
        number = await desk.add("Portes ouvertes", "on 2026-03-02 10:00 in #cafe")
        await desk.let_pass(timedelta(hours=5))
        asked = await desk.max.post(f"/calendar/{number}", {"do": "withdraw"})
        assert 'name="yes"' in asked.text
        assert (await desk.entry(number)).state is State.published
        await desk.max.post(f"/calendar/{number}", {"do": "withdraw", "yes": "yes"})
        assert (await desk.entry(number)).state is State.withdrawn
        assert (await desk.max.post(f"/calendar/{number}", {"do": "drop table"})).status == 400


class TestFiles:
    async def test_what_is_taken_away_can_be_brought_in(self, desk: Desk) -> None:
        await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe", line="metier")
        for kind in ("csv", "yaml"):
            away = await desk.max.get(f"/calendar/calendar.{kind}")
            assert "Portes ouvertes" in away.text
            assert "2026-03-05 10:00" in away.text
        table = "title,words,at,groups\nBrocante,Dimanche,2026-03-08 09:00,cafe\nTrop tard,x,2020-01-01 09:00,cafe\n"
        page = await desk.max.upload("/calendar/files", "a.csv", table.encode())
        assert "Brocante" in page.text
        entry = await desk.entry(2)
        assert (entry.state, entry.at, entry.targets) == (State.draft, "2026-03-08T09:00", ("cafe",))
        assert page.text.count('class="mistake"') == 1

    async def test_an_entry_comes_in_with_all_its_languages(self, desk: Desk) -> None:
        text = "- title: {fr: Brocante, en: Flea market}\n  words: {fr: Dimanche, en: On Sunday}\n  groups: [cafe]\n"
        page = await desk.max.upload("/calendar/files", "a.yaml", text.encode())
        assert 'class="mistake"' not in page.text
        shown = (await desk.max.get("/calendar/1")).text
        assert "Dimanche" in shown
        assert "On Sunday" in shown

    async def test_a_file_that_is_none_is_refused_in_words(self, desk: Desk) -> None:
        page = await desk.max.upload("/calendar/files", "a.csv", b"\xff\xfe")
        assert "UTF-8" in page.text


@pytest.mark.parametrize("options", [{"size": DESK}, {"size": PHONE, "color_scheme": "dark", "locale": "fr-FR"}])
async def test_everybody_can_use_it(desk: Desk, browser: Windows, options: dict[str, Any]) -> None:
    number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe", line="metier")
    tab = await browser.tab(desk.board, MAX, **options)
    for path in (f"/calendar/{number}", f"/calendar/{number}/edit", "/calendar/new", "/calendar/files"):
        await tab.open(path)
        assert await audit(tab) == [], path
        assert not await tab.is_too_wide(), path
    await tab.open("/calendar")
    await tab.page.locator("#calendar .ec").wait_for()
    assert not await tab.is_too_wide()
    tab.check()


async def test_an_entry_is_dragged_and_put_back(desk: Desk, browser: Windows) -> None:
    number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
    tab = await browser.tab(desk.board, MAX)
    await tab.open("/calendar")
    await drag(tab, "Portes ouvertes", to_column=5)
    await tab.page.locator("#told button").wait_for()
    assert (await desk.entry(number)).at == "2026-03-06T10:00"
    await tab.page.locator("#told button").click()
    await tab.page.locator("#told:not(:has(button))").wait_for()
    assert (await desk.entry(number)).at == "2026-03-05T10:00"
    tab.check()


async def test_the_keyboard_moves_it_too_and_stays_on_it(desk: Desk, browser: Windows) -> None:
    number = await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
    tab = await browser.tab(desk.board, MAX)
    await tab.open("/calendar")
    await tab.page.locator("a.entry").focus()
    await tab.page.keyboard.press("Alt+ArrowDown")
    await tab.page.locator("#told button").wait_for()
    assert (await desk.entry(number)).at == "2026-03-12T10:00"
    tab.check()


async def test_what_one_does_the_other_sees(desk: Desk, browser: Windows) -> None:
    tab = await browser.tab(desk.board, ALI)
    await tab.open("/calendar")
    await tab.page.locator("#calendar .ec").wait_for()
    await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
    await tab.page.get_by_role("link", name="Portes ouvertes").first.wait_for()
    tab.check()


async def test_without_scripts_it_is_a_list(desk: Desk, browser: Windows) -> None:
    await desk.add("Portes ouvertes", "on 2026-03-05 10:00 in #cafe")
    tab = await browser.tab(desk.board, MAX, java_script_enabled=False)
    await tab.open("/calendar")
    await tab.page.get_by_role("link", name="Portes ouvertes").click()
    assert "Portes ouvertes" in await tab.text()


async def drag(tab: Tab, title: str, *, to_column: int) -> None:
    """Drag an entry of the month to another day of its week."""
    entry = tab.page.locator(".ec-event", has_text=title).first
    await entry.wait_for()
    box = await entry.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await tab.page.mouse.move(x, y)
    await tab.page.mouse.down()
    await tab.page.mouse.move(x + box["width"] * 0.6, y, steps=6)
    await tab.page.mouse.move(x + box["width"] * 1.03, y, steps=6)
    await tab.page.mouse.up()
