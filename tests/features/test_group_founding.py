"""Groups that two people make: the second is asked in private, and nothing is made before the yes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Kind
from esnbot.community.model import Template
from esnbot.engine.effects import Effect, Invite, React
from esnbot.engine.tables import outbox
from esnbot.provisioning import wanted
from tests.features.house import ALI, BOT, MAX, PAT, ZOE, House, a_community, a_house, answer_in, of, said

TWO: dict[str, dict[str, Any]] = {"group": {"founders": 2}}
CREATE = "!rse groupe créer Tram --avec @ali"


@pytest_asyncio.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    """A community in which it takes two."""
    async with a_house(sqlite_url, settings=TWO) as one:
        yield one


@pytest_asyncio.fixture
async def any_house(database_url: str) -> AsyncIterator[House]:
    """The same on SQLite and on PostgreSQL."""
    async with a_house(database_url, settings=TWO) as one:
        yield one


async def is_made(house: House, key: str = "tram") -> bool:
    """Whether the group is wanted."""
    return await house.write(lambda conn: wanted.get(conn, key)) is not None


async def press(house: House, sent: Sequence[Effect], emoji: str = "✅", sender: str = ALI) -> list[Effect]:
    """Somebody presses a button under the question among what was sent."""
    question = next(one for one in said(sent) if one.room == f"direct:{ALI}")

    async def posted(conn: AsyncConnection) -> str:
        query = select(outbox.c.event_id).where(outbox.c.key == f"group/{question.key}")
        return str((await conn.execute(query)).scalar_one())

    await house.put_in("!ali", ALI, BOT)
    relation = {"rel_type": "m.annotation", "event_id": await house.write(posted), "key": emoji}
    return await house.hear(sender=sender, room_id="!ali", type="m.reaction", content={"m.relates_to": relation})


async def test_the_second_is_asked_in_private_and_nothing_is_made_yet(any_house: House) -> None:
    sent = await any_house.say(f"{CREATE} --sujet 'Une ligne de plus'")
    answer, question = said(sent)
    assert (answer.room, "dès que la réponse sera oui" in answer.body) == ("!cafe", True)
    assert (question.room, question.mentions) == (f"direct:{ALI}", ())
    assert "aimerait créer un groupe avec vous" in question.body
    assert "Une ligne de plus" in question.body
    assert [one.emoji for one in of(sent, React)] == ["✅", "❌"]
    assert not await is_made(any_house)
    assert await any_house.let_pass(timedelta(hours=1)) == []


async def test_a_yes_makes_it_and_it_belongs_to_both(any_house: House) -> None:
    sent = await any_house.say(CREATE)
    any_house.restart()
    assert "Le groupe arrive" in answer_in(await press(any_house, sent))
    assert (await any_house.place("tram")).owners == {ZOE, ALI}
    effects = await any_house.make_ready("tram")
    assert {one.user for one in of(effects, Invite)} == {ZOE, ALI}
    told = {one.room: one.body for one in said(effects)}
    assert "est prêt, et vous en prenez soin à deux" in told[f"direct:{ALI}"]
    assert "est prêt" in told["!cafe"]
    assert await any_house.scheduled("group") == {}


async def test_words_do_as_well_as_a_button(any_house: House) -> None:
    await any_house.say(CREATE)
    await any_house.put_in("!ali", ALI, BOT)
    assert "Le groupe arrive" in await any_house.ask("groupe accepter", sender=ALI, room="!ali")
    assert await is_made(any_house)


async def test_a_no_is_told_to_the_maker_alone_and_makes_nothing(any_house: House) -> None:
    sent = await any_house.say(CREATE)
    thanks, told = said(await press(any_house, sent, "❌"))
    assert "sans rancune" in thanks.body
    assert (told.room, "un agenda plein suffit" in told.body) == (f"direct:{ZOE}", True)
    assert not await is_made(any_house)
    assert await any_house.let_pass(timedelta(days=9)) == []
    assert "déjà sa réponse" in answer_in(await press(any_house, sent))
    assert not await is_made(any_house)


async def test_without_an_answer_it_ends_with_a_kind_word_and_nothing_made(any_house: House) -> None:
    sent = await any_house.say(CREATE)
    assert await any_house.let_pass(timedelta(days=2, hours=23)) == []
    (told,) = said(await any_house.let_pass(timedelta(hours=2)))
    assert (told.room, "machine à café" in told.body) == (f"direct:{ZOE}", True)
    assert "déjà sa réponse" in answer_in(await press(any_house, sent))
    assert not await is_made(any_house)
    assert await any_house.scheduled("group") == {}


async def test_nobody_else_answers_for_them(house: House) -> None:
    sent = await house.say(CREATE)
    assert await press(house, sent, sender=MAX) == []
    assert "Aucun groupe n’attend" in await house.ask("!rse groupe accepter", sender=MAX)
    assert not await is_made(house)


async def test_who_asked_can_take_it_back(house: House) -> None:
    sent = await house.say(CREATE)
    assert "mis de côté" in await house.ask("!rse groupe décliner Tram")
    assert "déjà sa réponse" in answer_in(await press(house, sent))
    assert await house.scheduled("group") == {}


async def test_who_names_nobody_is_told_that_it_takes_two(house: House) -> None:
    assert "`--avec @zoe`" in await house.ask("!rse groupe créer Tram")
    assert not await is_made(house)


async def test_it_takes_somebody_who_can_be_in_it(house: House) -> None:
    assert "quelqu’un d’autre que vous" in await house.ask(f"!rse groupe créer Tram --avec {ZOE}")
    assert "il faut une personne" in await house.ask(f"!rse groupe créer Tram --avec {BOT}")
    assert "ne s’adresserait pas à" in await house.ask(f"!rse groupe créer Tram --avec {PAT}")
    assert await house.scheduled("group") == {}


async def test_one_is_not_asked_twice_and_not_for_everything(house: House) -> None:
    await house.say(CREATE)
    assert "déjà demandé" in await house.ask(CREATE)
    for name in ("Alpha", "Bravo"):
        await house.say(f"!rse groupe créer {name} --avec @ali")
    assert "attendent une deuxième personne" in await house.ask("!rse groupe créer Charlie --avec @ali")
    await house.put_in("!ali", ALI, BOT)
    assert "Lequel" in await house.ask("groupe accepter", sender=ALI, room="!ali")
    assert "Le groupe arrive" in await house.ask("groupe accepter bravo", sender=ALI, room="!ali")
    assert (await is_made(house, "bravo"), await is_made(house, "alpha")) == (True, False)


async def test_what_waits_counts_as_made(sqlite_url: str) -> None:
    settings = {"group": {"founders": 2, "may_create": {"staff": {"a_week": 1}}}}
    async with a_house(sqlite_url, settings=settings) as house:
        await house.say(CREATE)
        assert "Vous avez créé un groupe en sept jours" in await house.ask("!rse groupe créer Bus --avec @ali")


async def test_who_wants_no_private_words_is_not_asked(house: House) -> None:
    await house.put_in("!ali", ALI, BOT)
    await house.say("quiet on", sender=ALI, room="!ali")
    assert "Je ne peux pas poser la question" in await house.ask(CREATE)
    assert await house.scheduled("group") == {}


async def test_a_template_can_say_that_it_takes_two_or_one(sqlite_url: str) -> None:
    templates = {
        "hobby": Template(Kind.hobby, key="hobby", founders=2),
        "project": Template(Kind.project, key="project"),
    }
    async with a_house(sqlite_url, a_community(templates=templates)) as house:
        assert "Il faut être deux" in await house.ask("!rse groupe créer Tram --modèle loisir")
        assert await house.say("!rse groupe créer Tram --modèle projet") == []
        assert "Il faut être deux pour en créer un." in await house.ask("!rse groupe modèles")
        assert len(said(await house.say("!rse groupe créer Bus --modèle projet --avec @ali"))) == 2


async def test_the_dialogue_asks_for_the_second_person_where_it_takes_two(sqlite_url: str) -> None:
    templates = {"hobby": Template(Kind.hobby, key="hobby", founders=2)}
    async with a_house(sqlite_url, a_community(templates=templates)) as house:
        await house.put_in("!direct", ZOE, BOT)
        await house.say("créer un groupe", room="!direct")
        await house.say("Tram", room="!direct")
        assert "Avec qui" in answer_in(await house.say("loisir", room="!direct"))
        assert "J’ai besoin d’une réponse" in answer_in(await house.say("passer", room="!direct"))
        assert "quelqu’un d’autre que vous" in answer_in(await house.say(ZOE, room="!direct"))
        for line in ("@ali", "passer", "passer", "passer"):
            summed = answer_in(await house.say(line, room="!direct"))
        assert f"- Avec\u00a0: {ALI}" in summed
        assert len(said(await house.say("oui", room="!direct"))) == 2
        await house.say("créer un groupe", room="!direct")
        await house.say("Bus", room="!direct")
        assert "Avec qui" not in answer_in(await house.say("projet", room="!direct"))


async def test_export_names_what_waits_and_erase_forgets_it(any_house: House) -> None:
    await any_house.say(CREATE)
    assert [one["with"] for one in (await any_house.export("group", ZOE))["waiting"]] == [ALI]
    assert [one["with"] for one in (await any_house.export("group", ALI))["waiting"]] == [ZOE]
    await any_house.erase("group", ALI)
    assert (await any_house.export("group", ZOE))["waiting"] == []
    assert await any_house.scheduled("group") == {}
    assert not await is_made(any_house)
