"""How many events a second are accepted: ours stores and commits them before it answers, the others do not."""

from __future__ import annotations

import statistics
import tempfile

from benchmarks.kit.load import Pusher, bodies, chatter, rooms_of
from benchmarks.kit.programs import start_bot
from benchmarks.kit.setup import Setup
from benchmarks.rows import Row, at_least
from esnbot.homeserver import free_port

SERVER = "bench.test"
NOBODY = "http://127.0.0.1:9"
"""No homeserver is needed here."""
ROOMS = rooms_of(20, SERVER)


async def main(quick: bool) -> list[Row]:
    """Rows for 1 and for 100 events a transaction; from rounds in which each takes its turn."""
    with tempfile.TemporaryDirectory() as folder:
        programs = []
        pushers: dict[str, Pusher] = {}
        try:
            for name, kind in (("ours", "ours"), ("mautrix", "mautrix_bot"), ("bare", "bare")):
                port = free_port()
                setup = Setup(
                    homeserver=NOBODY,
                    server_name=SERVER,
                    user=f"@bot:{SERVER}",
                    port=port,
                    folder=f"{folder}/{name}",
                    idle=True,
                )
                programs.append(await start_bot(kind, setup))
                pushers[name] = Pusher(port)
            return await _rows(pushers, quick)
        finally:
            for pusher in pushers.values():
                await pusher.close()
            for program in programs:
                program.kill()


async def _rows(pushers: dict[str, Pusher], quick: bool) -> list[Row]:
    rows = []
    for size, transactions in ((1, 100 if quick else 300), (100, 60)):
        speeds: dict[str, list[float]] = {name: [] for name in pushers}
        for turn in range(4 if quick else 16):
            for name, pusher in pushers.items():
                load = bodies(chatter(size * transactions, ROOMS, SERVER, name=f"{turn}-{size}-{name}"), size)
                speeds[name].append(size * transactions / await pusher.push_all(load))
        # The upper quartile: whatever else the machine does only slows down, and it slows down one more than another.
        speed = {name: statistics.quantiles(found, n=4)[2] for name, found in speeds.items()}
        each = "1 event a transaction" if size == 1 else f"{size} events a transaction"
        for peer, goal, title in (("mautrix", 2.0, "mautrix, nothing stored"), ("bare", 0.25, "bare: parse, 200")):
            ratio = speed["ours"] / speed[peer]
            wanted, met = at_least(ratio, goal) if size > 1 else ("", None)
            against = f"{title}: {speed[peer]:,.0f}/s"
            rows.append(Row(f"accepted and committed, {each}", speed["ours"], "events/s", against, ratio, wanted, met))
    return rows
