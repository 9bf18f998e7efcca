"""Keys of rooms that the bot gives away: one session a room, for the devices of those who are in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, Final
from uuid import uuid4
from weakref import WeakValueDictionary

import orjson
import structlog
from nio.crypto import OlmDevice, OutboundGroupSession
from nio.events import RoomKeyRequest

from esnbot.matrix.client import MatrixClient
from esnbot.matrix.directory import Directory
from esnbot.matrix.keystore import Keystore
from esnbot.matrix.machine import MEGOLM, Machine

ENCRYPTED: Final = "m.room.encrypted"
CHUNK: Final = 50
"""Devices in one request, and in one transaction of the store."""
MESSAGES: Final = 100
"""Messages after which a room gets a new key, unless the room says otherwise."""
MOST_MESSAGES: Final = 10_000
WEEK: Final = timedelta(days=7)
"""The age at which a room gets a new key, unless the room says otherwise."""
SHORTEST: Final = timedelta(hours=1)
"""No room gets new keys more often than this for its age: else a state event could keep everybody busy."""

log = structlog.get_logger("esnbot.matrix.device")

Who = tuple[str, str]
"""A person and the id of a device of theirs."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a device was given: its own identity key then, and the session's key from that message on."""

    curve25519: str
    session_key: str


@dataclass(slots=True)
class Outbound:
    """The session that a room's messages are encrypted with now."""

    session: OutboundGroupSession
    given: dict[Who, Given] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The session's id."""
        return str(self.session.id)


@dataclass(slots=True)
class Kept:
    """The session of one message that is for newcomers too. Who was given it is not known any more after a restart."""

    id: str
    session_key: str
    given: dict[Who, Given] = field(default_factory=dict)


