"""A group silences what the bot posts there by itself, and lets it speak again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import effects_in
from esnbot.engine.effects import (
    Attach,
    Effect,
    Invite,
    Kick,
    Pin,
    React,
    Redact,
    Say,
    Send,
    SetState,
    post,
    room,
)
from esnbot.engine.tables import State, outbox
from esnbot.features import calm
from tests.features.house import ALI, MAX, PAT, ZOE, House, a_community, a_group, a_house, a_tempo, answer_in, said

DAY = timedelta(days=1)
PROMPT_DAYS = 4
"""Monday to Thursday: two prompts."""


async def prompts(house: House, days: int = PROMPT_DAYS) -> list[Say]:
    """The prompts that appear in the café."""
    return [one for one in said(await house.let_pass(days * DAY)) if one.key.startswith("post:cafe")]


@pytest.fixture(autouse=True)
async def planned(any_house: House) -> None:
    """The café's prompts are on the schedule."""
    await any_house.start()


async def test_a_member_silences_prompts_in_one_line_and_for_all_to_see(any_house: House) -> None:
    (answer,) = said(await any_house.say("!rse silence amorces"))
    assert "En silence dans ce groupe" in answer.body
    assert "silence lever amorces" in answer.body
    assert answer.room == "!cafe"
    assert await prompts(any_house) == []


async def test_any_member_lets_it_speak_again(any_house: House) -> None:
    await any_house.say("!rse silence amorces")
    assert "De nouveau permis ici" in await any_house.ask("!esn silence lift prompts", sender=ALI)
    assert len(await prompts(any_house)) == 2


async def test_a_prompt_that_was_silenced_is_not_used_up(any_house: House) -> None:
    await any_house.say("!rse silence amorces")
    assert await prompts(any_house) == []
    await any_house.say("!rse silence lever amorces")
    bodies = {one.body for one in await prompts(any_house, 14)}
    assert len(bodies) == 4


async def test_it_holds_in_this_group_alone(sqlite_url: str) -> None:
    groups = (a_group(tempo=a_tempo()), a_group("tea", "Le thé", tempo=a_tempo()))
    async with a_house(sqlite_url, a_community(*groups)) as house:
        await house.start()
        await house.say("!rse silence amorces")
        keys = {one.key.split(":")[1] for one in said(await house.let_pass(PROMPT_DAYS * DAY))}
        assert keys == {"tea"}


async def test_everything_can_be_silenced_and_one_thing_let_in_again(any_house: House) -> None:
    assert "tout" in await any_house.ask("!rse silence tout")
    assert await prompts(any_house) == []
    assert "tout" in await any_house.ask("!rse silence liste")
    await any_house.say("!rse silence lever amorces")
    assert len(await prompts(any_house, 7)) == 2
    listed = await any_house.ask("!rse silence liste")
    assert "accueils" in listed.partition("Vous pouvez")[0]
    await any_house.say("!rse silence lever tout")
    assert (await any_house.ask("!rse silence liste")).startswith("Rien n’est mis en silence ici")


async def test_everything_covers_what_came_with_an_update(any_house: House) -> None:
    await any_house.say("!rse silence tout")

    async def older(conn: AsyncConnection) -> None:
        await conn.exec_driver_sql("DELETE FROM silenced")

    await any_house.write(older)
    any_house.restart()
    await any_house.start()
    assert await prompts(any_house) == []


async def test_what_is_silenced_is_listed_with_who_asked_for_it(any_house: House) -> None:
    assert "Vous pouvez mettre en silence" in await any_house.ask("!rse silence")
    await any_house.say("!rse silence amorces")
    answer = await any_house.ask("!rse silence")
    assert "amorces\xa0: depuis aujourd’hui" in answer
    assert ZOE in answer
    assert "`!rse silence lever` lève tout" in answer
    assert "déjà" in await any_house.ask("!rse silence amorces", sender=ALI)


async def test_what_an_owner_silenced_only_owners_lift_for_a_while(any_house: House) -> None:
    await any_house.say("!rse silence amorces")
    # An owner, or who looks after the community, makes it firm.
    assert "propriétaire" in await any_house.ask("!rse silence amorces", sender=MAX)
    refused = await any_house.ask("!rse silence lever amorces")
    assert "Un propriétaire ou un animateur a demandé ce silence" in refused
    assert "Un propriétaire" in await any_house.ask("!rse silence lever tout")
    assert await prompts(any_house, 31) == []
    assert "De nouveau permis" in await any_house.ask("!rse silence lever amorces")


async def test_an_owner_lifts_what_members_silenced_and_what_owners_did(any_house: House) -> None:
    await any_house.say("!rse silence amorces", sender=MAX)
    assert "De nouveau permis" in await any_house.ask("!rse silence lever amorces", sender=MAX)
    assert "De nouveau permis" not in await any_house.ask("!rse silence lever amorces", sender=MAX)
    # Members may silence it again all the same.
    assert "En silence" in await any_house.ask("!rse silence amorces")


