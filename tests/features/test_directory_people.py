"""Whom one may ask: only what people said themselves, only to those whom they meant, in words near enough."""

from __future__ import annotations

from typing import Any

import pytest

from esnbot.community.group import Joining
from esnbot.features.directory.model import (
    Onlookers,
    Scope,
    Standing,
    SubjectProblem,
    UnusableSubject,
    may_find,
    subjects,
)
from tests.features.house import ALI, EVE, MAX, PAT, ZOE, House, a_community, a_group, a_house
from tests.features.test_directory import found

SUE = "@sue:partner.example"


async def state(house: House, person: str, text: str, visible: str = "") -> None:
    await found(house, f"me ask-about {text}", person)
    if visible:
        await found(house, f"me visible {visible}", person)


async def test_people_say_what_one_can_ask_them_and_are_found_by_it(any_house: House) -> None:
    house = any_house
    noted = await found(house, "moi savoirs gabarits, soudure TIG")
    assert "gabarits et soudure TIG" in noted
    assert "Toute l’entreprise" in noted
    for asked in ("qui connaît la soudure", "qui connaît TIG", "who knows soudures", "qui sait gabarit", "qui tig"):
        assert ZOE in await found(house, asked, ALI), asked
    assert "soudure TIG" in await found(house, "qui connaît tig", ALI)


async def test_they_see_change_and_take_back_what_they_said(house: House) -> None:
    assert "pas dit" in await found(house, "moi savoirs")
    await state(house, ZOE, "jigs, Photo, Paris")
    assert "jigs" in await found(house, "moi")
    assert "Photo" in await found(house, "moi savoirs --retirer PHOTO")
    assert "Rien de cela" in await found(house, "moi savoirs --retirer photo")
    assert await house.export("directory", ZOE) == {
        "ask_about": [{"text": text, "since": 1772434800000} for text in ("jigs", "Paris")],
        "shown_to": None,
    }
    assert "jigs et Paris" in await found(house, "moi savoirs --retirer")
    assert "pas dit" in await found(house, "moi savoirs")


async def test_saying_the_same_again_corrects_how_it_is_written(house: House) -> None:
    await state(house, ZOE, "velo")
    await state(house, ZOE, "Vélo, VELO")
    await state(house, ZOE, "Vélo")
    assert [one["text"] for one in (await house.export("directory", ZOE))["ask_about"]] == ["Vélo"]


async def test_forgetting_export_and_erase_cover_it(any_house: House) -> None:
    house = any_house
    await state(house, ZOE, "jigs", "partners")
    assert "Dois-je oublier" in await house.ask_first("!rse moi oublier")
    await house.agree("!rse moi oublier")
    assert await house.export("directory", ZOE) == {"ask_about": [], "shown_to": None}
    await state(house, ZOE, "jigs", "partners")
    assert (await house.export("directory", ZOE))["shown_to"] == "partners"
    await house.erase("directory", ZOE)
    assert await house.export("directory", ZOE) == {"ask_about": [], "shown_to": None}


async def test_who_hides_is_found_by_nobody_and_keeps_what_they_said(house: House) -> None:
    await state(house, ZOE, "jigs", "nobody")
    nobody = await found(house, "who knows jigs", ALI)
    assert ZOE not in nobody
    assert nobody.replace("jigs", "x") == (await found(house, "who knows anything", ALI)).replace("anything", "x")
    assert ZOE in await found(house, "who knows jigs")
    await found(house, "me visible company")
    assert ZOE in await found(house, "who knows jigs", ALI)


async def test_partners_find_those_who_wanted_it_and_are_in_a_group_with_them(house: House) -> None:
    await state(house, ZOE, "jigs", "partners")
    await state(house, ALI, "jigs")
    await house.put_in("!yard", PAT, ALI)
    assert ZOE not in await found(house, "who knows jigs", PAT)
    await house.put_in("!yard", ZOE)
    seen = await found(house, "who knows jigs", PAT)
    assert ZOE in seen
    assert ALI not in seen
    await house.put_in("!yard", ZOE, membership="leave")
    assert ZOE not in await found(house, "who knows jigs", PAT)


async def test_partners_are_found_by_those_in_a_group_with_them(house: House) -> None:
    await state(house, PAT, "inox")
    assert PAT not in await found(house, "who knows inox")
    await house.put_in("!yard", PAT, ZOE, SUE)
    assert PAT in await found(house, "who knows inox")
    assert PAT not in await found(house, "who knows inox", ALI)
    assert PAT not in await found(house, "who knows inox", SUE)
    await found(house, "me visible partners", PAT)
    assert PAT in await found(house, "who knows inox", SUE)


async def test_in_a_room_those_are_named_whom_all_who_read_along_may_find(house: House) -> None:
    await state(house, ZOE, "jigs", "partners")
    await state(house, ALI, "jigs")
    await state(house, MAX, "jigs", "partners")
    await house.put_in("!yard", ZOE, ALI, PAT)
    here = await house.ask("!esn who knows jigs", room="!yard")
    assert ZOE in here
    assert ALI not in here
    assert MAX not in here
    assert ALI in await house.ask("!esn who knows jigs", room="!cafe")


