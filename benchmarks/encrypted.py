"""What an encrypted message costs beside a plain one, and the memory that many encrypted rooms take."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.kit.encrypting import Speaker
from benchmarks.kit.programs import Program, start_bot
from benchmarks.kit.real import RealHomeserver, Service
from benchmarks.kit.setup import PING, PONG
from benchmarks.rows import Row


async def main(quick: bool) -> list[Row]:
    """On Synapse, with all features: one room of each sort, then many encrypted rooms."""
    count, rooms = (40, 40) if quick else (300, 1000)
    with tempfile.TemporaryDirectory() as folder:
        async with RealHomeserver.start(Path(folder) / "synapse", ("ours",)) as real:
            service = real.services["ours"]
            program = await start_bot("ours", service.setup(Path(folder) / "bot", "ping", features=True))
            try:
                account = await real.server.register("alice", "correct horse battery staple")
                async with Speaker(account, Path(folder) / "alice") as alice:
                    return await _measure(real, service, program, alice, count, rooms)
            finally:
                program.kill()


async def _measure(
    real: RealHomeserver, service: Service, program: Program, alice: Speaker, count: int, rooms: int
) -> list[Row]:
    costs: dict[bool, float] = {}
    waits: dict[bool, list[float]] = {True: [], False: []}
    places = {encrypted: await _room(real, service, alice, encrypted=encrypted) for encrypted in (False, True)}
    for encrypted, place in places.items():
        for number in range(5):
            await alice.ask(place, f"{PING}warm-{encrypted}-{number}", f"{PONG}warm-{encrypted}-{number}")
        before = program.cpu
        for number in range(count):
            name = f"{encrypted}-{number}"
            waits[encrypted].append(await alice.ask(place, f"{PING}{name}", f"{PONG}{name}"))
        costs[encrypted] = (program.cpu - before) / count * 1000
    plain, sealed = (statistics.median(waits[encrypted]) * 1000 for encrypted in (False, True))
    calm = program.memory
    for number in range(rooms):
        place = await _room(real, service, alice, encrypted=True)
        await alice.ask(place, f"{PING}room-{number}", f"{PONG}room-{number}")
    full = program.memory
    return [
        Row(
            "CPU of the bot for an encrypted message that is answered encrypted, on Synapse, all features",
            costs[True],
            "ms",
            f"the same in a plain room: {costs[False]:.2f} ms",
            costs[True] / costs[False],
        ),
        Row(
            "from sending an encrypted message to reading the encrypted answer, nio's client, p50",
            sealed,
            "ms",
            f"the same in a plain room: {plain:.0f} ms",
            sealed / plain,
        ),
        Row(
            f"resident memory after a message and an answer in each of {rooms:,} encrypted rooms",
            full,
            "MB",
            f"before: {calm:.0f} MB",
            full / calm,
        ),
    ]


async def _room(real: RealHomeserver, service: Service, alice: Speaker, *, encrypted: bool) -> str:
    place = await alice.room(service.user, encrypted=encrypted)
    await real.join(service, place)
    await alice.until_known(place, service.user)
    return place
