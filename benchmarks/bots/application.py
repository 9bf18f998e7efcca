"""Ours whole: the application with all features, as `esnbot run` runs it, and the small module beside them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel

from benchmarks.bots.serving import run_until_stopped, serve
from benchmarks.bots.small import handled, small_module
from benchmarks.kit.house import tokens, write_config
from benchmarks.kit.machine import quiet, stay_on
from benchmarks.kit.setup import Setup, read
from esnbot.app import application
from esnbot.discovery import Discovery, discover
from esnbot.features.contract import Declaration, Feature, Kit
from esnbot.settings import load


class _NoSettings(BaseModel):
    pass


def declaration(setup: Setup) -> Declaration:
    """The small module as a feature beside the others."""

    def build(_kit: Kit[_NoSettings]) -> Feature:
        return Feature(small_module(setup))

    return Declaration(name="bench", summary="For benchmarks.", settings=_NoSettings, build=build)


async def main(setup: Setup) -> None:
    """The application with all features, as `esnbot run` runs it."""
    installed = discover()
    found = Discovery({**installed.declarations, "bench": declaration(setup)}, installed.broken)
    settings = load(write_config(setup, Path(setup.folder)), found.schemas, environment=tokens(setup))
    async with application(settings, found) as app:
        if app.broken:
            raise SystemExit("\n".join(app.broken.values()))
        await app.start()
        await app.until_ready()
        runner = await serve(web.Application(), setup.counts, lambda: handled(app.metrics))
        await run_until_stopped()
        await runner.cleanup()


if __name__ == "__main__":
    told = read()
    stay_on(told.core)
    quiet()
    asyncio.run(main(told))
