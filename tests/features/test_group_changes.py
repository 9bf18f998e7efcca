"""Owners change what their group is and whom it is for, and share it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, History, Joining, Kind, Origin, Source, Space
from esnbot.community.model import Community
from esnbot.engine.effects import Invite, Kick, Say
from esnbot.features.group import families
from esnbot.features.group.plans import SPACE
from esnbot.provisioning import wanted
from tests.features.house import (
    ALI,
    BOT,
    FILE,
    MAX,
    PAT,
    SERVER,
    ZOE,
    House,
    a_community,
    a_group,
    a_house,
    of,
    said,
)

LEA, TOM, IDA, SAM, KIM = (f"@{name}:partner.example" for name in ("lea", "tom", "ida", "sam", "kim"))


def houses() -> Community:
    """A house that is open to staff, a workshop for staff and partners where one comes in by invitation."""
    base = a_community()
    spaces = {
        "home": Space(key="home", name="La maison", audiences=("staff",), joining=Joining.public),
        "workshop": Space(key="workshop", name="L'atelier", audiences=("staff", "partners")),
    }
    audiences = {
        **base.audiences,
        "clients": Audience("clients", "Clients", Perimeter(homeservers=("client.example",)), external=True),
    }
    return a_community(spaces=spaces, audiences=audiences)


@asynccontextmanager
async def a_lab(url: str) -> AsyncIterator[House]:
    """Zoé's lab in the workshop, for staff alone; Ali is in it."""
    async with a_house(url, houses()) as house:
        await house.say("!rse groupe créer Labo --dans workshop --pour staff --type projet")
        await house.make_ready("labo")
        await house.put_in("!labo", ZOE, ALI)
        await house.put_in("!workshop", ZOE, ALI, MAX, PAT)
        yield house


@pytest_asyncio.fixture
async def lab(sqlite_url: str) -> AsyncIterator[House]:
    """The lab on SQLite."""
    async with a_lab(sqlite_url) as house:
        yield house


@pytest_asyncio.fixture
async def any_lab(database_url: str) -> AsyncIterator[House]:
    """The lab on both databases."""
    async with a_lab(database_url) as house:
        yield house


async def test_widening_shows_first_who_will_read_what_and_tells_the_members_afterwards(any_lab: House) -> None:
    question = await any_lab.ask_first("!rse groupe pour staff partners", room="!labo")
    assert question.startswith("Ouvrir davantage Labo\xa0?")
    assert "Il sera aussi pour Partenaires\xa0: quelques personnes pour le moment" in question
    assert "On y lira aussi ce qui s’est dit avant" in question
    assert (await any_lab.place("labo")).audiences == ("staff",)

    effects = await any_lab.agree("!rse groupe pour staff partners", room="!labo")
    told, answer = said(effects)
    assert (told.room, told.msgtype) == ("key:labo", "m.text")
    assert "a ouvert davantage ce groupe" in told.body
    assert "Salariés et Partenaires" in told.body
    assert told.body.count("ce qui s’est dit avant") == 1
    assert answer.body == "C’est fait, et les membres en sont informés."
    assert (await any_lab.place("labo")).audiences == (), "it follows its space"


async def test_who_changes_it_from_elsewhere_reads_in_the_answer_how_it_is_now(lab: House) -> None:
    await lab.put_in("!chat", ZOE, BOT)
    (_, answer) = said(await lab.agree("groupe pour tous --groupe Labo", room="!chat"))
    assert answer.body.startswith("C’est fait\xa0: il s’adresse à Salariés et Partenaires")


async def test_numbers_of_people_are_told_from_five_on(lab: House) -> None:
    await lab.put_in("!workshop", LEA, TOM, IDA, SAM)
    assert "5 personnes pour le moment" in await lab.ask_first("!rse groupe pour tous", room="!labo")


async def test_what_is_beyond_the_space_around_cannot_be_chosen(lab: House) -> None:
    answer = await lab.ask("!rse groupe pour staff clients", room="!labo")
    assert answer == (
        "L'atelier ne s’adresse pas à Clients, un groupe qui s’y trouve ne le peut donc pas non plus. Vous pouvez "
        "choisir Salariés ou Partenaires."
    )
    assert (await lab.place("labo")).audiences == ("staff",)


async def test_narrowing_says_who_will_have_to_leave_and_they_leave(lab: House) -> None:
    await lab.agree("!rse groupe pour tous", room="!labo")
    await lab.put_in("!labo", PAT)
    question = await lab.ask_first("!rse groupe pour staff", room="!labo")
    assert "Devront le quitter" in question
    assert PAT in question
    effects = await lab.agree("!rse groupe pour staff", room="!labo")
    assert [(kick.user, kick.room) for kick in of(effects, Kick)] == [(PAT, "key:labo")]
    assert (await lab.place("labo")).audiences == ("staff",)


