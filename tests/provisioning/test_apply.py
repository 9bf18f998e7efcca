"""Applying a declaration to a real homeserver, and planning again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from esnbot.community.group import History, Joining, Kind, Posting
from esnbot.provisioning.events import ROOM_READY
from esnbot.testing.homeserver import Homeserver
from tests.provisioning.kit import Stage, a_community, a_group, a_space, an_audience


async def test_after_apply_the_plan_is_empty(stage_on_each: Stage) -> None:
    stage = stage_on_each
    community = a_community(
        a_space("company"),
        a_space("crafts", parent="company"),
        a_group("photo", parent="crafts", topic="Pictures", charter="Be kind."),
        a_group("welcome", parent="company"),
    )
    assert (await stage.plan(community)).count() == {"create": 4}

    await stage.apply(community)

    assert (await stage.plan(community)).changes == ()
    assert (await stage.plan(community, fresh=True)).changes == ()
    assert {key: len(rooms) for key, rooms in (await stage.rooms_made()).items()} == {
        "company": 1,
        "crafts": 1,
        "photo": 1,
        "welcome": 1,
    }


async def test_a_room_has_every_declared_property(stage: Stage, tmp_path: Path) -> None:
    picture = tmp_path / "camera.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 64)
    server = stage.client.server
    photo = a_group(
        "photo",
        "Club photo",
        parent="crafts",
        also_in=("company",),
        kind=Kind.hobby,
        topic="Pictures",
        avatar=str(picture),
        audiences=("staff", "partners"),
        history=History.joined,
        guests=True,
        retention=timedelta(days=30),
        encrypted=True,
        charter="Be **kind**.",
        posting=Posting.owners,
        owners=frozenset({f"@olga:{server}"}),
        listed=True,
    )
    community = a_community(
        a_space("company", listed=True, joining=Joining.public),
        a_space("crafts", parent="company"),
        photo,
        audiences={
            "staff": an_audience("staff", server),
            "partners": an_audience("partners", "*.partner.example:8448"),
        },
        animators=frozenset({f"@ana:{server}"}),
    )
    await stage.apply(community)

    crafts, company, room = await stage.room("crafts"), await stage.room("company"), await stage.room("photo")
    assert await stage.state("photo", "m.room.name") == {"name": "Club photo"}
    assert await stage.state("photo", "m.room.topic") == {"topic": "Pictures"}
    avatar = await stage.state("photo", "m.room.avatar")
    assert avatar is not None
    assert str(avatar["url"]).startswith(f"mxc://{server}/")
    assert await stage.client.resolve_alias(stage.alias("photo")) == room
    assert await stage.state("photo", "m.room.join_rules") == {
        "join_rule": "restricted",
        "allow": [{"type": "m.room_membership", "room_id": space} for space in (crafts, company)],
    }
    assert await stage.state("photo", "m.room.history_visibility") == {"history_visibility": "joined"}
    assert await stage.state("photo", "m.room.guest_access") == {"guest_access": "can_join"}
    assert await stage.state("photo", "m.room.retention") == {"max_lifetime": 30 * 24 * 3600 * 1000}
    assert await stage.state("photo", "m.room.encryption") == {"algorithm": "m.megolm.v1.aes-sha2"}
    assert await stage.state("photo", "m.room.server_acl") == {
        "allow": sorted(["*.partner.example", server, server.partition(":")[0]]),
        "allow_ip_literals": True,
        "deny": [],
    }
    assert await stage.client.directory_visibility(room) == "public"
    levels = await stage.state("photo", "m.room.power_levels")
    assert levels is not None
    assert levels["users"] == {f"@ana:{server}": 75, f"@olga:{server}": 50}
    assert levels["events_default"] == 50
    assert levels["invite"] == 100
    assert levels["events"]["m.room.server_acl"] == 100
    assert levels["events"]["m.reaction"] == 0

    parents = {space: await stage.state("photo", "m.space.parent", space) for space in (crafts, company)}
    assert parents[crafts] == {"via": [server], "canonical": True}
    assert parents[company] == {"via": [server], "canonical": False}
    child = await stage.state("crafts", "m.space.child", room)
    assert child is not None
    assert child["via"] == [server]
    assert child["suggested"] is True

    pinned = await stage.state("photo", "m.room.pinned_events")
    assert pinned is not None
    charter = await stage.client.event(room, pinned["pinned"][0])
    assert charter is not None
    assert charter["content"]["body"] == "Be kind."
    assert charter["content"]["formatted_body"] == "Be <strong>kind</strong>."
    assert (await stage.plan(community)).changes == ()


@pytest.mark.parametrize(
    ("joining", "rule"), [(Joining.public, "public"), (Joining.knock, "knock"), (Joining.invite, "invite")]
)
async def test_who_may_join_is_as_declared(stage: Stage, joining: Joining, rule: str) -> None:
    await stage.apply(a_community(a_group("club", joining=joining)))
    assert await stage.state("club", "m.room.join_rules") == {"join_rule": rule}


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_power_levels_hold_in_rooms_of_each_version(stage: Stage, homeserver: Homeserver, version: str) -> None:
    owner = await homeserver.person("olga")
    server = stage.client.server
    community = a_community(
        a_group("club", room_version=version, owners=frozenset({owner.id})),
        animators=frozenset({f"@ana:{server}"}),
    )
    await stage.apply(community)

    create = await stage.state("club", "m.room.create")
    levels = await stage.state("club", "m.room.power_levels")
    assert create is not None
    assert levels is not None
    assert create["room_version"] == version
    bot = {} if version == "12" else {stage.client.user: 100}
    assert levels["users"] == bot | {owner.id: 50, f"@ana:{server}": 75}
    assert levels["events"]["m.room.tombstone"] == (150 if version == "12" else 100)
    assert (await stage.plan(community)).changes == ()

    with_another = a_community(a_group("club", room_version=version, owners=frozenset({f"@other:{server}"})))
    await stage.apply(with_another)
    levels = await stage.state("club", "m.room.power_levels")
    assert levels is not None
    assert levels["users"] == bot | {f"@other:{server}": 50}


async def test_a_changed_declaration_shows_old_and_new_then_stands(stage: Stage) -> None:
    before = a_community(a_space("one"), a_space("two"), a_group("club", parent="one", topic="Old", charter="Old"))
    after = a_community(
        a_space("one"),
        a_space("two"),
        a_group("club", parent="two", topic="New", alias="renamed", charter="New", posting=Posting.animators),
    )
    await stage.apply(before)

    changes = {change.what: (change.old, change.new) for change in (await stage.plan(after)).of("club")}
    assert changes["topic"] == ("Old", "New")
    assert changes["alias"] == (stage.alias("club"), stage.alias("renamed"))
    assert {"join rule", "power levels", "charter", "space", "place in the space"} < set(changes)
    await stage.apply(after)

    room = await stage.room("club")
    assert (await stage.plan(after)).changes == ()
    assert await stage.client.resolve_alias(stage.alias("renamed")) == room
    assert await stage.client.resolve_alias(stage.alias("club")) == room
    assert not (await stage.state("one", "m.space.child", room) or {}).get("via")
    assert (await stage.state("two", "m.space.child", room) or {}).get("via")
    pinned = await stage.state("club", "m.room.pinned_events")
    assert pinned is not None
    charter = await stage.client.event(room, pinned["pinned"][0])
    assert charter is not None
    assert charter["unsigned"]["m.relations"]["m.replace"]["content"]["m.new_content"]["body"] == "New"


async def test_encryption_is_never_undone(stage: Stage) -> None:
    await stage.apply(a_community(a_group("club", encrypted=True)))
    plain = a_community(a_group("club", encrypted=False))

    plan = await stage.plan(plain)
    await stage.apply(plain)

    assert [(change.action.value, change.what) for change in plan.changes] == [("not enforceable", "encryption")]
    assert not plan.pending
    assert await stage.state("club", "m.room.encryption") == {"algorithm": "m.megolm.v1.aes-sha2"}


async def test_another_version_or_federation_is_shown_as_replace_and_not_done(stage: Stage) -> None:
    await stage.apply(a_community(a_group("club", room_version="11", federate=True)))
    other = a_community(a_group("club", room_version="12", federate=False))
    room = await stage.room("club")

    plan = await stage.plan(other)
    outcome = await stage.apply(other)

    assert {(change.action.value, change.what) for change in plan.changes} == {
        ("replace", "room version"),
        ("replace", "federation"),
    }
    assert plan.pending
    assert len(outcome.notices) == 2
    assert await stage.room("club") == room


async def test_each_room_is_announced_to_the_features_once(stage: Stage) -> None:
    community = a_community(a_space("company"), a_group("club", parent="company"))
    await stage.apply(community)
    await stage.apply(a_community(a_space("company"), a_group("club", parent="company", topic="Later")))

    ready = await stage.announced(ROOM_READY)
    assert sorted((event["key"], event["created"]) for event in ready) == [("club", True), ("company", True)]


async def test_adding_a_group_in_the_middle_moves_no_other(stage: Stage) -> None:
    await stage.apply(a_community(a_space("company"), a_group("a", parent="company"), a_group("c", parent="company")))
    more = a_community(a_space("company"), *(a_group(key, parent="company") for key in ("a", "b", "c")))
    assert (await stage.plan(more)).count() == {"create": 1}
    await stage.apply(more)
    children = [await stage.state("company", "m.space.child", await stage.room(key)) or {} for key in ("a", "b", "c")]
    orders = [child["order"] for child in children]
    assert orders == sorted(orders)


async def test_what_only_a_person_set_is_not_taken_for_drift(stage: Stage) -> None:
    """Entries in the power levels that nothing declares stay as they are: a pause, a moderator."""
    community = a_community(a_group("club"))
    await stage.apply(community)
    levels = await stage.state("club", "m.room.power_levels")
    assert levels is not None
    server = stage.client.server
    levels["users"] |= {f"@paused:{server}": -1, f"@helper:{server}": 50}
    await stage.client.set_state(await stage.room("club"), "m.room.power_levels", "", levels)

    assert (await stage.plan(community)).changes == ()
