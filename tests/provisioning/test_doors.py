"""Who comes in through a space: nobody whom the room leaves out, whatever its join rule could say."""

from __future__ import annotations

from typing import Any

import pytest

from esnbot.community.group import Joining, Place
from esnbot.provisioning import wanted
from esnbot.provisioning.codec import frame_of
from esnbot.provisioning.desired import Around, DesiredRoom, desired_rooms
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from tests.provisioning.kit import MIGRATIONS, a_community, a_group, a_space, an_audience
from tests.provisioning.test_shown import AROUND, AUDIENCES, content, rooms

SPACE = Joining.space


def rule(room: DesiredRoom) -> tuple[str, list[str]]:
    """The join rule, and the rooms whose members may join by it."""
    ((_, _, found),) = content(room, "m.room.join_rules")
    return found["join_rule"], [one["room_id"] for one in found.get("allow", [])]


def test_members_of_the_space_come_in_where_the_group_is_for_all_of_them() -> None:
    for audiences in ((), ("staff", "partners")):
        club = rooms(a_group("club", parent="workshop", joining=SPACE, audiences=audiences))["club"]
        assert rule(club) == ("restricted", ["key:workshop"])


def test_a_group_for_a_part_of_its_space_is_entered_by_invitation() -> None:
    club = rooms(a_group("club", parent="workshop", joining=SPACE, audiences=("staff",)))["club"]
    assert rule(club) == ("invite", [])
    ((_, _, child),) = content(club, "m.space.child")
    assert child["suggested"] is False, "what one cannot enter is not pointed out"


def test_a_space_for_fewer_people_is_a_door() -> None:
    club = rooms(a_group("club", parent="workshop", also_in=("home",), joining=SPACE, audiences=("staff",)))["club"]
    assert rule(club) == ("restricted", ["key:home"])


@pytest.mark.parametrize(("joining", "said"), [(Joining.public, "public"), (Joining.knock, "knock")])
def test_other_ways_in_are_as_declared(joining: Joining, said: str) -> None:
    assert rule(rooms(a_group("club", parent="workshop", joining=joining))["club"])[0] == said


def test_without_any_audience_the_space_is_the_door() -> None:
    community = a_community(a_space("home"), a_group("club", parent="home", joining=SPACE))
    found = desired_rooms(frame_of(community), wanted.declared(community, []), AROUND)
    assert rule(found["club"]) == ("restricted", ["key:home"])


async def test_a_look_at_one_group_knows_what_the_spaces_above_its_space_are_for(sqlite_url: str) -> None:
    places: tuple[Place, ...] = (
        a_space("house", audiences=("staff", "partners")),
        a_space("floor", parent="house"),
        a_group("club", parent="floor", joining=SPACE, audiences=("staff",)),
    )
    community = a_community(*places, audiences={**AUDIENCES, "others": an_audience("others", "x.example")})
    database = await Database.open(sqlite_url)
    await migrate(database, [MIGRATIONS])

    async def look(conn: Any) -> dict[str, DesiredRoom]:
        await wanted.declare(conn, community, 1)
        around = await wanted.with_spaces(conn, await wanted.some(conn, ["club"]))
        return desired_rooms(await wanted.frame(conn), around, Around(AROUND.bot, AROUND.server, AROUND.today))

    assert rule((await database.write(look))["club"]) == ("invite", [])
    await database.close()
