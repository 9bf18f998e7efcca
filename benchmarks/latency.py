"""How long a forbidden word stays: against a stub homeserver, and seen by clients of a real one."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from benchmarks.handling import BOT, ROOMS, SERVER, enter
from benchmarks.kit.load import SENTENCES, Pusher, message
from benchmarks.kit.programs import start_bot
from benchmarks.kit.real import RealHomeserver, Service
from benchmarks.kit.setup import WORD, Setup
from benchmarks.kit.stub import Stub
from benchmarks.rows import Row, at_most
from esnbot.homeserver import free_port
from esnbot.testing.person import Person, Seen

RATE = 100
"""Events a second."""
GOAL_MS = 20.0
GOAL_RATIO = 1.5


async def main(quick: bool) -> list[Row]:
    """Rows against the stub, then on Synapse."""
    with tempfile.TemporaryDirectory() as folder:
        rows = await _against_the_stub(Path(folder), seconds=6 if quick else 30)
        return rows + await _on_synapse(Path(folder), count=20 if quick else 100)


async def _against_the_stub(folder: Path, seconds: int) -> list[Row]:
    stub = Stub(BOT)
    homeserver = await stub.start()
    measured: dict[str, list[float]] = {}
    for kind in ("ours", "bare"):
        port = free_port()
        setup = Setup(
            homeserver=homeserver,
            server_name=SERVER,
            user=BOT,
            port=port,
            folder=str(folder / kind),
            behaviour="redact",
            features=kind == "ours",
            counts_port=free_port(),
        )
        program = await start_bot(kind, setup)
        pusher = Pusher(port)
        try:
            await enter(pusher, port, program)
            measured[kind] = await _paced(pusher, stub, kind, seconds)
        finally:
            await pusher.close()
            program.kill()
    await stub.stop()
    rows = []
    for percent in (50, 99):
        ours, bare = (_percentile(measured[kind], percent) for kind in ("ours", "bare"))
        goal, met = (f"< {GOAL_MS:.0f} ms", ours < GOAL_MS) if percent == 99 else ("", None)
        what = f"from a message's arrival to its redaction leaving, p{percent}, {RATE} events/s, every fifth forbidden"
        rows.append(Row(what, ours, "ms", f"bare, nothing stored: {bare:.1f} ms", ours / bare, goal, met))
    return rows


async def _paced(pusher: Pusher, stub: Stub, name: str, seconds: int) -> list[float]:
    """Push events as they are said, in transactions as a homeserver makes them; milliseconds of each redaction."""
    said: dict[str, float] = {}
    loop_start = time.perf_counter()
    pushed, total = 0, seconds * RATE
    while pushed < total:
        now = time.perf_counter()
        ready = min(int((now - loop_start) * RATE) + 1, total)
        if ready == pushed:
            await asyncio.sleep(max(loop_start + pushed / RATE - now, 0.0005))
            continue
        events = []
        for n in range(pushed, ready):
            body = f"C'est {WORD}, n° {n}" if n % 5 == 0 else SENTENCES[n % len(SENTENCES)]
            events.append(message(f"{name}-{n}", ROOMS[n % len(ROOMS)], body, SERVER, ts=int(time.time() * 1000)))
        body_bytes = orjson.dumps({"events": events})
        arrival = time.perf_counter()
        said.update({f"${name}-{n}": arrival for n in range(pushed, ready) if n % 5 == 0})
        pushed = ready
        await pusher.push(body_bytes)
    async with asyncio.timeout(30):
        while not all(event in stub.redactions for event in said):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return [(stub.redactions[event] - at) * 1000 for event, at in said.items()]


async def _on_synapse(folder: Path, count: int) -> list[Row]:
    async with RealHomeserver.start(folder / "synapse", ("ours", "bare")) as real:
        programs = []
        try:
            rooms: dict[str, str] = {}
            speaker, reader = await real.person("speaker"), await real.person("reader")
            for kind in ("ours", "bare"):
                service = real.services[kind]
                programs.append(
                    await start_bot(kind, service.setup(folder / "real" / kind, "redact", features=kind == "ours"))
                )
                rooms[kind] = await _room(real, service, speaker, reader)
            measured: dict[str, list[float]] = {kind: [] for kind in rooms}
            for n in range(-3, count):
                for kind, room in rooms.items():
                    taken = await _one(speaker, reader, room, n)
                    if n >= 0:
                        measured[kind].append(taken)
        finally:
            for program in programs:
                program.kill()
    rows = []
    for percent in (50, 90):
        ours, bare = (_percentile(measured[kind], percent) for kind in ("ours", "bare"))
        goal, met = at_most(ours / bare, GOAL_RATIO) if percent == 50 else ("", None)
        what = f"on Synapse: from a forbidden word sent by a client to its redaction seen by a client, p{percent}"
        rows.append(Row(what, ours, "ms", f"bare service: {bare:.0f} ms", ours / bare, goal, met))
    return rows


async def _room(real: RealHomeserver, service: Service, speaker: Person, reader: Person) -> str:
    """A room where the bot may redact."""
    room = await speaker.create_room(
        preset="private_chat",
        invite=[service.user, reader.id],
        power_level_content_override={"users": {service.user: 50}},
    )
    await reader.join(room)
    await real.join(service, room)
    return room


async def _one(speaker: Person, reader: Person, room: str, n: int) -> float:
    """Milliseconds from the start of the sending to the arrival of the redaction at somebody else's client."""
    await reader.sync()
    seen = asyncio.create_task(_redaction(reader, room))
    await asyncio.sleep(0.02)
    started = time.perf_counter()
    await speaker.say(room, f"C'est {WORD}, n° {n}")
    return (await seen - started) * 1000


async def _redaction(reader: Person, room: str) -> float:
    def is_redaction(event: Seen) -> bool:
        return event.type == "m.room.redaction" and event.room == room

    async with asyncio.timeout(20):
        while True:
            new = await reader.sync(5.0)
            if any(is_redaction(event) for event in new):
                return time.perf_counter()


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
