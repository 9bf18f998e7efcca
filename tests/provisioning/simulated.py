"""A homeserver in memory, as far as the reconciler speaks with one: rooms are dictionaries of state."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from esnbot.matrix.errors import Forbidden, NotThere, RoomInUse, Unreachable

JSON = dict[str, Any]
BOT = "@esnbot:example.org"
PERSON = "@alice:example.org"


class Glass:
    """Takes the place of the encrypted device: what it seals can still be read."""

    ready = True

    async def for_newcomers(self, _room: str, type: str, content: JSON) -> tuple[str, JSON]:
        """As it is."""
        return type, content


class Crash(BaseException):
    """The process ends here."""


@dataclass(slots=True)
class Simulated:
    """Takes the place of ``MatrixClient``; the process ends around request ``crash_at``, ``trouble`` loses answers."""

    rooms: dict[str, dict[tuple[str, str], JSON]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    messages_of: dict[str, list[JSON]] = field(default_factory=dict)
    sent: dict[tuple[str, str], str] = field(default_factory=dict)
    crash_at: int = -1
    after: bool = False
    trouble: frozenset[int] = frozenset()
    lists_nothing: bool = False
    requests: int = 0
    time: int = 1_000
    history: list[tuple[str, JSON]] = field(default_factory=list)
    """Every state event that ever was, with its room."""
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    user: str = BOT
    server: str = "example.org"

    def _begin(self) -> None:
        self.requests += 1
        if self.requests == self.crash_at and not self.after:
            raise Crash

    def _end(self) -> None:
        if self.requests == self.crash_at and self.after:
            raise Crash
        if self.requests in self.trouble:
            raise Unreachable("the answer was lost")

    def by_hand(self, room: str, type: str, content: JSON, state_key: str = "") -> None:
        """A person sets state; nobody but the bot itself can take its power from it."""
        create = self.rooms[room]["m.room.create", ""]["content"]
        if type == "m.room.power_levels" and create["room_version"] != "12":
            content = {**content, "users": {**content["users"], BOT: 100}}
        self._put(room, type, state_key, content, PERSON)

    def _put(self, room: str, type: str, state_key: str, content: JSON, sender: str) -> str:
        self.time += 10
        event = {
            "type": type,
            "state_key": state_key,
            "content": content,
            "sender": sender,
            "origin_server_ts": self.time,
            "event_id": f"${next(self.numbers)}",
        }
        self.rooms[room][type, state_key] = event
        self.history.append((room, event))
        return str(event["event_id"])

    def writing(self, room: str) -> asyncio.Lock:
        """One writer a room."""
        return asyncio.Lock()

    async def capabilities(self) -> JSON:
        """The default version is 12."""
        return {"m.room_versions": {"default": "12"}}

    async def joined_rooms(self) -> list[str]:
        """The bot is in every room."""
        return list(self.rooms)

    async def create_room(self, content: JSON) -> str:
        """All of it, or nothing when the alias is taken."""
        self._begin()
        alias = f"#{content['room_alias_name']}:{self.server}"
        if alias in self.aliases:
            raise RoomInUse(400, "M_ROOM_IN_USE", "Room alias already taken")
        room = f"!{next(self.numbers)}"
        self.rooms[room], self.aliases[alias] = {}, room
        version = content.get("room_version", "12")
        self._put(room, "m.room.create", "", {**content["creation_content"], "room_version": version}, BOT)
        self._put(room, "m.room.member", BOT, {"membership": "join"}, BOT)
        self._put(room, "m.room.power_levels", "", content["power_level_content_override"], BOT)
        self._put(room, "m.room.canonical_alias", "", {"alias": alias}, BOT)
        for entry in content["initial_state"]:
            self._put(room, entry["type"], entry["state_key"], entry["content"], BOT)
        self._end()
        return room

    async def set_state(self, room: str, type: str, state_key: str, content: JSON) -> str:
        """The bot sets state."""
        self._begin()
        event = self._put(room, type, state_key, content, BOT)
        self._end()
        return event

    async def state_event(self, room: str, type: str, state_key: str = "") -> JSON | None:
        """The content."""
        found = self.rooms[room].get((type, state_key))
        return dict(found["content"]) if found else None

    async def state(self, room: str) -> list[JSON]:
        """All state."""
        if room not in self.rooms:
            raise Forbidden(403, "M_FORBIDDEN", "not in room")
        return list(self.rooms[room].values())

    async def resolve_alias(self, alias: str) -> str | None:
        """The room."""
        return self.aliases.get(alias)

    async def set_alias(self, alias: str, room: str) -> None:
        """A new alias."""
        self._begin()
        if alias in self.aliases:
            raise Forbidden(409, "M_UNKNOWN", "Room alias already exists")
        self.aliases[alias] = room
        self._end()

    async def delete_alias(self, alias: str) -> None:
        """No alias."""
        self.aliases.pop(alias)

    async def set_directory_visibility(self, room: str, visibility: str) -> None:
        """Listed or not."""
        self._begin()
        if self.lists_nothing and visibility == "public":
            raise Forbidden(403, "M_FORBIDDEN", "Not allowed to publish room")
        self.listed[room] = visibility
        self._end()

    async def directory_visibility(self, room: str) -> str:
        """Listed or not."""
        return self.listed.get(room, "private")

    async def join(self, room: str, via: Sequence[str] = ()) -> str:
        """Only rooms that are there."""
        if room not in self.rooms:
            raise NotThere(404, "M_NOT_FOUND", "no such room")
        return room

    async def send(self, room: str, type: str, transaction: str, content: JSON) -> str:
        """The same transaction id gives the same event."""
        self._begin()
        if (room, transaction) not in self.sent:
            event = f"${next(self.numbers)}"
            self.sent[room, transaction] = event
            said = {"type": type, "sender": BOT, "content": content, "event_id": event}
            self.messages_of.setdefault(room, []).append(said)
        self._end()
        return self.sent[room, transaction]

    async def messages(self, room: str, **_: Any) -> JSON:
        """Newest first."""
        return {"chunk": list(reversed(self.messages_of.get(room, [])))}

    async def sync(self, since: str | None = None, **_: Any) -> JSON:
        """What changed since; the token is a place in the history."""
        start = int(since) if since is not None else len(self.history)
        changed: dict[str, list[JSON]] = {}
        for room, event in self.history[start:]:
            changed.setdefault(room, []).append(event)
        join = {room: {"timeline": {"limited": False, "events": events}} for room, events in changed.items()}
        return {"next_batch": str(len(self.history)), "rooms": {"join": join, "leave": {}}}

    async def kick(self, room: str, user: str, reason: str = "") -> None:
        """Out."""
        self._put(room, "m.room.member", user, {"membership": "leave"}, BOT)