async def test_whom_a_sponsor_may_have_invited_by_name_is_not_put_out(sqlite_url: str) -> None:
    community = houses()
    guests = Audience("guests", "Invités", Perimeter(by_invitation=True), external=True)
    spaces = {
        **community.spaces,
        "workshop": replace(community.spaces["workshop"], audiences=("staff", "partners", "guests")),
    }
    audiences = {**community.audiences, "guests": guests}
    async with a_house(sqlite_url, replace(community, audiences=audiences, spaces=spaces)) as house:
        await house.say("!rse groupe créer Labo --dans workshop --type projet")
        await house.make_ready("labo")
        await house.put_in("!labo", ZOE, PAT, "@guest:anywhere.example")
        effects = await house.agree("!rse groupe pour staff guests", room="!labo")
        assert [kick.user for kick in of(effects, Kick)] == [PAT]


async def test_nobody_shuts_themselves_out(lab: House) -> None:
    answer = await lab.ask("!rse groupe pour partners", room="!labo")
    assert "ne s’adresserait plus à vous" in answer
    assert (await lab.place("labo")).audiences == ("staff",)


async def test_only_owners_and_animators_may(lab: House) -> None:
    for line in ("pour tous", "entrée invitation", "historique arrivée", "type loisir", "langue anglais"):
        assert "seuls ses propriétaires" in await lab.ask(f"!rse groupe {line}", sender=ALI, room="!labo"), line
    await lab.agree("!rse groupe pour tous --groupe labo", sender=MAX, room="!labo")
    assert (await lab.place("labo")).audiences == ()


async def test_a_closed_group_opens_with_a_question_and_closes_without(lab: House) -> None:
    effects = await lab.say("!rse groupe entrée invitation", room="!labo")
    assert "on y entre sur invitation" in said(effects)[0].body
    assert (await lab.place("labo")).joining is Joining.invite
    question = await lab.ask_first("!rse groupe entrée espace", room="!labo")
    assert "Dès lors, les personnes qu’il concerne y entrent librement" in question
    await lab.agree("!rse groupe entrée espace", room="!labo")
    assert (await lab.place("labo")).joining is Joining.space


async def test_public_is_within_what_is_public_around(lab: House) -> None:
    assert "ne peut pas être ouvert" in await lab.ask("!rse groupe entrée public", room="!labo")
    await lab.say('!rse groupe créer "Club photo"', room="!cafe")
    await lab.make_ready("club-photo")
    await lab.agree("!rse groupe entrée public", room="!club-photo")
    assert (await lab.place("club-photo")).joining is Joining.public


async def test_the_bot_lets_people_in_where_a_part_of_the_space_is_left_out(lab: House) -> None:
    assert "c’est donc moi qui fais entrer" in await lab.ask("!rse groupe entrée demande", room="!labo")


async def test_opening_the_past_is_shown_first(lab: House) -> None:
    told, _ = said(await lab.say("!rse groupe historique arrivée", room="!labo"))
    assert "a changé ce que l’on peut lire en arrivant" in told.body
    assert (await lab.place("labo")).history is History.joined
    assert "ce qui s’est dit avant" in await lab.ask_first("!rse groupe historique tout", room="!labo")
    await lab.agree("!rse groupe historique tout", room="!labo")
    assert (await lab.place("labo")).history is History.shared


async def test_kind_and_language(lab: House) -> None:
    assert "d’un autre type" in await lab.ask("!rse groupe type loisir", room="!labo")
    assert await lab.ask("!rse groupe langue anglais", room="!labo") == "From now on I speak English in Labo."
    group = await lab.place("labo")
    assert (group.kind, group.language) == (Kind.hobby, "en")


@pytest.mark.parametrize("line", ["pour tous", "entrée espace", "historique arrivée"])
async def test_of_the_files_groups_the_file_says_who_is_inside(sqlite_url: str, line: str) -> None:
    cafe = a_group(owners=frozenset({ZOE}), joining=Joining.invite, audiences=("staff",), source=Source(FILE, 41, 5))
    async with a_house(sqlite_url, a_community(cafe)) as house:
        before = await house.place("cafe")
        assert f"{FILE}:41:5" in await house.ask(f"!rse groupe {line}")
        assert await house.place("cafe") == before


async def test_what_the_file_does_not_state_owners_change(sqlite_url: str) -> None:
    async with a_house(sqlite_url, a_community(a_group(owners=frozenset({ZOE})))) as house:
        await house.say("!rse groupe type projet")
        assert (await house.place("cafe")).kind is Kind.project


async def test_the_same_again_is_said_to_be_so(lab: House) -> None:
    assert "déjà le cas" in await lab.ask("!rse groupe pour staff", room="!labo")


@pytest.mark.parametrize("audience", ["@room", "..", "<b>staff</b>", "\u202estaff", "x" * 10_000, "🌱"])
async def test_what_is_no_audience_is_refused(lab: House, audience: str) -> None:
    answer = await lab.ask(f'!rse groupe pour "{audience}"', room="!labo")
    assert answer
    assert (await lab.place("labo")).audiences == ("staff",)


