"""What the programs share: listening, saying how far they are, and ending when asked."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web


def counted(app: web.Application, handled: Callable[[], int]) -> None:
    """Let the load ask how many messages were handled."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"handled": handled()})

    app.router.add_get("/bench", answer)


async def serve(app: web.Application, port: int, handled: Callable[[], int]) -> web.AppRunner:
    """Listen on loopback."""
    counted(app, handled)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def run_until_stopped() -> None:
    """Say that it is ready, and return when asked to end."""
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    print("ready", flush=True)
    await stopped.wait()
