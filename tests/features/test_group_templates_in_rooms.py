"""Groups from templates in rooms of a real homeserver: several rooms, hostile names, taken addresses, two founders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from esnbot.matrix.registration import Registration
from esnbot.testing import Person, Seen, eventually
from esnbot.testing.homeserver import Homeserver
from tests.town import Town, a_town, agree_to, answer_to

PROJECT = """
kind: project
name: {en: Project, fr: Projet}
summary: {en: "A goal, a team.", fr: "Un but, une équipe."}
topic: {en: What we do, fr: Ce que nous faisons}
rooms:
  talk: {}
  decisions: {name: {en: Decisions, fr: Décisions}, posting: owners}
"""
MORE = """
templates: [project.yaml]
features:
  group: {founders_wait: 2 days}
"""
LONG = "x" * 10_000


@pytest_asyncio.fixture
async def any_town(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> AsyncIterator[Town]:
    """A community with a template of two rooms, on SQLite and on PostgreSQL."""
    (tmp_path / "project.yaml").write_text(PROJECT)
    async with a_town(homeserver, service, tmp_path, database_url, MORE) as one:
        yield one


@pytest_asyncio.fixture
async def town(homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str) -> AsyncIterator[Town]:
    """The same on SQLite."""
    (tmp_path / "project.yaml").write_text(PROJECT)
    async with a_town(homeserver, service, tmp_path, sqlite_url, MORE) as one:
        yield one


class Whole:
    """The rooms of a group, by their addresses."""

    def __init__(self, town: Town, key: str) -> None:
        self._town, self._key = town, key

    async def room(self, person: Person, part: str = "", number: str = "") -> str | None:
        """The room behind an address that follows from the group's key."""
        local = f"{self._key}{number}-{part}" if part else f"{self._key}{number}"
        return await person.resolve(f"#{local}:{self._town.homeserver.server_name}")


def named(town: Town, name: str) -> tuple[str, Whole]:
    """A name that no other test uses, and the rooms that follow from it."""
    bot = town.settings.homeserver.bot_localpart
    return f"{name} {bot}", Whole(town, f"{name.lower()}-{bot}")


async def entered(person: Person, *rooms: str | None) -> None:
    """Accept invitations."""
    for room in rooms:
        assert room is not None
        await person.join(await person.wait_for_invite(room))


async def _entered_one(person: Person) -> str:
    """Accept one invitation; its room."""
    room = await person.wait_for_invite()
    person.invites.pop(room, None)
    return await person.join(room)


async def name_of(person: Person, room: str) -> str:
    """What a room is called."""
    return str((await person.state(room, "m.room.name") or {}).get("name"))


async def test_a_project_is_a_space_with_its_rooms_and_who_joins_can_enter_them(any_town: Town) -> None:
    zoe, ali = await any_town.newcomer("zoe"), await any_town.newcomer("ali")
    cafe, home = await any_town.room("cafe"), await any_town.room("home")
    name, whole = named(any_town, "Tram")
    answer = await answer_to(zoe, cafe, f'!esn group create "{name}" --template project', 20)
    assert _is_ready(answer, name)
    space, first, decisions = [await whole.room(zoe, part) for part in ("space", "", "decisions")]
    await entered(zoe, space, first, decisions)
    assert space
    assert first
    assert decisions
    assert [await name_of(zoe, room) for room in (space, first, decisions)] == [name, name, f"{name} · Decisions"]
    assert await zoe.state(home, "m.space.child", space)
    assert await zoe.state(home, "m.space.child", first) is None
    assert await zoe.state(space, "m.space.child", first)
    assert await zoe.state(space, "m.space.child", decisions)
    levels = await zoe.state(decisions, "m.room.power_levels") or {}
    assert (levels["users"][zoe.id], levels["events_default"]) == (50, 50)

    await answer_to(ali, cafe, f'!esn group join "{name}"')
    await entered(ali, space, first)
    # Nobody invited them to this one: its space opens it.
    await ali.join(decisions)

    await agree_to(zoe, first, "!esn group archive")
    await eventually(lambda: _closed(zoe, decisions, True))
    await eventually(lambda: _closed(zoe, first, True))
    await answer_to(zoe, cafe, f'!esn group revive "{name}"')
    await eventually(lambda: _closed(zoe, decisions, False))
    await eventually(lambda: _linked(zoe, home, space))


