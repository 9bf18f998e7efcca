"""Who wants to start a community is taken along, from the idea to a word after a month."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.effects import React, Redact, Say
from esnbot.engine.tables import outbox
from esnbot.features.founder import records
from esnbot.features.founder.model import Stage, moved
from tests.features.house import (
    ALI,
    BOT,
    MAX,
    SERVER,
    ZOE,
    House,
    a_community,
    a_group,
    a_house,
    answer_in,
    of,
    said,
)

BACKSTAGE, DIRECT = "!backstage", "!direct"
KIM, LEO = f"@kim:{SERVER}", f"@leo:{SERVER}"
STAGES = st.sampled_from(list(Stage))


async def a_village(url: str) -> AsyncIterator[House]:
    community = a_community()
    groups = {**community.groups, "repair": a_group("repair", "Réparation", owners=frozenset({ZOE}))}
    async with a_house(url, replace(community, groups=groups, animators_room="backstage")) as house:
        await house.put_in(BACKSTAGE, MAX)
        await house.put_in("!cafe", KIM, LEO)
        await house.put_in(DIRECT, ZOE, BOT)
        await house.put_in("!chat", MAX, BOT)
        await house.start()
        yield house


@pytest_asyncio.fixture
async def village(sqlite_url: str) -> AsyncIterator[House]:
    """A house with an animators' room, and Zoé's direct chat."""
    async for house in a_village(sqlite_url):
        yield house


@pytest_asyncio.fixture
async def any_village(database_url: str) -> AsyncIterator[House]:
    """The same on each database."""
    async for house in a_village(database_url):
        yield house


async def posted(house: House, say: Say, module: str = "founder") -> str:
    async def found(conn: AsyncConnection) -> str:
        query = select(outbox.c.event_id).where(outbox.c.key == f"{module}/{say.key}")
        return str((await conn.execute(query)).scalar_one())

    return await house.write(found)


async def arrive(house: House, sent: list[Any], room: str, key: str) -> Say:
    """What was posted in a room is in it."""
    (say,) = [one for one in said(sent) if one.room == key]
    content = {"msgtype": "m.notice", "body": say.body, "org.esnbot.cause": f"founder/{say.key}", **say.content}
    await house.hear(sender=BOT, room_id=room, event_id=await posted(house, say), content=content)
    return say


async def tell(house: House, title: str = "Café réparation", words: str = "On répare ensemble.") -> Say:
    """Zoé tells an idea; what the animators' room gets."""
    sent = await house.agree(f'idée dire "{title}" "{words}"', room=DIRECT)
    return await arrive(house, sent, BACKSTAGE, "key:backstage")


async def ask(house: House) -> Say:
    """Zoé asks in the café who is interested; what the café gets."""
    sent = await house.agree('idée demander 1 "Le café"', room=DIRECT)
    assert [react.emoji for react in of(sent, React) if react.room == "key:cafe"] == ["✋"]
    return await arrive(house, sent, "!cafe", "key:cafe")


async def talk(house: House, *lines: str) -> str:
    answer = ""
    for line in lines:
        answer = answer_in(await house.say(line, room=DIRECT))
    return answer.replace("\u00a0", " ").replace("\u202f", " ")


async def stage(house: House) -> Stage:
    one = await house.write(lambda conn: records.get(conn, 1))
    assert one is not None
    return one.stage


def private(sent: list[Any]) -> list[Say]:
    return [one for one in said(sent) if one.room == f"direct:{ZOE}"]


@given(STAGES, STAGES)
def test_an_idea_only_moves_on(before: Stage, after: Stage) -> None:
    order = list(Stage)
    found = moved(before, after)
    assert found in (None, after)
    if found is not None:
        assert order.index(before) < order.index(found)
        assert before not in (Stage.settled, Stage.dropped)


async def test_an_idea_is_told_in_a_short_dialogue_and_passed_on_after_a_yes(any_village: House) -> None:
    assert "de quoi s’agirait-il" in await talk(any_village, "idée dire")
    assert "qu’y feriez-vous ensemble" in await talk(any_village, "Café réparation")
    assert "liront ceci, avec votre nom" in await talk(any_village, "On répare ensemble.")
    assert await any_village.write(lambda conn: records.get(conn, 1)) is None
    sent = await any_village.say("oui", room=DIRECT)
    shown = await arrive(any_village, sent, BACKSTAGE, "key:backstage")
    assert "Café réparation" in shown.body
    assert "On répare ensemble." in shown.body
    assert "zoe" in shown.html
    assert await stage(any_village) is Stage.idea


async def test_after_a_no_nothing_is_kept_and_nobody_hears(village: House) -> None:
    await talk(village, "idée dire", "Café réparation", "On répare ensemble.")
    sent = await village.say("non", room=DIRECT)
    assert not [one for one in said(sent) if one.room == "key:backstage"]
    assert await village.write(lambda conn: records.some(conn)) == []


