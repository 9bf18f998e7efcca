"""The life of groups on a real homeserver: asked, archived and opened again, handed on, narrowed, merged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from esnbot.matrix.registration import Registration
from esnbot.testing import MatrixRefusal, Person, Seen, eventually
from esnbot.testing.homeserver import PASSWORD, Homeserver
from tests import town as towns
from tests.town import Town, a_town, agree_to, answer_to


@pytest_asyncio.fixture
async def town(homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str) -> AsyncIterator[Town]:
    """The community at work, on SQLite."""
    async with a_town(homeserver, service, tmp_path, sqlite_url) as one:
        yield one


@pytest_asyncio.fixture
async def any_town(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str
) -> AsyncIterator[Town]:
    """The same on both databases."""
    async with a_town(homeserver, service, tmp_path, database_url) as one:
        yield one


SUMMER = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
"""A Monday morning, more than ninety days after everything began."""


async def a_group(town: Town, owner: Person, name: str, *others: Person) -> str:
    """A group that somebody made in chat, with others in it."""
    whole = f"{name} {town.settings.homeserver.bot_localpart}"
    answer = await answer_to(owner, await town.room("cafe"), f'!esn group create "{whole}" --kind hobby')
    assert whole in answer.body
    room = await owner.wait_for_invite()
    await owner.join(room)
    for other in others:
        await other.join(room)
    return room


def is_question(town: Town, text: str) -> Any:
    def found(event: Seen) -> bool:
        return event.sender == town.app.client.user and event.type == "m.room.message" and text in event.body

    return found


async def whole_state(person: Person, room: str) -> dict[str, Any]:
    """What makes a room the room that it is."""
    types = ("m.room.name", "m.room.topic", "m.room.power_levels", "m.room.join_rules", "m.room.history_visibility")
    return {type: await person.state(room, type) for type in types}


async def _in_space(person: Person, space: str, room: str, wanted: bool) -> bool:
    return bool((await person.state(space, "m.space.child", room) or {}).get("via")) is wanted


async def _power(person: Person, room: str, user: str, power: int) -> bool:
    levels = await person.state(room, "m.room.power_levels") or {}
    return bool(levels["users"].get(user, levels.get("users_default", 0)) == power)


async def _rule(person: Person, room: str, rule: str) -> bool:
    return (await person.state(room, "m.room.join_rules") or {}).get("join_rule") == rule


async def _membership(person: Person, room: str, user: str, membership: str) -> bool:
    return (await person.members(room)).get(user) == membership


async def test_a_quiet_group_is_asked_archived_and_opened_again_and_nothing_is_lost(any_town: Town) -> None:
    town = any_town
    zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
    home = await town.room("home")
    room = await a_group(town, zoe, "Photo", ali)
    # It stands before another one, and does so again in the end.
    await a_group(town, zoe, "Film")
    words = await ali.say(room, "A picture of the week")
    # What is answered in a room is answered in its order: the picture was heard before the clock is moved.
    await answer_to(ali, room, "!esn group describe")
    await eventually(lambda: _in_space(zoe, home, room, True))
    before, members = await whole_state(zoe, room), await zoe.members(room)
    child = await zoe.state(home, "m.space.child", room)

    town.clock.set(SUMMER)
    question = await zoe.wait_for(is_question(town, "What shall become of"), room=room)
    await town.restart()
    await zoe.wait_for(lambda event: event.type == "m.reaction" and event.content["m.relates_to"]["key"] == "🔀")
    await ali.react(room, question.id, "📦")
    await zoe.react(room, question.id, "📦")
    await zoe.wait_for(is_question(town, "is archived, as you wanted"), room=room)
    await eventually(lambda: _in_space(zoe, home, room, False))
    with pytest.raises(MatrixRefusal):
        await ali.say(room, "Am I still heard?")
    assert words in {event.id for event in await ali.history(room)}
    assert await zoe.members(room) == members

    await answer_to(zoe, await town.room("cafe"), f'!esn group revive "Photo {town.settings.homeserver.bot_localpart}"')
    await eventually(lambda: _in_space(zoe, home, room, True))
    await eventually(lambda: _same(zoe, room, before))
    assert await zoe.state(home, "m.space.child", room) == child
    assert await zoe.members(room) == members
    await ali.say(room, "Here we are again")
    asked = [event for event in await zoe.history(room) if is_question(town, "What shall become of")(event)]
    assert len(asked) == 1


async def _same(person: Person, room: str, before: dict[str, Any]) -> bool:
    return await whole_state(person, room) == before


async def test_the_last_owner_leaves_and_whoever_raises_a_hand_has_the_power(town: Town) -> None:
    zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
    room = await a_group(town, zoe, "Chess", ali)
    await zoe.leave(room)
    question = await ali.wait_for(is_question(town, "Who would like to look after"), room=room)
    # Who comes back owns it no more, also while nobody does.
    await eventually(lambda: _power(ali, room, zoe.id, 0))
    await town.restart()
    await ali.react(room, question.id, "🙋")
    await ali.wait_for(is_question(town, "from now on."), room=room)
    await eventually(lambda: _power(ali, room, ali.id, 50))
    await answer_to(ali, room, "!esn group topic 'Queens and pawns'")


async def test_an_owner_whose_account_is_gone_is_replaced(town: Town) -> None:
    zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
    room = await a_group(town, zoe, "Go", ali)
    proof = {"type": "m.login.password", "password": PASSWORD, "identifier": {"type": "m.id.user", "user": zoe.id}}
    await zoe.request("POST", "/account/deactivate", {"auth": proof})
    question = await ali.wait_for(is_question(town, "Who would like to look after"), room=room)
    await ali.react(room, question.id, "🙋")
    await eventually(lambda: _power(ali, room, ali.id, 50))


async def test_whom_a_group_leaves_out_goes_and_does_not_come_back_until_it_opens(
    homeserver: Homeserver,
    service: Registration,
    tmp_path: Path,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zoe, ali, sam = [await homeserver.person(name) for name in ("zoe", "ali", "sam")]
    crew = f'crew: {{{{name: Crew, people: ["{zoe.id}", "{ali.id}"]}}}}'
    monkeypatch.setattr(towns, "HEAD", towns.HEAD.replace("  staff: {{", f"  {crew}\n  staff: {{{{"))
    monkeypatch.setattr(towns, "CAFE", towns.CAFE.replace("audiences: [staff]", "audiences: [staff, crew]"))
    async with a_town(homeserver, service, tmp_path, sqlite_url) as town:
        for person in (zoe, ali, sam):
            await person.join(await town.room("home"))
            await person.join(await town.room("cafe"))
        room = await a_group(town, zoe, "Boat", sam)

        question = await answer_to(zoe, room, "!esn group for crew")
        assert "These will have to leave" in question.body
        assert sam.id in question.html
        assert await _membership(zoe, room, sam.id, "join")
        await zoe.react(room, question.id, "✅")
        await eventually(lambda: _membership(zoe, room, sam.id, "leave"))
        await eventually(lambda: _rule(zoe, room, "invite"))
        with pytest.raises(MatrixRefusal):
            await sam.join(room)
        await answer_to(
            ali, await town.room("cafe"), f'!esn group join "Boat {town.settings.homeserver.bot_localpart}"'
        )
        await ali.join(await ali.wait_for_invite(room))

        question = await answer_to(zoe, room, "!esn group for everybody")
        assert "It will be for Staff too: a few people at present" in question.body
        assert "Whoever comes in will read what was said before, too" in question.body
        await zoe.react(room, question.id, "✅")
        await ali.wait_for(is_question(town, "has opened this group wider"), room=room)
        await eventually(lambda: _rule(zoe, room, "restricted"))
        await sam.join(room)


async def test_closing_the_door_and_the_past_is_so_on_the_homeserver(town: Town) -> None:
    zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
    room = await a_group(town, zoe, "Film")
    await zoe.say(room, "Between us")
    await answer_to(zoe, room, "!esn group joining invitation")
    await eventually(lambda: _rule(zoe, room, "invite"))
    with pytest.raises(MatrixRefusal):
        await ali.join(room)
    assert (
        "do not know any group"
        in (
            await answer_to(
                ali, await town.room("cafe"), f'!esn group describe "Film {town.settings.homeserver.bot_localpart}"'
            )
        ).body
    )
    await answer_to(zoe, room, "!esn group history joining")
    await eventually(lambda: _past(zoe, room, "joined"))
    await answer_to(zoe, room, f"!esn group invite {ali.id}")
    await ali.join(await ali.wait_for_invite(room))
    await zoe.say(room, "Welcome")
    await ali.wait_for_text("Welcome", room=room)


async def _past(person: Person, room: str, visibility: str) -> bool:
    return (await person.state(room, "m.room.history_visibility") or {}).get("history_visibility") == visibility


async def test_two_groups_become_one_and_the_one_that_ended_can_be_opened_again(any_town: Town) -> None:
    town = any_town
    zoe, ali, sam = [await town.newcomer(name) for name in ("zoe", "ali", "sam")]
    photo, film = await a_group(town, zoe, "Photo", sam), await a_group(town, ali, "Film")
    bot = town.settings.homeserver.bot_localpart
    words = await sam.say(photo, "My first picture")

    await agree_to(zoe, photo, f'!esn group merge "Film {bot}"')
    question = await ali.wait_for(is_question(town, "would like to become part of"), room=film)
    await town.restart()
    await ali.react(film, question.id, "✅")
    farewell = await sam.wait_for(is_question(town, "becomes part of"), room=photo)
    assert f"film-{bot}" in farewell.html
    for person in (zoe, sam):
        assert await person.wait_for_invite(film) == film
        await person.join(film)
    with pytest.raises(MatrixRefusal):
        await eventually(lambda: _mute(sam, photo))
    assert words in {event.id for event in await sam.history(photo)}

    await answer_to(zoe, film, f'!esn group revive "Photo {bot}"')
    await eventually(lambda: _speaks(sam, photo))


async def _mute(person: Person, room: str) -> bool:
    await person.say(room, "Still here")
    return False


async def _speaks(person: Person, room: str) -> bool:
    try:
        await person.say(room, "Here again")
    except MatrixRefusal:
        return False
    return True


async def test_owners_share_a_group(town: Town) -> None:
    zoe, ali = await town.newcomer("zoe"), await town.newcomer("ali")
    room = await a_group(town, zoe, "Garden", ali)
    await agree_to(zoe, room, f"!esn group add-owner {ali.id}")
    await eventually(lambda: _power(zoe, room, ali.id, 50))
    assert await _power(zoe, room, zoe.id, 50)
    await answer_to(ali, room, f"!esn group remove-owner {zoe.id}")
    await eventually(lambda: _power(ali, room, zoe.id, 0))
    assert town.clock.now() - datetime(2026, 3, 2, 7, tzinfo=UTC) < timedelta(hours=1)
