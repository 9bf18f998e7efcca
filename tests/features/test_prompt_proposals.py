"""People propose prompts; an animator takes them into the library with a reaction, or leaves them out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest_asyncio

from esnbot.engine.effects import React, Redact, Say
from esnbot.features import text
from esnbot.features.prompt.proposing import folded, is_in_library
from tests.features.house import ALI, MAX, PAT, PROMPTS, ZOE, House, a_community, a_house, of, said

BACKSTAGE = "!backstage"
QUESTION = "Quel outil avez-vous réparé ?"


@pytest_asyncio.fixture
async def crew(sqlite_url: str) -> AsyncIterator[House]:
    """A house with an animators' room."""
    async with a_house(sqlite_url, replace(a_community(), animators_room="backstage")) as house:
        await house.put_in(BACKSTAGE, MAX)
        await house.start()
        yield house


@pytest_asyncio.fixture
async def any_crew(database_url: str) -> AsyncIterator[House]:
    """The same on each database."""
    async with a_house(database_url, replace(a_community(), animators_room="backstage")) as house:
        await house.put_in(BACKSTAGE, MAX)
        await house.start()
        yield house


async def propose(house: House, words: str, sender: str = ZOE) -> Say:
    """Propose, and what the animators' room gets."""
    sent = await house.say(words, sender)
    for say in said(sent):
        if say.room == "key:backstage":
            await house.hear(
                sender="@esnbot:example.org",
                room_id=BACKSTAGE,
                event_id=await posted(house, say),
                content={
                    "msgtype": "m.notice",
                    "body": say.body,
                    "org.esnbot.cause": f"prompt/{say.key}",
                    **say.content,
                },
            )
            assert [react.emoji for react in of(sent, React)] == ["✅", "🗑"]
            return say
    raise AssertionError(sent)


async def posted(house: House, say: Say) -> str:
    from sqlalchemy import select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from esnbot.engine.tables import outbox

    async def found(conn: AsyncConnection) -> str:
        query = select(outbox.c.event_id).where(outbox.c.key == f"prompt/{say.key}")
        return str((await conn.execute(query)).scalar_one())

    return await house.write(found)


async def accept(house: House, say: Say, emoji: str = "✅", sender: str = MAX) -> list[Say]:
    return said(await house.react(say, emoji, sender, BACKSTAGE))


async def a_month_of(house: House) -> list[str]:
    """The prompts of a month, each time somebody has answered."""
    return [one.body for one in said(await house.let_pass(timedelta(days=30))) if one.key.startswith("post:cafe")]


async def test_the_animators_see_it_with_who_proposed_it_and_the_proposer_is_thanked(crew: House) -> None:
    shown = await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    assert "Une amorce pour le recueil" in shown.body
    assert QUESTION.replace(" ?", "") in shown.body
    assert "zoe" in shown.html
    (done,) = await accept(crew, shown)
    assert done.body.startswith("Dans le recueil.")
    thanks = [one for one in said(await crew.let_pass(timedelta(days=1))) if one.room == f"direct:{ZOE}"]
    assert len(thanks) == 1
    assert "votre amorce est dans le recueil" in thanks[0].body
    assert QUESTION[:-2] not in thanks[0].body


async def test_what_was_taken_in_appears_in_its_turn_and_names_nobody(any_crew: House) -> None:
    await accept(any_crew, await propose(any_crew, f'!rse amorce proposer "{QUESTION}"'))
    came = await a_month_of(any_crew)
    (mine,) = {body for body in came if body.startswith("Quel outil")}
    assert "zoe" not in mine.lower()
    assert came[:5].count(mine) == 1


async def test_what_was_left_out_never_appears_and_that_is_said_kindly(crew: House) -> None:
    shown = await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    assert [one.body for one in await accept(crew, shown, "🗑")] == ["Écartée."]
    sent = said(await crew.let_pass(timedelta(days=30)))
    assert not any(one.body.startswith("Quel outil") for one in sent)
    assert any("Merci pour votre amorce" in one.body for one in sent if one.room == f"direct:{ZOE}")


async def test_only_animators_decide_and_only_once(crew: House) -> None:
    shown = await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    assert await accept(crew, shown, sender=ALI) == []
    assert await accept(crew, shown, sender=ZOE) == []
    assert len(await accept(crew, shown)) == 1
    assert await accept(crew, shown, "🗑") == []


async def test_a_decision_can_be_taken_back(crew: House) -> None:
    shown = await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    relation = {"rel_type": "m.annotation", "event_id": await posted(crew, shown), "key": "✅"}
    reaction = {"type": "m.reaction", "room_id": BACKSTAGE, "content": {"m.relates_to": relation}}
    await crew.hear(sender=MAX, event_id="$yes", **reaction)
    gone = {"type": "m.room.redaction", "room_id": BACKSTAGE, "content": {"redacts": "$yes"}, "redacts": "$yes"}
    assert [one.body for one in said(await crew.hear(sender=MAX, **gone))] == ["Elle attend de nouveau."]
    assert not any("Quel outil" in body for body in await a_month_of(crew))
    assert len(await accept(crew, shown, "🗑")) == 1


