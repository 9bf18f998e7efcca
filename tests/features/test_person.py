"""What people say about themselves."""

from __future__ import annotations

import pytest

from esnbot.features.person import whereabouts_of
from esnbot.features.person.model import Whereabouts, whereabouts
from tests.features.house import ALI, ZOE, House, a_community, a_group, a_house


async def where(house: House, person: str) -> Whereabouts:
    return await house.write(lambda conn: whereabouts_of(conn, house.community, person))


async def test_people_say_where_and_with_whom_they_work(any_house: House) -> None:
    assert "Nantes" in await any_house.ask("!rse moi site nantes")
    await any_house.ask("!rse moi équipe Données")
    assert "Boutique et Données" in await any_house.ask("!rse moi équipe boutique")
    assert await where(any_house, ZOE) == Whereabouts(frozenset({"nantes"}), frozenset({"data", "boutique"}))
    await any_house.ask("!rse moi site Lyon")
    assert (await where(any_house, ZOE)).sites == {"lyon"}


async def test_what_somebody_says_counts_before_what_is_declared(house: House) -> None:
    assert (await where(house, ALI)).sites == {"lyon"}
    await house.ask("!esn me site nantes", sender=ALI)
    assert (await where(house, ALI)).sites == {"nantes"}
    await house.ask("!esn me site --remove", sender=ALI)
    assert (await where(house, ALI)).sites == frozenset()
    await house.agree("!esn me forget", sender=ALI)
    assert (await where(house, ALI)).sites == {"lyon"}


@pytest.mark.parametrize("slip", ["lyn", "Lyonn", "lion"])
async def test_a_slip_is_understood_as_a_question(house: House, slip: str) -> None:
    assert "Vouliez-vous dire Lyon" in await house.ask(f"!rse moi site {slip}")
    assert await house.export("person", ZOE) == {"said": [], "sites": [], "teams": []}


async def test_an_unknown_site_is_answered_with_those_that_there_are(house: House) -> None:
    assert "Lyon et Nantes" in await house.ask("!rse moi site Tombouctou")
    assert "Lyon et Nantes" in await house.ask("!rse moi site")


async def test_where_none_are_declared_that_is_said(sqlite_url: str) -> None:
    async with a_house(sqlite_url, a_community(a_group(), sites={}, teams={})) as house:
        assert "Aucun site" in await house.ask("!rse moi site Lyon")
        assert "Aucune équipe" in await house.ask("!rse moi équipe data")


async def test_a_person_has_few_teams(sqlite_url: str) -> None:
    async with a_house(sqlite_url, settings={"person": {"most_teams": 1}}) as house:
        await house.ask("!rse moi équipe data")
        assert "plus de 1" in await house.ask("!rse moi équipe boutique")
        await house.ask("!rse moi équipe data --retirer")
        assert "Boutique" in await house.ask("!rse moi équipe boutique")


async def test_everybody_sees_all_that_is_kept_about_them(house: House) -> None:
    await house.ask("!rse moi site nantes")
    shown = await house.ask("!rse moi")
    assert shown.splitlines()[0] == "Ce que je sais de vous"
    for part in ("Nantes", "français", "Salariés", "moi oublier"):
        assert part in shown


async def test_forgetting_needs_a_yes_and_something_to_forget(house: House) -> None:
    assert "rien dit" in await house.ask("!rse moi oublier")
    await house.ask("!rse moi site nantes")
    assert "Dois-je oublier" in await house.ask_first("!rse moi oublier")
    await house.agree("!rse moi oublier")
    assert await where(house, ZOE) == Whereabouts()


async def test_export_and_erase(any_house: House) -> None:
    await any_house.ask("!rse moi site nantes")
    kept = await any_house.export("person", ZOE)
    assert kept == {"said": [{"kind": "site", "key": "nantes"}], "sites": ["nantes"], "teams": []}
    await any_house.erase("person", ZOE)
    assert await any_house.export("person", ZOE) == {"said": [], "sites": [], "teams": []}


def test_a_site_that_was_taken_away_is_not_kept_alive_by_words() -> None:
    assert whereabouts(a_community(), ALI, [("site", "gone")]).sites == {"lyon"}
