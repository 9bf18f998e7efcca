"""A stub homeserver: takes what bots send at once and remembers it, where the real one would be the bottleneck."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

PEOPLE = ("someone", "camille", "alex", "sacha", "nour")
"""Who is in each room besides the bot."""


@dataclass(slots=True)
class Sent:
    """What a bot sent, once for each transaction id."""

    room: str
    content: dict[str, Any]
    at: float
    """Of ``time.perf_counter``, when the request arrived."""


@dataclass(slots=True)
class Stub:
    """Answers as a homeserver would. ``bot`` is in every room."""

    bot: str
    messages: dict[str, Sent] = field(default_factory=dict)
    """By transaction id."""
    redactions: dict[str, float] = field(default_factory=dict)
    """Redacted event to the time when its first redaction arrived."""
    requests: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on a free port; returns the URL."""
        app = web.Application(client_max_size=10_000_000)
        client = "/_matrix/client/v3"
        app.add_routes(
            [
                web.put(client + "/rooms/{room}/send/{type}/{txn}", self._send),
                web.put(client + "/rooms/{room}/redact/{event}/{txn}", self._redact),
                web.get(client + "/rooms/{room}/state", self._state),
                web.get(client + "/rooms/{room}/state/{type}", self._state_event),
                web.get(client + "/rooms/{room}/state/{type}/{key:.*}", self._state_event),
                web.post(client + "/join/{room}", self._join),
                web.post(client + "/rooms/{room}/join", self._join),
                web.get(client + "/sync", self._sync),
                web.post(client + "/register", self._register),
                web.get(client + "/account/whoami", self._whoami),
                web.route("*", "/{path:.*}", self._anything),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _send(self, request: web.Request) -> web.Response:
        now = time.perf_counter()
        self.requests += 1
        txn = request.match_info["txn"]
        content = orjson.loads(await request.read())
        self.messages.setdefault(txn, Sent(request.match_info["room"], content, now))
        return _json({"event_id": f"$sent-{txn}"})

    async def _redact(self, request: web.Request) -> web.Response:
        now = time.perf_counter()
        self.requests += 1
        self.redactions.setdefault(request.match_info["event"], now)
        return _json({"event_id": f"$redacted-{request.match_info['txn']}"})

    async def _state(self, request: web.Request) -> web.Response:
        room = request.match_info["room"]
        server = self.bot.partition(":")[2]
        people = (self.bot, *(f"@{name}:{server}" for name in PEOPLE))
        members = [
            {
                "type": "m.room.member",
                "state_key": user,
                "event_id": f"$member-{user}-{room}",
                "sender": user,
                "origin_server_ts": 1,
                "content": {"membership": "join"},
            }
            for user in people
        ]
        return web.Response(body=orjson.dumps(members), content_type="application/json")

    async def _join(self, request: web.Request) -> web.Response:
        return _json({"room_id": request.match_info["room"]})

    async def _sync(self, request: web.Request) -> web.Response:
        if "since" in request.query:
            await asyncio.sleep(int(request.query.get("timeout", "0")) / 1000)
        return _json({"next_batch": "s1"})

    async def _register(self, _request: web.Request) -> web.Response:
        return _json({"user_id": self.bot})

    async def _whoami(self, request: web.Request) -> web.Response:
        return _json({"user_id": self.bot, "device_id": request.query.get("device_id", "BENCH")})

    async def _state_event(self, request: web.Request) -> web.Response:
        room, type = request.match_info["room"], request.match_info["type"]
        if type not in ("m.room.create", "m.room.power_levels"):
            return await self._no(request)
        content: dict[str, Any] = {"room_version": "11"} if type == "m.room.create" else {"users": {self.bot: 100}}
        if request.query.get("format") != "event":
            return _json(content)
        event = {"type": type, "state_key": "", "event_id": f"${type}-{room}", "sender": self.bot, "content": content}
        return _json({**event, "room_id": room, "origin_server_ts": 1})

    async def _no(self, _request: web.Request) -> web.Response:
        return web.json_response({"errcode": "M_NOT_FOUND", "error": "no such thing"}, status=404)

    async def _anything(self, request: web.Request) -> web.Response:
        if request.path.endswith("/versions"):
            return _json({"versions": ["v1.11", "v1.17"], "unstable_features": {}})
        if request.path.endswith("/joined_rooms"):
            return _json({"joined_rooms": []})
        return _json({}) if request.method in ("PUT", "POST") else await self._no(request)


def _json(content: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")
