"""What all modules keep about one person, and that forgetting leaves nothing behind."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import people
from esnbot.engine.feature import Context, Module
from esnbot.provisioning import people as provisioning
from esnbot.provisioning.events import DRIFT
from esnbot.web import links, sessions
from tests.features.house import ALI, BOT, MAX, ZOE, House
from tests.features.polls import begin

MIRROR = "room_state"
"""Who is in which room is the homeserver's; the table mirrors it for as long as it is so."""


async def a_busy_week(house: House, person: str) -> None:
    """Everything that somebody can do here."""
    await house.member(person, "!home")
    await house.let_pass(timedelta(seconds=10))
    await house.member(person, "!workshop")
    await house.say("!esn language english", sender=person)
    await house.say("!esn group create Alpha", sender=person)
    await house.make_ready("alpha")
    await house.put_in("!alpha", person)
    await house.say("!esn group rename Beta", sender=person, room="!alpha")
    await house.say("!esn group create Gamma", sender=person)
    await house.say("!esn me site nantes", sender=person)
    await house.say("!esn group archive", sender=person, room="!alpha")
    poll = await begin(house, sender=person)
    await poll.react(person, 1)
    await house.tell(DRIFT, key="cafe", what="topic", by=person)
    await house.say("!esn me ask-about jigs, TIG welding", sender=person)
    await house.say("!esn quiet on", sender=person)
    await house.say("!esn silence prompts", sender=person)
    await house.say('!esn note "Torque of stems" #stems\nSix newton metres.', sender=person)
    await house.say('!esn page write "Opening hours"\nFrom eight to six.', sender=person)
    await house.say("!esn watch add https://example.org/feed", sender=person, room="!backstage")
    await house.put_in("!help", person)
    await house.say("How do I true a wheel that wobbles to the left?", sender=person, room="!help")
    await house.write(lambda conn: sessions.begin(conn, person, house.clock.now(), timedelta(days=1)))
    await house.write(lambda conn: links.make(conn, person, house.clock.now()))


def modules(house: House) -> tuple[Module, ...]:
    """Those of the house, and provisioning's part in what concerns persons."""
    return (*house.modules, Module("provisioning", export=provisioning.export, erase=provisioning.erase))


async def tables_with(house: House, words: str) -> set[str]:
    """The tables in which a text stands anywhere."""

    async def job(conn: AsyncConnection) -> set[str]:
        found = set()
        for table in await conn.run_sync(lambda sync: inspect(sync).get_table_names()):
            rows = await conn.execute(text(f"SELECT * FROM {table}"))
            if any(words in str(value) for row in rows for value in row):
                found.add(table)
        return found

    return await house.write(job)


async def forget(house: House, person: str) -> None:
    async def job(conn: AsyncConnection) -> None:
        await people.erase(modules(house), Context(conn=conn, now=house.clock.now(), bot=BOT), person)

    await house.write(job)


async def test_export_shows_what_every_module_keeps(house: House) -> None:
    await a_busy_week(house, MAX)

    kept = await house.write(lambda conn: people.collect(modules(house), conn, MAX))

    assert {name for name, parts in kept.items() if any(parts.values())} == {
        "board",
        "calm",
        "commands",
        "directory",
        "engine",
        "group",
        "note",
        "person",
        "poll",
        "provisioning",
        "search",
        "status",
        "text",
        "watch",
        "welcome",
    }


async def test_forgetting_leaves_the_person_in_no_table(any_house: House) -> None:
    await a_busy_week(any_house, ZOE)
    assert len(await tables_with(any_house, ZOE)) > 14

    await forget(any_house, ZOE)

    assert await tables_with(any_house, ZOE) == {MIRROR}


async def test_forgetting_one_person_leaves_the_others_alone(house: House) -> None:
    await a_busy_week(house, ALI)
    before = await house.write(lambda conn: people.collect(modules(house), conn, ALI))

    await forget(house, ZOE)

    assert await house.write(lambda conn: people.collect(modules(house), conn, ALI)) == before


async def test_who_was_forgotten_can_come_back_as_somebody_new(house: House) -> None:
    await a_busy_week(house, ZOE)
    await forget(house, ZOE)
    await house.member(ZOE, "!home", "leave")
    await house.member(ZOE, "!home")

    greeted = [effect for effect in await house.let_pass(timedelta(seconds=10)) if effect.room == f"direct:{ZOE}"]  # type: ignore[attr-defined]

    assert len(greeted) == 1
