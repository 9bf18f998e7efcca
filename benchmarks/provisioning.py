"""Applying many groups beside a bare client that sends the same requests, and planning when nothing is to do."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import aiohttp
import orjson
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

import esnbot.provisioning
from benchmarks.kit.real import RealHomeserver, Service
from benchmarks.rows import Row, at_most
from esnbot.community.group import Group, Joining, Kind, Space
from esnbot.community.model import Community
from esnbot.engine.clock import SystemClock
from esnbot.matrix.client import MatrixClient
from esnbot.provisioning import wanted
from esnbot.provisioning.codec import frame_of
from esnbot.provisioning.desired import Around, DesiredRoom, desired_rooms
from esnbot.provisioning.facets import View, creation, facets, made_state
from esnbot.provisioning.passing import Outcome
from esnbot.provisioning.plan import make_view
from esnbot.provisioning.reconciler import IN_FLIGHT, Reconciler
from esnbot.provisioning.seen import Observed
from esnbot.provisioning.tables import provisioned
from esnbot.store.bindings import binding
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.store.rooms import room_state

MIGRATIONS = Path(next(iter(esnbot.provisioning.__path__))) / "migrations"
GROUPS_A_SPACE = 25
VERSION = "12"
RATIO = 1.25
PLANS = ((1_000, 2.0), (10_000, 15.0))
"""Groups, and the seconds that a plan of them may take."""


async def main(quick: bool) -> list[Row]:
    """Seconds to apply ours and theirs, in rounds that take turns; seconds to plan."""
    with tempfile.TemporaryDirectory() as folder:
        async with RealHomeserver.start(Path(folder), ("esnbot", "bare")) as homeserver:
            rows = await _apply(homeserver, Path(folder), groups=60 if quick else 500, rounds=2)
            for count, goal in PLANS[:1] if quick else PLANS:
                rows.append(await _plan(homeserver.services["esnbot"], Path(folder), count, goal))
    return rows


async def _apply(homeserver: RealHomeserver, folder: Path, groups: int, rounds: int) -> list[Row]:
    """Half of the groups in each round; who begins changes, since Synapse slows down as it fills."""
    ours, theirs = homeserver.services["esnbot"], homeserver.services["bare"]
    mine: list[float] = []
    bare: list[float] = []
    for turn in range(rounds):

        async def us(turn: int = turn) -> None:
            mine.append(await _ours(ours, folder / f"{turn}.db", community(f"ours{turn}", groups // rounds)))

        async def them(turn: int = turn) -> None:
            bare.append(await _bare(theirs, community(f"bare{turn}", groups // rounds)))

        for step in (us, them) if turn % 2 else (them, us):
            await step()
    ratio = sum(mine) / sum(bare)
    goal, met = at_most(ratio, RATIO)
    against = f"bare client, same requests, {IN_FLIGHT} in flight: {sum(bare):.1f} s"
    return [Row(f"apply of {groups} groups", sum(mine), "s", against, ratio, goal, met)]


def community(prefix: str, groups: int) -> Community:
    """Spaces of 25 groups each, with what groups usually state."""
    spaces: dict[str, Space] = {}
    members: dict[str, Group] = {}
    for number in range(groups):
        space = f"{prefix}-space-{number // GROUPS_A_SPACE}"
        spaces.setdefault(space, Space(key=space, name=space.title(), joining=Joining.public))
        key = f"{prefix}-group-{number}"
        members[key] = Group(
            key=key,
            name=f"Group {number}",
            topic="What people talk about here, in a sentence as people write them.",
            parent=space,
            kind=Kind.project,
            stated=frozenset({"name", "topic", "space"}),
        )
    return Community(name=prefix, languages=("en",), zone=ZoneInfo("Europe/Paris"), spaces=spaces, groups=members)


async def _ours(service: Service, path: Path, declared: Community) -> float:
    database = await Database.open(f"sqlite+aiosqlite:///{path}")
    await migrate(database, [MIGRATIONS])
    client = await _client(service)
    try:
        reconciler = Reconciler(database, client, SystemClock())
        # What is observed first is not what is measured: an apply of nothing reads the rooms that are there.
        await reconciler.apply()
        started = time.perf_counter()
        await reconciler.declare(declared)
        outcome: Outcome = await reconciler.apply()
        taken = time.perf_counter() - started
        if outcome.failures or len(outcome.done) != len(declared.spaces) + len(declared.groups):
            raise RuntimeError(f"apply did not complete: {list(outcome.failures.items())[:3]}")
        return taken
    finally:
        await client.close()
        await database.close()


async def _client(service: Service) -> MatrixClient:
    registration = service.registration
    client = MatrixClient(service.homeserver, registration.as_token, service.user, "BENCH")
    await client.register()
    await client.ensure_device("bench")
    return client


async def _bare(service: Service, declared: Community) -> float:
    """Nothing but the requests: each room made, then listed in its space."""
    client = await _client(service)
    await client.close()
    rooms = _desired(declared, service)
    ids: dict[str, str] = {}
    gate = asyncio.Semaphore(IN_FLIGHT)
    base = f"{service.homeserver}/_matrix/client/v3"
    query = {"user_id": service.user, "device_id": "BENCH"}
    headers = {"Authorization": f"Bearer {service.registration.as_token}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def send(method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
            async with session.request(method, base + path, params=query, data=orjson.dumps(body)) as answer:
                raw = await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status} {raw[:200]!r}")
                found: dict[str, Any] = orjson.loads(raw)
                return found

        async def make(room: DesiredRoom, number: int) -> None:
            async with gate:
                view = View(service.user, service.registration.server_name, ids)
                answer = await send("POST", "/createRoom", creation(room, view, VERSION))
                ids[room.key] = answer["room_id"]
                for space in room.links:
                    child = {"via": [view.server], "order": f"{number:09d}", "suggested": True}
                    path = f"/rooms/{quote(ids[space])}/state/m.space.child/{quote(ids[room.key])}"
                    await send("PUT", path, child)

        started = time.perf_counter()
        for spaces in (True, False):
            async with asyncio.TaskGroup() as group:
                for number, room in enumerate(rooms.values()):
                    if room.is_space == spaces:
                        group.create_task(make(room, number))
        return time.perf_counter() - started


def _desired(declared: Community, service: Service) -> dict[str, DesiredRoom]:
    around = Around(service.user, service.registration.server_name, datetime.now(UTC).date())
    return desired_rooms(frame_of(declared), wanted.declared(declared, ()), around)


async def _plan(service: Service, folder: Path, groups: int, limit: float) -> Row:
    """A store that knows all rooms as they should be; the homeserver has nothing new."""
    declared = community(f"plan{groups}", groups)
    database = await Database.open(f"sqlite+aiosqlite:///{folder / f'plan{groups}.db'}")
    await migrate(database, [MIGRATIONS])
    client = await _client(service)
    try:
        reconciler = Reconciler(database, client, SystemClock())
        await reconciler.plan(look_up=False)
        await reconciler.declare(declared)
        await database.write(lambda conn: _fill(conn, _desired(declared, service), service))
        times = []
        for _ in range(3):
            started = time.perf_counter()
            plan = await reconciler.plan(declared)
            times.append(time.perf_counter() - started)
            if plan.changes:
                raise RuntimeError(f"the plan should be empty: {plan.changes[:2]}")
    finally:
        await client.close()
        await database.close()
    seconds = median(times)
    return Row(f"plan with nothing to do, {groups:,} groups", seconds, "s", goal=f"< {limit:g} s", met=seconds < limit)


async def _fill(conn: AsyncConnection, rooms: Mapping[str, DesiredRoom], service: Service) -> None:
    ids = {key: f"!{key}:{service.registration.server_name}" for key in rooms}
    observed = Observed(bindings=ids)
    view = make_view(rooms, observed, service.user, service.registration.server_name)
    now = int(time.time() * 1000)
    await conn.execute(insert(binding), [{"key": key, "room_id": room, "since": now} for key, room in ids.items()])
    marks = [
        {"key": key, "room_id": room, "created": True, "ready": now, "listed": "private"} for key, room in ids.items()
    ]
    await conn.execute(insert(provisioned), marks)
    for room in rooms.values():
        await conn.execute(insert(room_state), list(_state(room, replace(view, ids=ids), ids, now)))


def _state(room: DesiredRoom, view: View, ids: Mapping[str, str], now: int) -> Iterator[dict[str, Any]]:
    room_id = ids[room.key]
    made = made_state(creation(room, view, VERSION), room, view, room_id, VERSION, now)
    entries = [(room_id, type, state_key, fact.content) for (type, state_key), fact in made.state.items()]
    entries += [
        (ids[facet.space], facet.type, facet.state_key, facet.merge(None) or {})
        for facet in facets(room, view, None, VERSION)
        if facet.space
    ]
    for where, type, state_key, content in entries:
        yield {
            "room_id": where,
            "type": type,
            "state_key": state_key,
            "event_id": f"$0{type}{state_key}",
            "sender": view.bot,
            "ts": now,
            "content": content,
        }