def _is_ready(answer: Seen, name: str) -> bool:
    return answer.body.startswith(name) and "is ready." in answer.body


async def _closed(person: Person, room: str, closed: bool) -> bool:
    levels = await person.state(room, "m.room.power_levels") or {}
    return (levels["events_default"] == 100) is closed


async def _linked(person: Person, space: str, room: str) -> bool:
    return bool((await person.state(space, "m.space.child", room) or {}).get("via"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("🎉 Fête 🎉", "🎉 Fête 🎉"),
        ("\u202eקבוצה של כולם\u202c", "קבוצה של כולם"),
        ("<h1>Tram</h1><img src=x onerror=alert(1)>", "<h1>Tram</h1><img src=x onerror=alert(1)>"),
        ("@room everybody", "@\u2060room everybody"),
    ],
)
async def test_hostile_names_become_names_and_nothing_else(town: Town, name: str, shown: str) -> None:
    zoe, cafe = await town.newcomer(), await town.room("cafe")
    bot = town.settings.homeserver.bot_localpart
    answer = await answer_to(zoe, cafe, f'!esn group create "{bot} {name}" --template project', 20)
    assert "is ready" in answer.body
    rooms = [await _entered_one(zoe) for _ in range(3)]
    names = sorted([await name_of(zoe, room) for room in rooms])
    assert names == sorted([f"{bot} {shown}", f"{bot} {shown}", f"{bot} {shown} · Decisions"])
    await eventually(lambda: _welcomed(zoe, rooms))
    for room in (*rooms, cafe):
        for event in await zoe.messages(room):
            if event.sender == town.app.client.user:
                assert "<img" not in event.html
                assert "<h1" not in event.html
                assert not (event.content.get("m.mentions") or {}).get("room")


async def _welcomed(person: Person, rooms: list[str]) -> bool:
    for room in rooms:
        if any("Welcome" in event.body for event in await person.messages(room)):
            return True
    return False


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (f"!esn group create {LONG} --template project", "at most 80 characters fit"),
        (f'!esn group create "{"y" * 200}" --template project', "too long"),
        ('!esn group create "\u200b\u202e\u2066" --template project', ""),
        ("!esn group create Tram --template projet-x", "any template called"),
        ("!esn group create Tram --template ../../etc/passwd", "any template called"),
        ('!esn group create Tram --template "<b>@room</b>"', "any template called"),
    ],
)
async def test_what_cannot_be_made_is_said_and_makes_nothing(town: Town, line: str, answer: str) -> None:
    zoe, cafe = await town.newcomer(), await town.room("cafe")
    told = await answer_to(zoe, cafe, line)
    assert answer.replace("\u202f", "") in told.body.replace("\u202f", "").replace(",", "")
    assert "<b>" not in told.html
    await answer_to(zoe, cafe, "!esn group list")
    assert zoe.invites == {}


async def test_an_address_of_its_space_that_somebody_has_leaves_nothing_half_made(any_town: Town) -> None:
    zoe, stranger = await any_town.newcomer("zoe"), await any_town.newcomer("sam")
    cafe, bot = await any_town.room("cafe"), any_town.settings.homeserver.bot_localpart
    name, whole = named(any_town, "Taken")
    await stranger.create_room(room_alias_name=f"taken-{bot}-space")
    told = await answer_to(zoe, cafe, f'!esn group create "{name}" --template project', 20)
    assert told.body.startswith(f"I could not make {name}: the address")
    assert "Nothing of it is left" in told.body
    assert await whole.room(zoe) is None
    assert await whole.room(zoe, "decisions") is None


