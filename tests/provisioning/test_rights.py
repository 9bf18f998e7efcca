"""Power levels and server ACLs: ours merged into what a room has."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Joining, Origin, Posting
from esnbot.provisioning.rights import Acl, acl_for, admits, hostname, merged_acl, merged_power, power_for
from tests.provisioning.kit import a_group, a_space, an_audience

BOT = "@esnbot:example.org"
OWN = "example.org"
TODAY = date(2026, 3, 2)


def power(
    found: dict[str, Any] | None = None,
    *,
    version: str = "12",
    founders: tuple[str, ...] = (BOT,),
    archived: bool = False,
    animators: tuple[str, ...] = (),
    **group: Any,
) -> dict[str, Any]:
    """The power levels of a group, merged into what is there."""
    wanted = power_for(a_group("g", **group), archived=archived, bot=BOT, animators=animators)
    return merged_power(found, wanted, version, founders)


def test_the_bot_stands_in_the_users_only_where_it_is_no_founder() -> None:
    assert power(version="12")["users"] == {}
    assert power(version="11")["users"] == {BOT: 100}
    assert power(version="12", founders=("@alice:example.org",))["users"] == {BOT: 100}


def test_animators_and_owners_have_their_levels() -> None:
    users = power(owners=frozenset({"@o:x"}), animators=("@a:x",))["users"]
    assert users == {"@o:x": 50, "@a:x": 75}


def test_merging_twice_changes_nothing() -> None:
    once = power(owners=frozenset({"@o:x"}), animators=("@a:x",))
    assert power(once, owners=frozenset({"@o:x"}), animators=("@a:x",)) == once


def test_a_pause_and_levels_that_people_gave_are_left_alone() -> None:
    found = {"users": {"@paused:x": -1, "@helper:x": 50}, "events": {"m.poll.start": 50}, "notifications": {"room": 50}}
    merged = power(found)
    assert merged["users"] == found["users"]
    assert merged["events"]["m.poll.start"] == 50
    assert merged["notifications"] == {"room": 50}


def test_a_paused_owner_stays_paused() -> None:
    assert power({"users": {"@o:x": -1}}, owners=frozenset({"@o:x"}))["users"] == {"@o:x": -1}


def test_where_owners_are_declared_nobody_else_is_one() -> None:
    assert power({"users": {"@other:x": 50, "@m:x": 10}}, owners=frozenset({"@o:x"}))["users"] == {
        "@m:x": 10,
        "@o:x": 50,
    }


def test_whoever_left_a_group_that_people_made_has_no_power_there_also_when_nobody_owns_it() -> None:
    found = {"users": {"@left:x": 50, "@m:x": 10}}
    assert power(found, origin=Origin.chat)["users"] == {"@m:x": 10}


def test_who_is_no_animator_any_more_loses_that_level() -> None:
    assert power({"users": {"@former:x": 75}})["users"] == {}


def test_whoever_stands_level_with_the_bot_cannot_be_lowered_and_is_left() -> None:
    assert power({"users": {"@boss:x": 100}}, version="11")["users"] == {"@boss:x": 100, BOT: 100}


@pytest.mark.parametrize(("posting", "level"), [(Posting.everyone, 0), (Posting.owners, 50), (Posting.animators, 75)])
def test_who_may_post_is_declared_and_everyone_may_react(posting: Posting, level: int) -> None:
    levels = power(posting=posting)
    assert levels["events_default"] == level
    assert levels["events"]["m.reaction"] == 0
    assert levels["events"]["m.room.redaction"] == 0


def test_an_archived_room_is_read_only_but_people_may_take_back_their_words() -> None:
    levels = power(archived=True)
    assert (levels["events_default"], levels["state_default"], levels["invite"]) == (100, 100, 100)
    assert levels["events"]["m.room.redaction"] == 0


def test_with_a_perimeter_only_the_bot_invites() -> None:
    assert power(audiences=("staff",))["invite"] == 100
    assert power(joining=Joining.invite)["invite"] == 50
    assert power()["invite"] == 0


def test_nobody_but_the_bot_posts_in_a_space() -> None:
    wanted = power_for(a_space("s"), archived=False, bot=BOT, animators=())
    assert merged_power(None, wanted, "12", (BOT,))["events_default"] == 100


@pytest.mark.parametrize(
    ("server", "name"),
    [("example.org", "example.org"), ("example.org:8448", "example.org"), ("[::1]:8448", "[::1]"), ("[::1]", "[::1]")],
)
def test_acls_know_no_ports(server: str, name: str) -> None:
    assert hostname(server) == name


def test_the_allow_list_follows_from_bounded_audiences() -> None:
    group = a_group("g", audiences=("staff", "partners"))
    audiences = {
        "staff": an_audience("staff", OWN),
        "partners": Audience("partners", "P", Perimeter(("*.partner.example:8448",), frozenset({"@eve:eve.example"}))),
    }
    acl = acl_for(group, audiences, OWN, TODAY)
    assert acl == Acl(("*.partner.example", "eve.example", "example.org"), False)


@pytest.mark.parametrize(
    "perimeter", [Perimeter(by_invitation=True), Perimeter(directory_groups=("all",)), Perimeter(("*",))]
)
def test_an_audience_without_bounds_gives_no_allow_list(perimeter: Perimeter) -> None:
    audiences = {"staff": an_audience("staff", OWN), "all": Audience("all", "All", perimeter)}
    assert acl_for(a_group("g", audiences=("staff", "all")), audiences, OWN, TODAY) is None
    assert acl_for(a_group("g"), audiences, OWN, TODAY) is None


def test_an_audience_whose_time_is_over_is_out() -> None:
    audiences = {"old": an_audience("old", "old.example", until=date(2026, 3, 1))}
    assert acl_for(a_group("g", audiences=("old",)), audiences, OWN, TODAY) == Acl((OWN,), False)


def test_servers_that_were_denied_stay_denied_except_our_own() -> None:
    found = {"allow": ["*"], "deny": ["evil.example", "*.org"]}
    merged = merged_acl(found, Acl((OWN,), False), OWN)
    assert merged == {"allow": [OWN], "allow_ip_literals": False, "deny": ["evil.example"]}


def test_without_bounds_an_old_allow_list_is_opened_and_nothing_is_made() -> None:
    assert merged_acl(None, None, OWN) is None
    assert merged_acl({"allow": ["a.example"], "deny": []}, None, OWN) == {"allow": ["*"], "deny": []}


def test_acls_admit_as_homeservers_do() -> None:
    acl = {"allow": ["*.partner.example", OWN], "deny": ["bad.partner.example"], "allow_ip_literals": False}
    servers = ("a.partner.example:8448", OWN, "bad.partner.example", "other.example", "127.0.0.1:80", "[::1]")
    assert [admits(acl, server) for server in servers] == [True, True, False, False, False, False]