async def test_whoever_left_the_community_is_not_found(sqlite_url: str) -> None:
    async with a_house(sqlite_url) as house:
        await state(house, PAT, "inox", "partners")
        await house.put_in("!yard", PAT, ZOE)
        assert PAT in await found(house, "who knows inox")
        audiences = {key: one for key, one in house.community.audiences.items() if key == "staff"}
        await house.declare(a_community(*house.community.groups.values(), audiences=audiences))
        house.restart()
        assert PAT not in await found(house, "who knows inox")
        assert "inox" not in await found(house, "who knows inx")


async def test_nobody_is_described_and_a_subject_is_offered_without_its_article(house: House) -> None:
    assert "Je ne décris personne" in await found(house, f"qui est {ALI}")
    assert "`moi savoirs gabarits`" in await found(house, "qui connaît les gabarits")
    assert "`moi savoirs usinage`" in await found(house, "qui connaît l'usinage")
    await state(house, ALI, "soudure")
    # What was a slip of the keyboard is no subject to take up.
    assert "moi savoirs" not in await found(house, "qui connaît soudrue")


async def test_a_slip_gets_what_was_meant_among_what_one_may_see(house: House) -> None:
    await state(house, ALI, "soudure")
    assert "soudure" in await found(house, "who knows soudrue")
    await found(house, "me visible nobody", ALI)
    assert "“soudure”" not in (await found(house, "who knows soudrue")).replace("«", "“")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x" * 10_000, "trop long"),
        (",".join(f"s{n}" for n in range(9_000)), "20 au plus"),
        ("," * 60, "aucun sujet"),
        ("\u200b\u202e,\u2066", "aucun sujet"),
        (",".join(f"s{n}" for n in range(21)), "21 sujets"),
        ("...,---", "aucun sujet"),
    ],
)
async def test_what_cannot_be_kept_is_answered_and_nothing_of_it_is_kept(house: House, text: str, says: str) -> None:
    assert says in await found(house, f"moi savoirs {text}")
    assert (await house.export("directory", ZOE))["ask_about"] == []


async def test_a_list_that_is_full_takes_no_more(house: House) -> None:
    await state(house, ZOE, ",".join(f"s{n}" for n in range(20)))
    assert "plus de 20" in await found(house, "moi savoirs un de plus")
    assert "s3" in await found(house, "moi savoirs s3")
    assert len((await house.export("directory", ZOE))["ask_about"]) == 20


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "@room", "\u202egnol\u202c", "🎸", "שלום", "50 % & co", "_"]
)
async def test_strange_subjects_are_kept_and_found_as_plain_text(house: House, text: str) -> None:
    effects = await house.say(f"!esn me ask-about {text}", room="!cafe")
    answer: Any = effects[0]
    assert "<script" not in answer.html
    if text != "_":
        assert len((await house.export("directory", ZOE))["ask_about"]) == 1
        assert ZOE in await found(house, f"who knows {text}", ALI)


async def test_a_wildcard_finds_nobody(house: House) -> None:
    await state(house, ZOE, "jigs")
    assert ZOE not in await found(house, "who knows %", ALI)
    assert ZOE not in await found(house, "who knows j_gs", ALI)


async def test_whoever_is_outside_cannot_ask(house: House) -> None:
    await state(house, ZOE, "jigs", "partners")
    assert ZOE not in await found(house, "who knows jigs", EVE)


async def test_the_board_changes_it_through_the_same_door(any_house: House) -> None:
    house = any_house
    await house.tell("org.esnbot.ask_about", by=ZOE, add="jigs, Photo", shown_to="partners")
    await house.tell("org.esnbot.ask_about", by=ZOE, remove=["photo"], add="x" * 5_000, shown_to="everybody")
    kept = await house.export("directory", ZOE)
    assert [one["text"] for one in kept["ask_about"]] == ["jigs"]
    assert kept["shown_to"] == "partners"
    await house.tell("org.esnbot.ask_about", by=ZOE, remove="photo", add=["x"], shown_to=7)
    assert await house.export("directory", ZOE) == kept


def test_one_subject_is_there_once_however_it_is_written() -> None:
    assert [one.word for one in subjects("Vélo; velo\nVÉLO, photo", 5, 60)] == ["velo", "photo"]
    with pytest.raises(UnusableSubject) as problem:
        subjects(",".join("ab" for _ in range(1_000_000)), 20, 60)
    assert problem.value.problem is SubjectProblem.many
    assert problem.value.count == 1_000_000


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("about", [Standing(True, False), Standing(False, True), Standing(False, False)])
@pytest.mark.parametrize("by", [Onlookers(True, False), Onlookers(False, True), Onlookers(True, True)])
@pytest.mark.parametrize("together", [True, False])
def test_who_finds_whom(scope: Scope, about: Standing, by: Onlookers, together: bool) -> None:
    company_alone = about.internal and not by.external and scope is not Scope.nobody
    wanted = {Scope.company: not by.external, Scope.partners: True, Scope.nobody: False}[scope]
    assert may_find("@a:b", scope, about, by, together) == (company_alone or (about.belongs and together and wanted))


def test_the_group_of_these_tests_is_open_to_partners() -> None:
    assert a_group("yard", "Chantier").joining is Joining.space