class Lasting:
    """Sessions of messages that are for newcomers too, by room; in files that only the keystore's key opens."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore
        self._rooms: dict[str, list[Kept]] = {}

    def has(self, room: str) -> bool:
        """Whether anything in the room is for newcomers too."""
        return bool(self.of(room))

    def of(self, room: str) -> list[Kept]:
        """The sessions of a room; raises ``KeysError`` when the key is another one."""
        if room not in self._rooms:
            sealed = self._keystore.unseal(_file(room))
            found = orjson.loads(sealed) if sealed is not None else {}
            self._rooms[room] = [Kept(id, key) for id, key in found.items()]
        return self._rooms[room]

    def keep(self, room: str, id: str, session_key: str, given: Mapping[Who, Given]) -> None:
        """One more."""
        kept = [*self.of(room), Kept(id, session_key, dict(given))]
        self._keystore.seal(_file(room), orjson.dumps({one.id: one.session_key for one in kept}))
        self._rooms[room] = kept


def _file(room: str) -> str:
    return f"newcomers-{sha256(room.encode()).hexdigest()[:32]}"


class RoomKeys:
    """Shares the keys of rooms, and shares them again with who was to have them."""

    def __init__(self, client: MatrixClient, machine: Machine, directory: Directory, keystore: Keystore) -> None:
        """Sessions live as long as this object: a restart means new ones. What is for newcomers is in the keystore."""
        self._client = client
        self._machine = machine
        self._directory = directory
        self._lasting = Lasting(keystore)
        self._rooms: dict[str, Outbound] = {}
        self._sharing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def encrypt(
        self,
        room: str,
        event: dict[str, Any],
        members: Iterable[str],
        encryption: Mapping[str, Any],
        *,
        lasting: bool = False,
    ) -> dict[str, Any]:
        """The encrypted content, once every device of the members was given the key.

        ``lasting``: with a key of its own, which is kept before anything is said with it.
        """
        async with self._sharing.setdefault(room, asyncio.Lock()):
            if lasting:
                self._rooms.pop(room, None)
            outbound = await self._shared(room, sorted(set(members)), encryption)
            if lasting:
                session = outbound.session
                self._lasting.keep(room, session.id, session.session_key, outbound.given)
                # Whoever is given this key later must not read with it what was said in between.
                del self._rooms[room]
            outbound.session.shared = True
            return dict(self._machine.group_encrypt(room, event))

    async def acquaint(self, room: str, members: Sequence[str]) -> None:
        """Give the keys that were kept to the devices that lack them."""
        if not self._lasting.has(room):
            return
        async with self._sharing.setdefault(room, asyncio.Lock()):
            await self._directory.know(members)
            await self._acquaint(room, [one for user in members for one in self._machine.others(user)])

    async def _acquaint(self, room: str, devices: Sequence[OlmDevice]) -> None:
        for kept in self._lasting.of(room):
            missing = [device for device in devices if (device.user_id, device.id) not in kept.given]
            if missing:
                await self._directory.sessions_with(missing)
                await self._give(room, kept, missing, kept.session_key)

    async def _shared(self, room: str, members: Sequence[str], encryption: Mapping[str, Any]) -> Outbound:
        """The room's session, known to all devices of its members and to no other: else a new one is made."""
        await self._directory.know(members)
        there = {(user, one.id): one for user in members for one in self._machine.others(user)}
        messages, age = periods(encryption)
        outbound = self._rooms.get(room)
        if outbound is not None:
            outbound.session.max_messages, outbound.session.max_age = messages, age
        if outbound is None or outbound.session.expired or not _still_there(outbound, there):
            self._machine.create_outbound_group_session(room)
            outbound = self._rooms[room] = Outbound(self._machine.outbound_group_sessions[room])
            outbound.session.max_messages, outbound.session.max_age = messages, age
        missing = [device for who, device in there.items() if who not in outbound.given]
        if missing:
            await self._directory.sessions_with(missing)
            await self._give(room, outbound, missing, outbound.session.session_key)
        await self._acquaint(room, list(there.values()))
        return outbound

    async def _give(self, room: str, outbound: Outbound | Kept, devices: Iterable[OlmDevice], session_key: str) -> None:
        """Send the key to those with whom there is a session; the others are tried again with the next message."""
        content = {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": outbound.id,
            "session_key": session_key,
        }
        machine = self._machine
        for some in _chunks(devices):
            messages: dict[str, dict[str, Any]] = {}
            # One transaction: on a disk that is slow to confirm, a room of hundreds would wait for each of them.
            with machine.store.database.atomic():
                for device in some:
                    if (session := machine.session_store.get(device.curve25519)) is not None:
                        sealed = machine.sealed_for(session, device, "m.room_key", content)
                        messages.setdefault(device.user_id, {})[device.id] = sealed
            if not messages:
                continue
            await self._client.send_to_device(ENCRYPTED, uuid4().hex, messages)
            for device in some:
                if device.id in messages.get(device.user_id, ()):
                    outbound.given.setdefault((device.user_id, device.id), Given(device.curve25519, session_key))

    async def answer(self, request: RoomKeyRequest) -> None:
        """Give a key again to a device that was given it; what others ask for is left alone.

        A device that came later gets the key with the next message anyhow, and what was said before it came is not
        ours to hand out: who asks may be anybody whom the homeserver calls a device.
        """
        outbound = self._rooms.get(request.room_id)
        if outbound is None or outbound.session.id != request.session_id:
            log.debug("a request for a key is left", sender=request.sender, why="not of a session that is in use")
            return
        user, id = request.sender, request.requesting_device_id
        await self._directory.know([user])
        device = next((one for one in self._machine.others(user) if one.id == id), None)
        given = outbound.given.get((user, id))
        if device is None or given is None or given.curve25519 != device.curve25519:
            log.debug("a request for a key is left", sender=user, why="the device was not given it")
            return
        await self._directory.sessions_with([device])
        await self._give(request.room_id, outbound, [device], given.session_key)


def periods(encryption: Mapping[str, Any]) -> tuple[int, timedelta]:
    """Messages and age after which a room's key is replaced, as ``m.room.encryption`` says, within reason."""
    messages, age = encryption.get("rotation_period_msgs"), encryption.get("rotation_period_ms")
    count = messages if isinstance(messages, int) and messages > 0 else MESSAGES
    longest = timedelta(milliseconds=min(age, 10**12)) if isinstance(age, int) and age > 0 else WEEK
    return min(count, MOST_MESSAGES), max(longest, SHORTEST)


def _still_there(outbound: Outbound, there: Mapping[Who, OlmDevice]) -> bool:
    return all(who in there and there[who].curve25519 == given.curve25519 for who, given in outbound.given.items())


def _chunks(devices: Iterable[OlmDevice]) -> Iterator[list[OlmDevice]]:
    rest = iter(devices)
    while some := list(islice(rest, CHUNK)):
        yield some
