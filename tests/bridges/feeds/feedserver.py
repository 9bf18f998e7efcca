"""A web server that behaves as the tests say, on loopback, and a bridge that may ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
from aiohttp import web
from multidict import CIMultiDict
from sqlalchemy import select

from bridges.bridge import Doorway
from bridges.feeds import following
from bridges.feeds.bridge import FeedBridge, Manners
from bridges.feeds.following import Followed
from bridges.feeds.reader import read
from bridges.feeds.sandbox import Task
from esnbot.discovery import Discovery
from esnbot.engine.signals import Signals
from esnbot.engine.tables import inbox
from esnbot.store.database import Database
from esnbot.stored import migrated
from esnbot.testing import ManualClock

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


def rss(*titles: str, more: str = "", channel: str = "<title>Le fil</title>") -> bytes:
    """A plain feed whose items have these titles."""
    items = "".join(
        f"<item><title>{title}</title><link>https://site.example/{title}</link><guid>{title}</guid>{more}</item>"
        for title in titles
    )
    return f"<?xml version='1.0'?><rss version='2.0'><channel>{channel}{items}</channel></rss>".encode()


@dataclass
class FeedServer:
    """Paths and what stands there; what was asked for is kept."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[tuple[str, CIMultiDict[str]]] = field(default_factory=list)
    port: int = 0
    under_way: int = 0
    most_under_way: int = 0

    def url(self, path: str = "/feed", host: str = "127.0.0.1") -> str:
        """Where a path is."""
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer with these bytes; ``content_type='…'`` is the header of that name."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told.setdefault("content-type", "application/xml")

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=told)

        self.behaviours[path] = answer

    def lead(self, path: str, to: str, status: int = 302) -> None:
        """Redirect."""
        self.put(path, b"", status, location=to)

    def asked_for(self, path: str) -> list[CIMultiDict[str]]:
        """The headers of the requests for a path."""
        return [headers for one, headers in self.asked if one == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.asked.append((request.path, CIMultiDict(request.headers)))
        behaviour = self.behaviours.get(request.path)
        if behaviour is None:
            return web.Response(status=404)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await behaviour(request)
        finally:
            self.under_way -= 1


@asynccontextmanager
async def a_server() -> AsyncIterator[FeedServer]:
    """A server on a free port of every loopback address."""
    server = FeedServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


@dataclass
class Desk:
    """A bridge at work on a real database."""

    database: Database
    bridge: FeedBridge
    door: Doorway
    clock: ManualClock
    told: set[str] = field(default_factory=set)

    async def follow(self, *urls: str) -> None:
        """Follow exactly these."""
        await self.database.write(lambda conn: following.follow(conn, urls))

    async def feed(self, url: str) -> Followed:
        """How a feed is doing."""
        async with self.database.read() as conn:
            return (await following.health(conn, [url]))[url]

    async def look(self) -> list[dict[str, Any]]:
        """Look at all that is due; what entered because of that."""
        await self.bridge.once(self.door)
        return await self.news()

    async def look_when_due(self, url: str) -> list[dict[str, Any]]:
        """Time passes until a feed is due."""
        await self.wait_for(url)
        return await self.look()

    async def wait_for(self, url: str) -> timedelta:
        """Time passes until a feed is due; how much."""
        span = timedelta(milliseconds=(await self.feed(url)).due) - (self.clock.now() - _EPOCH)
        self.clock.advance(max(span, timedelta(0)))
        return span

    async def news(self) -> list[dict[str, Any]]:
        """What entered since this was asked last."""
        async with self.database.read() as conn:
            rows = (await conn.execute(select(inbox.c.event_id, inbox.c.body).order_by(inbox.c.seq))).all()
        new = [orjson.loads(row.body)["content"] for row in rows if row.event_id not in self.told]
        self.told.update(row.event_id for row in rows)
        return new

    def another(self) -> Desk:
        """Another process on the same database."""
        return replace(self, door=replace(self.door, holder="another", signals=Signals()))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def read_here(task: Task, body: bytes) -> bytes:
    """Reads in this process, which saves a tenth of a second each time."""
    return msgspec.json.encode(read(body, task.url, task.content_type, task.language))


@asynccontextmanager
async def a_desk(url: str, manners: Manners | None = None, **more: Any) -> AsyncIterator[Desk]:
    """A bridge that may ask loopback, which no configuration can allow."""
    options = {"may_ask": lambda address: str(address).startswith("127."), "within": 5.0, "read": read_here, **more}
    async with migrated(url, Discovery()) as database:
        clock = ManualClock()
        bridge = FeedBridge(manners or Manners(first=50), **options)
        yield Desk(database, bridge, Doorway(database, clock, Signals(), "one"), clock)


def items(news: list[dict[str, Any]]) -> list[str]:
    """The titles of the items that entered."""
    return [one["title"] for one in news if "guid" in one]


def states(news: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What was told about feeds, and why."""
    return [(one["what"], one["trouble"]) for one in news if "what" in one]


async def never(request: web.Request) -> web.StreamResponse:
    """A slow loris: a byte now and then, for ever."""
    answer = web.StreamResponse(headers={"content-type": "application/xml"})
    await answer.prepare(request)
    for _ in range(1_000):
        await answer.write(b" ")
        await asyncio.sleep(0.05)
    return answer
