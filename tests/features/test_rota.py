"""The animators' rota: whose turn it is, who stands in, what is handed over, and work that is one's own business."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from esnbot.community.group import Kind
from esnbot.community.model import Community, Roles
from esnbot.engine.effects import Say
from esnbot.features import rota
from esnbot.features.rota import records
from esnbot.features.rota.model import WEEK, Absence, Rota, in_crews, week_of
from tests.features.house import ALI, BOT, MAX, ZOE, House, a_community, a_group, a_house

FIRST = date(2026, 3, 2)
"""A Monday."""
EVA = "@eva:example.org"
DIRECT = "!direct"


def with_animators(**changes: object) -> Community:
    """Max, Ali and Eva look after a community with a room of theirs."""
    groups = (a_group("backstage", "Coulisses", kind=Kind.animators), a_group())
    roles = Roles(animators=frozenset({MAX, ALI, EVA}))
    return a_community(*groups, roles=roles, animators_room="backstage", **changes)


@asynccontextmanager
async def _house(url: str) -> AsyncIterator[House]:
    async with a_house(url, with_animators()) as house:
        await house.put_in("!backstage", MAX, ALI, EVA)
        await house.put_in("!cafe", MAX, ZOE)
        await house.put_in(DIRECT, MAX, BOT)
        yield house


@pytest_asyncio.fixture
async def desk(sqlite_url: str) -> AsyncIterator[House]:
    async with _house(sqlite_url) as house:
        yield house


@pytest_asyncio.fixture
async def any_desk(database_url: str) -> AsyncIterator[House]:
    async with _house(database_url) as house:
        yield house


class TestWhoIsOn:
    """The rules."""

    def test_crews_take_turns_week_by_week(self) -> None:
        found = Rota((("a",), ("b", "c")), FIRST)
        turns = [found.on_duty(FIRST + timedelta(days=days)) for days in (0, 6, 7, 14, 21, -7)]
        assert turns == [("a",), ("a",), ("b", "c"), ("a",), ("b", "c"), ("b", "c")]

    def test_who_takes_a_week_has_it_and_who_joins_comes_along(self) -> None:
        found = Rota((("a",), ("b",)), FIRST, taken={FIRST: ("b",)}, joined={FIRST: ("c",), FIRST + WEEK: ("b",)})
        assert found.on_duty(FIRST) == ("b", "c")
        assert found.on_duty(FIRST + WEEK) == ("b",)

    def test_the_next_crew_is_on_while_a_crew_is_away(self) -> None:
        away = Absence("a", FIRST + timedelta(days=1), FIRST + timedelta(days=2))
        found = Rota((("a",), ("b",), ("c",)), FIRST, absences=(away,))
        assert [found.on_duty(FIRST + timedelta(days=days)) for days in range(4)] == [("a",), ("b",), ("b",), ("a",)]

    def test_somebody_who_is_there_stands_in_for_who_is_away(self) -> None:
        away = (Absence("a", FIRST, FIRST), Absence("b", FIRST, FIRST))
        found = Rota((("a",), ("b",)), FIRST, absences=away)
        assert found.stand_in("z", FIRST) == "z"
        assert found.stand_in("a", FIRST) is None
        assert found.stand_in("a", FIRST, {"c", "d"}) == "c"
        assert found.stand_in("a", FIRST + timedelta(days=1)) == "a"

    @given(
        people=st.lists(st.sampled_from("abcdef"), max_size=6),
        size=st.integers(1, 4),
        day=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
        away=st.lists(st.sampled_from("abcdef"), max_size=5),
    )
    def test_nobody_who_is_away_is_on_and_somebody_is_on_while_anybody_is_there(
        self, people: list[str], size: int, day: date, away: list[str]
    ) -> None:
        found = Rota(in_crews(people, size), FIRST, absences=tuple(Absence(one, day, day) for one in away))
        on = found.on_duty(day)
        assert not set(on) & set(away)
        assert bool(on) == bool(set(people) - set(away))
        assert len(on) <= size

    @given(st.dates(date(1, 1, 8), date(9999, 12, 20)))
    def test_a_week_begins_on_monday(self, day: date) -> None:
        assert week_of(day).weekday() == 0
        assert timedelta(0) <= day - week_of(day) < WEEK


class TestInTheRoom:
    """What animators say and hear."""

    async def test_the_order_is_kept_and_shown_to_animators_alone(self, any_desk: House) -> None:
        said = await any_desk.ask(f"!rse permanence ordre {MAX} {ALI}", MAX, "!backstage")
        assert said.startswith("Dès cette semaine, vous vous relayez ainsi")
        shown = (await any_desk.ask("!rse permanence", ALI, "!backstage")).splitlines()
        assert shown[2].startswith("- cette semaine\xa0: ")
        assert "max" in shown[2]
        assert "ali" in shown[3]
        assert "max" in shown[4]
        assert "semaine du 16 mars" in shown[4]
        assert "ali" not in await any_desk.ask("!rse permanence", MAX, "!cafe")
        assert "ordre" not in await any_desk.ask("!rse permanence", ZOE, "!cafe")

    async def test_only_animators_take_turns(self, desk: House) -> None:
        said = await desk.ask(f"!rse permanence ordre {MAX} {ZOE}", MAX, "!backstage")
        assert "Seules les personnes qui animent" in said
        assert not await desk.write(lambda conn: rota.on_duty(conn, desk.community, desk.clock.now()))

    async def test_the_week_is_announced_once_whatever_restarts(self, any_desk: House) -> None:
        await any_desk.say(f"!rse permanence ordre {MAX} {ALI}", MAX, "!backstage")
        await any_desk.start()
        heard = await any_desk.let_pass(timedelta(hours=2))
        any_desk.restart()
        await any_desk.start()
        heard += await any_desk.let_pass(timedelta(days=4))
        [said] = [one for one in heard if isinstance(one, Say)]
        assert said.body.startswith("De permanence cette semaine\xa0: @max")
        assert said.mentions == (MAX,)
        [following] = [one for one in await any_desk.let_pass(timedelta(days=3)) if isinstance(one, Say)]
        assert "ali" in following.body

    async def test_nothing_is_announced_where_nobody_takes_turns(self, desk: House) -> None:
        await desk.start()
        assert [
            one for one in await desk.let_pass(timedelta(days=8)) if isinstance(one, Say) and "ermanence" in one.body
        ] == []

    async def test_a_handover_is_linked_when_the_next_week_begins(self, desk: House) -> None:
        await desk.say(f"!rse permanence ordre {MAX} {ALI}", MAX, "!backstage")
        await desk.start()
        await desk.let_pass(timedelta(days=4))
        said = await desk.ask('!rse permanence relais "Trois brouillons attendent."', MAX, "!backstage")
        assert said.startswith("C’est noté pour @ali")
        [monday] = [one for one in await desk.let_pass(timedelta(days=4)) if isinstance(one, Say)]
        assert "À lire en relais\xa0: un mot" in monday.body
        assert "https://matrix.to/#/!backstage/$" in monday.html

    async def test_a_handover_from_a_direct_chat_stands_in_the_animators_room(self, desk: House) -> None:
        effects = await desk.say('permanence relais "<b>@room</b> tout va bien"', MAX, DIRECT)
        [posted] = [one for one in effects if isinstance(one, Say) and one.room == "key:backstage"]
        assert "tout va bien" in posted.body
        assert not posted.rouse

    async def test_who_is_away_is_stood_in_for(self, any_desk: House) -> None:
        await any_desk.say(f"!rse permanence ordre {MAX} {ALI}", MAX, "!backstage")
        said = await any_desk.ask("!rse permanence absence --jusque vendredi", MAX, "!backstage")
        assert said.startswith("Votre absence est notée\xa0: aujourd’hui → vendredi 6 mars.")
        now: datetime = any_desk.clock.now()
        assert await any_desk.write(lambda conn: rota.stand_in(conn, any_desk.community, MAX, now)) == ALI
        assert await any_desk.write(lambda conn: rota.on_duty(conn, any_desk.community, now)) == (ALI,)
        assert "Bon retour" in await any_desk.ask("!rse permanence retour", MAX, "!backstage")
        assert await any_desk.write(lambda conn: rota.stand_in(conn, any_desk.community, MAX, now)) == MAX

    @pytest.mark.parametrize("said", ["absence demain --jusque hier", "absence 31/02", "prendre trucmuche"])
    async def test_what_cannot_be_is_said_and_changes_nothing(self, desk: House, said: str) -> None:
        assert await desk.ask(f"!rse permanence {said}", MAX, "!backstage")
        kept = await desk.export("rota", MAX)
        assert kept["away"] == []
        assert kept["weeks"] == []

    async def test_a_week_is_taken_and_given_back(self, any_desk: House) -> None:
        await any_desk.say(f"!rse permanence ordre {MAX}", MAX, "!backstage")
        assert "Vous êtes de permanence" in await any_desk.ask("!rse permanence prendre", EVA, "!backstage")
        now = any_desk.clock.now()
        assert await any_desk.write(lambda conn: rota.on_duty(conn, any_desk.community, now)) == (EVA,)
        assert "C’est rendu" in await any_desk.ask("!rse permanence laisser", EVA, "!backstage")
        assert await any_desk.write(lambda conn: rota.on_duty(conn, any_desk.community, now)) == (MAX,)
        assert "C’est votre tour" in await any_desk.ask("!rse permanence laisser", MAX, "!backstage")


class TestOnesOwnWork:
    """Nobody else's business."""

    async def test_it_is_shown_to_oneself_in_private_only(self, any_desk: House) -> None:
        await any_desk.write(lambda conn: rota.worked(conn, MAX, "post", any_desk.clock.now()))
        await any_desk.write(lambda conn: rota.worked(conn, MAX, "review", any_desk.clock.now()))
        assert "en conversation directe" in await any_desk.ask("!rse permanence travail", MAX, "!backstage")
        assert "C’est noté\xa0: 45 minutes" in await any_desk.ask("permanence temps 45 minutes", MAX, DIRECT)
        shown = await any_desk.ask("permanence travail", MAX, DIRECT)
        assert "une publication" in shown
        assert "une relecture" in shown
        assert "45 minutes" in shown
        assert "Retiré" in (await any_desk.ask("permanence temps --annuler", MAX, DIRECT)).replace(
            "C’est retiré", "Retiré"
        )
        assert "45" not in await any_desk.ask("permanence travail", MAX, DIRECT)

    async def test_it_is_shared_by_ones_own_wish(self, desk: House) -> None:
        effects = await desk.say("permanence travail --partager", MAX, DIRECT)
        assert [one.room for one in effects if isinstance(one, Say) and "partage" in one.body] == ["key:backstage"]

    async def test_it_is_forgotten_after_a_while_and_on_request(self, any_desk: House) -> None:
        await any_desk.write(lambda conn: rota.worked(conn, MAX, "post", any_desk.clock.now()))
        await any_desk.say(f"!rse permanence ordre {MAX} {ALI}", MAX, "!backstage")
        assert len((await any_desk.export("rota", MAX))["work"]) == 1
        await any_desk.erase("rota", MAX)
        assert not any((await any_desk.export("rota", MAX)).values())
        now = any_desk.clock.now()
        assert (await any_desk.write(records.rota)).known() == {ALI}
        assert await any_desk.write(lambda conn: rota.on_duty(conn, any_desk.community, now)) == (ALI,)
