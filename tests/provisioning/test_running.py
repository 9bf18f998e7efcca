"""Beside a running bot: what chat asks for, what another process asks for, and what people change by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

from esnbot.community.group import Group, Kind, Posting
from esnbot.community.model import Community
from esnbot.matrix.client import MatrixClient
from esnbot.provisioning import requests, wanted
from esnbot.provisioning.events import DRIFT
from esnbot.store import leases, rooms
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import Person
from tests.provisioning.kit import Stage, a_community, a_group, a_space, eventually, running


class Interrupting:
    """The bot's client, with a person who changes a topic as the bot sets the name, and is heard of at once."""

    def __init__(self, stage: Stage, room: str, person: Person) -> None:
        self._stage = stage
        self._room = room
        self._person = person

    def __getattr__(self, name: str) -> Any:
        """Any other verb."""
        return getattr(self._stage.client, name)

    async def set_state(self, room: str, type: str, state_key: str, content: dict[str, Any]) -> str:
        """Set state; the push of what the person changed arrives before this is answered."""
        if (room, type) == (self._room, "m.room.name"):
            await self._person.set_state(room, "m.room.topic", {"topic": "By hand"})
            await eventually(self._heard)
        return await self._stage.client.set_state(room, type, state_key, content)

    async def _heard(self) -> bool:
        async with self._stage.database.read() as conn:
            return await rooms.content(conn, self._room, "m.room.topic") == {"topic": "By hand"}


def animated(*places: Group, language: str = "en") -> Community:
    """A community with an animators' room."""
    desk = a_group("desk", kind=Kind.animators, language=language)
    return a_community(a_space("company"), desk, *places, animators_room="desk")


async def test_a_group_made_in_chat_stands_soon(stage_on_each: Stage) -> None:
    stage = stage_on_each
    await stage.apply(animated())
    async with running(stage) as reconciler:
        await eventually(lambda: asyncio.sleep(0, reconciler.holds_lease))
        chess = Group(key="chess", name="Chess", parent="company", alias=f"{stage.prefix}-chess")
        await stage.database.write(lambda conn: wanted.want(conn, chess, "@alice:example.org", 1))
        await eventually(lambda: stage.bound("chess"))
        room = await stage.room("chess")
        await eventually(lambda: stage.child_of("company", room))


async def test_groups_made_in_chat_follow_one_another_in_their_space(stage: Stage) -> None:
    await stage.apply(animated(a_group("club", parent="company")))
    async with running(stage):
        for key in ("zoo", "art", "mix"):
            group = Group(key=key, name=key, parent="company", alias=f"{stage.prefix}-{key}")
            await stage.database.write(lambda conn, group=group: wanted.want(conn, group, "@a:b", 1))  # type: ignore[misc]
        await eventually(stage.all_settled)
    children = [
        await stage.state("company", "m.space.child", await stage.room(key)) for key in ("club", "zoo", "art", "mix")
    ]
    orders = [child["order"] for child in children if child]
    assert orders == sorted(set(orders))
    assert (await stage.plan()).changes == ()


async def test_apply_hands_its_work_to_a_running_bot(stage_on_each: Stage) -> None:
    stage = stage_on_each
    await stage.apply(animated())
    async with running(stage) as reconciler:
        await eventually(lambda: asyncio.sleep(0, reconciler.holds_lease))
        community = stage.own(animated(a_group("club", parent="company", topic="Pictures")))
        other = stage.reconciler()
        await other.declare(community)
        steps: list[tuple[int, int]] = []

        outcome = await other.apply(progress=lambda done, total, key: steps.append((done, total)))

        assert outcome.done == ["club"]
        assert outcome.failures == {}
        assert not other.holds_lease
        assert (await stage.plan(community)).changes == ()
        async with stage.database.read() as conn:
            assert await requests.waiting(conn) == []


async def test_apply_tells_what_was_made_of_its_declaration_also_where_the_running_bot_was_faster(
    stage_on_each: Stage,
) -> None:
    stage = stage_on_each
    await stage.apply(animated())
    async with running(stage) as reconciler:
        await eventually(lambda: asyncio.sleep(0, reconciler.holds_lease))
        other = stage.reconciler()
        await other.declare(stage.own(animated(a_group("club", parent="company"))))
        await eventually(stage.all_settled)

        assert (await other.apply()).done == ["club"]
        assert (await other.apply()).done == []