async def test_a_group_of_several_rooms_is_changed_as_a_whole(any_lab: House) -> None:
    async def several(conn: Any) -> None:
        group = await wanted.get(conn, "labo")
        assert isinstance(group, Group)
        around = Space(key="labo-space", name="Labo", parent="workshop", audiences=("staff",), origin=Origin.chat)
        rooms = [replace(group, parent="labo-space"), replace(group, key="annex", name="Annexe", parent="labo-space")]
        for place in (around, *rooms):
            await wanted.want(conn, place, ZOE, 1)
        await families.keep(conn, "labo", [("labo", "room"), ("annex", "annex"), ("labo-space", SPACE)])

    await any_lab.write(several)
    await any_lab.declare()
    await any_lab.agree("!rse groupe pour tous", room="!labo")
    assert (await any_lab.place("labo")).audiences == (await any_lab.place("annex")).audiences == ()
    await any_lab.put_in("!annex", PAT)
    effects = await any_lab.agree("!rse groupe pour staff", room="!annex")
    assert [(kick.user, kick.room) for kick in of(effects, Kick)] == [(PAT, "key:annex")]
    assert (await any_lab.place("annex")).audiences == ("staff",)


# --- owners ----------------------------------------------------------------------------------------------------------


async def test_a_group_can_be_owned_together(any_lab: House) -> None:
    effects = await any_lab.agree(f"!rse groupe ajouter-propriétaire {ALI}", room="!labo")
    assert (await any_lab.place("labo")).owners == {ZOE, ALI}
    assert "appartient désormais aussi" in said(effects)[-1].body
    shown = await any_lab.ask("!rse groupe propriétaires", sender=ALI, room="!labo")
    assert ZOE in shown
    assert ALI in shown
    await any_lab.say(f"!rse groupe retirer-propriétaire {ALI}", room="!labo")
    assert (await any_lab.place("labo")).owners == {ZOE}


async def test_a_new_owner_is_invited_and_must_be_meant(lab: House) -> None:
    assert "ne s’adresse pas à" in await lab.ask(f"!rse groupe ajouter-propriétaire {PAT}", room="!labo")
    assert (await lab.place("labo")).owners == {ZOE}
    leo = f"@leo:{SERVER}"
    effects = await lab.agree(f"!rse groupe ajouter-propriétaire {leo} --groupe labo")
    assert [one.user for one in of(effects, Invite)] == [leo]
    assert [one.room for one in of(effects, Say)] == ["key:labo", "!cafe"]


async def test_members_hear_of_what_is_done_to_their_group_from_elsewhere(lab: House) -> None:
    told, answer = said(await lab.agree("!rse groupe archiver labo", room="!cafe"))
    assert (told.room, "a archivé ce groupe" in told.body) == ("key:labo", True)
    assert "est archivé" in answer.body
    told, _ = said(await lab.say("!rse groupe rouvrir labo", room="!cafe"))
    assert (told.room, "a rouvert ce groupe" in told.body) == ("key:labo", True)


async def test_an_archived_group_that_nobody_owns_is_whose_who_opens_it(lab: House) -> None:
    group = await lab.place("labo")
    assert "seuls ses propriétaires" in await lab.ask("!rse groupe rouvrir labo", sender=ALI)
    await lab.write(lambda conn: wanted.want(conn, replace(group, owners=frozenset()), BOT, 1))
    await lab.write(lambda conn: wanted.archive(conn, "labo", 1))
    await lab.say("!rse groupe rouvrir labo", sender=ALI, room="!labo")
    opened = await lab.place("labo")
    assert (opened.archived, opened.owners) == (False, frozenset({ALI}))


async def test_the_last_owner_stays(lab: House) -> None:
    answer = await lab.ask(f"!rse groupe retirer-propriétaire {ZOE}", room="!labo")
    assert "la dernière personne" in answer
    assert (await lab.place("labo")).owners == {ZOE}


async def test_two_owners_who_take_each_other_off_in_the_same_second_leave_one(any_lab: House) -> None:
    await any_lab.agree(f"!rse groupe ajouter-propriétaire {ALI}", room="!labo")

    def line(sender: str, other: str) -> dict[str, Any]:
        body = f"!rse groupe retirer-propriétaire {other}"
        return {"sender": sender, "room_id": "!labo", "content": {"msgtype": "m.text", "body": body}}

    await any_lab.hear_together(line(ZOE, ALI), line(ALI, ZOE))
    assert len((await any_lab.place("labo")).owners) == 1


async def test_the_bot_owns_nothing(lab: House) -> None:
    assert "doit appartenir à une personne" in await lab.ask(f"!rse groupe ajouter-propriétaire {BOT}", room="!labo")
    assert (await lab.place("labo")).owners == {ZOE}


async def test_what_one_may_not_see_is_not_shown(lab: House) -> None:
    await lab.say("!rse groupe entrée invitation", room="!labo")
    answer = await lab.ask("!rse groupe propriétaires labo", sender=f"@leo:{SERVER}", room="!cafe")
    assert ZOE not in answer
    assert "Je ne connais" in answer