async def test_only_members_decide_and_only_in_their_group(any_house: House) -> None:
    any_house.clock.advance(timedelta(seconds=1))
    assert "Seuls les membres" in await any_house.ask("!rse silence amorces", room="!help")
    await any_house.put_in("!chat", ZOE, "@esnbot:example.org")
    assert "groupe même" in await any_house.ask("silence amorces", room="!chat")
    assert await any_house.ask("!rse silence amorces", sender=PAT) == ""
    assert len(await prompts(any_house)) == 2


@pytest.mark.parametrize("word", ["x" * 10_000, "@room", "<b>amorces</b>", "\u202esecroma", "commands", "status"])
async def test_what_cannot_be_silenced_is_said_clearly(any_house: House, word: str) -> None:
    answer = await any_house.ask(f"!rse silence {word}")
    assert answer
    assert "En silence" not in answer
    assert len(answer) < 700
    assert "@room" not in answer


async def test_two_at_the_same_second_are_one(any_house: House) -> None:
    def asks(user: str) -> dict[str, Any]:
        return {"sender": user, "content": {"msgtype": "m.text", "body": "!rse silence amorces"}}

    answers = said(await any_house.hear_together(asks(ZOE), asks(ALI)))
    assert sorted("déjà" in one.body for one in answers) == [False, True]
    await any_house.say("!rse silence lever amorces")
    assert len(await prompts(any_house)) == 2


async def test_a_greeting_in_the_open_is_silenced_too(any_house: House) -> None:
    await any_house.member(ZOE, "!home")
    (greeting,) = said(await any_house.let_pass(timedelta(seconds=10)))
    assert greeting.otherwise is not None
    assert greeting.otherwise.room == "key:cafe"
    await any_house.say("!rse silence accueils")
    await any_house.member(ALI, "!home")
    (greeting,) = said(await any_house.let_pass(timedelta(seconds=10)))
    assert greeting.otherwise is None


# --- where it is enforced --------------------------------------------------------------------------------------------


async def written(house: House, *effects: Effect, module: str = "prompt") -> Sequence[str]:
    """What of a module's effects reaches the outbox."""

    async def job(conn: AsyncConnection) -> Sequence[str]:
        await effects_in.put(conn, module, "cause", effects, 0)
        rows = await conn.execute(select(outbox.c.kind).where(outbox.c.key.like(f"{module}/cause%")))
        return sorted(rows.scalars())

    return await house.write(job)


async def test_posts_are_dropped_and_answers_corrections_and_order_pass(any_house: House) -> None:
    cafe = room("cafe")
    unasked: list[Effect] = [
        Say(room=cafe, body="Hear me"),
        Say(room=cafe, body="Pinned", pinned=True),
        Send(room=cafe, type="m.poll.start"),
        Attach(room=cafe, name="a.md", text="A"),
        React(room=cafe, to="$x", emoji="👍"),
        Pin(room=cafe, event="$x"),
    ]
    rest: list[Effect] = [
        Say(room=cafe, body="You asked", answers="$question"),
        Say(room=cafe, body="Corrected", replaces="$x"),
        Say(room="!elsewhere", body="Elsewhere"),
        Redact(room=cafe, event=post("x")),
        Kick(room=cafe, user=PAT),
        Invite(room=cafe, user=PAT),
        SetState(room=cafe, type="m.room.topic"),
    ]
    await any_house.say("!rse silence amorces")
    assert await written(any_house, *unasked, *rest) == sorted(type(one).__name__ for one in rest)
    # Another module is not concerned.
    assert len(await written(any_house, *unasked, module="status")) == len(unasked) + 1


async def test_what_waited_for_the_homeserver_is_dropped_too(any_house: House) -> None:
    asked = Say(room=room("cafe"), body="You asked", answers="$question")
    assert len(await written(any_house, Say(room=room("cafe"), body="Hear me"), asked)) == 2
    await any_house.say("!rse silence amorces")

    async def waiting(conn: AsyncConnection) -> Sequence[int]:
        query = select(outbox.c.state).where(outbox.c.key.like("prompt/cause%")).order_by(outbox.c.seq)
        return list((await conn.execute(query)).scalars())

    assert (await any_house.write(waiting))[0] == State.dead


async def test_others_can_ask_before_they_spend_something(any_house: House) -> None:
    async def silenced(where: str) -> bool:
        return await any_house.write(lambda conn: calm.is_silenced(conn, where, "prompt"))

    assert not await silenced("cafe")
    await any_house.say("!rse silence amorces")
    assert await silenced("cafe")
    assert await silenced("!cafe")
    assert not await silenced("help")
    assert not await silenced("nowhere")


async def test_answers_to_commands_still_come(any_house: House) -> None:
    await any_house.say("!rse silence tout")
    assert answer_in(await any_house.say("!rse amorce", sender=MAX))
