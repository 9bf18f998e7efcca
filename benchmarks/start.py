"""From the start of the program to ready with many rooms known, and the memory that it takes."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.handling import BOT, SERVER
from benchmarks.kit.house import tokens, write_config
from benchmarks.kit.load import Pusher, bodies, chatter
from benchmarks.kit.programs import Program
from benchmarks.kit.setup import Setup
from benchmarks.kit.stub import Stub
from benchmarks.rows import Row
from esnbot.community.group import Group, Joining, Kind, Origin, Place, Space
from esnbot.discovery import discover
from esnbot.engine import catchup
from esnbot.homeserver import free_port
from esnbot.provisioning import observer
from esnbot.provisioning.codec import dump, kind_of
from esnbot.provisioning.rights import merged_power, power_for
from esnbot.provisioning.tables import desired_object, sync_token
from esnbot.settings import load
from esnbot.store import kept
from esnbot.store.bindings import binding
from esnbot.store.rooms import room_state
from esnbot.store.upsert import upsert
from esnbot.stored import migrated

SPACES, GROUPS_EACH = 100, 99
ROOMS = SPACES * (GROUPS_EACH + 1)
MEMBERS = 5
"""Of each room, besides the bot."""
GOAL_SECONDS = 3.0
GOAL_MEMORY = 150.0


async def main(quick: bool) -> list[Row]:
    """Seconds to ready: new, and with 10,000 rooms; memory when ready, and after it has worked."""
    with tempfile.TemporaryDirectory() as folder:
        stub = Stub(BOT)
        homeserver = await stub.start()
        told = Setup(homeserver=homeserver, server_name=SERVER, user=BOT, port=free_port(), folder=folder)
        config = write_config(told, Path(folder))
        # Twice: the first start makes the database and may compile modules.
        for _ in range(2):
            empty, bare, program = await _started(config, told)
            await program.stop()
        await _fill(config, told)
        times = []
        for turn in range(2 if quick else 5):
            if turn:
                await program.stop()
            seconds, memory, program = await _started(config, told)
            times.append(seconds)
        await _settle(program)
        calm = program.memory
        pusher = Pusher(told.port)
        rooms = [_room_id(number) for number in range(200)]
        await pusher.push_all(bodies(chatter(2_000 if quick else 10_000, rooms, SERVER, name="start"), 100))
        await _settle(program)
        worked = program.memory
        await pusher.close()
        await program.stop()
        await stub.stop()
    seconds = statistics.median(times)
    largest = max(memory, calm, worked)
    return [
        Row(
            f"start of `esnbot run` to ready, {ROOMS:,} rooms known",
            seconds,
            "s",
            f"no room: {empty:.1f} s",
            seconds / empty,
            f"< {GOAL_SECONDS:g} s",
            seconds < GOAL_SECONDS,
        ),
        Row(
            "resident memory of the running application, the largest of: ready, after the first look at all rooms, "
            "after messages",
            largest,
            "MB",
            f"no room: {bare:.0f} MB; ready {memory:.0f}, looked {calm:.0f}, messages {worked:.0f} MB",
            goal=f"< {GOAL_MEMORY:.0f} MB",
            met=largest < GOAL_MEMORY,
        ),
    ]


async def _started(config: Path, told: Setup) -> tuple[float, float, Program]:
    program = await Program.start(
        ["-c", "from esnbot.cli import main; main()", "run", "--config", str(config), "--log-level", "error"],
        config.parent,
        "esnbot",
        environment=tokens(told),
        ready="\nready",
        timeout=60,
    )
    return time.monotonic() - program.started, program.memory, program


async def _settle(program: Program) -> None:
    """Wait until it has nothing more to do."""
    last, calm = program.cpu, 0
    async with asyncio.timeout(90):
        while calm < 4:
            await asyncio.sleep(0.5)
            calm = calm + 1 if program.cpu - last < 0.05 else 0
            last = program.cpu


# --- a store that knows many rooms ------------------------------------------------------------------------------------


def _room_id(number: int) -> str:
    return f"!known{number:05}:{SERVER}"


def _places() -> Iterator[Place]:
    for space in range(SPACES):
        yield Space(key=f"space-{space}", name=f"Espace {space}", topic="Un métier.", origin=Origin.chat)
        for group in range(GROUPS_EACH):
            yield Group(
                key=f"group-{space}-{group}",
                name=f"Groupe {group} de l'espace {space}",
                topic="De quoi l'on parle ici, en une phrase comme les gens en écrivent.",
                kind=Kind.project,
                parent=f"space-{space}",
                joining=Joining.space,
                origin=Origin.chat,
            )


async def _fill(config: Path, told: Setup) -> None:
    found = discover()
    settings = load(config, found.schemas, environment={**os.environ, **tokens(told)})
    places = list(_places())
    ids = {place.key: _room_id(number) for number, place in enumerate(places)}
    now = int(time.time() * 1000)

    async def job(conn: AsyncConnection) -> None:
        await conn.execute(
            insert(desired_object), [_wanted(place, position, now) for position, place in enumerate(places)]
        )
        await conn.execute(insert(binding), [{"key": key, "room_id": room, "since": now} for key, room in ids.items()])
        for place in places:
            await conn.execute(insert(room_state), list(_state(place, ids, now)))
        await kept.put(conn, catchup.TOKEN, "s1")
        await upsert(conn, sync_token, {"name": observer.TOKEN, "token": "s1"})

    async with migrated(settings.database, found) as database:
        await database.write(job)


def _wanted(place: Place, position: int, now: int) -> dict[str, Any]:
    return {
        "key": place.key,
        "kind": kind_of(place),
        "origin": place.origin.value,
        "spec": dump(place),
        "overrides": {},
        "state": "wanted",
        "position": position,
        "by": BOT,
        "changed": now,
        "revision": 1,
        "settled": 1,
        "problem": None,
    }


def _state(place: Place, ids: dict[str, str], now: int) -> Iterator[dict[str, Any]]:
    room = ids[place.key]
    contents: list[tuple[str, str, dict[str, Any]]] = [
        ("m.room.create", "", {"room_version": "12", "org.esnbot.key": place.key}),
        ("m.room.power_levels", "", merged_power(None, power_for(place, archived=False, bot=BOT, animators=()), "12")),
        ("m.room.join_rules", "", {"join_rule": "invite"}),
        ("m.room.history_visibility", "", {"history_visibility": "shared"}),
        ("m.room.guest_access", "", {"guest_access": "forbidden"}),
        ("m.room.name", "", {"name": place.name}),
        ("m.room.topic", "", {"topic": place.topic}),
        ("m.room.canonical_alias", "", {"alias": f"#{place.key}:{SERVER}"}),
        *(("m.room.member", f"@member{n}:{SERVER}", {"membership": "join"}) for n in range(MEMBERS)),
        ("m.room.member", BOT, {"membership": "join"}),
    ]
    if place.parent is not None:
        parent = ids[place.parent]
        via = {"via": [SERVER]}
        rule = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": parent}]}
        contents[2] = ("m.room.join_rules", "", rule)
        contents.append(("m.space.parent", parent, {**via, "canonical": True}))
    else:
        prefix = f"group-{place.key.removeprefix('space-')}-"
        contents += [("m.space.child", id, {"via": [SERVER]}) for key, id in ids.items() if key.startswith(prefix)]
    for type, state_key, content in contents:
        sender = state_key if type == "m.room.member" else BOT
        yield {
            "room_id": room,
            "type": type,
            "state_key": state_key,
            "event_id": f"${type}-{state_key}-{room}",
            "sender": sender,
            "ts": now - 1000,
            "content": content,
        }
