"""What is known of rooms: the newest counts, whatever order it comes in."""

from __future__ import annotations

from typing import Any

import pytest

from esnbot.store import bindings, rooms
from esnbot.store.database import Database
from esnbot.store.rooms import StateEvent

ROOM, ALICE = "!r:x", "@alice:x"


def state(
    type: str, content: dict[str, Any], *, key: str = "", id: str = "$e", ts: int = 1, sender: str = ALICE
) -> StateEvent:
    return StateEvent(ROOM, type, key, id, sender, ts, content)


async def note(database: Database, *events: StateEvent, replaces: str = "") -> None:
    for event in events:
        await database.write(lambda conn, event=event: rooms.note(conn, event, replaces))  # type: ignore[misc]


async def topic(database: Database) -> Any:
    async with database.read() as conn:
        return (await rooms.content(conn, ROOM, "m.room.topic") or {}).get("topic")


async def test_a_late_event_does_not_undo_a_newer_one(database: Database) -> None:
    await note(database, state("m.room.topic", {"topic": "new"}, id="$2", ts=2))
    await note(database, state("m.room.topic", {"topic": "old"}, id="$1", ts=1))
    assert await topic(database) == "new"


async def test_what_an_event_replaces_is_older_whatever_the_clocks_say(database: Database) -> None:
    await note(database, state("m.room.topic", {"topic": "old"}, id="$1", ts=9))
    await note(database, state("m.room.topic", {"topic": "new"}, id="$2", ts=2), replaces="$1")
    assert await topic(database) == "new"


async def test_what_the_homeserver_itself_gives_is_trusted(database: Database) -> None:
    await note(database, state("m.room.topic", {"topic": "newer"}, ts=9), state("m.room.name", {"name": "x"}))
    await database.write(lambda conn: rooms.replace(conn, ROOM, [state("m.room.topic", {"topic": "true"}, ts=1)]))
    assert await topic(database) == "true"
    async with database.read() as conn:
        assert await rooms.content(conn, ROOM, "m.room.name") is None


async def test_members_are_known_by_their_membership(database: Database) -> None:
    for user, how in ((ALICE, "join"), ("@bob:x", "leave"), ("@carol:x", "join")):
        await note(database, state("m.room.member", {"membership": how}, key=user))
    await note(database, state("m.room.member", {"membership": {"join": True}}, key="@odd:x"))
    async with database.read() as conn:
        assert await rooms.members(conn, ROOM) == [ALICE, "@carol:x"]
        assert await rooms.membership(conn, ROOM, "@bob:x") == "leave"
        assert await rooms.membership(conn, ROOM, "@odd:x") == "leave"
        assert await rooms.rooms_with(conn, ALICE, among=[ROOM, "!other:x"]) == {ROOM}


@pytest.mark.parametrize(
    ("version", "levels", "expected"),
    [
        ("11", {"users": {ALICE: 50}}, 50),
        ("11", {"users_default": 5}, 5),
        ("11", {"users": {ALICE: "50"}}, 0),
        ("11", {"users": [ALICE]}, 0),
        ("12", {"users": {"@bob:x": 100}}, 2**31),
    ],
)
async def test_power_is_what_the_rooms_version_says(
    database: Database, version: str, levels: dict[str, Any], expected: int
) -> None:
    await note(database, state("m.room.create", {"room_version": version}))
    await note(database, state("m.room.power_levels", levels))
    async with database.read() as conn:
        assert await rooms.power_of(conn, ROOM, ALICE) == expected


async def test_odd_contents_are_kept_as_they_are(database: Database) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    await note(database, state("m.room.topic", {"topic": "x", "deep": deep, "big": 10**40, "nul": "a\x00b"}))
    assert await topic(database) == "x"


async def test_a_key_has_one_room_and_a_room_one_key(database: Database) -> None:
    for key, room in (("staff", "!1"), ("staff", "!2"), ("crew", "!2")):
        await database.write(lambda conn, key=key, room=room: bindings.bind(conn, key, room, 1))  # type: ignore[misc]
    async with database.read() as conn:
        assert await bindings.all_bindings(conn) == {"crew": "!2"}
        assert await bindings.key_of(conn, "!2") == "crew"