async def test_its_author_or_an_animator_takes_it_back_and_nobody_else(crew: House) -> None:
    shown = await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    await accept(crew, shown)
    assert "Aucune amorce à vous" in await crew.ask("!rse amorce retirer 1", ALI)
    sent = await crew.say("!rse amorce retirer 1", ZOE)
    assert len(of(sent, Redact)) == 1
    assert not any("Quel outil" in body for body in await a_month_of(crew))
    assert "déjà retirée" in await crew.ask("!rse amorce retirer 1", MAX)
    # The same words may be proposed again.
    await propose(crew, f'!rse amorce proposer "{QUESTION}"')


async def test_an_animator_who_removes_the_message_takes_it_back(crew: House) -> None:
    shown = await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    await accept(crew, shown)
    gone = await posted(crew, shown)
    await crew.hear(sender=MAX, type="m.room.redaction", room_id=BACKSTAGE, redacts=gone, content={"redacts": gone})
    assert not any("Quel outil" in body for body in await a_month_of(crew))


async def test_the_same_prompt_is_not_proposed_twice(crew: House) -> None:
    await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    assert "existe déjà" in await crew.ask('!rse amorce proposer "QUEL outil, avez vous repare"', ALI)
    assert "existe déjà" in await crew.ask("!rse amorce proposer votre musique", ALI)
    assert is_in_library("your WEEKEND", replace(a_community(), prompts=PROMPTS))
    assert folded("Où ?") == folded("ou") != folded("oui")


async def test_it_can_be_for_one_group_or_one_kind(crew: House) -> None:
    one = await propose(crew, '!rse amorce proposer "Pour vous seuls ?" --pour "Entraide"')
    two = await propose(crew, '!rse amorce proposer "Pour le métier ?" --pour métier')
    assert "pour Entraide" in one.body
    assert "métier" in two.body
    for shown in (one, two):
        await accept(crew, shown)
    assert not any(body.startswith("Pour ") for body in await a_month_of(crew))


async def test_hostile_words_are_shown_as_they_are(crew: House) -> None:
    assert "500" in await crew.ask(f'!rse amorce proposer "{"a" * 10_000}"')
    shown = await propose(crew, "!rse amorce proposer <b>Ici</b> [x](https://x.example) @room # **Titre**")
    assert "<b>Ici" not in shown.html
    assert 'href="https://x.example"' not in shown.html
    assert "@room" not in shown.body
    await accept(crew, shown)
    (mine,) = [body for body in await a_month_of(crew) if "Ici" in body][:1]
    assert "@room" not in mine
    assert "<b>Ici</b>" in mine


async def test_the_first_line_is_the_question_and_the_others_follow(crew: House) -> None:
    await accept(crew, await propose(crew, '!rse amorce proposer "Un outil ?\nUne photo suffit."'))
    assert "Un outil ?\n\nUne photo suffit." in await a_month_of(crew)


async def test_nobody_floods_the_animators(crew: House) -> None:
    for number in range(5):
        await propose(crew, f'!rse amorce proposer "Question numéro {number} ?"')
    assert "attendent les animateurs" in await crew.ask('!rse amorce proposer "Encore une ?"')
    await propose(crew, '!rse amorce proposer "Encore une ?"', ALI)


async def test_people_see_their_own_and_animators_among_themselves_all(crew: House) -> None:
    await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    assert "tête-à-tête" in await crew.ask("!rse amorce propositions", ZOE)
    shown = await crew.ask("!rse amorce propositions", MAX, BACKSTAGE)
    assert "Quel outil" in shown
    assert "attend les animateurs" in shown
    assert "tête-à-tête" in await crew.ask("!rse amorce propositions", MAX)


async def test_what_is_kept_about_a_person_can_be_seen_and_forgotten(any_crew: House) -> None:
    first = await propose(any_crew, f'!rse amorce proposer "{QUESTION}"')
    await accept(any_crew, first)
    await propose(any_crew, '!rse amorce proposer "Une autre ?"')
    kept = (await any_crew.export("prompt", ZOE))["proposals"]
    assert [(one["state"], one["as"]) for one in kept] == [("accepted", "author"), ("open", "author")]
    assert [one["as"] for one in (await any_crew.export("prompt", MAX))["proposals"]] == ["animator"]
    assert len(of(await any_crew.erase("prompt", ZOE), Redact)) == 1
    await any_crew.erase("text", ZOE)
    await any_crew.erase("prompt", MAX)
    assert (await any_crew.export("prompt", ZOE))["proposals"] == []
    assert (await any_crew.export("prompt", MAX))["proposals"] == []
    assert any(body.startswith("Quel outil") for body in await a_month_of(any_crew))


async def test_where_there_is_no_animators_room_that_is_said(house: House) -> None:
    assert "pas de salon des animateurs" in await house.ask(f'!rse amorce proposer "{QUESTION}"')


async def test_a_proposal_cut_short_by_a_restart_is_shown_once(crew: House) -> None:
    shown = await propose(crew, f'!rse amorce proposer "{QUESTION}"')
    crew.restart()
    assert said(await crew.start()) == []
    assert len(await accept(crew, shown)) == 1
    kept = await crew.write(lambda conn: text.of_place(conn, "backstage", "prompt"))
    assert len(kept) == 1


async def test_who_is_none_of_us_proposes_nothing(crew: House) -> None:
    await crew.put_in("!yard", PAT)
    assert not [
        one
        for one in said(await crew.say("!rse amorce proposer Quoi ?", "@eve:elsewhere.example"))
        if one.room == "key:backstage"
    ]
