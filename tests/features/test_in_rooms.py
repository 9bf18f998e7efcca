"""The features in rooms of a real homeserver, seen by people with clients of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest_asyncio

from esnbot.community.group import Group, Source
from esnbot.matrix.registration import Registration
from esnbot.testing import Person, Seen, eventually
from esnbot.testing.homeserver import Homeserver
from tests.town import Town, a_town, agree_to, answer_to


@pytest_asyncio.fixture
async def town(homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str) -> AsyncIterator[Town]:
    """The community with every room made and an animator in the café, on SQLite."""
    async with a_town(homeserver, service, tmp_path, sqlite_url) as one:
        yield one


@pytest_asyncio.fixture
async def any_town(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> AsyncIterator[Town]:
    """The same on SQLite and on PostgreSQL: the test runs once on each."""
    async with a_town(homeserver, service, tmp_path, database_url) as one:
        yield one


async def test_a_group_is_made_in_chat_within_two_seconds(any_town: Town) -> None:
    zoe, name = await any_town.newcomer(), f"Photo {any_town.settings.homeserver.bot_localpart}"
    cafe, home = await any_town.room("cafe"), await any_town.room("home")
    began = asyncio.get_running_loop().time()
    answer = await answer_to(zoe, cafe, f'!esn group create "{name}" --kind hobby --topic "Light and shadow"')
    took = asyncio.get_running_loop().time() - began

    assert answer.body.startswith(name)
    room = await zoe.wait_for_invite()
    await zoe.join(room)
    welcome = await zoe.wait_for_text("Welcome to", room=room)
    assert welcome.content["msgtype"] == "m.text"
    assert (await zoe.state(room, "m.room.topic") or {})["topic"] == "Light and shadow"
    alias = (await zoe.state(room, "m.room.canonical_alias") or {})["alias"]
    assert await zoe.resolve(alias) == room
    assert await zoe.state(home, "m.space.child", room)
    assert (await zoe.state(room, "m.room.power_levels") or {})["users"][zoe.id] == 50
    # The bound that people are promised, with air for two busy cores.
    assert took < 2.0 * 3


async def test_a_second_group_of_the_name_is_pointed_out_joined_and_renamed(town: Town) -> None:
    zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
    cafe, name = await town.room("cafe"), f"Chess {town.settings.homeserver.bot_localpart}"
    await answer_to(zoe, cafe, f'!esn group create "{name}"')
    room = await zoe.wait_for_invite()
    await zoe.join(room)

    pointed_out = await answer_to(ali, cafe, f'!esn group create "the {name} club"')
    assert f"#{_alias(name)}:" in pointed_out.html
    invited = await answer_to(ali, cafe, f'!esn group join "{name}"')
    assert f"#{_alias(name)}:" in invited.html
    await ali.join(await ali.wait_for_invite(room))

    refused = await answer_to(ali, room, '!esn group rename "Mine"')
    assert "Only" in refused.body
    await answer_to(zoe, room, f'!esn group rename "{name} and go"')
    await eventually(lambda: _named(zoe, room, f"{name} and go"))


def _alias(name: str) -> str:
    return name.lower().replace(" ", "-")


async def _named(person: Person, room: str, name: str) -> bool:
    return (await person.state(room, "m.room.name") or {}).get("name") == name


async def test_a_bot_that_stops_in_the_middle_makes_one_room_and_gives_one_answer(town: Town) -> None:
    zoe, name = await town.newcomer(), f"Film {town.settings.homeserver.bot_localpart}"
    cafe = await town.room("cafe")
    question = await zoe.say(cafe, f'!esn group create "{name}"')
    await town.restart()
    await zoe.wait_for(lambda event: event.thread == question, 20, room=cafe)
    await zoe.join(await zoe.wait_for_invite())
    await town.restart()
    listed = await answer_to(zoe, cafe, "!esn group list film")
    assert listed.body.count(name) == 1
    answers = [event for event in await zoe.messages(cafe) if event.thread == question]
    assert len(answers) == 1
    room = await zoe.resolve(f"#{_alias(name)}:{town.homeserver.server_name}")
    assert room is not None
    assert len([event for event in await zoe.messages(room) if event.sender == town.app.client.user]) == 1


async def test_an_alias_that_somebody_has_is_told_and_leaves_nothing_half_made(any_town: Town) -> None:
    zoe, ali, stranger = [await any_town.newcomer(name) for name in ("zoe", "ali", "sam")]
    cafe, bot = await any_town.room("cafe"), any_town.settings.homeserver.bot_localpart
    name, alias = f"Taken {bot}", f"#taken-{bot}:{any_town.homeserver.server_name}"
    theirs = await stranger.create_room(room_alias_name=f"taken-{bot}")
    for person in (zoe, ali):
        told = await answer_to(person, cafe, f'!esn group create "{name}"')
        assert told.body.startswith(f"I could not make {name}: the address `{alias}` belongs to somebody else's room.")
        status = await answer_to(any_town.animator, cafe, "!esn status")
        assert name not in status.body
    assert await ali.resolve(alias) == theirs

    await stranger.request("DELETE", f"/directory/room/{quote(alias)}")
    made = await answer_to(ali, cafe, f'!esn group create "{name}"')
    assert made.body.startswith(f"{name} ")
    assert await ali.resolve(alias) == await ali.wait_for_invite()


async def test_a_group_of_the_file_that_cannot_be_made_stays_wanted_and_in_the_status(town: Town) -> None:
    max_, cafe, bot = town.animator, await town.room("cafe"), town.settings.homeserver.bot_localpart
    await max_.create_room(room_alias_name=f"late-{bot}")
    late = Group(key="late", name="The late", alias=f"late-{bot}", parent="home", source=Source("community.yaml", 1, 1))
    community = town.settings.community
    await town.app.reconciler.declare(replace(community, groups={**community.groups, "late": late}))
    alias = f"#late-{bot}:{town.homeserver.server_name}"
    reason = f"The late (the address `{alias}` belongs to somebody else's room)"
    await eventually(lambda: _in_status(max_, cafe, reason))
    await max_.say(cafe, "!esn language french")
    await eventually(lambda: _in_status(max_, cafe, f"The late (l’adresse `{alias}` appartient au salon de"))


async def _in_status(person: Person, room: str, text: str) -> bool:
    return text in (await answer_to(person, room, "!esn status")).body


async def test_archive_and_revive_with_a_yes(town: Town) -> None:
    zoe, home = await town.newcomer(), await town.room("home")
    name = f"Old {town.settings.homeserver.bot_localpart}"
    await answer_to(zoe, await town.room("cafe"), f'!esn group create "{name}"')
    room = await zoe.wait_for_invite()
    await zoe.join(room)

    await agree_to(zoe, room, "!esn group archive")
    await eventually(lambda: _in_space(zoe, home, room, False))
    await answer_to(zoe, await town.room("cafe"), f'!esn group revive "{name}"')
    await eventually(lambda: _in_space(zoe, home, room, True))


async def _in_space(person: Person, space: str, room: str, wanted: bool) -> bool:
    return bool((await person.state(space, "m.space.child", room) or {}).get("via")) is wanted


async def test_handing_over_gives_the_power_and_leaving_means_being_out(town: Town) -> None:
    zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
    name = f"Relay {town.settings.homeserver.bot_localpart}"
    await answer_to(zoe, await town.room("cafe"), f'!esn group create "{name}"')
    room = await zoe.wait_for_invite()
    await zoe.join(room)

    await agree_to(zoe, room, f"!esn group hand-over {ali.id}")
    await ali.join(await ali.wait_for_invite(room))
    await eventually(lambda: _power(ali, room, ali.id, 50))
    await eventually(lambda: _power(ali, room, zoe.id, 0))
    await zoe.say(room, "!esn group leave")
    await eventually(lambda: _membership(ali, room, zoe.id, "leave"))


async def _power(person: Person, room: str, user: str, power: int) -> bool:
    levels = await person.state(room, "m.room.power_levels") or {}
    return bool(levels["users"].get(user, levels.get("users_default", 0)) == power)


async def _membership(person: Person, room: str, user: str, membership: str) -> bool:
    return (await person.members(room)).get(user) == membership


async def test_a_newcomer_is_greeted_once_in_a_direct_chat(town: Town) -> None:
    zoe = await town.newcomer()
    await eventually(lambda: _scheduled(town, "welcome"))
    town.clock.advance(timedelta(seconds=10))
    chat = await zoe.wait_for_invite()
    await zoe.join(chat)
    greeting = await zoe.wait_for_text("Welcome to Ardoise!", room=chat)
    assert "All help all" in greeting.body
    assert "langue fr" in greeting.body

    home = await town.room("home")
    await town.restart()
    await zoe.leave(home)
    await zoe.join(home)
    await answer_to(zoe, await town.room("cafe"), "!esn help")
    town.clock.advance(timedelta(minutes=1))
    await answer_to(zoe, await town.room("cafe"), "!esn group list")
    assert [m.body for m in await zoe.messages(chat) if m.body.startswith("Welcome")] == [greeting.body]


async def _scheduled(town: Town, module: str) -> bool:
    backlog = await town.app.engine.backlog()
    return backlog.next_due_ms is not None and backlog.next_due_ms <= _ms(town.clock.now() + timedelta(seconds=6))


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


async def test_a_prompt_appears_at_its_time_and_waits_out_a_pause(any_town: Town) -> None:
    cafe, max_ = await any_town.room("cafe"), any_town.animator
    shown = await answer_to(max_, cafe, "!esn prompt next")
    assert "The café, today at 09:30" in shown.body
    any_town.clock.set(datetime(2026, 3, 2, 8, 30, 1, tzinfo=UTC))
    first = await max_.wait_for(lambda event: _is_prompt(any_town, event), room=cafe)

    await agree_to(max_, cafe, "!esn pause")
    status = await answer_to(max_, cafe, "!esn status")
    assert status.body.startswith("I am paused")
    any_town.clock.set(datetime(2026, 3, 5, 8, 30, 1, tzinfo=UTC))
    await eventually(lambda: _next_prompt(max_, cafe, "Monday 9 March"))

    await agree_to(max_, cafe, "!esn resume")
    any_town.clock.set(datetime(2026, 3, 9, 8, 30, 1, tzinfo=UTC))
    await eventually(lambda: _prompts(any_town, cafe, 2))
    prompts = [event.body for event in await max_.messages(cafe) if _is_prompt(any_town, event)]
    assert prompts[0] == first.body
    assert prompts[0] != prompts[1]


def _is_prompt(town: Town, event: Seen) -> bool:
    return event.sender == town.app.client.user and event.body.endswith("Tell us.")


async def _prompts(town: Town, room: str, count: int) -> bool:
    return len([event for event in await town.animator.messages(room) if _is_prompt(town, event)]) == count


async def _next_prompt(person: Person, room: str, day: str) -> bool:
    return day in (await answer_to(person, room, "!esn prompt next")).body