async def test_from_the_idea_to_a_word_after_a_month(any_village: House) -> None:
    house = any_village
    await tell(house)
    asked = await ask(house)
    assert "zoe" in asked.html
    for person in (ALI, KIM):
        assert private(await house.react(asked, "✋", person)) == []
    await house.react(asked, "✋", ZOE)
    assert await stage(house) is Stage.idea
    await house.react(asked, "✋", LEO)
    assert await stage(house) is Stage.interested
    (told,) = private(await house.let_pass(timedelta(days=1)))
    assert "3 personnes s’intéressent à votre idée" in told.body
    assert "leo" not in told.html
    shown = said(await house.say("idée montrer 1", room=DIRECT))[0]
    assert all(name in shown.html for name in ("ali", "kim", "leo"))
    assert "rencontrés" in (await talk(house, "idée rencontrés 1"))
    assert "Longue vie à Réparation" in await talk(house, "idée groupe 1 Réparation")
    sent = private(await house.let_pass(timedelta(days=33)))
    (check,) = [one for one in sent if "Comment va Réparation" in one.body]
    thanks = await react_in_chat(house, check, "🆘")
    assert "Les animateurs le savent" in thanks[0].body
    assert "coup de main" in thanks[1].body
    assert thanks[1].room == "key:backstage"
    assert await stage(house) is Stage.settled
    assert await react_in_chat(house, check, "🌱") == []


async def react_in_chat(house: House, to: Say, emoji: str, sender: str = ZOE) -> list[Say]:
    relation = {"rel_type": "m.annotation", "event_id": await posted(house, to, "calm"), "key": emoji}
    return said(await house.hear(type="m.reaction", sender=sender, room_id=DIRECT, content={"m.relates_to": relation}))


@pytest.mark.parametrize(("emoji", "backstage"), [("🌱", False), ("🤔", True)])
async def test_what_goes_well_is_nobody_elses_business(village: House, emoji: str, backstage: bool) -> None:
    await tell(village)
    await village.say("idée groupe 1 Réparation", room=DIRECT)
    sent = private(await village.let_pass(timedelta(days=33)))
    (check,) = [one for one in sent if "Comment va" in one.body]
    assert await react_in_chat(village, check, emoji, ALI) == []
    done = await react_in_chat(village, check, emoji)
    assert ("key:backstage" in [one.room for one in done]) is backstage


async def test_a_group_that_its_founder_makes_is_pointed_out_once(village: House) -> None:
    await tell(village)
    born = {"key": "repair", "template": "", "kind": "informal", "language": "fr", "owners": [ZOE], "rooms": []}
    await village.tell("org.esnbot.group_born", **born)
    told = private(await village.let_pass(timedelta(days=3)))
    assert len([one for one in told if "idée groupe 1" in one.body.replace("\xa0", " ")]) == 1


async def test_animators_see_where_each_stands_and_others_their_own(village: House) -> None:
    await tell(village)
    everything = await village.ask("!rse idée liste", MAX, BACKSTAGE)
    assert "Café réparation" in everything
    assert "une idée" in everything
    assert "tête-à-tête" in await village.ask("!rse idée liste", MAX)
    assert "Café réparation" in await talk(village, "idée liste")
    await village.put_in("!alichat", ALI, BOT)
    assert "Aucune idée" in await village.ask("idée liste", ALI, "!alichat")


async def test_nobody_elses_idea_can_be_moved_asked_about_or_given_up(village: House) -> None:
    await tell(village)
    for line in ("!rse idée montrer 1", "!rse idée rencontrés 1", "!rse idée abandonner 1"):
        assert "Aucune idée à vous" in await village.ask(line, ALI)
    await village.say("!rse idée rencontrés 1", MAX, BACKSTAGE)
    assert await stage(village) is Stage.met


async def test_it_is_asked_only_where_its_founder_may_write_and_once(village: House) -> None:
    await tell(village)
    assert "membre" in await talk(village, "idée demander 1 Chantier")
    await ask(village)
    sent = await village.agree('idée demander 1 "Le café"', room=DIRECT)
    assert "déjà demandé" in answer_in([one for one in sent if isinstance(one, Say)][-1:])


async def test_what_is_given_up_leaves_no_message(village: House) -> None:
    await tell(village)
    await ask(village)
    sent = await village.say("idée abandonner 1", room=DIRECT)
    assert {one.room for one in of(sent, Redact)} == {"key:backstage", "key:cafe"}
    assert await stage(village) is Stage.dropped


async def test_in_a_room_nothing_is_told(village: House) -> None:
    assert "entre nous" in await village.ask('!rse idée dire "Un secret" "Chut."')
    assert await village.write(lambda conn: records.some(conn)) == []


async def test_hostile_words_stay_words(village: House) -> None:
    assert "80" in await talk(village, f'idée dire "{"x" * 10_000}" "y"')
    await tell(village, "<b>@room</b>", "[x](https://x.example) <img>")
    asked = await ask(village)
    assert "<img" not in asked.html
    assert "<b>" not in asked.html
    assert 'href="https://x.example"' not in asked.html
    assert "@room" not in asked.body


async def test_what_is_kept_about_a_founder_can_be_seen_and_forgotten(any_village: House) -> None:
    await tell(any_village)
    await ask(any_village)
    (kept,) = (await any_village.export("founder", ZOE))["ideas"]
    assert (kept["stage"], kept["asked_in"]) == ("idea", "cafe")
    assert len(of(await any_village.erase("founder", ZOE), Redact)) == 2
    assert (await any_village.export("founder", ZOE))["ideas"] == []


async def test_too_many_at_once_wait(village: House) -> None:
    for number in range(3):
        await village.agree(f'idée dire "Idée {number}" "Mots."', room=DIRECT)
    sent = await village.agree('idée dire "Encore" "Mots."', room=DIRECT)
    assert "en chemin" in said(sent)[-1].body
