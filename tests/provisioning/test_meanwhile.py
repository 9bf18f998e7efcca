"""What somebody changes by hand in the very moment when a pass works on the room is handled, and told once."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from esnbot.community.group import Kind
from esnbot.community.model import Community
from esnbot.provisioning import wanted
from tests.provisioning.house import JSON, House, a_house
from tests.provisioning.kit import a_community, a_group, a_space
from tests.provisioning.simulated import PERSON, Simulated

Arrival = Literal["at once", "later"]
Reconcile = Callable[[House, Callable[[], Awaitable[None]]], Awaitable[None]]

STEP = 1 if os.environ.get("ESNBOT_SOAK") == "1" else 3
"""Of so many moments one is tried."""


def a_town(topic: str = "Declared", **more: Any) -> Community:
    """A club with a topic, in a space, with an animators' room."""
    club = a_group("club", "Club", parent="company", topic=topic, **more)
    return a_community(a_space("company"), a_group("desk", kind=Kind.animators), club, animators_room="desk")


@dataclass(frozen=True)
class Change:
    """Something that a person does by hand."""

    what: str
    type: str
    content: JSON
    told: str = ""
    """In the animators' words."""

    async def happen(self, house: House) -> JSON:
        """Do it; returns the event."""
        club, company = await house.room("club"), await house.room("company")
        if self.type == "m.space.child":
            house.homeserver.by_hand(company, self.type, self.content, club)
        else:
            house.homeserver.by_hand(club, self.type, self.content)
        return house.homeserver.history[-1][1]


AGAINST = [
    Change("name", "m.room.name", {"name": "By hand"}),
    Change("topic", "m.room.topic", {"topic": "By hand"}),
    Change("power levels", "m.room.power_levels", {"users": {PERSON: 75}, "events_default": 25}, "rights"),
    Change("place in the space", "m.space.child", {}),
    Change("pinned charter", "m.room.pinned_events", {"pinned": []}),
]


async def interrupt(house: House, change: Change, arrival: Arrival, number: int, pass_: Reconcile) -> JSON | None:
    """Let a change fall into a pass, at the moment of that number; returns it, None when the pass was over before."""
    moments = 0
    done: JSON | None = None

    async def moment() -> None:
        nonlocal moments, done
        moments += 1
        if moments == number:
            done = await change.happen(house)
            if arrival == "at once":
                await house.push(only=done)

    await pass_(house, moment)
    await house.hear()
    await house.push()
    await house.come_to_rest()
    return done


async def each_moment(
    template: Path, folder: Path, community: Community, change: Change, arrival: Arrival, pass_: Reconcile
) -> AsyncIterator[tuple[int, House]]:
    """The same house again and again, after a change fell into one moment of the pass and everything came to rest."""
    async with a_house(template, folder, "first") as first:
        await first.apply(community)
    for number in itertools.count(1 + len(change.what) % STEP, STEP):
        async with a_house(folder / "first.db", folder, f"at{number}", first) as house:
            if await interrupt(house, change, arrival, number, pass_) is None:
                return
            yield number, house


async def declared_anew(house: House, moment: Callable[[], Awaitable[None]]) -> None:
    """A pass over a room whose declaration changed."""
    await house.reconciler().declare(a_town("Declared anew", charter="Be kind."))
    await house.reconciler(moment).apply()


async def put_right(house: House, moment: Callable[[], Awaitable[None]]) -> None:
    """A pass over a room that stood as declared until somebody changed it."""
    await Change("guests", "m.room.guest_access", {"guest_access": "can_join"}).happen(house)
    await house.push()
    house.told.clear()
    await house.reconciler(moment).apply()


