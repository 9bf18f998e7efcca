"""Resolving references at delivery: a key to its room, a person to their direct chat, an effect to what it sent."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select

from esnbot.community.clock import Clock
from esnbot.engine.clock import now_ms
from esnbot.engine.tables import State, outbox
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import NotThere, Refused, RoomInUse
from esnbot.store import bindings, rooms
from esnbot.store.database import Database

KEY: Final = "org.esnbot.key"
"""In ``creation_content``: which natural key a room of ours was made for."""


class Undeliverable(Exception):
    """It will never work as it is."""


class NotYet(Exception):
    """What a reference names is not there yet."""


class Address:
    """Finds rooms and posts for the outbox, and opens direct chats."""

    def __init__(self, database: Database, client: MatrixClient, system: Clock) -> None:
        self._database = database
        self._client = client
        self._system = system

    async def room(self, reference: str) -> str:
        """The room id; raises ``NotYet`` for a room that is not made, ``Undeliverable`` for a chat that is closed."""
        if reference.startswith("!"):
            return reference
        scheme, _, key = reference.partition(":")
        if scheme == "direct":
            return await self._direct(key)
        if scheme != "key":
            raise Undeliverable(f"'{reference}' names no room")
        async with self._database.read() as conn:
            room = await bindings.room_of(conn, key)
        if room is None:
            raise NotYet(f"the room of '{key}' is not there yet")
        return room

    async def post(self, module: str, reference: str) -> str:
        """The event id."""
        if reference.startswith("$"):
            return reference
        scheme, _, key = reference.partition(":")
        if scheme != "post":
            raise Undeliverable(f"'{reference}' names no post")
        async with self._database.read() as conn:
            query = select(outbox.c.event_id, outbox.c.state).where(outbox.c.key == f"{module}/{key}")
            found = (await conn.execute(query)).one_or_none()
        if found is None or found.state == State.dead:
            raise Undeliverable(f"the post '{key}' was never sent")
        if found.state == State.waiting or not found.event_id:
            raise NotYet(f"the post '{key}' is not sent yet")
        return str(found.event_id)

    async def _direct(self, user: str) -> str:
        key = f"direct:{user}"
        async with self._database.read() as conn:
            room = await bindings.room_of(conn, key)
            if room is not None:
                membership = await rooms.membership(conn, room, user)
                known = await rooms.content(conn, room, "m.room.member", user) is not None
                if membership in ("join", "invite") or not known:
                    return room
                # Somebody who closed the chat is not followed into a new one.
                raise Undeliverable(f"{user} has closed the direct chat")
        room = await self._open(user, key)

        async def keep(conn: Any) -> None:
            await bindings.bind(conn, key, room, now_ms(self._system))

        await self._database.write(keep)
        await self._tidy(user, room)
        return room

    async def _open(self, user: str, key: str) -> str:
        """Make the direct chat, or find the one of an attempt that a crash cut short, by its alias."""
        localpart = "_esnbot_direct_" + sha256(key.encode()).hexdigest()[:20]
        alias = f"#{localpart}:{self._client.server}"
        content = {
            "preset": "trusted_private_chat",
            "is_direct": True,
            "invite": [user],
            "room_alias_name": localpart,
            "creation_content": {KEY: key},
        }
        try:
            return await self._client.create_room(content)
        except RoomInUse:
            room = await self._client.resolve_alias(alias)
            if room is None:
                raise NotYet(f"the alias of the chat with {user} is in use and leads nowhere") from None
            create = await self._own_state(room)
            if create is None or create.get(KEY) != key:
                await self._client.delete_alias(alias)
                raise NotYet(f"a half-made chat with {user} was given up") from None
            member = await self._client.state_event(room, "m.room.member", user)
            if (member or {}).get("membership") not in ("join", "invite"):
                await self._client.invite(room, user)
            return room
        except Refused as error:
            raise Undeliverable(f"the direct chat with {user} cannot be opened: {error}") from error

    async def _own_state(self, room: str) -> dict[str, Any] | None:
        try:
            return await self._client.state_event(room, "m.room.create")
        except Refused:
            return None

    async def _tidy(self, user: str, room: str) -> None:
        """Take the alias away again and mark the chat as direct for the bot; both may be lost without harm."""
        localpart = "_esnbot_direct_" + sha256(f"direct:{user}".encode()).hexdigest()[:20]
        try:
            await self._client.delete_alias(f"#{localpart}:{self._client.server}")
        except (NotThere, Refused):
            return
