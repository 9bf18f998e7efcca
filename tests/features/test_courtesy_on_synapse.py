"""What people see while they wait, on a real homeserver that takes its time, with a client that is not ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import nio
import pytest
from aiohttp import web
from yarl import URL

from esnbot.engine.clock import SystemClock
from esnbot.matrix.registration import Registration
from esnbot.testing import Person, Seen
from esnbot.testing.homeserver import Homeserver
from tests.town import PATIENCE, Town, a_town

_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "host", "date", "server"}


@dataclass
class SlowProxy:
    """Passes everything on, and lets whoever makes a room wait."""

    homeserver: str
    seconds: float = 0.0
    _runner: web.AppRunner = field(init=False)
    _session: aiohttp.ClientSession = field(init=False)

    async def start(self) -> str:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass(self, request: web.Request) -> web.Response:
        if request.path.endswith("/createRoom"):
            await asyncio.sleep(self.seconds)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = URL(self.homeserver + request.raw_path, encoded=True)
        body = await request.read()
        try:
            async with self._session.request(request.method, url, data=body, headers=headers) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except aiohttp.ClientError:
            return web.Response(status=502)


class Watcher:
    """A matrix-nio client that watches a room for typing and receipts."""

    def __init__(self, person: Person, bot: str) -> None:
        self._bot = bot
        self._nio = nio.AsyncClient(person.account.homeserver_url, person.id)
        self._nio.access_token = person.account.access_token
        self._nio.user_id = person.id
        self.seen: list[tuple[str, Any]] = []
        """('typing', bool) and ('read', (event id, thread)) of the bot, in order."""
        self._nio.add_ephemeral_callback(self._typing, nio.TypingNoticeEvent)
        self._nio.add_ephemeral_callback(self._receipt, nio.ReceiptEvent)
        self._task = asyncio.create_task(self._nio.sync_forever(timeout=2_000, full_state=True))

    async def _typing(self, _room: nio.MatrixRoom, event: nio.TypingNoticeEvent) -> None:
        self.seen.append(("typing", self._bot in event.users))

    async def _receipt(self, _room: nio.MatrixRoom, event: nio.ReceiptEvent) -> None:
        found = (one for one in event.receipts if one.user_id == self._bot and one.receipt_type == "m.read")
        self.seen += [("read", (one.event_id, one.thread_id)) for one in found]

    async def wait_for(self, what: str, value: Any) -> None:
        async with asyncio.timeout(10):
            while (what, value) not in self.seen:  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._nio.close()


@pytest.fixture
async def proxy(homeserver: Homeserver) -> AsyncIterator[SlowProxy]:
    made = SlowProxy(homeserver.url)
    yield made
    await made.stop()


@pytest.fixture
async def town(
    homeserver: Homeserver, service: Registration, tmp_path: Path, database_url: str, proxy: SlowProxy
) -> AsyncIterator[Town]:
    """The community behind the proxy, in real time."""
    async with a_town(homeserver, service, tmp_path, database_url) as one:
        await one.life.aclose()
        settings = one.settings
        one.settings = replace(settings, homeserver=replace(settings.homeserver, url=await proxy.start()))
        one.clock = SystemClock()  # type: ignore[assignment]
        await one.begin()
        yield one


def says(text: str) -> Any:
    return lambda event: event.type == "m.room.message" and text in event.body


async def test_who_waits_for_a_room_sees_that_the_bot_is_at_it(town: Town, proxy: SlowProxy) -> None:
    zoe = await town.newcomer()
    bot = town.app.client.user
    watcher = Watcher(zoe, bot)
    room = await town.room("cafe")
    # The homeserver of the tests gives each service aliases of its own.
    name = f"Lathes {bot[1:].partition(':')[0]}"
    proxy.seconds = 4.0
    try:
        asked = await zoe.say(room, f'!esn group create "{name}" --kind hobby')
        await watcher.wait_for("read", (asked, None))
        await watcher.wait_for("typing", True)
        patience: Seen = await zoe.wait_for(says(PATIENCE), 5)
        assert patience.thread == asked
        answer: Seen = await zoe.wait_for(says(" is ready. It is yours"), 10)
        assert answer.content["m.relates_to"] == {"rel_type": "m.replace", "event_id": patience.id}
        await watcher.wait_for("typing", False)
    finally:
        await watcher.close()
    at = {event.id: event.raw["origin_server_ts"] for event in await zoe.messages(room)}
    assert at[patience.id] - at[asked] < 4_000 <= at[answer.id] - at[asked]
    said = [event for event in await zoe.messages(room) if event.sender == bot and event.thread == asked]
    assert [event.id for event in said] == [patience.id], "one message, which became the answer"


async def test_an_answer_in_time_comes_alone_and_in_a_thread_the_receipt_is_the_threads(town: Town) -> None:
    zoe = await town.newcomer()
    bot = town.app.client.user
    watcher = Watcher(zoe, bot)
    room = await town.room("cafe")
    try:
        await zoe.say(room, "just talking")
        root = await zoe.say(room, "about this")
        asked = await zoe.say_in_thread(room, root, "!esn help")
        await zoe.wait_for_text("What you can do here", room=room)
        await watcher.wait_for("read", (asked, root))
    finally:
        await watcher.close()
    assert [value for what, value in watcher.seen if what == "read"] == [(asked, root)], "ordinary talk is not marked"
    assert not [event for event in await zoe.messages(room) if PATIENCE in event.body]
