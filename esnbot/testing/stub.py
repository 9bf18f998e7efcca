"""A homeserver whose answers a test chooses, for the failures that a real one does not show on demand.

It keeps the promises that matter: a transaction id seen again (same token, user, device and room) gives the same event
id and one event; an alias that is taken gives ``M_ROOM_IN_USE``; a second kick is refused.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from aiohttp import web

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the stub answers instead of the usual."""

    status: int = 200
    content: JSON | None = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the answer leaves."""
    accepted: bool = False
    """Whether the request takes effect all the same: the answer is lost, not the request."""
    cut: bool = False
    """Whether the connection is closed without any answer."""

    @classmethod
    def limited(cls, retry_after_ms: int) -> Self:
        """429, try again later."""
        return cls(429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Too many", "retry_after_ms": retry_after_ms})

    @classmethod
    def broken(cls, status: int = 500, *, accepted: bool = False) -> Self:
        """A server error, in the form that Matrix gives it."""
        return cls(status, {"errcode": "M_UNKNOWN", "error": "Internal server error"}, accepted=accepted)

    @classmethod
    def refused(cls, code: str = "M_FORBIDDEN", status: int = 403) -> Self:
        """A refusal that trying again does not change."""
        return cls(status, {"errcode": code, "error": "No"})

    @classmethod
    def html(cls, status: int = 502) -> Self:
        """What a proxy in front says while the homeserver is away."""
        return cls(status, text="<html><body><h1>Bad Gateway</h1></body></html>", headers={"Content-Type": "text/html"})

    @classmethod
    def lost(cls, *, accepted: bool = True) -> Self:
        """The request took effect, but the connection broke before the answer."""
        return cls(accepted=accepted, cut=True)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    """Decoded, without query."""
    query: dict[str, str]
    content: JSON
    token: str
    at: float
    """Seconds on the event loop's clock."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that the stub accepted; the same transaction id sent again makes no second one."""

    event_id: str
    room: str
    type: str
    content: JSON
    sender: str
    transaction: str
    state_key: str | None = None


@dataclass(slots=True)
class _Rule:
    method: str
    pattern: re.Pattern[str]
    replies: deque[Reply]
    always: Reply | None


