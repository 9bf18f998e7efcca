"""A person with a Matrix client: talks over the real protocol, and waits, within bounds, for what comes back."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from esnbot.homeserver import Account

JSON = dict[str, Any]

_SYNC_FILTER = orjson.dumps(
    {"presence": {"types": []}, "room": {"timeline": {"limit": 50}, "ephemeral": {"types": []}}}
).decode()


class MatrixRefusal(Exception):
    """The homeserver answered with an error."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(f"HTTP {status} {code}: {reason}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as this person's client received it."""

    room: str
    raw: JSON

    @property
    def id(self) -> str:
        """The event id."""
        return str(self.raw.get("event_id", ""))

    @property
    def sender(self) -> str:
        """The sender's user id."""
        return str(self.raw.get("sender", ""))

    @property
    def type(self) -> str:
        """The event type, ``m.room.message`` for instance."""
        return str(self.raw.get("type", ""))

    @property
    def state_key(self) -> str | None:
        """The state key; None for what is no state."""
        return self.raw.get("state_key")

    @property
    def content(self) -> JSON:
        """The content; empty when redacted."""
        content = self.raw.get("content")
        return content if isinstance(content, dict) else {}

    @property
    def body(self) -> str:
        """The plain text."""
        return str(self.content.get("body", ""))

    @property
    def html(self) -> str:
        """The formatted text, '' when there is none."""
        return str(self.content.get("formatted_body", ""))

    @property
    def thread(self) -> str | None:
        """The event at the root of the thread that this is in."""
        relation = self.content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.thread":
            return relation.get("event_id")
        return None