async def test_an_address_of_a_further_room_that_somebody_has_is_gone_around(any_town: Town) -> None:
    zoe, stranger = await any_town.newcomer("zoe"), await any_town.newcomer("sam")
    cafe, bot = await any_town.room("cafe"), any_town.settings.homeserver.bot_localpart
    name, whole = named(any_town, "Around")
    theirs = await stranger.create_room(room_alias_name=f"around-{bot}-decisions")
    answer = await answer_to(zoe, cafe, f'!esn group create "{name}" --template project', 20)
    assert _is_ready(answer, name)
    assert await whole.room(zoe, "decisions") == theirs
    await entered(zoe, await whole.room(zoe, "decisions-2"))


async def test_names_of_an_archived_group_and_addresses_of_the_file_are_not_taken_over(town: Town) -> None:
    zoe, cafe = await town.newcomer("zoe"), await town.room("cafe")
    name, whole = named(town, "Old")
    await answer_to(zoe, cafe, f'!esn group create "{name}" --template project', 20)
    first = await whole.room(zoe)
    await entered(zoe, first)
    assert first
    await agree_to(zoe, first, "!esn group archive")
    pointed_out = await answer_to(zoe, cafe, f'!esn group create "{name}" --template project')
    assert "archived" in pointed_out.body
    await answer_to(zoe, cafe, f'!esn group create "{name}" --template project --anyway', 20)
    assert await whole.room(zoe) == first
    assert await whole.room(zoe, "decisions", "-2")

    # The café's address is declared, whatever its key is.
    name, whole = named(town, "Cafe")
    answer = await answer_to(zoe, cafe, f'!esn group create "{name}" --template project --anyway', 20)
    assert _is_ready(answer, name)
    assert await whole.room(zoe) == cafe
    assert await whole.room(zoe, "space", "-2")


async def test_two_who_make_the_same_group_in_the_same_second_end_up_in_one(any_town: Town) -> None:
    zoe, ali = await any_town.newcomer("zoe"), await any_town.newcomer("ali")
    cafe = await any_town.room("cafe")
    name, whole = named(any_town, "Twin")
    line = f'!esn group create "{name}" --template project'
    said = dict(zip((zoe, ali), await asyncio.gather(*(person.say(cafe, line) for person in (zoe, ali))), strict=True))

    async def told(person: Person) -> Seen:
        return await zoe.wait_for(
            lambda event: event.thread == said[person] and event.sender == any_town.app.client.user, 20, room=cafe
        )

    first, second = await told(zoe), await told(ali)
    # Whoever the homeserver heard first has it.
    loser, question = (ali, second) if "same moment" in second.body else (zoe, first)
    assert "same moment" in question.body
    await loser.react(cafe, question.id, "✅")
    await entered(loser, await _there(whole, loser, "space"), await _there(whole, loser))
    assert await whole.room(loser, "", "-2") is None


async def _there(whole: Whole, person: Person, part: str = "") -> str | None:
    async def is_there() -> bool:
        return await whole.room(person, part) is not None

    await eventually(is_there)
    return await whole.room(person, part)


async def test_two_found_a_group_and_it_is_made_when_the_second_says_yes(any_town: Town) -> None:
    zoe, ali = await any_town.newcomer("zoe"), await any_town.newcomer("ali")
    cafe = await any_town.room("cafe")
    name, whole = named(any_town, "Duo")
    asked = await answer_to(zoe, cafe, f'!esn group create "{name}" --template project --with {ali.id}')
    assert "once they say yes" in asked.body
    assert await whole.room(zoe) is None

    chat = await ali.join(await ali.wait_for_invite())
    question = await ali.wait_for_text("would like to make a group with you", room=chat)
    await ali.react(chat, question.id, "✅")
    await ali.wait_for_text("my invitation comes with it", room=chat)
    rooms = [await _there(whole, ali, part) for part in ("space", "", "decisions")]
    for person in (zoe, ali):
        await entered(person, *rooms)
    levels = await zoe.state(str(rooms[1]), "m.room.power_levels") or {}
    assert (levels["users"][zoe.id], levels["users"][ali.id]) == (50, 50)
