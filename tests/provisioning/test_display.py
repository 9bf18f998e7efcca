"""The plan as people read it, and as machines do."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

from rich.console import Console

from esnbot.community.group import Joining
from esnbot.community.model import Community
from esnbot.provisioning import wanted
from esnbot.provisioning.codec import frame_of
from esnbot.provisioning.desired import Around, DesiredRoom, desired_rooms
from esnbot.provisioning.display import difference_text, plan_tree
from esnbot.provisioning.facets import View, creation, made_state
from esnbot.provisioning.plan import Plan, make_plan, make_view, to_json
from esnbot.provisioning.seen import Fact, Observed, SeenRoom
from tests.provisioning.kit import a_community, a_group, a_space

BOT, SERVER = "@esnbot:example.org", "example.org"


def rooms_of(community: Community) -> dict[str, DesiredRoom]:
    around = Around(BOT, SERVER, date(2026, 3, 2))
    return desired_rooms(frame_of(community), wanted.declared(community, ()), around)


def standing(community: Community) -> Observed:
    """The homeserver with everything as a community declares it."""
    rooms = rooms_of(community)
    ids = {key: f"!{key}" for key in rooms}
    view = make_view(rooms, Observed(bindings=ids), BOT, SERVER)
    seen: dict[str, SeenRoom] = {}
    for key, room in rooms.items():
        seen[ids[key]] = made_state(creation(room, view, "12"), room, view, ids[key], "12", 1)
    for key, room in rooms.items():
        for space in room.links:
            child = {"via": [SERVER], "order": view.orders[space, key], "suggested": True}
            parent = seen[ids[space]]
            seen[ids[space]] = SeenRoom(
                parent.room_id, {**parent.state, ("m.space.child", ids[key]): Fact(child, BOT, 1)}
            )
    return Observed(rooms=seen, bindings=ids, ready=frozenset(ids))


def plan_of(community: Community, observed: Observed) -> Plan:
    return make_plan(rooms_of(community), observed, BOT, SERVER)


def text_of(plan: Plan) -> str:
    out = io.StringIO()
    Console(file=out, width=100, highlight=False).print(plan_tree(plan))
    return out.getvalue()


OLD = a_community(a_space("company", "Company"), a_group("photo", "Photo", parent="company", topic="Old"))


def test_what_stands_gives_an_empty_plan() -> None:
    plan = plan_of(OLD, standing(OLD))
    assert plan.changes == ()
    assert text_of(plan) == "Nothing to do: everything is as declared.\n"


def test_a_plan_reads_as_a_tree_with_old_and_new_values() -> None:
    new = a_community(
        a_space("company", "Company"),
        a_group("photo", "Photo", parent="company", topic="New", joining=Joining.public),
        a_group("wood", "Wood", parent="company"),
    )
    assert text_of(plan_of(new, standing(OLD))).splitlines() == [
        "  Company  space company",
        "├── ~ Photo  group photo",
        "│   ├── ~ topic: Old → New",
        "│   └── ~ join rule: restricted to members of Company → public",
        "└── + Wood  group wood  create #wood:example.org",
        "",
        "Plan: 1 to create, 1 to change.",
    ]


def test_the_same_for_machines() -> None:
    new = a_community(a_space("company", "Company"), a_group("photo", "Photo", parent="company", topic="New"))
    document: dict[str, Any] = to_json(plan_of(new, standing(OLD)))
    assert document["pending"] is True
    assert document["summary"] == {"change": 1}
    assert document["changes"] == [
        {
            "key": "photo",
            "action": "change",
            "path": ["company"],
            "kind": "group",
            "name": "Photo",
            "origin": "file",
            "source": "community.yaml:7:3",
            "what": "topic",
            "old": "Old",
            "new": "New",
        }
    ]


def test_of_large_values_only_what_differs_is_shown() -> None:
    old = {"users": {"@a:x": 50, "@b:x": 75}, "events_default": 0}
    new = {"users": {"@b:x": 75}, "events_default": 50}
    assert difference_text(old, new) == "users @a:x 50 → nothing; events_default 0 → 50"


def test_a_plan_before_anything_stands_names_what_it_would_make() -> None:
    plan = plan_of(OLD, Observed())
    assert plan.count() == {"create": 2}
    assert View(BOT, SERVER).id("company") == "key:company"


def test_what_cannot_work_in_an_encrypted_group_is_said_and_is_no_change() -> None:
    community = a_community(a_space("company", "Company"), a_group("lab", "Lab", parent="company", encrypted=True))
    plan = plan_of(community, standing(community))
    assert plan.empty
    assert not plan.pending
    lines = [line.strip("│├└─ ") for line in text_of(plan).splitlines()]
    assert "i This group is encrypted: the homeserver cannot search in it." in lines
    assert lines[-1] == "Nothing to do: everything is as declared."
    assert list(to_json(plan)["limits"]) == ["lab"]
