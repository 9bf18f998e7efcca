"""On a real homeserver: what is due while people are talking waits, and comes afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from esnbot.matrix.registration import Registration
from esnbot.testing import Person, eventually
from esnbot.testing.homeserver import Homeserver
from tests.town import MONDAY, Town, a_town, answer_to


@pytest_asyncio.fixture
async def town(homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str) -> AsyncIterator[Town]:
    """The community with every room made and an animator in the café, on SQLite."""
    async with a_town(homeserver, service, tmp_path, sqlite_url) as one:
        yield one


async def test_a_prompt_waits_while_people_are_talking_and_comes_afterwards(town: Town) -> None:
    max_, zoe, cafe = town.animator, await town.newcomer("zoe"), await town.room("cafe")
    town.clock.set(MONDAY + timedelta(minutes=89))
    for person, word in ((zoe, "Coffee?"), (max_, "Gladly."), (zoe, "Now?")):
        await person.say(cafe, word)
    await eventually(lambda: _says(max_, cafe, "!esn tempo show", "People are talking here"))

    town.clock.set(MONDAY + timedelta(minutes=91))
    await eventually(lambda: _says(max_, cafe, "!esn prompt next", "today at 09:44"))
    assert await _prompts(town, cafe) == 0

    town.clock.set(MONDAY + timedelta(minutes=105))
    await eventually(lambda: _says(max_, cafe, "!esn prompt next", "Thursday 5 March at 09:30"))
    await eventually(lambda: _came(town, cafe))
    assert "today at 09:45: a prompt" in (await answer_to(max_, cafe, "!esn tempo show")).body
    assert await _prompts(town, cafe) == 1


async def _says(person: Person, room: str, command: str, part: str) -> bool:
    return part in (await answer_to(person, room, command)).body


async def _came(town: Town, room: str) -> bool:
    return await _prompts(town, room) == 1


async def _prompts(town: Town, room: str) -> int:
    texts = [one for one in await town.animator.messages(room) if one.sender == town.app.client.user]
    return sum(one.content.get("msgtype") == "m.text" and one.thread is None and "?" in one.body for one in texts)
