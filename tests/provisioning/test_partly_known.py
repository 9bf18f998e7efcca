"""A room of which events told something before its state was read is not judged by that: it is read again."""

from __future__ import annotations

from pathlib import Path

from esnbot.engine.effects import Observe, Schedule
from esnbot.provisioning import wanted
from esnbot.store import rooms
from tests.provisioning.house import House, a_house
from tests.provisioning.kit import a_community, a_group, a_space
from tests.provisioning.simulated import BOT

TOWN = a_community(a_space("company"), a_group("club", parent="company", topic="Declared"))


async def come_back(house: House) -> str:
    """The bot left the club and is in it again: what was known is forgotten, and events tell from now on."""
    room = await house.room("club")
    await house.reconciler().plan()
    await house.database.write(lambda conn: rooms.forget(conn, room))
    for type, state_key in (("m.room.member", BOT), ("m.room.power_levels", "")):
        event = house.homeserver.rooms[room][type, state_key]
        house.pushed.discard(event["event_id"])
    await house.push()
    async with house.database.read() as conn:
        assert {event.type for event in await rooms.all_of(conn, room)} == {"m.room.member", "m.room.power_levels"}
    return room


async def test_nobody_says_that_the_bot_has_no_power_before_it_is_known_who_founded_the_room(
    template: Path, tmp_path: Path
) -> None:
    async with a_house(template, tmp_path) as house:
        await house.apply(TOWN)
        await come_back(house)
        assert (await house.reconciler().plan()).changes == ()


async def test_apply_works_on_such_a_room(template: Path, tmp_path: Path) -> None:
    async with a_house(template, tmp_path) as house:
        await house.apply(TOWN)
        await come_back(house)
        await house.apply(a_community(a_space("company"), a_group("club", parent="company", topic="Anew")))
        assert (await house.reconciler().plan()).changes == ()


async def test_a_change_by_hand_in_such_a_room_is_told_once_its_state_was_read(template: Path, tmp_path: Path) -> None:
    async with a_house(template, tmp_path) as house:
        await house.apply(TOWN)
        room = await come_back(house)
        house.homeserver.by_hand(room, "m.room.topic", {"topic": "By hand"})
        await house.push()
        observe, later = house.effects
        assert observe == Observe(room=room)
        assert isinstance(later, Schedule)

        await house.observe(room)
        await house.due(later)

        async with house.database.read() as conn:
            assert [(row.what, row.found) for row in await wanted.drifts(conn)] == [("topic", "By hand")]


async def test_a_room_that_the_homeserver_itself_shows_in_part_is_looked_at_no_further(
    template: Path, tmp_path: Path
) -> None:
    async with a_house(template, tmp_path) as house:
        await house.apply(TOWN)
        room = await come_back(house)
        house.homeserver.by_hand(room, "m.room.topic", {"topic": "By hand"})
        await house.push()
        _, later = house.effects
        assert isinstance(later, Schedule)
        await house.due(later)
        assert len(house.effects) == 2
