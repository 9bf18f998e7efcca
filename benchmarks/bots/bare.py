"""The least that answers: aiohttp reads, orjson parses, 200; with 'redact' it redacts a match by a direct request."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp import web

from benchmarks.bots.serving import run_until_stopped, serve
from benchmarks.kit.machine import stay_on
from benchmarks.kit.setup import WORD, Setup, read


async def main(setup: Setup) -> None:
    """Serve until the end."""
    handled = 0
    tasks: set[asyncio.Task[None]] = set()

    async def transaction(request: web.Request) -> web.Response:
        nonlocal handled
        if request.headers.get("Authorization") != f"Bearer {setup.hs_token}":
            return web.Response(status=403, body=b"{}", content_type="application/json")
        events = orjson.loads(await request.read())["events"]
        handled += len(events)
        if setup.behaviour == "redact":
            for event in events:
                if event["type"] == "m.room.message" and WORD in str(event["content"].get("body", "")):
                    task = asyncio.create_task(redact(event))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
        return web.Response(body=b"{}", content_type="application/json")

    async def redact(event: dict[str, str]) -> None:
        room, target = quote(event["room_id"], safe=""), quote(event["event_id"], safe="")
        url = f"{setup.homeserver}/_matrix/client/v3/rooms/{room}/redact/{target}/bare-{target}"
        async with session.put(url, json={"reason": "forbidden"}, params={"user_id": setup.user}) as answer:
            await answer.read()

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {setup.as_token}"}) as session:
        app = web.Application(client_max_size=100_000_000)
        app.add_routes([web.put("/_matrix/app/v1/transactions/{txn}", transaction)])
        await serve(app, setup.port, lambda: handled)
        await run_until_stopped()


if __name__ == "__main__":
    told = read()
    stay_on(told.core)
    asyncio.run(main(told))