async def test_the_lease_of_a_bot_that_died_is_taken_over(stage: Stage) -> None:
    nobody = requests.new_holder().split("|")
    nobody[1] = "4194303"
    await stage.database.write(lambda conn: leases.take(conn, requests.LEASE, "|".join(nobody), 2**45, 1000))
    await stage.apply(a_community(a_group("club")))


async def test_what_somebody_changes_by_hand_is_told_to_the_animators_and_shown_in_the_plan(
    stage: Stage, homeserver: Homeserver
) -> None:
    olga = await homeserver.person("olga")
    club = a_group("club", "Club", parent="company", topic="Declared", owners=frozenset({olga.id}))
    community = animated(club)
    await stage.apply(community)
    room = await stage.room("club")
    await stage.client.invite(room, olga.id)
    await olga.join(room)
    async with running(stage):
        await olga.set_state(room, "m.room.topic", {"topic": "By hand"})
        await olga.set_state(room, "m.room.name", {"name": "My club"})

        said = await eventually(lambda: stage.last_said_in("desk"))

    assert "2 things were changed by hand" in said
    assert "topic: “By hand” instead of “Declared”" in said
    assert "name: “My club” instead of “Club”" in said
    assert olga.id in said
    assert "esnbot apply" in said
    drifts = await stage.announced(DRIFT)
    plan = await stage.plan(community)
    assert {(change.what, change.old, change.new, change.by) for change in plan.of("club")} == {
        ("topic", "By hand", "Declared", olga.id),
        ("name", "My club", "Club", olga.id),
    }
    assert plan.pending
    assert len(drifts) in (0, 2)

    await stage.apply(community)
    assert (await stage.plan(community)).changes == ()
    async with stage.database.read() as conn:
        assert list(await wanted.drifts(conn)) == []


async def test_what_somebody_changes_while_the_room_is_being_changed_is_told_once(
    stage_on_each: Stage, homeserver: Homeserver
) -> None:
    stage = stage_on_each
    olga = await homeserver.person("olga")
    club = a_group("club", "Club", parent="company", topic="Declared", owners=frozenset({olga.id}))
    community = animated(club)
    await stage.apply(community)
    room = await stage.room("club")
    await stage.client.invite(room, olga.id)
    await olga.join(room)
    renamed = animated(replace(club, name="Photo club"))
    async with running(stage, cast(MatrixClient, Interrupting(stage, room, olga))) as reconciler:
        await eventually(lambda: asyncio.sleep(0, reconciler.holds_lease))
        await stage.reconciler().declare(stage.own(renamed))
        await eventually(stage.all_settled)
        await eventually(lambda: stage.last_said_in("desk"))
        said = await stage.said_in("desk")

    assert [entry.count("By hand") for entry in said] == [1]
    assert await stage.state("club", "m.room.name") == {"name": "Photo club"}
    plan = await stage.plan(renamed)
    assert [(change.what, change.old, change.by) for change in plan.of("club")] == [("topic", "By hand", olga.id)]


async def test_drift_is_told_in_the_language_of_the_animators_room(stage: Stage, homeserver: Homeserver) -> None:
    olga = await homeserver.person("olga")
    club = a_group("club", parent="company", topic="Déclaré", owners=frozenset({olga.id}))
    await stage.apply(animated(club, language="fr"))
    room = await stage.room("club")
    await stage.client.invite(room, olga.id)
    await olga.join(room)
    async with running(stage):
        await olga.set_state(room, "m.room.topic", {"topic": "À la main"})
        said = await eventually(lambda: stage.last_said_in("desk"))
    assert "Quelque chose a été changé à la main" in said
    assert "par" in said


async def test_what_an_owner_changes_by_hand_becomes_desired_state_where_the_file_is_silent(
    stage: Stage, homeserver: Homeserver
) -> None:
    olga = await homeserver.person("olga")
    await stage.apply(animated())
    chess = Group(
        key="chess", name="Chess", parent="company", alias=f"{stage.prefix}-chess", owners=frozenset({olga.id})
    )
    await stage.database.write(lambda conn: wanted.want(conn, chess, olga.id, 1))
    async with running(stage):
        await eventually(lambda: stage.bound("chess"))
        room = await stage.room("chess")
        await eventually(stage.all_settled)
        await stage.client.invite(room, olga.id)
        await olga.join(room)
        await olga.set_state(room, "m.room.topic", {"topic": "64 squares"})

        async def topic() -> bool:
            async with stage.database.read() as conn:
                place = await wanted.get(conn, "chess")
            return place is not None and place.topic == "64 squares"

        await eventually(topic)
        await eventually(stage.all_settled)
    assert (await olga.state(room, "m.room.topic") or {})["topic"] == "64 squares"
    assert (await stage.plan()).changes == ()


