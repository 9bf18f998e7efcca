"""A bot's process that does what pages of the board ask for: the guest book again, kept in the database.

Run with the database's URL, and with ``hold`` as a second argument by a process that never finishes: it says so on
standard output, and waits to be killed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from aiohttp import web

from esnbot.engine.clock import SystemClock
from esnbot.engine.dispatch import Dispatcher
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.engine.metrics import Metrics
from esnbot.engine.signals import Signals
from esnbot.features.contract import Feature
from esnbot.store import kept
from esnbot.store.database import Database
from esnbot.web.visit import BoardPage, Visit

BOT = "@esnbot:example.org"
WRITTEN = "org.esnbot.test_written"
LINE = "book:"


class Ledger:
    """Lines that people wrote, each with the process that wrote it down."""

    def __init__(self, *, holds: bool = False) -> None:
        self.holds = holds

    async def write(self, ctx: Context, event: Event) -> Sequence[Effect]:
        name, mine = f"{LINE}{event.text('line')}", str(os.getpid())
        before = await kept.get(ctx.conn, name)
        await kept.put(ctx.conn, name, mine if before is None else f"{before} {mine}")
        if self.holds:
            print("holding", flush=True)
            await asyncio.sleep(8)
        return []

    async def post(self, visit: Visit) -> web.StreamResponse:
        await visit.act(WRITTEN, {"line": (await visit.form()).get("line", "")})
        return visit.go("/book")

    def feature(self) -> Feature:
        module = Module("book", (Listener(frozenset({WRITTEN}), self.write),))
        return Feature(module, pages=(BoardPage("/book", self.post, "POST"),))


async def main() -> None:
    database = await Database.open(sys.argv[1])
    clock, ledger = SystemClock(), Ledger(holds="hold" in sys.argv)
    modules = [ledger.feature().module]
    print("ready", flush=True)
    await Dispatcher(database, modules, clock, clock, Signals(), BOT, Metrics()).run()


if __name__ == "__main__":
    asyncio.run(main())
