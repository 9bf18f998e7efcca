"""Spaces that members add to and do not take from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from esnbot.community.group import Joining, Kind, Space
from esnbot.community.model import Community
from esnbot.features.space import model
from tests.features.house import ALI, EVE, MAX, PAT, ZOE, House, a_community, a_group, a_house, said

ALREADY = "est déjà dans"
ADDED = "J’ajoute"
UNKNOWN = "Je ne connais pas de groupe"


def a_town(**changes: Any) -> Community:
    """A square that is open to additions, a house with groups of its own, a workshop with partners."""
    groups = (
        a_group(),
        a_group("photo", "Club photo", kind=Kind.hobby, owners=frozenset({ALI})),
        a_group("secret", "Club secret", joining=Joining.invite),
        a_group("knock", "Sur demande", joining=Joining.knock),
        a_group("backstage", "Coulisses", kind=Kind.animators),
        a_group("yard", "Chantier", parent="workshop"),
        a_group("old", "Vieux club", archived=True),
        a_group("fixed", "Fixe", shown_in=("square",), stated=frozenset({"name", "shown_in"})),
    )
    spaces = {
        "home": Space(key="home", name="La maison", audiences=("staff",)),
        "workshop": Space(key="workshop", name="L'atelier", audiences=("staff", "partners"), open_to_additions=True),
        "square": Space(key="square", name="La place", audiences=("staff",), open_to_additions=True),
    }
    return a_community(*groups, **{"spaces": spaces, **changes})


@pytest_asyncio.fixture
async def town(database_url: str) -> AsyncIterator[House]:
    """Zoé, Ali and Max are in the square, Zoé in the secret club, Pat and Zoé in the workshop."""
    async with a_house(database_url, a_town()) as one:
        await one.put_in("!square", ZOE, ALI, MAX)
        await one.put_in("!secret", ZOE)
        await one.put_in("!workshop", ZOE, PAT)
        yield one


async def shown(house: House, key: str) -> tuple[str, ...]:
    """The further spaces that show a group."""
    return (await house.place(key)).shown_in


async def add(house: House, what: str, sender: str = ZOE, room: str = "!cafe") -> str:
    return await house.ask(f"!rse espace ajouter {what}", sender=sender, room=room)


# --- adding ---------------------------------------------------------------------------------------------------------


async def test_any_member_adds_a_group_of_somebody_else(town: House) -> None:
    assert ADDED in await add(town, '"Club photo" --à "La place"')
    assert await shown(town, "photo") == ("square",)
    photo = await town.place("photo")
    assert (photo.parent, photo.also_in, photo.joining) == ("home", (), Joining.space)


async def test_what_is_clear_need_not_be_said(town: House) -> None:
    assert ADDED in await add(town, "Le café", room="!square")
    assert await shown(town, "cafe") == ("square",)
    # Ali is in one open space only, and says it in the group's room; Zoé is in two.
    assert "À quel espace" in await add(town, "", room="!photo")
    assert ADDED in await add(town, "", sender=ALI, room="!photo")
    assert await shown(town, "photo") == ("square",)


async def test_its_owner_hears_of_it_once_and_quietly(town: House) -> None:
    await add(town, '"Club photo" --à "La place"')
    words = [one for one in said(await town.let_pass(timedelta(days=1))) if one.room == f"direct:{ALI}"]
    assert "Club photo" in words[0].body
    assert len(words) == 1
    await town.say("!rse espace retirer --de place Club photo", sender=ALI)
    await add(town, '"Club photo" --à "La place"', sender=ALI)
    assert not [one for one in said(await town.let_pass(timedelta(days=3))) if one.room.startswith("direct:")]


async def test_the_same_again_is_there_already(town: House) -> None:
    await add(town, '"Club photo" --à "La place"')
    assert ALREADY in await add(town, '"Club photo" --à "La place"', sender=ALI)
    assert ALREADY in await add(town, 'Fixe --à "La place"')
    assert ALREADY in await add(town, 'Chantier --à "L\'atelier"')
    assert await shown(town, "photo") == ("square",)


async def test_two_who_add_the_same_at_the_same_second_are_one(town: House) -> None:
    def asks(user: str, room: str, space: str) -> dict[str, Any]:
        body = f'!rse espace ajouter "Le café" --à "{space}"'
        return {"sender": user, "room_id": room, "content": {"msgtype": "m.text", "body": body}}

    answers = said(await town.hear_together(asks(ZOE, "!cafe", "La place"), asks(ALI, "!photo", "La place")))
    assert sorted(ALREADY in one.body for one in answers) == [False, True]
    assert await shown(town, "cafe") == ("square",)


async def test_members_of_the_space_alone_add_to_it(town: House) -> None:
    await town.put_in("!square", ALI, membership="leave")
    assert "Seuls les membres de La place" in await add(town, '"Le café" --à "La place"', sender=ALI)
    assert await add(town, '"Le café" --à "La place"', sender=EVE) == ""
    assert await shown(town, "cafe") == ()


async def test_only_spaces_that_are_declared_open_take_additions(town: House) -> None:
    await town.put_in("!home", ZOE)
    assert "n’est pas ouvert aux ajouts" in await add(town, 'Chantier --à "La maison"')
    assert await shown(town, "yard") == ()


# --- nothing is given away ------------------------------------------------------------------------------------------


async def test_a_closed_group_is_not_hinted_at(town: House) -> None:
    for name in ("Club secret", "secret", "#secret:example.org", "!secret", "Coulisses"):
        answer = await add(town, f'"{name}" --à "La place"', sender=ALI)
        nothing = await add(town, '"Club sacré" --à "La place"', sender=ALI)
        assert UNKNOWN in answer
        assert answer.replace(name, "…").startswith(nothing.replace("Club sacré", "…").split("Vouliez")[0].strip()[:40])
    assert await shown(town, "secret") == ()


async def test_who_is_in_a_closed_group_cannot_put_it_up_either(town: House) -> None:
    assert "sur invitation" in await add(town, '"Club secret" --à "La place"')
    assert "sur invitation" in await add(town, '"Club secret" --à "La place"', sender=MAX)
    assert await shown(town, "secret") == ()


async def test_a_group_is_shown_to_nobody_whom_it_is_not_for(town: House) -> None:
    answer = await add(town, '"Club photo" --à "L\'atelier"')
    assert "il ne s’adresse pas à tous" in answer
    assert await shown(town, "photo") == ()
    # The other way round it may be shown: all of the staff may know of it.
    assert ADDED in await add(town, 'Chantier --à "La place"')


async def test_a_partner_does_not_learn_of_what_is_not_for_them(town: House) -> None:
    assert UNKNOWN in await add(town, '"Club photo" --à "L\'atelier"', sender=PAT, room="!workshop")
    answer = await town.ask("!rse espace montrer", sender=PAT, room="!workshop")
    assert "Chantier" in answer
    assert "photo" not in answer
    assert "La place" not in await town.ask("!rse espace liste", sender=PAT, room="!workshop")


async def test_archived_groups_and_spaces_are_not_added(town: House) -> None:
    assert "est un espace" in await add(town, '"L\'atelier" --à "La place"')
    assert "est un espace" in await add(town, '"La place" --à "La place"')
    assert await add(town, '"Vieux club" --à "La place"') != ""
    assert await shown(town, "old") == ()


@pytest.mark.parametrize(
    "words",
    [
        "x" * 10_000,
        '"<b>Club photo</b>"',
        "@room",
        "../photo",
        "🎈" * 300,
        "\u202eotohp bulC",
        "#nowhere:elsewhere.example",
        "!room:elsewhere.example",
        "https://matrix.to/#/%23nowhere:elsewhere.example",
    ],
)
async def test_nonsense_gets_a_clear_answer_and_changes_nothing(town: House, words: str) -> None:
    answer = await add(town, f"{words} --à place")
    assert answer
    assert len(answer) < 800
    assert "@room" not in answer
    for key in ("photo", "cafe", "yard"):
        assert await shown(town, key) == ()
    assert await add(town, f'"Le café" --à {words}')


async def test_who_adds_everything_is_slowed_down(database_url: str) -> None:
    settings: dict[str, dict[str, Any]] = {"space": {"a_day": 2}}
    async with a_house(database_url, a_town(), settings) as town:
        await town.put_in("!square", ZOE, ALI)
        for name in ("Le café", "Club photo"):
            assert ADDED in await add(town, f'"{name}" --à "La place"')
        assert "depuis hier" in await add(town, '"Chantier" --à "La place"')
        assert ADDED in await add(town, '"Chantier" --à "La place"', sender=ALI)
        town.clock.advance(timedelta(days=1, minutes=1))
        assert ADDED in await add(town, '"Sur demande" --à "La place"')


async def test_a_space_can_be_full(database_url: str) -> None:
    async with a_house(database_url, a_town(), {"space": {"most": 2}}) as town:
        await town.put_in("!square", ZOE)
        assert ADDED in await add(town, '"Le café" --à "La place"')
        assert "est plein" in await add(town, '"Club photo" --à "La place"')


# --- opening --------------------------------------------------------------------------------------------------------


async def made(house: House, name: str = "Les marcheurs") -> str:
    """Ali makes a group; its key."""
    await house.say(f'!rse groupe créer "{name}" --dans "La maison"', sender=ALI)
    await house.make_ready("les-marcheurs")
    return "les-marcheurs"


async def test_an_owner_opens_a_group_to_a_space_after_seeing_who_will_come_in(town: House) -> None:
    key = await made(town)
    await town.put_in("!les-marcheurs", ALI, ZOE)
    command = '!rse espace ajouter "Les marcheurs" --à "La place" --ouvrir'
    question = await town.ask_first(command, sender=ALI)
    assert "toute personne présente dans La place pourra entrer dans Les marcheurs" in question
    assert "une personne de plus" in question  # Max
    assert "Salariés" in question
    assert (await town.place(key)).also_in == ()
    answer = said(await town.agree(command, sender=ALI))
    assert "pourra y entrer d’elle-même" in answer[-1].body
    assert (await town.place(key)).also_in == ("square",)
    assert "n’est plus dans" in await town.ask('!rse espace retirer "Les marcheurs" --de "La place"', sender=ALI)
    assert (await town.place(key)).also_in == ()


async def test_what_is_shown_can_be_opened_later(town: House) -> None:
    key = await made(town)
    await add(town, '"Les marcheurs" --à "La place"')
    assert (await town.place(key)).shown_in == ("square",)
    await town.agree('!rse espace ajouter "Les marcheurs" --à "La place" --ouvrir', sender=ALI)
    place = await town.place(key)
    assert (place.also_in, place.shown_in) == (("square",), ())


async def test_others_cannot_open_it_and_the_files_doors_are_the_files(town: House) -> None:
    key = await made(town)
    answer = await add(town, '"Les marcheurs" --à "La place" --ouvrir')
    assert "décident de qui peut y entrer" in answer
    assert (await town.place(key)).also_in == ()
    asked = said(await town.agree('!rse espace ajouter "Club photo" --à "La place" --ouvrir', sender=ALI))
    assert "config/community.yaml" in asked[-1].body
    assert (await town.place("photo")).also_in == ()
    wide = await add(town, '"Les marcheurs" --à "L\'atelier" --ouvrir', sender=MAX)
    assert "ne s’adresse pas à tous" in wide


# --- taking out -----------------------------------------------------------------------------------------------------


async def test_members_do_not_take_out_what_they_or_others_added(town: House) -> None:
    await add(town, '"Club photo" --à "La place"')
    for user in (ZOE, PAT):
        answer = await town.ask('!rse espace retirer "Club photo" --de "La place"', sender=user)
        assert "n’est plus dans" not in answer
    assert await shown(town, "photo") == ("square",)


@pytest.mark.parametrize("user", [ALI, MAX])
async def test_its_owner_or_an_animator_takes_it_out_and_it_stays_out(town: House, user: str) -> None:
    await add(town, '"Club photo" --à "La place"')
    assert "n’est plus dans" in await town.ask('!rse espace retirer "Club photo"', sender=user)
    assert await shown(town, "photo") == ()
    assert "eux seuls" in await add(town, '"Club photo" --à "La place"')
    assert ADDED in await add(town, '"Club photo" --à "La place"', sender=user)
    assert ADDED in await add(town, '"Le café" --à "La place"', sender=user)


async def test_the_home_of_a_group_is_not_taken_away_and_the_file_has_its_say(town: House) -> None:
    assert "chez lui" in await town.ask('!rse espace retirer "Le café" --de "La maison"', sender=MAX)
    assert "config/community.yaml" in await town.ask('!rse espace retirer Fixe --de "La place"', sender=MAX)
    assert await shown(town, "fixed") == ("square",)
    assert "n’est pas dans" in await town.ask('!rse espace retirer "Le café" --de "La place"', sender=MAX)


async def test_what_one_may_not_know_of_one_cannot_take_out(town: House) -> None:
    answer = await town.ask('!rse espace retirer "Club secret" --de "La place"', sender=ALI)
    assert UNKNOWN in answer


# --- looking --------------------------------------------------------------------------------------------------------


async def test_people_see_what_is_in_a_space_as_far_as_they_may(town: House) -> None:
    await add(town, '"Club photo" --à "La place"')
    answer = await town.ask("!rse espace", room="!square")
    assert "Club photo (https://matrix.to/#/!photo?via=example.org) (ajouté par des membres)" in answer
    assert "Les membres de La place peuvent l’ajouter" in answer
    house = await town.ask("!rse espace montrer La maison", sender=ALI)
    assert "Le café" in house
    for hidden in ("Club secret", "Coulisses", "Vieux club"):
        assert hidden not in house
    spaces = await town.ask("!rse espace liste", sender=ALI)
    assert "!square?via=example.org)\xa0: les membres peuvent ajouter des groupes" in spaces


async def test_what_a_space_grew_too_wide_for_is_not_shown_any_more(town: House) -> None:
    await add(town, '"Club photo" --à "La place"')
    spaces = dict(a_town().spaces)
    spaces["square"] = Space(key="square", name="La place", audiences=("staff", "partners"), open_to_additions=True)
    await town.declare(a_town(spaces=spaces))
    assert "Club photo" not in await town.ask("!rse espace", room="!square")


# --- what is kept ---------------------------------------------------------------------------------------------------


async def test_who_added_what_is_shown_and_forgotten(town: House) -> None:
    await add(town, '"Club photo" --à "La place"')
    (kept,) = (await town.export("space", ZOE))["added"]
    assert (kept["space"], kept["place"]) == ("square", "photo")
    assert await town.erase("space", ZOE) == []
    assert await town.export("space", ZOE) == {"added": []}
    assert await shown(town, "photo") == ("square",)


async def test_the_file_can_be_declared_again_and_additions_stay(town: House) -> None:
    await add(town, '"Club photo" --à "La place"')
    await town.declare()
    assert await shown(town, "photo") == ("square",)


def test_groups_alone_are_counted_and_nothing_is_added_twice() -> None:
    group = a_group("photo", shown_in=("square",))
    assert model.added(group, "square") == group
    assert model.taken_out(group, "square").shown_in == ()
    assert model.shown_in([group, Space(key="square", name="S"), a_group()], "square") == 1
