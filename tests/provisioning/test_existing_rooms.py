"""Rooms that are there already: adopted, found again, closed and opened, or somebody else's."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from esnbot.community.group import Joining
from esnbot.provisioning import wanted
from esnbot.provisioning.events import ROOM_ARCHIVED, ROOM_FAILED, ROOM_READY, ROOM_REVIVED
from esnbot.provisioning.tables import desired_object, provisioned, sync_token
from esnbot.store.bindings import binding
from esnbot.store.rooms import room_state
from esnbot.testing.homeserver import Homeserver
from tests.provisioning.kit import Stage, a_community, a_group, a_space, an_audience


@pytest.mark.parametrize("by", ["alias", "id"])
async def test_an_existing_room_is_adopted(stage: Stage, homeserver: Homeserver, by: str) -> None:
    alice = await homeserver.person("alice")
    room = await alice.create_room(
        name="Old name",
        topic="Kept",
        room_version="11",
        room_alias_name=f"{stage.prefix}-old",
        preset="public_chat",
        power_level_content_override={"users": {alice.id: 100, stage.client.user: 100}},
    )
    target = room if by == "id" else f"#{stage.prefix}-old:{stage.client.server}"
    community = a_community(a_space("company"), a_group("club", "New name", parent="company", adopt=target))

    plan = await stage.plan(community)
    await stage.apply(community)

    assert plan.count() == {"create": 1, "adopt": 1}
    assert await stage.room("club") == room
    assert await stage.state("club", "m.room.name") == {"name": "New name"}
    assert (await stage.state("club", "m.room.topic") or {})["topic"] == "Kept"
    assert (await stage.state("company", "m.space.child", room) or {}).get("via")
    after = await stage.plan(community)
    # Who made it stands at 100 there, as the bot does: nobody can change that.
    assert [(change.action.value, change.old) for change in after.changes] == [("not enforceable", [alice.id])]
    assert {"key": "club", "room_id": room, "created": False} in await stage.announced(ROOM_READY)


async def test_a_room_of_version_12_whose_creator_is_a_person_is_marked_not_enforceable(
    stage: Stage, homeserver: Homeserver
) -> None:
    alice = await homeserver.person("alice")
    room = await alice.create_room(
        room_version="12",
        preset="public_chat",
        power_level_content_override={"users": {stage.client.user: 100}, "events": {"m.room.power_levels": 100}},
    )
    community = a_community(a_group("club", adopt=room, joining=Joining.public))
    outcome = await stage.apply(community)

    plan = await stage.plan(community)
    assert [(change.action.value, change.what) for change in plan.changes] == [("not enforceable", "power levels")]
    assert any("nobody can pause or remove them" in notice for notice in outcome.notices)


async def test_a_bot_without_power_in_an_adopted_room_says_what_to_do(stage: Stage, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    room = await alice.create_room(preset="public_chat", room_version="11")
    community = a_community(a_group("club", adopt=room))
    reconciler = stage.reconciler()
    await reconciler.declare(stage.own(community))
    outcome = await reconciler.apply()
    assert f"give {stage.client.user} power level 100" in outcome.failures["club"]
    assert await stage.announced(ROOM_FAILED)
    assert (await stage.plan(community)).count() == {"conflict": 1, "not enforceable": 1}


async def test_what_vanishes_from_the_file_is_archived_and_comes_back_with_it(
    stage: Stage, homeserver: Homeserver
) -> None:
    whole = a_community(
        a_space("company"), a_group("club", "Club", parent="company", topic="Pictures"), a_group("x", parent="company")
    )
    less = a_community(a_space("company"), a_group("x", parent="company"))
    await stage.apply(whole)
    room = await stage.room("club")
    alice = await homeserver.person("alice")
    await stage.client.invite(room, alice.id)
    await alice.join(room)
    await alice.say(room, "kept for ever")

    plan = await stage.plan(less)
    await stage.apply(less)

    assert plan.count() == {"archive": 1}
    levels = await stage.state("club", "m.room.power_levels")
    assert levels is not None
    assert levels["events_default"] == 100
    assert await stage.state("club", "m.room.name") == {"name": "Club"}
    assert (await stage.state("club", "m.room.topic") or {})["topic"] == "Pictures"
    assert not (await stage.state("company", "m.space.child", room) or {}).get("via")
    assert not await stage.state("club", "m.space.parent", await stage.room("company"))
    assert "kept for ever" in [seen.body for seen in await alice.history(room)]
    assert (await stage.plan(less)).changes == ()
    assert await stage.announced(ROOM_ARCHIVED) == [{"key": "club", "room_id": room}]

    assert (await stage.plan(whole)).count() == {"revive": 1}
    await stage.apply(whole)
    assert await stage.room("club") == room
    assert (await stage.state("company", "m.space.child", room) or {}).get("via")
    assert (await stage.plan(whole)).changes == ()
    assert await stage.announced(ROOM_REVIVED) == [{"key": "club", "room_id": room}]


async def test_what_was_made_in_chat_is_never_archived_by_the_file(stage: Stage) -> None:
    community = a_community(a_space("company"))
    await stage.apply(community)
    group = a_group("chess", "Chess", parent="company", stated=frozenset())
    await stage.database.write(lambda conn: wanted.want(conn, stage.own(a_community(group)).groups["chess"], "@a:b", 1))
    await stage.apply(community)

    assert (await stage.state("company", "m.space.child", await stage.room("chess")) or {}).get("via")
    assert (await stage.plan(community)).changes == ()
    assert (await stage.plan(a_community())).count() == {"archive": 1}


async def test_an_alias_of_a_stranger_is_a_conflict(stage: Stage, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    room = await alice.create_room(room_alias_name=f"{stage.prefix}-club")
    community = a_community(a_space("company"), a_group("club", parent="company"), a_group("x", parent="company"))

    plan = await stage.plan(community, look_up=True)
    reconciler = stage.reconciler()
    await reconciler.declare(stage.own(community))
    outcome = await reconciler.apply()

    assert plan.count() == {"create": 2, "conflict": 1}
    assert list(outcome.failures) == ["club"]
    assert "not ours" in outcome.failures["club"]
    assert await alice.resolve(stage.alias("club")) == room
    assert stage.client.user not in await alice.members(room)
    # Also when an earlier attempt of ours was cut short: an alias that leads to people is never taken away.
    outcome = await stage.reconciler().apply()
    assert list(outcome.failures) == ["club"]
    assert await alice.resolve(stage.alias("club")) == room


async def test_a_lost_database_finds_its_rooms_again(stage: Stage) -> None:
    community = a_community(a_space("company"), a_group("club", parent="company", charter="Be kind."))
    await stage.apply(community)
    rooms = {await stage.room("company"), await stage.room("club")}

    async def lose(conn) -> None:  # type: ignore[no-untyped-def]
        for table in (binding, provisioned, desired_object, sync_token, room_state):
            await conn.execute(delete(table))

    await stage.database.write(lose)
    await stage.apply(community)

    assert {await stage.room("company"), await stage.room("club")} == rooms
    assert (await stage.plan(community)).changes == ()


async def test_a_room_that_an_administrator_purged_is_made_again(stage: Stage, homeserver: Homeserver) -> None:
    community = a_community(a_space("company"), a_group("club", parent="company"))
    await stage.apply(community)
    room = await stage.room("club")
    await stage.purge(homeserver, room)

    await stage.apply(community)

    assert await stage.room("club") != room
    assert (await stage.plan(community)).changes == ()


async def test_a_bot_that_was_removed_says_how_it_comes_back(stage: Stage, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    await stage.apply(a_community(a_group("club", joining=Joining.invite)))
    room = await stage.room("club")
    await stage.client.invite(room, alice.id)
    await alice.join(room)
    await stage.client.leave(room)

    outcome = await stage.reconciler().apply()

    assert f"invite {stage.client.user} there" in outcome.failures["club"]
    assert await stage.room("club") == room


async def test_a_room_that_nobody_is_in_any_more_is_made_again(stage: Stage) -> None:
    community = a_community(a_group("club", joining=Joining.invite))
    await stage.apply(community)
    room = await stage.room("club")
    await stage.client.leave(room)

    await stage.apply(community)

    assert await stage.room("club") != room
    assert await stage.client.resolve_alias(stage.alias("club")) == await stage.room("club")
    assert (await stage.plan(community)).changes == ()


async def test_people_of_a_server_that_is_to_be_denied_are_removed_first(
    stage: Stage, homeserver: Homeserver, partner_homeserver: Homeserver
) -> None:
    alice, pat = await homeserver.person("alice"), await partner_homeserver.person("pat")
    await stage.apply(a_community(a_group("club", joining=Joining.invite)))
    room = await stage.room("club")
    for person in (alice, pat):
        await stage.client.invite(room, person.id)
        await person.join(room, via=stage.client.server)

    server = stage.client.server
    community = a_community(
        a_group("club", joining=Joining.invite, audiences=("staff",)), audiences={"staff": an_audience("staff", server)}
    )
    await stage.apply(community)

    members = await alice.members(room)
    assert (members[alice.id], members[pat.id]) == ("join", "leave")
    acl = await stage.state("club", "m.room.server_acl")
    assert acl is not None
    assert acl["allow"] == ["127.0.0.2", server]
