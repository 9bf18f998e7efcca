"""Groups that people find: by words, kind, audience, liveliness and language, and never what they may not see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from esnbot.community.group import Joining, Kind, Space
from esnbot.features.directory import records
from esnbot.features.directory.model import Pace, Paces, Pulse
from esnbot.provisioning import wanted
from esnbot.store import bindings
from esnbot.store.upsert import upsert
from tests.features.house import ALI, BOT, EVE, MAX, PAT, SERVER, ZOE, House, a_community, a_group, a_house


async def alone(house: House, person: str = ZOE) -> str:
    """A direct chat with the bot."""
    room = f"!direct-{person[1:].partition(':')[0]}"
    await house.write(lambda conn: bindings.bind(conn, f"direct:{person}", room, 1))
    await house.put_in(room, person, BOT)
    return room


async def found(house: House, body: str, person: str = ZOE) -> str:
    """What somebody is answered in their direct chat."""
    return await house.ask(body, person, await alone(house, person))


async def test_everybody_finds_the_groups_that_are_for_them(any_house: House) -> None:
    shown = await found(any_house, "annuaire")
    assert shown.splitlines()[0] == "3 groupes"
    for name in ("Le café", "Entraide", "Chantier"):
        assert name in shown
    for name in ("secret", "Coulisses"):
        assert name not in shown
    partner = await found(any_house, "directory", PAT)
    assert "Chantier" in partner
    assert "café" not in partner


async def test_closed_groups_are_listed_to_those_in_them_and_to_animators(house: House) -> None:
    await house.put_in("!secret", ZOE)
    assert "Club secret" in await found(house, "annuaire")
    assert "Club secret" not in await found(house, "annuaire", ALI)
    assert "Coulisses" in await found(house, "annuaire", MAX)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("annuaire question", {"Entraide"}),
        ("annuaire QUESTIONS", {"Entraide"}),
        ("annuaire cafe", {"Le café"}),
        ("annuaire --type entraide", {"Entraide"}),
        ("directory --kind project", {"Chantier"}),
        ("annuaire --pour partenaires", {"Chantier"}),
        ("annuaire --pour partners", {"Chantier"}),
        ("annuaire --langue français", {"Le café", "Entraide", "Chantier"}),
        ("annuaire --langue anglais", set()),
        ("annuaire chantier --type loisir", set()),
    ],
)
async def test_filters_and_words(house: House, asked: str, named: set[str]) -> None:
    shown = await found(house, asked)
    assert {name for name in ("Le café", "Entraide", "Chantier") if name in shown} == named


async def test_an_audience_that_none_of_ones_groups_is_for_is_as_unknown_as_any_other(sqlite_url: str) -> None:
    house_of_two = a_community(a_group("yard", "Chantier", parent="workshop", audiences=("partners",)), a_group())
    async with a_house(sqlite_url, house_of_two) as house:
        answers = {await found(house, f"directory --for {name}", PAT) for name in ("staff", "Salariés", "nonsense")}
        assert len(answers) == 1
        assert "Chantier" in await found(house, "directory --for partners", PAT)


async def test_a_slip_gets_a_word_that_one_may_know(house: House) -> None:
    assert "annuaire entraide" in await found(house, "annuaire entrayde")
    assert "secret" not in await found(house, "annuaire secrte")
    await house.put_in("!secret", ZOE)
    assert "annuaire secret" in await found(house, "annuaire secrte")


async def test_long_lists_come_in_pages_with_the_command_for_the_next(sqlite_url: str) -> None:
    groups = [a_group(f"g{n:02}", f"Groupe {n:02}", kind=Kind.hobby) for n in range(7)]
    async with a_house(sqlite_url, a_community(*groups), {"directory": {"listed_at_once": 3}}) as house:
        first = await found(house, "annuaire groupe --type loisir")
        assert first.splitlines()[0] == "7 groupes, page 1 sur 3"
        assert "annuaire groupe --type loisir --page 2" in first
        last = await found(house, "annuaire groupe --type loisir --page 3")
        assert "Groupe 06" in last
        assert "Groupe 05" not in last
        assert "page 4" not in last
        assert await found(house, "annuaire groupe --type loisir --page 99") == last


async def test_in_a_room_only_what_all_who_read_along_may_see_is_named(house: House) -> None:
    await house.put_in("!secret", ZOE)
    among_staff = await house.ask("!rse annuaire")
    assert "Le café" in among_staff
    assert "secret" not in among_staff
    assert "Écrivez-moi directement" in among_staff
    await house.put_in("!yard", ZOE, PAT)
    with_partners = await house.ask("!rse annuaire", room="!yard")
    assert "Chantier" in with_partners
    assert "café" not in with_partners


async def test_what_is_archived_or_has_no_room_is_not_listed(house: House) -> None:
    await house.write(lambda conn: wanted.archive(conn, "help", 1))
    assert "Entraide" not in await found(house, "annuaire")
    await house.write(lambda conn: wanted.want(conn, a_group("new", "Tout neuf"), ZOE, 2))
    assert "Tout neuf" not in await found(house, "annuaire")
    await house.make_ready("new")
    assert "Tout neuf" in await found(house, "annuaire")


async def test_whoever_is_outside_is_told_nothing(house: House) -> None:
    assert await found(house, "directory", EVE) == await found(house, "directory secret", EVE)


@pytest.mark.parametrize(
    "words",
    ["<b>x</b>", "@room", "\u202egnol\u202c", "🎸", "x" * 10_000, "a," * 5_000, '"', "../../etc", "%", "_", "\u0000"],
)
async def test_whatever_is_looked_for_gets_one_answer(house: House, words: str) -> None:
    shown = await found(house, f"annuaire {words}")
    assert shown
    assert "Club secret" not in shown


# --- how lively ----------------------------------------------------------------------------------------------------


async def chat(house: House, room: str, messages: int, *people: str) -> None:
    """People write in a room, in one transaction."""
    await house.hear_together(*(message(people[n % len(people)], room) for n in range(messages)))


def message(sender: str, room: str, **content: Any) -> dict[str, Any]:
    return {"sender": sender, "room_id": room, "content": {"msgtype": "m.text", "body": "hm", **content}}


def crowd(count: int) -> list[str]:
    return [f"@p{n}:{SERVER}" for n in range(count)]


async def test_a_group_is_called_lively_calm_or_quiet_by_its_last_four_weeks(any_house: House) -> None:
    house = any_house
    for room in ("!cafe", "!help", "!yard"):
        await house.put_in(room, *crowd(5))
        await house.member(crowd(1)[0], room)
    for day in range(9):
        await chat(house, "!cafe", 8, *crowd(5))
        if day < 3:
            await chat(house, "!help", 1, *crowd(1))
        await house.let_pass(timedelta(days=1))
    assert "(informel, animé" in await found(house, "annuaire café")
    assert "(entraide, calme" in await found(house, "annuaire entraide")
    assert "(projet, silencieux" in await found(house, "annuaire chantier")
    lively = await found(house, "annuaire --rythme animé")
    assert "Le café" in lively
    assert "Entraide" not in lively
    await house.start()
    await house.let_pass(timedelta(days=30))
    assert "(informel, silencieux" in await found(house, "annuaire café")


async def test_of_few_people_nothing_is_said(house: House) -> None:
    await house.put_in("!help", *crowd(4))
    await chat(house, "!help", 30, *crowd(4))
    assert "(entraide)" in await found(house, "annuaire entraide")
    for pace in ("animé", "calme", "silencieux"):
        assert "Entraide" not in await found(house, f"annuaire --rythme {pace}")
    await house.member(crowd(5)[4], "!help")
    assert "(entraide, silencieux)" in await found(house, "annuaire entraide")
    await house.member(crowd(5)[4], "!help", "leave")
    assert "(entraide)" in await found(house, "annuaire entraide")


async def test_counts_are_of_groups_and_days_and_of_nobody(house: House) -> None:
    await chat(house, "!cafe", 10, ZOE, ALI)
    await house.say("bonjour", room=await alone(house))
    await house.hear(**message(BOT, "!help"))
    await house.hear(**message(ZOE, "!yard", **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}}))
    rows = await house.write(lambda conn: conn.execute(text("SELECT * FROM directory_day")))
    kept = [tuple(row) for row in rows]
    assert [row[0] for row in kept] == ["cafe"]
    assert kept[0][2] == 4, "written when the day begins and each time the count is four times as high"
    assert {len(row) for row in kept} == {3}
    await house.let_pass(timedelta(days=1))
    await chat(house, "!cafe", 1, ZOE)
    rows = await house.write(lambda conn: conn.execute(text("SELECT messages FROM directory_day ORDER BY day")))
    assert list(rows.scalars()) == [10, 1], "the rest of a day comes with the next one"


async def test_days_that_do_not_count_any_more_are_forgotten(house: House) -> None:
    await house.start()
    await chat(house, "!cafe", 1, ZOE)
    await house.let_pass(timedelta(days=40))
    assert (await house.write(lambda conn: conn.execute(text("SELECT * FROM directory_day")))).all() == []


def test_the_community_of_these_tests_has_a_closed_group() -> None:
    community = a_community()
    assert community.groups["secret"].joining is Joining.invite
    assert isinstance(community.spaces["home"], Space)


@pytest.mark.parametrize("days", [0, 1, 2, 7, 8, 28])
@pytest.mark.parametrize("messages", [0, 39, 40])
async def test_a_filter_by_liveliness_finds_those_that_are_called_so(house: House, days: int, messages: int) -> None:
    row = {"key": "help", "days": days, "messages": messages, "enough": True}
    await house.write(lambda conn: upsert(conn, records.pulse, row))
    paces = Paces(8, 40, 2)
    for pace in Pace:
        keys = await house.write(lambda conn, pace=pace: records.keys_at(conn, paces, pace))
        assert ("help" in keys) == (paces.of(Pulse(days, messages)) is pace)
