"""Whatever is declared, whatever stands, wherever the process ends: apply converges, and makes each room once."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esnbot.community.group import History, Joining, Kind, Posting
from esnbot.community.model import Community
from esnbot.engine.clock import SystemClock
from esnbot.matrix.client import MatrixClient
from esnbot.provisioning.compare import DOABLE
from esnbot.provisioning.reconciler import Reconciler
from esnbot.store.database import Database
from tests.provisioning.kit import a_community, a_group, a_space, an_audience
from tests.provisioning.simulated import PERSON, Crash, Glass, Simulated

EXAMPLES = 150 if os.environ.get("ESNBOT_SOAK") == "1" else 25

SPACES = ("s0", "s1", "s2")
GROUPS = ("g0", "g1", "g2", "g3")
people = st.frozensets(st.sampled_from(["@a:example.org", "@b:example.org", "@c:partner.example"]), max_size=2)
words = st.sampled_from(["", "One", "Two", "Ünï <b>"])


@st.composite
def communities(draw: st.DrawFn) -> Community:
    """A few spaces in one another, a few groups in them, each with what it states."""
    places: list[Any] = []
    spaces = draw(st.lists(st.sampled_from(SPACES), unique=True))
    for index, key in enumerate(spaces):
        parent = draw(st.sampled_from([None, *spaces[:index]]))
        inside = {"parent": parent} if parent else {}
        inside |= draw(st.sampled_from([{}, {"open_to_additions": True}, {"audiences": ("staff", "partners")}]))
        places.append(a_space(key, draw(words) or key, joining=draw(st.sampled_from(Joining)), **inside))
    for key in draw(st.lists(st.sampled_from(GROUPS), unique=True)):
        more: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "topic": words,
                    "charter": words,
                    "joining": st.sampled_from(Joining),
                    "posting": st.sampled_from(Posting),
                    "history": st.sampled_from(History),
                    "kind": st.sampled_from(Kind),
                    "guests": st.booleans(),
                    "encrypted": st.booleans(),
                    "listed": st.booleans(),
                    "archived": st.booleans(),
                    "retention": st.sampled_from([timedelta(days=1), timedelta(days=9)]),
                    "owners": people,
                    "audiences": st.sampled_from([(), ("staff",), ("staff", "partners"), ("friends",)]),
                    "room_version": st.sampled_from(["10", "11", "12"]),
                    "alias": st.sampled_from([f"{key}-alias", key]),
                },
            )
        )
        parent = draw(st.sampled_from([None, *spaces]))
        if parent:
            more["parent"] = parent
            more["also_in"] = tuple(draw(st.lists(st.sampled_from(spaces), unique=True, max_size=1)))
        if spaces:
            more["shown_in"] = tuple(draw(st.lists(st.sampled_from(spaces), unique=True, max_size=2)))
        places.append(a_group(key, draw(words) or key, **more))
    audiences = {
        "staff": an_audience("staff", "example.org"),
        "partners": an_audience("partners", "*.partner.example:8448"),
        "friends": an_audience("friends"),
    }
    return a_community(*places, animators=draw(people), audiences=audiences)


by_hand = st.tuples(
    st.integers(0, 9),
    st.sampled_from(
        [
            ("m.room.name", {"name": "By hand"}),
            ("m.room.topic", {"topic": "By hand"}),
            ("m.room.join_rules", {"join_rule": "public"}),
            ("m.room.power_levels", {"users": {PERSON: 75}, "events_default": 25}),
            ("m.room.server_acl", {"allow": ["evil.example"], "deny": ["example.org", "worse.example"]}),
            ("m.room.pinned_events", {"pinned": ["$mine"]}),
            ("m.room.retention", {}),
            ("m.room.guest_access", {"guest_access": 7}),
            ("m.room.canonical_alias", {}),
        ]
    ),
)


async def no_sleep(_: float) -> None:
    """Waits pass at once."""
    await asyncio.sleep(0)


async def attempt(database: Database, homeserver: Simulated, community: Community) -> bool:
    """One process: declare and apply; False when it ended before that was done."""
    reconciler = Reconciler(database, cast(MatrixClient, homeserver), SystemClock(), sleep=no_sleep, sealer=Glass())
    ended = False
    try:
        await reconciler.declare(community)
        outcome = await reconciler.apply()
        assert outcome.failures == {}
    except* Crash:
        ended = True
    return not ended


async def converges(
    database: Database,
    first: Community,
    second: Community,
    changes: list[tuple[int, tuple[str, Any]]],
    crashes: list[tuple[int, bool]],
    trouble: frozenset[int],
) -> None:
    homeserver = Simulated()
    for number, after in crashes:
        homeserver.requests, homeserver.crash_at, homeserver.after = 0, number, after
        await attempt(database, homeserver, first)
    homeserver.requests, homeserver.crash_at, homeserver.trouble = 0, -1, trouble
    assert await attempt(database, homeserver, first)
    rooms = list(homeserver.rooms)
    for index, (type, content) in changes if rooms else []:
        homeserver.by_hand(rooms[index % len(rooms)], type, content)
    homeserver.trouble = frozenset()
    assert await attempt(database, homeserver, second)

    plan = await Reconciler(database, cast(MatrixClient, homeserver), SystemClock()).plan(second)
    assert [change for change in plan.changes if change.action in DOABLE] == []
    made = Counter(room["m.room.create", ""]["content"]["org.esnbot.key"] for room in homeserver.rooms.values())
    assert all(count == 1 for count in made.values()), made
    wanted = {key for key, room in plan.rooms.items() if not room.archived}
    assert wanted <= set(made)
    for said in homeserver.messages_of.values():
        assert len(said) == len({event["event_id"] for event in said})


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(
    first=communities(),
    second=communities(),
    changes=st.lists(by_hand, max_size=3),
    crashes=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=2),
    trouble=st.frozensets(st.integers(1, 30), max_size=2),
)
def test_apply_converges_from_anywhere(
    template: Path,
    tmp_path: Path,
    first: Community,
    second: Community,
    changes: list[tuple[int, tuple[str, Any]]],
    crashes: list[tuple[int, bool]],
    trouble: frozenset[int],
) -> None:
    path = tmp_path / "esnbot.db"
    for leftover in tmp_path.iterdir():
        leftover.unlink()
    shutil.copy(template, path)

    async def run() -> None:
        database = await Database.open(f"sqlite+aiosqlite:///{path}")
        try:
            await converges(database, first, second, changes, crashes, trouble)
        finally:
            await database.close()

    asyncio.run(run())
