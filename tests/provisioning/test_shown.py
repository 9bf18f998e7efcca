"""Groups that further spaces show or let in: nobody learns of one, or enters one, that is not meant for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from esnbot.community.group import Group, Joining, Kind, Origin, Place
from esnbot.community.model import Community
from esnbot.provisioning.codec import frame_of
from esnbot.provisioning.desired import Around, DesiredRoom, desired_rooms
from esnbot.provisioning.facets import View, facets
from esnbot.provisioning.rights import BOT, OWNER
from esnbot.provisioning.wanted import declared
from tests.provisioning.kit import a_community, a_group, a_space, an_audience

AROUND = Around("@esnbot:example.org", "example.org", date(2026, 3, 2))
AUDIENCES = {
    "staff": an_audience("staff", "example.org"),
    "partners": an_audience("partners", "partner.example", external=True),
}


def rooms(*places: Place) -> dict[str, DesiredRoom]:
    """The desired rooms of a community with a square, a house and a workshop."""
    spaces = (
        a_space("square", audiences=("staff", "partners"), open_to_additions=True),
        a_space("home", audiences=("staff",)),
        a_space("workshop", audiences=("staff", "partners")),
    )
    community: Community = a_community(*spaces, *places, audiences=AUDIENCES)
    return desired_rooms(frame_of(community), declared(community, []), AROUND)


def content(room: DesiredRoom, type: str) -> list[tuple[str, str, Any]]:
    """The facets of a type: room, state key and content."""
    view = View(bot=AROUND.bot, server=AROUND.server)
    found = [one for one in facets(room, view, None, "12") if one.type == type]
    return [(one.space, one.state_key, one.merge(None)) for one in found]


def test_a_group_is_shown_where_everybody_may_know_of_it_and_its_door_stays() -> None:
    yard = rooms(a_group("yard", parent="workshop", joining=Joining.space, shown_in=("square",)))["yard"]
    assert (yard.parents, yard.links, yard.shown) == (("workshop",), ("workshop",), ("square",))
    assert [space for space, _, _ in content(yard, "m.space.child")] == ["workshop", "square"]
    assert [key for _, key, _ in content(yard, "m.space.parent")] == ["key:workshop"]
    ((_, _, rule),) = content(yard, "m.room.join_rules")
    assert [one["room_id"] for one in rule["allow"]] == ["key:workshop"]


@pytest.mark.parametrize(
    "more",
    [
        {"parent": "home"},
        {"parent": "workshop", "audiences": ("staff",)},
        {"parent": "workshop", "joining": Joining.invite},
        {"parent": "workshop", "kind": Kind.animators},
        {"parent": "workshop", "archived": True},
    ],
)
def test_what_not_everybody_may_know_of_is_not_shown(more: dict[str, Any]) -> None:
    assert rooms(a_group("yard", shown_in=("square",), **more))["yard"].shown == ()


def test_what_is_no_space_or_lists_it_already_is_left_out() -> None:
    yard = rooms(a_group("yard", parent="square", shown_in=("square", "nowhere", "other")), a_group("other"))["yard"]
    assert (yard.links, yard.shown) == (("square",), ())


def test_what_an_owner_opened_lets_in_nobody_for_whom_it_is_not() -> None:
    cafe: Group = a_group("cafe", parent="home", also_in=("square",))
    assert rooms(cafe)["cafe"].parents == ("home", "square"), "the file means what it says"
    own = replace(cafe, origin=Origin.chat, stated=frozenset())
    assert rooms(own)["cafe"].parents == ("home",)
    assert rooms(replace(own, parent="workshop"))["cafe"].parents == ("workshop", "square")


def test_in_an_open_space_the_bot_alone_writes_the_list() -> None:
    found = rooms()
    assert found["square"].power.events["m.space.child"] == BOT
    assert found["home"].power.events["m.space.child"] == OWNER