class StubHomeserver:
    """An aiohttp server on a free port of the loopback interface."""

    def __init__(self, server_name: str = "stub.example") -> None:
        """Not listening yet."""
        self.server_name = server_name
        self.requests: list[Request] = []
        """Every request, in order of arrival, refused ones included."""
        self.sent: list[Sent] = []
        """Every event that took effect: messages, redactions and state."""
        self.members: dict[str, dict[str, str]] = {}
        """Membership by room and user, as far as it was set through the stub."""
        self.aliases: dict[str, str] = {}
        self.sync_answers: deque[JSON] = deque()
        """What the next ``/sync`` calls answer; when there is none: nothing new."""
        self._rules: list[_Rule] = []
        self._transactions: dict[tuple[str, ...], str] = {}
        self._events = itertools.count(1)
        self._rooms = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen; after ``stop``, on the same port as before."""
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening: connections are refused, as when a homeserver is away. What happened stays known."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def answer(self, method: str, path: str, *replies: Reply) -> None:
        """Give these answers, one each, to the next requests whose path matches the regular expression ``path``."""
        self._rules.append(_Rule(method, re.compile(path), deque(replies), None))

    def always(self, method: str, path: str, reply: Reply) -> None:
        """Give this answer to every request whose path matches, until ``behave``."""
        self._rules.append(_Rule(method, re.compile(path), deque(), reply))

    def behave(self) -> None:
        """Forget all chosen answers."""
        self._rules.clear()

    def messages(self, room: str | None = None) -> list[Sent]:
        """The messages that took effect, in order."""
        return [sent for sent in self.sent if sent.type == "m.room.message" and room in (None, sent.room)]

    def attempts(self, method: str, path: str) -> list[Request]:
        """The requests whose path matches, in order."""
        pattern = re.compile(path)
        return [request for request in self.requests if request.method == method and pattern.search(request.path)]

    async def _handle(self, raw: web.Request) -> web.StreamResponse:
        request = await self._read(raw)
        self.requests.append(request)
        reply = self._chosen(request)
        if reply is None:
            return _json(*self._usual(request))
        usual = reply.content is None and reply.text is None and not reply.cut
        done = self._usual(request) if usual or reply.accepted else (200, {})
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.cut:
            if raw.transport is not None:
                raw.transport.close()
            return web.Response()
        if reply.text is not None:
            return web.Response(status=reply.status, body=reply.text.encode(), headers=reply.headers)
        if reply.content is None:
            return _json(*done)
        return _json(reply.status, reply.content, reply.headers)

    async def _read(self, raw: web.Request) -> Request:
        body = await raw.read()
        try:
            content = orjson.loads(body) if body else {}
        except orjson.JSONDecodeError:
            content = {}
        token = raw.headers.get("Authorization", "").removeprefix("Bearer ")
        now = asyncio.get_running_loop().time()
        return Request(raw.method, raw.path, dict(raw.query), content if isinstance(content, dict) else {}, token, now)

    def _chosen(self, request: Request) -> Reply | None:
        for rule in self._rules:
            if rule.method in ("*", request.method) and rule.pattern.search(request.path):
                if rule.replies:
                    return rule.replies.popleft()
                if rule.always is not None:
                    return rule.always
        return None

    def _usual(self, request: Request) -> tuple[int, JSON]:
        """What a homeserver that works does and answers."""
        path = request.path
        for pattern, name in _ROUTES:
            found = pattern.fullmatch(path)
            if found and name[0] in ("*", request.method):
                result: tuple[int, JSON] = getattr(self, f"_do_{name[1]}")(request, *found.groups())
                return result
        return 200, {}

    def _sender(self, request: Request) -> str:
        return request.query.get("user_id", f"@service:{self.server_name}")

    def _do_versions(self, request: Request) -> tuple[int, JSON]:
        return 200, {"versions": ["v1.11", "v1.12", "v1.17"], "unstable_features": {}}

    def _do_whoami(self, request: Request) -> tuple[int, JSON]:
        return 200, {"user_id": self._sender(request), "device_id": request.query.get("device_id")}

    def _do_sync(self, request: Request) -> tuple[int, JSON]:
        answer = self.sync_answers.popleft() if self.sync_answers else {}
        return 200, {"next_batch": f"s{len(self.requests)}", **answer}

    def _do_send(self, request: Request, room: str, type: str, transaction: str) -> tuple[int, JSON]:
        return 200, {"event_id": self._once(request, room, type, transaction, request.content)}

    def _do_redact(self, request: Request, room: str, event: str, transaction: str) -> tuple[int, JSON]:
        content = {**request.content, "redacts": event}
        return 200, {"event_id": self._once(request, room, "m.room.redaction", transaction, content)}

    def _once(self, request: Request, room: str, type: str, transaction: str, content: JSON) -> str:
        identity = (request.token, self._sender(request), request.query.get("device_id", ""))
        key = (*identity, room, type, transaction)
        if key not in self._transactions:
            self._transactions[key] = self._record(request, room, type, content, transaction, None)
        return self._transactions[key]

    def _record(
        self, request: Request, room: str, type: str, content: JSON, transaction: str, state_key: str | None
    ) -> str:
        event_id = f"${next(self._events)}"
        self.sent.append(Sent(event_id, room, type, content, self._sender(request), transaction, state_key))
        return event_id

    def _do_set_state(self, request: Request, room: str, type: str, state_key: str | None) -> tuple[int, JSON]:
        return 200, {"event_id": self._record(request, room, type, request.content, "", state_key or "")}

    def _do_state(self, request: Request, room: str, type: str, state_key: str | None) -> tuple[int, JSON]:
        for sent in reversed(self.sent):
            if (sent.room, sent.type, sent.state_key) == (room, type, state_key or ""):
                return 200, sent.content
        return 404, {"errcode": "M_NOT_FOUND", "error": "Event not found."}

    def _do_create(self, request: Request) -> tuple[int, JSON]:
        name = request.content.get("room_alias_name")
        room = f"!room{next(self._rooms)}"
        if name is not None:
            alias = f"#{name}:{self.server_name}"
            if alias in self.aliases:
                return 400, {"errcode": "M_ROOM_IN_USE", "error": "Room alias already taken"}
            self.aliases[alias] = room
        self.members[room] = {self._sender(request): "join"}
        for user in request.content.get("invite", []):
            self.members[room][user] = "invite"
        return 200, {"room_id": room}

    def _do_alias(self, request: Request, alias: str) -> tuple[int, JSON]:
        if alias in self.aliases:
            return 200, {"room_id": self.aliases[alias], "servers": [self.server_name]}
        return 404, {"errcode": "M_NOT_FOUND", "error": "Room alias not found"}

    def _do_join(self, request: Request, room: str) -> tuple[int, JSON]:
        room = self.aliases.get(room, room)
        self.members.setdefault(room, {})[self._sender(request)] = "join"
        return 200, {"room_id": room}

    def _do_membership(self, request: Request, room: str, verb: str) -> tuple[int, JSON]:
        user = str(request.content.get("user_id", self._sender(request)))
        members = self.members.setdefault(room, {})
        now = {"invite": "invite", "join": "join", "kick": "leave", "leave": "leave", "ban": "ban", "unban": "leave"}
        if verb == "kick" and members.get(user) == "leave":
            return 403, {"errcode": "M_FORBIDDEN", "error": "The target user is not in the room"}
        if verb == "invite" and members.get(user) == "join":
            return 403, {"errcode": "M_FORBIDDEN", "error": f"{user} is already in the room."}
        members[user] = now[verb]
        return 200, {"room_id": room} if verb == "join" else {}

    def _do_messages(self, request: Request, room: str) -> tuple[int, JSON]:
        events = [
            {
                "event_id": sent.event_id,
                "type": sent.type,
                "content": sent.content,
                "sender": sent.sender,
                "room_id": room,
                "origin_server_ts": 0,
            }
            for sent in reversed(self.sent)
            if sent.room == room
        ]
        return 200, {"chunk": [] if request.query.get("from") == "end" else events, "start": "start"}

    def _do_joined_rooms(self, request: Request) -> tuple[int, JSON]:
        user = self._sender(request)
        return 200, {"joined_rooms": [room for room, members in self.members.items() if members.get(user) == "join"]}

    def _do_joined_members(self, request: Request, room: str) -> tuple[int, JSON]:
        return 200, {"joined": {user: {} for user, how in self.members.get(room, {}).items() if how == "join"}}

    def _do_ping(self, request: Request, service: str) -> tuple[int, JSON]:
        return 200, {"duration_ms": 1}

    def _do_register(self, request: Request) -> tuple[int, JSON]:
        user = f"@{request.content.get('username', 'someone')}:{self.server_name}"
        return 200, {"user_id": user}

    def _do_create_media(self, request: Request) -> tuple[int, JSON]:
        return 200, {"content_uri": f"mxc://{self.server_name}/{next(self._events)}"}


def _json(status: int, content: JSON, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(content), headers={"Content-Type": "application/json", **(headers or {})}
    )


_BASE = r"/_matrix/client/(?:v1|v3|r0)"
_ROUTES: list[tuple[re.Pattern[str], tuple[str, str]]] = [
    (re.compile(pattern), (method, name))
    for method, pattern, name in (
        ("GET", r"/_matrix/client/versions", "versions"),
        ("GET", rf"{_BASE}/account/whoami", "whoami"),
        ("GET", rf"{_BASE}/sync", "sync"),
        ("POST", rf"{_BASE}/register", "register"),
        ("PUT", rf"{_BASE}/rooms/([^/]+)/send/([^/]+)/([^/]+)", "send"),
        ("PUT", rf"{_BASE}/rooms/([^/]+)/redact/([^/]+)/([^/]+)", "redact"),
        ("PUT", rf"{_BASE}/rooms/([^/]+)/state/([^/]+)(?:/([^/]*))?", "set_state"),
        ("GET", rf"{_BASE}/rooms/([^/]+)/state/([^/]+)(?:/([^/]*))?", "state"),
        ("GET", rf"{_BASE}/rooms/([^/]+)/messages", "messages"),
        ("GET", rf"{_BASE}/rooms/([^/]+)/joined_members", "joined_members"),
        ("POST", rf"{_BASE}/rooms/([^/]+)/(invite|join|kick|leave|ban|unban)", "membership"),
        ("POST", rf"{_BASE}/join/([^/]+)", "join"),
        ("POST", rf"{_BASE}/createRoom", "create"),
        ("GET", rf"{_BASE}/directory/room/([^/]+)", "alias"),
        ("GET", rf"{_BASE}/joined_rooms", "joined_rooms"),
        ("POST", rf"{_BASE}/appservice/([^/]+)/ping", "ping"),
        ("POST", r"/_matrix/media/v1/create", "create_media"),
    )
]