class Person:
    """One account with one client. Close it, or use it as an async context manager."""

    def __init__(self, account: Account) -> None:
        """Nothing is requested yet."""
        self.account = account
        self.seen: list[Seen] = []
        """Every timeline event received so far, oldest first."""
        self.invites: dict[str, list[JSON]] = {}
        """Rooms that this person is invited to, with the stripped state shown."""
        self._known: set[str] = set()
        self._since: str | None = None
        self._numbers = itertools.count(1)
        self._run = uuid.uuid4().hex[:8]
        self._session: aiohttp.ClientSession | None = None

    @property
    def id(self) -> str:
        """The user id."""
        return self.account.user_id

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self, method: str, path: str, content: JSON | None = None, *, query: dict[str, str] | None = None
    ) -> JSON:
        """One request with this person's token; ``path`` begins after ``/_matrix/client/v3`` unless it is complete."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        if not path.startswith("/_"):
            path = f"/_matrix/client/v3{path}"
        url = URL(self.account.homeserver_url + path, encoded=True)
        headers = {"Authorization": f"Bearer {self.account.access_token}"}
        body = orjson.dumps({} if content is None and method in ("POST", "PUT") else content)
        data = body if method in ("POST", "PUT") else None
        async with self._session.request(method, url, data=data, params=query, headers=headers) as answer:
            found: JSON = await answer.json(content_type=None)
            if answer.status >= 300:
                raise MatrixRefusal(answer.status, found.get("errcode", ""), found.get("error", ""))
            return found

    async def download(self, uri: str) -> bytes:
        """What stands behind an ``mxc://`` URI."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        url = f"{self.account.homeserver_url}/_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}"
        headers = {"Authorization": f"Bearer {self.account.access_token}"}
        async with self._session.get(URL(url, encoded=True), headers=headers) as answer:
            if answer.status >= 300:
                raise MatrixRefusal(answer.status, "", await answer.text())
            return await answer.read()

    async def create_room(self, **content: Any) -> str:
        """Create a room and return its id; ``content`` as in the Client-Server API, ``createRoom``."""
        return str((await self.request("POST", "/createRoom", content))["room_id"])

    async def join(self, room: str, *, via: str | None = None) -> str:
        """Join by id or alias; returns the room's id."""
        query = {"server_name": via, "via": via} if via else None
        return str((await self.request("POST", f"/join/{_part(room)}", query=query))["room_id"])

    async def leave(self, room: str) -> None:
        """Leave the room, or decline its invitation."""
        await self.request("POST", f"/rooms/{_part(room)}/leave")

    async def invite(self, room: str, user: str) -> None:
        """Invite someone."""
        await self.request("POST", f"/rooms/{_part(room)}/invite", {"user_id": user})

    async def kick(self, room: str, user: str, reason: str = "") -> None:
        """Remove someone."""
        await self.request("POST", f"/rooms/{_part(room)}/kick", {"user_id": user, "reason": reason})

    async def send(self, room: str, type: str, content: JSON, *, txn: str | None = None) -> str:
        """Send an event and return its id."""
        txn = txn or f"{self._run}-{next(self._numbers)}"
        answer = await self.request("PUT", f"/rooms/{_part(room)}/send/{_part(type)}/{_part(txn)}", content)
        return str(answer["event_id"])

    async def say(self, room: str, text: str, **more: Any) -> str:
        """Say something in plain text; returns the event id. ``more`` goes into the content."""
        return await self.send(room, "m.room.message", {"msgtype": "m.text", "body": text, **more})

    async def say_in_thread(self, room: str, root: str, text: str) -> str:
        """Say something in the thread under ``root``."""
        relation = {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": root},
        }
        return await self.say(room, text, **{"m.relates_to": relation})

    async def edit(self, room: str, event: str, text: str) -> str:
        """Replace one's earlier message."""
        relation = {"rel_type": "m.replace", "event_id": event}
        new = {"msgtype": "m.text", "body": text}
        return await self.say(room, f"* {text}", **{"m.new_content": new, "m.relates_to": relation})

    async def react(self, room: str, event: str, key: str) -> str:
        """React to a message, ``key`` is the emoji."""
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return await self.send(room, "m.reaction", {"m.relates_to": relation})

    async def redact(self, room: str, event: str, reason: str = "") -> str:
        """Take a message back."""
        txn = f"{self._run}-{next(self._numbers)}"
        path = f"/rooms/{_part(room)}/redact/{_part(event)}/{txn}"
        return str((await self.request("PUT", path, {"reason": reason} if reason else {}))["event_id"])

    async def set_state(self, room: str, type: str, content: JSON, state_key: str = "") -> str:
        """Set a piece of the room's state."""
        path = f"/rooms/{_part(room)}/state/{_part(type)}/{_part(state_key)}"
        return str((await self.request("PUT", path, content))["event_id"])

    async def state(self, room: str, type: str, state_key: str = "") -> JSON | None:
        """A piece of the room's state, None when it is not set."""
        try:
            return await self.request("GET", f"/rooms/{_part(room)}/state/{_part(type)}/{_part(state_key)}")
        except MatrixRefusal as refusal:
            if refusal.status == 404:
                return None
            raise

    async def members(self, room: str) -> dict[str, str]:
        """Membership by user id, those who left included."""
        answer = await self.request("GET", f"/rooms/{_part(room)}/members")
        return {event["state_key"]: event["content"]["membership"] for event in answer["chunk"]}

    async def joined_rooms(self) -> list[str]:
        """The ids of the rooms that this person is in."""
        return list((await self.request("GET", "/joined_rooms"))["joined_rooms"])

    async def resolve(self, alias: str) -> str | None:
        """The room behind an alias, None when there is none."""
        try:
            return str((await self.request("GET", f"/directory/room/{_part(alias)}"))["room_id"])
        except MatrixRefusal as refusal:
            if refusal.status == 404:
                return None
            raise

    async def direct_chat(self, user: str) -> str:
        """Open a direct, unencrypted chat and return the room's id."""
        return await self.create_room(invite=[user], is_direct=True, preset="trusted_private_chat")

    async def messages(self, room: str) -> list[Seen]:
        """Every ``m.room.message`` of the room that this person may read, oldest first, from the homeserver itself."""
        return [event for event in await self.history(room) if event.type == "m.room.message"]

    async def history(self, room: str) -> list[Seen]:
        """The room's whole timeline that this person may read, oldest first, from the homeserver itself."""
        events = [Seen(room, event) for event in await self._back(room, None, None)]
        return events[::-1]

    async def wait_for(
        self, predicate: Callable[[Seen], bool], timeout: float = 10.0, *, room: str | None = None
    ) -> Seen:
        """The first event, received already or yet to come, for which ``predicate`` holds; fails after ``timeout``."""
        checked = 0
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            for event in self.seen[checked:]:
                if room in (None, event.room) and predicate(event):
                    return event
            checked = len(self.seen)
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                last = "\n".join(f"  {event.sender} {event.type} {event.body!r}" for event in self.seen[-15:])
                raise AssertionError(f"{self.id} saw nothing of the kind within {timeout} s; the last events:\n{last}")
            await self.sync(min(left, 5.0))

    async def wait_for_text(self, text: str, timeout: float = 10.0, *, room: str | None = None) -> Seen:
        """The first message of somebody else that contains ``text``."""

        def says_so(event: Seen) -> bool:
            return event.type == "m.room.message" and event.sender != self.id and text in event.body

        return await self.wait_for(says_so, timeout, room=room)

    async def wait_for_invite(self, room: str | None = None, timeout: float = 10.0) -> str:
        """The id of a room that this person is invited to: the given one, or any."""
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            found = room if room in self.invites else (None if room else next(iter(self.invites), None))
            if found is not None:
                return found
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise AssertionError(f"{self.id} was not invited within {timeout} s")
            await self.sync(min(left, 5.0))

    async def sync(self, wait: float = 0.0) -> list[Seen]:
        """One ``/sync``, open for at most ``wait`` seconds; returns what was new. Gaps are filled."""
        query = {"timeout": str(int(wait * 1000)), "filter": _SYNC_FILTER}
        before = self._since
        if before is not None:
            query["since"] = before
        answer = await self.request("GET", "/sync", query=query)
        self._since = answer["next_batch"]
        rooms = answer.get("rooms", {})
        new: list[Seen] = []
        for room, part in [*rooms.get("join", {}).items(), *rooms.get("leave", {}).items()]:
            self.invites.pop(room, None)
            timeline = part.get("timeline", {})
            events = list(timeline.get("events", []))
            if timeline.get("limited") and before is not None:
                events = (await self._back(room, timeline["prev_batch"], before))[::-1] + events
            new.extend(Seen(room, event) for event in events if event["event_id"] not in self._known)
            self._known.update(event["event_id"] for event in events)
        for room, part in rooms.get("invite", {}).items():
            self.invites[room] = part.get("invite_state", {}).get("events", [])
        self.seen.extend(new)
        return new

    async def _back(self, room: str, start: str | None, end: str | None) -> list[JSON]:
        """Events before ``start``, newest first, down to ``end`` or the beginning."""
        events: list[JSON] = []
        while True:
            query = {"dir": "b", "limit": "500"}
            if start is not None:
                query["from"] = start
            if end is not None:
                query["to"] = end
            answer = await self.request("GET", f"/rooms/{_part(room)}/messages", query=query)
            events.extend(answer["chunk"])
            start = answer.get("end")
            if start is None or not answer["chunk"]:
                return events


def _part(text: str) -> str:
    return quote(text, safe="")
