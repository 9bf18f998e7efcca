"""Ordinary messages through the whole of it, on one core: how many a second, and what one costs."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.kit.load import JSON, Pusher, bodies, chatter, join, message, rooms_of
from benchmarks.kit.machine import cores, stay_on
from benchmarks.kit.programs import Program, start_bot
from benchmarks.kit.setup import PING, Behaviour, Setup
from benchmarks.kit.stub import Stub
from benchmarks.rows import Row
from esnbot.homeserver import free_port

SERVER = "bench.test"
BOT = f"@bot:{SERVER}"
ROOMS = rooms_of(20, SERVER)
GOAL_RATE = 2_000.0
GOAL_CPU_MS = 0.4


async def main(quick: bool) -> list[Row]:
    """Ours with all features, ours answering each message, and mautrix doing nothing and answering each message."""
    count = 4_000 if quick else 20_000
    load_core, core = cores()
    stay_on(load_core)
    with tempfile.TemporaryDirectory() as folder:
        everything = await _measure("ours", Path(folder) / "a", "nothing", core, _ordinary(count), features=True)
        pings = _pings(count // 4)
        ours = await _measure("ours", Path(folder) / "b", "ping", core, pings)
        mautrix = await _measure("mautrix_bot", Path(folder) / "c", "ping", core, pings)
        nothing = await _measure("mautrix_bot", Path(folder) / "d", "nothing", core, _ordinary(count))
    rate, cpu = everything
    echo = f"mautrix answering each: {mautrix[1]:.2f} ms"
    return [
        Row(
            "ordinary messages, all features, one core, from the push to the last one handled",
            rate,
            "messages/s",
            f"mautrix doing nothing, nothing stored: {nothing[0]:,.0f}/s",
            rate / nothing[0],
            f"≥ {GOAL_RATE:,.0f}/s",
            rate >= GOAL_RATE,
        ),
        Row(
            "CPU for one of them, accepting included",
            cpu,
            "ms",
            echo,
            cpu / mautrix[1],
            f"< {GOAL_CPU_MS} ms",
            cpu < GOAL_CPU_MS,
        ),
        Row(
            "CPU for a message that is answered (stored, handled, stored, sent)",
            ours[1],
            "ms",
            echo,
            ours[1] / mautrix[1],
        ),
        Row(
            "answered messages, one core, from the push to the last answer's arrival",
            ours[0],
            "messages/s",
            f"mautrix: {mautrix[0]:,.0f}/s",
            ours[0] / mautrix[0],
        ),
    ]


def _ordinary(count: int) -> list[JSON]:
    return chatter(count, ROOMS, SERVER, name="ordinary")


def _pings(count: int) -> list[JSON]:
    now = int(time.time() * 1000) - count
    return [message(f"ping-{n}", ROOMS[n % len(ROOMS)], f"{PING}{n}", SERVER, ts=now + n) for n in range(count)]


async def _measure(
    kind: str,
    folder: Path,
    behaviour: Behaviour,
    core: int | None,
    events: Sequence[JSON],
    *,
    features: bool = False,
) -> tuple[float, float]:
    """Messages a second, and milliseconds of CPU for each."""
    stub = Stub(BOT)
    port = free_port()
    setup = Setup(
        homeserver=await stub.start(),
        server_name=SERVER,
        user=BOT,
        port=port,
        folder=str(folder),
        behaviour=behaviour,
        counts_port=free_port() if features else 0,
        features=features,
        core=core,
    )
    program = await start_bot(kind, setup)
    pusher = Pusher(port)
    try:
        await enter(pusher, port, program)
        before = await pusher.handled(setup.counts)
        cpu, started = program.cpu, time.perf_counter()
        await pusher.push_all(bodies(events, 100))
        if behaviour == "ping":
            await _until_sent(stub, len(events))
        else:
            await _until_handled(pusher, setup.counts, before + len(events))
        seconds = time.perf_counter() - started
        return len(events) / seconds, (program.cpu - cpu) / len(events) * 1000
    finally:
        await pusher.close()
        program.kill()
        await stub.stop()


async def enter(pusher: Pusher, port: int, program: Program, rooms: Sequence[str] = ROOMS) -> None:
    """Let the bot be in the rooms, and wait until it has taken notice."""
    now = int(time.time() * 1000)
    await pusher.push_all(bodies([join(BOT, room, ts=now) for room in rooms], 100))
    last, calm = program.cpu, 0
    while calm < 4:
        await asyncio.sleep(0.25)
        calm = calm + 1 if program.cpu - last < 0.02 else 0
        last = program.cpu


async def _until_handled(pusher: Pusher, port: int, wanted: int) -> None:
    async with asyncio.timeout(120):
        while await pusher.handled(port) < wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _until_sent(stub: Stub, wanted: int) -> None:
    async with asyncio.timeout(120):
        while len(stub.messages) < wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
