"""Two groups become one, and a group is described."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from esnbot.community.group import Joining, Kind, Source
from esnbot.engine.effects import Effect, Emit, Invite, Say
from esnbot.engine.feature import Listener, Module
from esnbot.engine.tables import outbox
from esnbot.features.group import MERGED
from esnbot.features.life import records
from esnbot.features.life.merging import NO, YES
from esnbot.provisioning import wanted
from esnbot.provisioning.events import ROOM_ARCHIVED
from tests.features.house import ALI, BOT, FILE, MAX, PAT, ZOE, House, a_community, a_group, a_house, of, said

MERGE = '!rse groupe fusionner "Club photo" dans "Ciné-club"'


async def two_clubs(house: House) -> House:
    """Zoé's photo club, with Ali and Max in it, and Ali's film club, with Max in it."""
    await house.say('!rse groupe créer "Club photo" --type loisir')
    await house.make_ready("club-photo")
    await house.say('!rse groupe créer "Ciné-club" --type loisir', sender=ALI)
    await house.make_ready("cine-club")
    await house.put_in("!club-photo", ZOE, ALI, MAX, PAT)
    await house.put_in("!cine-club", ALI, MAX)
    return house


@pytest_asyncio.fixture
async def any_clubs(any_house: House) -> House:
    return await two_clubs(any_house)


@pytest_asyncio.fixture
async def clubs(house: House) -> House:
    return await two_clubs(house)


async def press(house: House, emoji: str, person: str = ALI) -> list[Effect]:
    """Somebody answers below the question in the film club."""

    async def job(conn: Any) -> str:
        query = select(outbox.c.event_id).where(outbox.c.key.like("life/merge:%"), outbox.c.kind == "Say")
        return str((await conn.execute(query.order_by(outbox.c.seq.desc()).limit(1))).scalar_one())

    relation = {"rel_type": "m.annotation", "event_id": await house.write(job), "key": emoji}
    return await house.hear(sender=person, room_id="!cine-club", type="m.reaction", content={"m.relates_to": relation})


async def heard_of(house: House, type: str) -> list[dict[str, Any]]:
    """What other features would hear."""

    heard: list[dict[str, Any]] = []

    async def listen(ctx: Any, event: Any) -> list[Effect]:
        heard.append(dict(event.content))
        return []

    house.add(Module("listening", (Listener(frozenset({type}), listen),)))
    return heard


async def test_the_other_owners_agree_members_are_invited_and_nothing_is_lost(any_clubs: House) -> None:
    heard = await heard_of(any_clubs, MERGED)
    before = await any_clubs.place("club-photo")
    question = await any_clubs.ask_first(MERGE, room="!club-photo")
    assert question.startswith("Fondre Club photo dans Ciné-club\xa0?")
    assert "Auparavant, je demande aux propriétaires de Ciné-club" in question

    answer, asked = said(await any_clubs.agree(MERGE, room="!club-photo"))
    assert (asked.room, asked.mentions) == ("key:cine-club", (ALI,))
    assert "vous dirai leur réponse" in answer.body
    assert not (await any_clubs.place("club-photo")).archived

    effects = await press(any_clubs, YES)
    farewell, arrival, told = said(effects)
    assert farewell.room == "key:club-photo"
    assert "matrix.to/#/!cine-club" in farewell.html
    assert PAT in farewell.html, "who is not invited is told"
    assert "Club photo rejoint ce groupe." in arrival.body
    assert told.room == f"direct:{ZOE}"
    assert [one.user for one in of(effects, Invite)] == [ZOE], "the others are there, or it is not for them"
    assert (await any_clubs.place("club-photo")).archived
    assert heard == [{"from": "club-photo", "into": "cine-club"}]

    await any_clubs.say('!rse groupe rouvrir "Club photo"')
    assert await any_clubs.place("club-photo") == before


async def test_who_owns_both_is_not_asked_twice(clubs: House) -> None:
    group = await clubs.place("cine-club")
    await clubs.write(lambda conn: wanted.want(conn, replace(group, owners=frozenset({ALI, ZOE})), ALI, 1))
    effects = await clubs.agree('!rse groupe fusionner "Ciné-club"', room="!club-photo")
    assert [one.room for one in said(effects)] == ["key:club-photo", "key:cine-club", "!club-photo"]
    assert (await clubs.place("club-photo")).archived


async def test_a_no_leaves_all_as_it_is(clubs: House) -> None:
    await clubs.agree(MERGE, room="!club-photo")
    (told,) = said(await press(clubs, NO))
    assert (told.room, "reste un groupe à part" in told.body) == (f"direct:{ZOE}", True)
    assert not (await clubs.place("club-photo")).archived
    assert await press(clubs, YES) == [], "it is answered"


async def test_only_owners_of_the_other_group_answer(clubs: House) -> None:
    await clubs.put_in("!cine-club", ZOE)
    await clubs.agree(MERGE, room="!club-photo")
    assert await press(clubs, YES, ZOE) == []
    assert not (await clubs.place("club-photo")).archived


async def test_two_answers_in_the_same_second_merge_once(any_clubs: House) -> None:
    await any_clubs.agree(MERGE, room="!club-photo")

    async def job(conn: Any) -> str:
        query = select(outbox.c.event_id).where(outbox.c.key.like("life/merge:%"), outbox.c.kind == "Say")
        return str((await conn.execute(query)).scalar_one())

    event = await any_clubs.write(job)

    def answer(person: str, emoji: str) -> dict[str, Any]:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
        content = {"m.relates_to": relation}
        return {"sender": person, "room_id": "!cine-club", "type": "m.reaction", "content": content}

    effects = await any_clubs.hear_together(answer(ALI, YES), answer(MAX, YES), answer(MAX, NO))
    assert len(of(effects, Invite)) == 1
    assert len([one for one in of(effects, Say) if one.room == "key:club-photo"]) == 1
    assert not of(effects, Emit)


async def test_nobody_answers_and_whoever_asked_is_told(clubs: House) -> None:
    await clubs.agree(MERGE, room="!club-photo")
    told = said(await clubs.let_pass(timedelta(days=10)))
    assert [one.room for one in told if one.room.startswith("direct:")] == [f"direct:{ZOE}"]
    assert await press(clubs, YES) == []


async def test_one_wish_at_a_time(clubs: House) -> None:
    await clubs.agree(MERGE, room="!club-photo")
    again = await clubs.agree(MERGE, room="!club-photo")
    assert "une chose à la fois" in said(again)[0].body


@pytest.mark.parametrize("ended", ["club-photo", "cine-club"])
async def test_a_group_that_is_archived_meanwhile_ends_the_wish(any_clubs: House, ended: str) -> None:
    await any_clubs.agree(MERGE, room="!club-photo")
    await any_clubs.write(lambda conn: wanted.archive(conn, ended, 1))
    assert said(await press(any_clubs, YES)) == []
    await any_clubs.tell(ROOM_ARCHIVED, key=ended, room_id=f"!{ended}")
    assert await any_clubs.write(lambda conn: records.merges_of(conn, "club-photo")) == []


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ('fusionner "Club photo" dans "Club photo"', "ne peut pas se fondre en lui-même"),
        ('fusionner "Ciné-club" dans "Club photo"', "seuls ses propriétaires"),
        ("fusionner dans nulle-part", "Je ne connais pas"),
        ('fusionner "Club photo" dans "Club secret"', "Je ne connais pas"),
        ("fusionner ../..", "Je ne connais pas"),
        ('fusionner "@room" dans "<b>x</b>"', "Je ne connais pas"),
        ("fusionner " + "x" * 5_000, ""),
    ],
)
async def test_what_cannot_be_merged_is_said(clubs: House, line: str, answer: str) -> None:
    before = await clubs.place("club-photo")
    assert answer in await clubs.ask(f"!rse groupe {line}", room="!club-photo")
    assert await clubs.place("club-photo") == before


async def test_unquoted_names_and_the_group_in_whose_room_it_is_said(clubs: House) -> None:
    assert "Fondre Club photo dans Ciné-club" in await clubs.ask_first(
        "!rse groupe fusionner club photo dans ciné-club", room="!cafe"
    )
    assert "Fondre Club photo dans Ciné-club" in await clubs.ask_first(
        "!rse groupe fusionner dans ciné-club", room="!club-photo"
    )


async def test_the_animators_room_is_merged_with_nothing(clubs: House) -> None:
    assert "ne le fusionne pas" in await clubs.ask(
        '!rse groupe fusionner Coulisses dans "Ciné-club"', sender=MAX, room="!cafe"
    )


async def test_what_the_file_keeps_open_stays_open(sqlite_url: str) -> None:
    cafe = a_group(stated=frozenset({"name", "archived"}), source=Source(FILE, 41, 5), owners=frozenset({ZOE}))
    async with a_house(sqlite_url, a_community(cafe, a_group("help", "Entraide", kind=Kind.help))) as house:
        assert f"{FILE}:41:5" in await house.ask("!rse groupe fusionner Entraide")


# --- described -------------------------------------------------------------------------------------------------------


async def test_a_group_is_described_in_words(any_clubs: House) -> None:
    await any_clubs.say("Bonjour", room="!club-photo")
    told = await any_clubs.ask('!rse groupe décrire "Club photo"', sender=ALI)
    for words in ("Club photo", "un loisir", "il s’adresse à Salariés", ZOE, "français", "ces dernières 24 heures"):
        assert words in told, words
    await any_clubs.let_pass(timedelta(days=40))
    told = await any_clubs.ask('!rse groupe décrire "Club photo"', sender=ALI)
    assert "depuis un mois ou plus" in told


async def test_what_one_may_not_see_is_not_described(clubs: House) -> None:
    assert "Je ne connais pas de groupe" in await clubs.ask("!rse groupe décrire 'Club secret'")
    assert "salon des animateurs" in await clubs.ask("!rse groupe décrire Coulisses", sender=MAX)


async def test_a_wish_is_shown_to_whoever_had_it_and_can_be_forgotten(clubs: House) -> None:
    await clubs.agree(MERGE, room="!club-photo")
    assert (await clubs.export("life", ZOE))["merging"] == [{"merge": "club-photo", "into": "cine-club"}]
    await clubs.erase("life", ZOE)
    assert (await clubs.export("life", ZOE))["merging"] == []
    assert [one.room for one in said(await press(clubs, YES))] == ["key:club-photo", "key:cine-club"]


# --- by invitation ---------------------------------------------------------------------------------------------------


async def test_members_bring_people_in_whom_the_group_is_for(clubs: House) -> None:
    leo = "@leo:example.org"
    effects = await clubs.say(f"!rse groupe inviter {leo}", sender=ALI, room="!club-photo")
    assert [one.user for one in of(effects, Invite)] == [leo]
    assert of(await clubs.say("!rse groupe inviter @eve:elsewhere.example", room="!club-photo"), Invite) == []
    await clubs.say("!rse groupe entrée invitation", room="!club-photo")
    assert of(await clubs.say(f"!rse groupe inviter {leo}", sender=ALI, room="!club-photo"), Invite) == []
    assert len(of(await clubs.say(f"!rse groupe inviter {leo}", room="!club-photo"), Invite)) == 1


class TestWhatWasKept:
    """Pages and notes stay where they are; the group that goes on says where, to those who may read them."""

    async def merged(self, house: House) -> list[Effect]:
        await house.say("!rse page écrire Objectifs Le 50.", room="!club-photo")
        await house.say("!rse note Pellicule\nDans le frigo.", room="!club-photo")
        await house.agree(MERGE, room="!club-photo")
        return await press(house, YES)

    async def test_both_groups_are_told_and_the_lists_name_them(self, any_clubs: House) -> None:
        farewell, arrival, _ = said(await self.merged(any_clubs))
        assert "Ce qui a été dit et gardé ici reste lisible ici" in farewell.body
        assert "restent dans Club photo" in arrival.body
        assert "!rse page liste" in arrival.body
        for noun, title in (("page", "Objectifs"), ("note", "Pellicule")):
            listed = await any_clubs.ask(f"!rse {noun} liste", ALI, "!cine-club")
            assert "Club photo, qui a rejoint ce groupe, garde les siennes" in listed
            assert title in listed
        await any_clubs.say("!rse page écrire Salles Le Rex.", ALI, "!cine-club")
        listed = await any_clubs.ask("!rse page liste", ALI, "!cine-club")
        assert listed.index("Salles") < listed.index("Objectifs")

    async def test_a_group_without_anything_kept_says_nothing_of_it(self, clubs: House) -> None:
        await clubs.agree(MERGE, room="!club-photo")
        _, arrival, _ = said(await press(clubs, YES))
        assert "notes" not in arrival.body
        assert "qui a rejoint" not in await clubs.ask("!rse page liste", ALI, "!cine-club")

    async def test_what_not_all_may_read_is_named_only_to_those_who_may(self, clubs: House) -> None:
        group = await clubs.place("club-photo")
        await clubs.write(lambda conn: wanted.want(conn, replace(group, joining=Joining.invite), ZOE, 1))
        await self.merged(clubs)
        for noun in ("page", "note"):
            assert "Club photo" not in await clubs.ask(f"!rse {noun} liste", ALI, "!cine-club")
        await clubs.put_in("!chat", ZOE, BOT)
        assert "Objectifs" in await clubs.ask('page liste --dans "Ciné-club"', ZOE, "!chat")
        await clubs.put_in("!max", MAX, BOT)
        await clubs.put_in("!club-photo", MAX, membership="leave")
        assert "Objectifs" not in await clubs.ask('page liste --dans "Ciné-club"', MAX, "!max")

    async def test_a_group_that_is_opened_again_has_its_own_list(self, clubs: House) -> None:
        await self.merged(clubs)
        await clubs.say('!rse groupe rouvrir "Club photo"')
        assert "Objectifs" not in await clubs.ask("!rse page liste", ALI, "!cine-club")
        assert "Objectifs" in await clubs.ask("!rse page liste", ZOE, "!club-photo")

    async def test_what_became_part_of_what_became_part_is_found_too(self, clubs: House) -> None:
        await self.merged(clubs)
        await clubs.say("!rse groupe créer Images --type loisir", sender=ALI)
        await clubs.make_ready("images")
        await clubs.put_in("!images", ALI, MAX)
        await clubs.agree("!rse groupe fusionner Images", sender=ALI, room="!cine-club")
        assert "Objectifs" in await clubs.ask("!rse page liste", ALI, "!images")
