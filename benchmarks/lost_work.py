"""The four situations in which bots lose work: ours, mautrix's AppService and a nio bot, on the same homeserver."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from benchmarks.handling import BOT, ROOMS, SERVER, enter
from benchmarks.kit.contest import Contender, Outcome, contenders, count
from benchmarks.kit.limiting import LimitingProxy
from benchmarks.kit.load import Pusher, bodies, message
from benchmarks.kit.programs import start_bot
from benchmarks.kit.real import RealHomeserver
from benchmarks.kit.setup import PING, PONG, Setup
from benchmarks.kit.stub import Stub
from benchmarks.rows import Row
from esnbot.homeserver import free_port

NOISE = 1.1
"""Two bots that are equally fast differ by so much from run to run."""


async def main(quick: bool) -> list[Row]:
    """Three rows for each situation."""
    rooms = 6 if quick else 20
    burst, limited = (60, 25) if quick else (400, 100)
    down, patience = (3.0, 5.0) if quick else (15.0, 20.0)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        async with RealHomeserver.start(Path(folder) / "synapse", ("ours", "mautrix")) as real:
            bots = await contenders(real, Path(folder), rooms)
            try:

                async def in_a_burst(bot: Contender) -> Outcome:
                    return await _burst(bot, burst, patience)

                async def while_down(bot: Contender) -> Outcome:
                    return await _while_down(bot, 20, down)

                async def with_429(bot: Contender) -> Outcome:
                    return await _limited(bot, real.server.url, limited, patience)

                rows += await _situation(f"burst of {burst} commands over {rooms} rooms", bots, in_a_burst)
                rows += await _situation(f"20 commands while the bot is down for {down:.0f} s", bots, while_down)
                rows += await _situation(f"{limited} commands, 10 sends/s allowed (429)", bots, with_429)
            finally:
                for bot in bots:
                    bot.kill()
        acknowledged = 500 if quick else 2000
        killed = {
            "ours": await _killed("ours", Path(folder) / "killed-ours", acknowledged),
            "mautrix": await _killed("mautrix_bot", Path(folder) / "killed-mautrix", acknowledged),
        }
        rows += _rows(f"kill -9 right after acknowledging {acknowledged:,} commands", killed)
    return rows


async def _situation(
    title: str, bots: Sequence[Contender], trial: Callable[[Contender], Awaitable[Outcome]]
) -> list[Row]:
    return _rows(title, {bot.name: await trial(bot) for bot in bots})


def _rows(title: str, outcomes: dict[str, Outcome]) -> list[Row]:
    ours = outcomes["ours"]
    others = {name: outcome for name, outcome in outcomes.items() if name != "ours"}
    fastest = [outcome.seconds for outcome in others.values() if outcome.whole and outcome.seconds]
    ratio = ours.seconds / min(fastest) if ours.seconds and fastest else None
    in_time = ours.seconds is not None and (ratio is None or ratio <= NOISE)

    def beside(show: Callable[[Outcome], str]) -> str:
        return ", ".join(f"{name} {show(outcome)}" for name, outcome in others.items())

    return [
        Row(
            f"{title}: answered",
            ours.answered,
            f"of {ours.asked:,}",
            beside(lambda outcome: f"{outcome.answered:,}"),
            goal="all",
            met=ours.answered == ours.asked,
        ),
        Row(
            f"{title}: answered twice",
            ours.doubled,
            "",
            beside(lambda outcome: str(outcome.doubled)),
            goal="none",
            met=not ours.doubled,
        ),
        Row(
            f"{title}: until the last answer",
            ours.seconds or 0.0,
            "s",
            beside(lambda outcome: f"{outcome.seconds:.1f} s" if outcome.seconds else "never"),
            ratio,
            "no later than the best",
            in_time,
        ),
    ]


async def _burst(bot: Contender, commands: int, patience: float) -> Outcome:
    names = [f"{bot.name}-burst-{number}" for number in range(commands)]
    return await bot.outcome(names, await bot.ask(names), patience=patience)


async def _while_down(bot: Contender, commands: int, seconds: float) -> Outcome:
    """Counted from the start of the program, its own starting included."""
    names = [f"{bot.name}-down-{number}" for number in range(commands)]
    await bot.stop()
    await bot.ask(names)
    await asyncio.sleep(seconds)
    started = time.time()
    await bot.start()
    return await bot.outcome(names, started, patience=max(2 * seconds, 15.0))


async def _limited(bot: Contender, homeserver: str, commands: int, patience: float) -> Outcome:
    names = [f"{bot.name}-limited-{number}" for number in range(commands)]
    proxy = LimitingProxy(homeserver, per_second=10, burst=10)
    await bot.stop()
    await bot.start(await proxy.start())
    try:
        return await bot.outcome(names, await bot.ask(names), patience=patience)
    finally:
        await bot.stop()
        await proxy.stop()


async def _killed(kind: str, folder: Path, commands: int) -> Outcome:
    """Counted from the restart; what the homeserver was sent before the kill counts as answered."""
    stub = Stub(BOT)
    setup = Setup(
        homeserver=await stub.start(),
        server_name=SERVER,
        user=BOT,
        port=free_port(),
        folder=str(folder),
        behaviour="ping",
    )
    program = await start_bot(kind, setup)
    pusher = Pusher(setup.port)
    try:
        await enter(pusher, setup.port, program)
        now = int(time.time() * 1000)
        events = [
            message(f"killed-{n}", ROOMS[n % len(ROOMS)], f"{PING}{n}", SERVER, ts=now + n) for n in range(commands)
        ]
        await pusher.push_all(bodies(events, 100))
        program.kill()
        started = time.perf_counter()
        program = await start_bot(kind, setup)
        seen, calm = -1, 0
        while len(stub.messages) < commands and calm < 10:
            calm = calm + 1 if len(stub.messages) == seen else 0
            seen = len(stub.messages)
            await asyncio.sleep(0.5)
        await asyncio.sleep(1.0)
    finally:
        program.kill()
        await pusher.close()
        await stub.stop()
    answers = [str(sent.content.get("body")) for sent in stub.messages.values()]
    answered, doubled = count(answers, [f"{PONG}{n}" for n in range(commands)])
    last = max((sent.at for sent in stub.messages.values()), default=started)
    return Outcome(commands, answered, doubled, last - started if last > started else None)
