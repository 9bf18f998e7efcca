"""mautrix's AppService as its users use it, with a handler that does nothing, or answers '!ping'."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mautrix.appservice import AppService
from mautrix.types import Event, EventType

from benchmarks.bots.serving import counted, run_until_stopped
from benchmarks.kit.machine import quiet, stay_on
from benchmarks.kit.setup import PING, PONG, Setup, read


async def main(setup: Setup) -> None:
    """Serve until the end."""
    Path(setup.folder).mkdir(parents=True, exist_ok=True)
    service = AppService(
        server=setup.homeserver,
        domain=setup.server_name,
        as_token=setup.as_token,
        hs_token=setup.hs_token,
        bot_localpart=setup.localpart,
        id=setup.service,
        aiohttp_params={"client_max_size": 100_000_000},
    )
    # Its constructor only takes a path through the wrong branch.
    service.state_store.path = str(Path(setup.folder) / "mx-state.json")  # type: ignore[attr-defined]
    handled = 0

    @service.matrix_event_handler
    async def handle(event: Event) -> None:
        nonlocal handled
        if event.type != EventType.ROOM_MESSAGE:
            return
        if setup.behaviour == "ping" and event.sender != setup.user and (event.content.body or "").startswith(PING):
            await service.intent.send_text(event.room_id, PONG + event.content.body.removeprefix(PING))
        handled += 1

    counted(service.app, lambda: handled)
    await service.start("127.0.0.1", setup.port)
    service.ready = True
    await run_until_stopped()
    await service.stop()


if __name__ == "__main__":
    told = read()
    stay_on(told.core)
    quiet()
    asyncio.run(main(told))