async def test_a_command_after_a_change_by_hand_has_the_last_word(stage: Stage, homeserver: Homeserver) -> None:
    olga = await homeserver.person("olga")
    chess = Group(key="chess", name="Chess", alias=f"{stage.prefix}-chess", owners=frozenset({olga.id}))
    await stage.database.write(lambda conn: wanted.want(conn, chess, olga.id, 1))
    await stage.reconciler().apply()
    room = await stage.room("chess")
    await stage.client.invite(room, olga.id)
    await olga.join(room)
    await olga.set_state(room, "m.room.name", {"name": "By hand"})

    plan = await stage.plan()
    assert [(change.action.value, change.old, change.new) for change in plan.changes] == [
        ("accept", "Chess", "By hand")
    ]
    renamed = replace(chess, name="By command")
    await stage.database.write(lambda conn: wanted.want(conn, renamed, olga.id, 2))
    await stage.reconciler().apply()

    assert await stage.state("chess", "m.room.name") == {"name": "By command"}
    assert (await stage.plan()).changes == ()


async def test_what_an_owner_did_while_nobody_watched_is_accepted_by_apply(
    stage: Stage, homeserver: Homeserver
) -> None:
    olga = await homeserver.person("olga")
    chess = Group(key="chess", name="Chess", alias=f"{stage.prefix}-chess", owners=frozenset({olga.id}))
    await stage.database.write(lambda conn: wanted.want(conn, chess, olga.id, 1))
    await stage.reconciler().apply()
    room = await stage.room("chess")
    await stage.client.invite(room, olga.id)
    await olga.join(room)
    await olga.set_state(room, "m.room.name", {"name": "By hand"})

    await stage.reconciler().apply()

    assert await stage.state("chess", "m.room.name") == {"name": "By hand"}
    assert (await stage.plan()).changes == ()


async def test_what_happened_while_nobody_watched_is_told_after_the_start_and_once(
    stage: Stage, homeserver: Homeserver
) -> None:
    olga = await homeserver.person("olga")
    club = a_group("club", parent="company", topic="Declared", owners=frozenset({olga.id}))
    community = animated(club)
    await stage.apply(community)
    room = await stage.room("club")
    await stage.client.invite(room, olga.id)
    await olga.join(room)
    await olga.set_state(room, "m.room.topic", {"topic": "By hand"})
    async with running(stage):
        said = await eventually(lambda: stage.last_said_in("desk"))
    assert "By hand" in said


async def test_a_failure_in_one_room_keeps_nothing_else_from_standing(stage: Stage, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    await alice.create_room(room_alias_name=f"{stage.prefix}-company")
    community = a_community(
        a_space("company"), a_space("other"), a_group("a", parent="company"), a_group("b", parent="other")
    )
    reconciler = stage.reconciler()
    await reconciler.declare(stage.own(community))
    outcome = await reconciler.apply()
    assert set(outcome.failures) == {"company", "a"}
    assert "its space 'company' does not stand" in outcome.failures["a"]
    assert set(outcome.done) == {"other", "b"}
    async with stage.database.read() as conn:
        assert set(await wanted.problems(conn)) == {"company", "a"}


async def test_posting_that_is_opened_by_hand_is_closed_again_by_apply(stage: Stage) -> None:
    community = a_community(a_group("news", posting=Posting.animators))
    await stage.apply(community)
    room = await stage.room("news")
    levels = await stage.state("news", "m.room.power_levels") or {}
    await stage.client.set_state(room, "m.room.power_levels", "", {**levels, "events_default": 0})
    plan = await stage.plan(community)
    assert [(change.what, change.old["events_default"], change.new["events_default"]) for change in plan.changes] == [
        ("power levels", 0, 75)
    ]
    await stage.apply(community)
    assert (await stage.state("news", "m.room.power_levels") or {})["events_default"] == 75
