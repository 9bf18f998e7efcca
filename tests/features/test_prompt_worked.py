"""It is counted whether a prompt started a conversation: without senders, and not in small groups."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from esnbot.community.model import Occasion, Prompt
from esnbot.engine.effects import Say
from esnbot.features.prompt import records
from tests.features.house import (
    ALI,
    BOT,
    MAX,
    PROMPTS,
    SERVER,
    ZOE,
    House,
    a_community,
    a_group,
    a_house,
    a_tempo,
    said,
)

KIM, LEO = f"@kim:{SERVER}", f"@leo:{SERVER}"
WORKED, SILENT = (1, 0), (0, 1)


@pytest_asyncio.fixture
async def cafe(house: House) -> House:
    """Five people in the café."""
    await house.put_in("!cafe", KIM, LEO)
    await house.start()
    return house


@pytest_asyncio.fixture
async def any_cafe(any_house: House) -> House:
    """The same on each database."""
    await any_house.put_in("!cafe", KIM, LEO)
    await any_house.start()
    return any_house


async def ask(house: House) -> Say:
    """The prompt of the day."""
    (prompt,) = said(await house.let_pass(timedelta(hours=2)))
    return prompt


async def counted(house: House) -> list[tuple[int, int]]:
    return [(one.count.worked, one.count.silent) for one in await house.write(records.outcomes)]


async def below(house: House, prompt: Say, sender: str) -> None:
    """Somebody answers in the thread of a prompt."""
    relation = {"rel_type": "m.thread", "event_id": await event_of(house, prompt)}
    await house.hear(sender=sender, content={"msgtype": "m.text", "body": "Oui", "m.relates_to": relation})


async def event_of(house: House, prompt: Say) -> str:
    from sqlalchemy import select

    from esnbot.engine.tables import outbox

    query = select(outbox.c.event_id).where(outbox.c.key == f"prompt/{prompt.key}")

    async def found(conn: Any) -> str:
        return str((await conn.execute(query)).scalar_one())

    return await house.write(found)


async def test_three_messages_by_two_people_are_a_conversation(any_cafe: House) -> None:
    prompt = await ask(any_cafe)
    await any_cafe.say("Moi, la mer.", ZOE)
    await below(any_cafe, prompt, ALI)
    assert await counted(any_cafe) == []
    await any_cafe.say("Et toi ?", ZOE)
    assert await counted(any_cafe) == [WORKED]
    await any_cafe.let_pass(timedelta(hours=60))
    assert await counted(any_cafe) == [WORKED]


async def test_one_person_alone_is_none_and_neither_are_two_messages(cafe: House) -> None:
    await ask(cafe)
    for _ in range(5):
        await cafe.say("Moi !", ZOE)
    await cafe.let_pass(timedelta(hours=49))
    assert await counted(cafe) == [SILENT]


async def test_what_comes_after_two_days_is_too_late(cafe: House) -> None:
    await ask(cafe)
    await cafe.say("Moi !", ZOE)
    await cafe.say("Moi aussi !", ALI)
    await cafe.let_pass(timedelta(hours=48))
    await cafe.say("Ah ?", KIM)
    assert await counted(cafe) == [SILENT]


async def test_commands_corrections_bots_and_other_threads_are_no_answers(cafe: House) -> None:
    await ask(cafe)
    await cafe.say("!rse aide", ZOE)
    await cafe.hear(sender=ALI, content={"msgtype": "m.notice", "body": "bip"})
    elsewhere = {"rel_type": "m.thread", "event_id": "$other"}
    await cafe.hear(sender=KIM, content={"msgtype": "m.text", "body": "Ailleurs", "m.relates_to": elsewhere})
    edited = {"rel_type": "m.replace", "event_id": "$other"}
    await cafe.hear(sender=LEO, content={"msgtype": "m.text", "body": "* Non", "m.relates_to": edited})
    await cafe.hear(sender=BOT, content={"msgtype": "m.text", "body": "Moi"})
    await cafe.let_pass(timedelta(hours=50))
    assert await counted(cafe) == [SILENT]


async def test_of_fewer_than_five_people_nothing_is_counted(house: House) -> None:
    await house.start()
    await ask(house)
    for person in (ZOE, ALI, MAX):
        await house.say("Moi !", person)
    await house.let_pass(timedelta(hours=50))
    assert await counted(house) == []
    assert await house.write(records.all_talks) == []


async def test_no_sender_is_kept_and_what_tells_them_apart_goes_with_the_count(any_cafe: House) -> None:
    await ask(any_cafe)
    await any_cafe.say("Moi !", ZOE)
    (live,) = await any_cafe.write(records.all_talks)
    assert ZOE not in json.dumps([live.people, live.salt, live.post, live.family])
    assert len(live.people) == 1
    assert (await any_cafe.export("prompt", ZOE))["counted"] == [{"room": "!cafe", "until": live.until}]
    assert (await any_cafe.export("prompt", ALI))["counted"] == []
    await any_cafe.erase("prompt", ZOE)
    assert (await any_cafe.export("prompt", ZOE))["counted"] == []
    await any_cafe.let_pass(timedelta(hours=50))
    assert await any_cafe.write(records.all_talks) == []


async def test_a_restart_forgets_nothing_and_what_came_meanwhile_still_counts(cafe: House) -> None:
    await ask(cafe)
    await cafe.say("Moi !", ZOE)
    await cafe.say("Moi aussi !", ALI)
    written = cafe._now + 1_000
    await cafe.sleep_through(timedelta(hours=50))
    assert await counted(cafe) == []
    # What the homeserver brings after the start was written in time.
    await cafe.hear(sender=KIM, origin_server_ts=written, content={"msgtype": "m.text", "body": "Moi !"})
    await cafe.let_pass(timedelta(minutes=2))
    assert sum(worked + silent for worked, silent in await counted(cafe)) == 1


async def test_animators_see_what_worked_in_plain_words(cafe: House) -> None:
    assert "On ne sait encore rien" in await cafe.ask("!rse amorce bilan", sender=MAX)

    async def happened(conn: Any) -> None:
        for number in range(4):
            id = await records.listen(conn, "!x", "post", "food", 0, "salt")
            await records.finish(conn, id, "2026-02", worked=number < 3)
        id = await records.listen(conn, "!x", "post", "", 0, "salt")
        assert await records.finish(conn, id, "2026-02", worked=True)
        assert not await records.finish(conn, id, "2026-02", worked=False)

    await cafe.write(happened)
    shown = await cafe.ask("!rse amorce bilan", sender=MAX)
    assert "food : 3 sur 4 ont lancé une conversation" in shown.replace("\xa0", " ")
    assert "Toutes les autres : trop tôt pour le dire" in shown.replace("\xa0", " ")
    assert "moins de cinq personnes" in shown
    assert "Seuls" in await cafe.ask("!rse amorce bilan", sender=ALI)


async def test_what_is_shown_is_what_comes_whatever_worked_meanwhile(cafe: House) -> None:
    shown = (await cafe.ask('!rse amorce suite "Le café"', sender=MAX)).splitlines()[2:8]
    came = []
    for _ in range(6):
        (prompt,) = said(await cafe.let_pass(timedelta(hours=2)))
        came.append(prompt.body.splitlines()[0])
        for person in (ZOE, ALI, KIM):
            await cafe.say("Moi !", person)
        due = (await cafe.scheduled("prompt"))["next:cafe"]
        await cafe.let_pass(due - cafe.clock.now() - timedelta(hours=1))
    assert [line.rpartition(": ")[2] for line in shown] == came


OCCASIONS = (
    *PROMPTS,
    Prompt("hush", {"fr": "**Silence ?**\nUn mois déjà."}, occasion=Occasion.silence),
    Prompt("met", {"fr": "**Cette rencontre ?**\nRacontez."}, occasion=Occasion.meetup),
)


@pytest_asyncio.fixture
async def lively(sqlite_url: str) -> AsyncIterator[House]:
    """A café with prompts for occasions."""
    async with a_house(sqlite_url, a_community(a_group(tempo=a_tempo()), prompts=OCCASIONS)) as house:
        await house.start()
        yield house


@pytest.mark.parametrize("days", [20, 40])
async def test_after_a_month_without_a_word_the_prompt_for_it_comes(lively: House, days: int) -> None:
    await lively.say("Bonjour !", ZOE)
    came = [one.body.splitlines()[0] for one in said(await lively.let_pass(timedelta(days=days))) if one.key]
    assert ("Silence ?" in came) == (days > 30)
    assert came.count("Silence ?") <= 1


async def test_after_a_meet_up_the_prompt_for_it_comes(lively: House) -> None:
    await lively.tell("org.esnbot.meetup_held", key="cafe", meetup=1, room_id="!cafe")
    assert (await ask(lively)).body.startswith("Cette rencontre ?")
    await lively.let_pass(timedelta(days=8))
    later = said(await lively.let_pass(timedelta(days=21)))
    assert not any(one.body.startswith("Cette rencontre ?") for one in later)
