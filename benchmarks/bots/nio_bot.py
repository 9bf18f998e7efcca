"""A bot on matrix-nio as its documentation shows one: a callback and `sync_forever`; its place is kept in a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nio import AsyncClient, LoginError, MatrixRoom, RoomMessageText, SyncResponse  # type: ignore[import-untyped]

from benchmarks.bots.serving import run_until_stopped
from benchmarks.kit.machine import quiet
from benchmarks.kit.setup import PING, PONG, Setup, read


async def main(setup: Setup) -> None:
    """Sync until the end."""
    client = AsyncClient(setup.homeserver, setup.user)
    answer = await client.login(setup.password, device_name="benchmark")
    if isinstance(answer, LoginError):
        raise SystemExit(f"the login failed: {answer.message}")
    place = Path(setup.folder) / "since"
    since = place.read_text() if place.exists() else None
    first = asyncio.Event()

    async def handle(room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender != setup.user and event.body.startswith(PING):
            content = {"msgtype": "m.text", "body": PONG + event.body.removeprefix(PING)}
            await client.room_send(room.room_id, "m.room.message", content)

    async def keep(response: SyncResponse) -> None:
        place.write_text(response.next_batch)
        first.set()

    client.add_event_callback(handle, RoomMessageText)
    client.add_response_callback(keep, SyncResponse)
    syncing = asyncio.create_task(client.sync_forever(timeout=30_000, since=since, full_state=True))
    await first.wait()
    await run_until_stopped()
    syncing.cancel()
    await asyncio.gather(syncing, return_exceptions=True)
    await client.close()


if __name__ == "__main__":
    told = read()
    quiet()
    asyncio.run(main(told))
