"""The bot as a process of its own, for tests that end it at once: ``python -m tests.encryption.victim ORDER``."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import orjson

from esnbot.app import application, until_stopped
from esnbot.settings import load
from tests.app.bench import echo, with_features


async def work(order: dict[str, str]) -> None:
    """Run until killed."""
    environment = {"ESNBOT_AS_TOKEN": order["as_token"], "ESNBOT_HS_TOKEN": order["hs_token"]}
    settings, found = with_features(load(Path(order["config"]), environment=environment), echo())
    settings = replace(settings, database=order["database"])
    async with application(settings, found) as app:
        await app.start()
        await app.until_ready()
        sys.stdout.write("running\n")
        sys.stdout.flush()
        await app.watch()


if __name__ == "__main__":
    asyncio.run(until_stopped(work(orjson.loads(sys.argv[1]))))