@pytest.mark.parametrize("arrival", ["at once", "later"])
@pytest.mark.parametrize("pass_", [declared_anew, put_right])
@pytest.mark.parametrize("change", AGAINST, ids=lambda change: change.what.replace(" ", "-"))
async def test_a_change_against_the_declaration_is_told_once_whenever_it_falls(
    template: Path, tmp_path: Path, change: Change, pass_: Reconcile, arrival: Arrival
) -> None:
    stood = 0
    town = a_town(charter="Be kind.")
    async for number, house in each_moment(template, tmp_path, town, change, arrival, pass_):
        plan = await house.reconciler().plan()
        pending = {entry.what for entry in plan.changes}
        lines = [line for text in house.told for line in text.splitlines() if (change.told or change.what) in line]
        async with house.database.read() as conn:
            remembered = {row.what for row in await wanted.drifts(conn)}
        assert pending in (set(), {change.what}), (number, pending)
        if pending:
            stood += 1
            assert len(lines) == 1, (number, house.told)
            assert remembered == {change.what}, number
        else:
            assert len(lines) <= 1, (number, house.told)
    assert stood


@pytest.mark.parametrize("arrival", ["at once", "later"])
async def test_what_the_file_does_not_state_becomes_desired_state_whenever_it_is_changed(
    template: Path, tmp_path: Path, arrival: Arrival
) -> None:
    change = Change("topic", "m.room.topic", {"topic": "By hand"})
    town = a_town()
    club = replace(town.groups["club"], topic="", stated=frozenset({"name", "space"}))
    before = replace(town, groups={**town.groups, "club": club})
    after = replace(town, groups={**town.groups, "club": replace(club, name="Photo club")})

    async def renamed(house: House, moment: Callable[[], Awaitable[None]]) -> None:
        await house.reconciler().declare(after)
        await house.reconciler(moment).apply()

    stood = 0
    async for number, house in each_moment(template, tmp_path, before, change, arrival, renamed):
        topic = house.homeserver.rooms[await house.room("club")]["m.room.topic", ""]["content"]["topic"]
        async with house.database.read() as conn:
            place = await wanted.get(conn, "club")
        assert place is not None
        assert (place.name, place.topic) == ("Photo club", topic), number
        stood += topic == "By hand"
        assert (await house.reconciler().plan()).changes == ()
        assert house.told == []
    assert stood


async def test_the_last_of_two_changes_becomes_desired_state(template: Path, tmp_path: Path) -> None:
    town = a_town()
    club = replace(town.groups["club"], topic="", stated=frozenset({"name", "space"}))
    second = Change("topic", "m.room.topic", {"topic": "Second"})
    town = replace(town, groups={**town.groups, "club": club})
    moments = 0
    async for number, house in each_moment(template, tmp_path, town, second, "at once", applied):
        async with house.database.read() as conn:
            place = await wanted.get(conn, "club")
        assert place is not None
        assert place.topic == "Second", number
        assert (await house.reconciler().plan()).changes == ()
        moments += 1
    assert moments


async def applied(house: House, moment: Callable[[], Awaitable[None]]) -> None:
    """A pass over what somebody changed before."""
    await Change("topic", "m.room.topic", {"topic": "First"}).happen(house)
    await house.reconciler(moment).apply()


async def test_a_homeserver_that_keeps_answering_otherwise_is_not_argued_with(template: Path, tmp_path: Path) -> None:
    class Tidying(Simulated):
        async def set_state(self, room: str, type: str, state_key: str, content: JSON) -> str:
            if type == "m.room.topic":
                content = {"topic": content["topic"].strip().lower()}
            return await super().set_state(room, type, state_key, content)

    async with a_house(template, tmp_path) as house:
        house.homeserver = Tidying(time=house.homeserver.time)
        await house.apply(a_town())
        change = Change("name", "m.room.name", {"name": "By hand"})
        await interrupt(house, change, "at once", 12, declared_anew)
        asked = house.homeserver.requests
        await house.come_to_rest()
        assert house.homeserver.requests == asked
        pending = {entry.what for entry in (await house.reconciler().plan()).changes}
        assert pending == {"topic", "name"}
