"""Commands that are given by a form: rights, values and sentences as in a direct chat, and nothing in rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from esnbot.commands.asked import ASKED, Outcome, outcome_of
from esnbot.engine.effects import Effect, Say
from esnbot.features.status import is_paused
from tests.features.house import EVE, MAX, ZOE, House, a_house


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with a_house(database_url) as found:
        yield found


async def ask(house: House, by: str, noun: str, verb: str, **content: Any) -> tuple[list[Effect], Outcome]:
    """Give a command; what goes out, and what became of it."""
    effects = await house.tell(ASKED, by=by, noun=noun, verb=verb, **content)
    last = f"test:{next(house.numbers) - 1}"
    async with house.database.read() as conn:
        return effects, await outcome_of(conn, last)


async def test_a_command_is_done_and_its_answer_is_for_the_page(house: House) -> None:
    effects, outcome = await ask(house, ZOE, "me", "site", args={"name": "Lyon"}, language="en")
    assert not [one for one in effects if isinstance(one, Say)]
    assert outcome == Outcome("Noted: your site is <strong>Lyon</strong>.")
    assert "lyon" in str(await house.export("person", ZOE))


async def test_it_speaks_the_language_of_the_page(house: House) -> None:
    _, outcome = await ask(house, ZOE, "me", "site", args={"name": "Lyon"}, language="fr")
    assert "votre site" in outcome.html


async def test_what_is_wrong_is_said_and_nothing_is_done(house: House) -> None:
    _, outcome = await ask(house, ZOE, "group", "create", args={"name": "x" * 10_000}, language="en")
    assert outcome.failed
    assert outcome.html
    _, missing = await ask(house, ZOE, "group", "create", args={}, language="en")
    assert missing.failed
    assert "missing" in missing.html


async def test_rights_are_those_of_the_person(house: House) -> None:
    for by, noun, verb in ((ZOE, "pause", "begin"), (ZOE, "nothing", "x"), (MAX, "status", "nothing")):
        _, outcome = await ask(house, by, noun, verb, language="en", yes=True)
        assert (outcome.failed, outcome.html) == (True, "You may not do this."), (by, noun, verb)
    effects, outcome = await ask(house, EVE, "me", "site", args={"name": "Lyon"})
    assert (effects, outcome) == ([], Outcome())


async def test_what_asks_first_is_done_with_a_yes(house: House) -> None:

    effects, outcome = await ask(house, MAX, "pause", "begin", args={}, language="en")
    assert effects == []
    assert outcome.asks
    assert not await house.write(is_paused)
    _, outcome = await ask(house, MAX, "pause", "begin", args={}, language="en", yes=True)
    assert not outcome.asks
    assert await house.write(is_paused)


async def test_nobody_gives_a_command_in_another_name_from_a_room(house: House) -> None:
    content = {"by": MAX, "noun": "pause", "verb": "begin", "args": {}, "yes": True}
    await house.hear(type=ASKED, sender=ZOE, content=content)

    assert not await house.write(is_paused)


async def test_markup_in_values_stays_text(house: House) -> None:
    _, outcome = await ask(house, ZOE, "me", "site", args={"name": "<script>@room</script>"}, language="en")
    assert "<script>" not in outcome.html
