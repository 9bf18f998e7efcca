"""What goes into a room, encrypted where the room is: membership and encryption are read at that moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from esnbot.community.clock import Clock
from esnbot.engine.address import NotYet
from esnbot.engine.cipher import Cipher
from esnbot.engine.clock import SystemClock, now_ms
from esnbot.matrix.client import MatrixClient
from esnbot.store import rooms
from esnbot.store.database import Database

ENCRYPTION: Final = "m.room.encryption"
HISTORY: Final = "m.room.history_visibility"


class Sealing:
    """Seals contents for rooms. Without a cipher everything stays as it is."""

    def __init__(
        self, client: MatrixClient, database: Database, cipher: Cipher | None, system: Clock | None = None
    ) -> None:
        self._system = system or SystemClock()
        self._client = client
        self._database = database
        self._cipher = cipher

    @property
    def ready(self) -> bool:
        """Whether there is a device here that encrypts."""
        return self._cipher is not None and self._cipher.ready

    async def for_newcomers(self, room: str, type: str, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What to send to an encrypted room so that who comes later can read it too (``acquaint``).

        Raises ``HomeserverError``, and ``NotYet`` when there is no device here or the room is not seen to be encrypted:
        what is meant for an encrypted room never goes out in the clear.
        """
        if self._cipher is None or not self._cipher.ready:
            raise NotYet("the encrypted device is not at hand")
        encryption, members = await self._readers(room, fresh=True)
        if encryption is None:
            raise NotYet("the room is not encrypted yet")
        return await self._cipher.encrypt(room, type, content, members, encryption, lasting=True)

    async def acquaint(self, room: str) -> None:
        """Give what was said for newcomers to everybody in the room who does not have it yet; raises as ``sealed``."""
        if self._cipher is None:
            return
        if not self._cipher.ready:
            raise NotYet("the encrypted device is not at hand")
        encryption, members = await self._readers(room)
        if encryption is not None:
            await self._cipher.acquaint(room, members)

    async def sealed(self, room: str, type: str, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What to send to that room: as it is, or encrypted for those who may read it.

        Raises ``HomeserverError``, and ``NotYet`` while another process has the device.
        """
        # What people see of a reaction is its relation, which stands in the clear in every client.
        if self._cipher is None or type == "m.reaction":
            return type, content
        encryption, members = await self._readers(room)
        if encryption is None:
            return type, content
        if not self._cipher.ready:
            raise NotYet("the encrypted device is not at hand")
        return await self._cipher.encrypt(room, type, content, members, encryption)

    async def _readers(self, room: str, *, fresh: bool = False) -> tuple[Mapping[str, Any] | None, list[str]]:
        """How the room is encrypted, None: not at all; and who is given the key."""
        async with self._database.read() as conn:
            made = await rooms.since(conn, room, "m.room.create")
            # Of a room that was made just now, neither its encryption nor its invitations may have been told yet.
            known = not fresh and made is not None and now_ms(self._system) - made > rooms.JUST_NOW_MS
            encryption = await rooms.content(conn, room, ENCRYPTION)
            if known and encryption is None:
                return None, []
            if known:
                history = await rooms.content(conn, room, HISTORY) or {}
                return encryption, [
                    user for how in _who_reads(history) for user in await rooms.members(conn, room, how)
                ]
        # Just entered, or made: what is not known must not be taken for plain.
        encryption = await self._client.state_event(room, ENCRYPTION)
        if encryption is None:
            return None, []
        state = [event for event in await self._client.state(room) if isinstance(event.get("content"), dict)]
        history = next((event["content"] for event in state if event.get("type") == HISTORY), {})
        readers = _who_reads(history)
        members = [
            str(event["state_key"])
            for event in state
            if event.get("type") == "m.room.member" and event["content"].get("membership") in readers
        ]
        return encryption, members


def _who_reads(history: Mapping[str, Any]) -> tuple[str, ...]:
    """Memberships that are given keys: who is invited reads from the invitation on, unless the room says otherwise."""
    return ("join",) if history.get("history_visibility") == "joined" else ("join", "invite")
