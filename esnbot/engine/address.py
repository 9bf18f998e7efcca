"""Resolving references at delivery: a key to its room, a person to their direct chat, an effect to what it sent."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import effects_in
from esnbot.engine.cipher import Cipher
from esnbot.engine.clock import now_ms
from esnbot.engine.effects import Withdraw
from esnbot.engine.tables import State, outbox
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import Forbidden, NotThere, Refused, RoomInUse, TokenRefused
from esnbot.matrix.registration import direct_alias_prefix
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

    def __init__(self, database: Database, client: MatrixClient, system: Clock, cipher: Cipher | None = None) -> None:
        """With a ``cipher``, direct chats with people who can read encrypted ones are opened encrypted."""
        self._database = database
        self._client = client
        self._system = system
        self._cipher = cipher

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
        name = key[1:] if key.startswith("/") else f"{module}/{key}"
        async with self._database.read() as conn:
            query = select(outbox.c.event_id, outbox.c.state).where(outbox.c.key == name)
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
            if room is not None and not await self._is_crowded(conn, room, user):
                if await rooms.membership(conn, room, self._client.user) == "invite":
                    raise NotYet(f"the bot has yet to enter the chat of {user}")
                membership = await rooms.membership(conn, room, user)
                known = await rooms.content(conn, room, "m.room.member", user) is not None
                if membership in ("join", "invite") or not known:
                    return room
                # Somebody who closed the chat is not followed into a new one.
                raise Undeliverable(f"{user} has closed the direct chat")
        opened, before = await self._open(user, key), room

        async def keep(conn: AsyncConnection) -> str:
            meanwhile = await bindings.room_of(conn, key)
            if meanwhile is not None and meanwhile not in (before, opened):
                # The person opened a chat of their own while the homeserver made this one: theirs it is.
                withdraw = [Withdraw(room=opened, user=user)]
                await effects_in.put(conn, "rooms", f"withdraw:{opened}", withdraw, now_ms(self._system))
                return meanwhile
            await bindings.bind(conn, key, opened, now_ms(self._system))
            return opened

        room = await self._database.write(keep)
        await self._tidy(key)
        if room != opened:
            raise NotYet(f"{user} has just opened a chat")
        return room

    async def _is_crowded(self, conn: AsyncConnection, room: str, user: str) -> bool:
        """Whether others are in a chat of two by now: nothing private is said there any more."""
        people = {*await rooms.members(conn, room), *await rooms.members(conn, room, "invite")}
        return bool(people - {user, self._client.user})

    async def _open(self, user: str, key: str) -> str:
        """Make the direct chat, or find the one of an attempt that a crash cut short, by its alias."""
        alias = self._alias(key)
        content: dict[str, Any] = {
            # Not 'trusted': that makes the person a creator too, whose invitation could never be taken back.
            "preset": "private_chat",
            "is_direct": True,
            "invite": [user],
            "room_alias_name": alias[1:].partition(":")[0],
            "creation_content": {KEY: key},
            # The alias is ours alone: as the room's address it would be what people see instead of the bot's name.
            "initial_state": [{"type": "m.room.canonical_alias", "state_key": "", "content": {}}],
        }
        if await self._reads_encrypted(user):
            encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
            content["initial_state"].append({"type": "m.room.encryption", "state_key": "", "content": encryption})
        try:
            return await self._client.create_room(content)
        except RoomInUse:
            return await self._finish(user, key, alias)
        except TokenRefused:
            raise
        except Refused as error:
            raise Undeliverable(f"the direct chat with {user} cannot be opened: {error}") from error

    async def _reads_encrypted(self, user: str) -> bool:
        """Whether a chat with them is encrypted from its beginning, as most clients make theirs."""
        if self._cipher is None:
            return False
        if not self._cipher.ready:
            raise NotYet("the encrypted device is not at hand")
        return await self._cipher.has_devices(user)

    async def _finish(self, user: str, key: str, alias: str) -> str:
        """The chat behind the alias, made whole; one that cannot be is given up."""
        room = await self._client.resolve_alias(alias)
        if room is None:
            raise NotYet(f"the alias of the chat with {user} is in use and leads nowhere")
        if not await self._is_ours(room, key):
            try:
                await self._client.delete_alias(alias)
            except Forbidden as error:
                raise Undeliverable(f"somebody else has taken {alias}") from error
            raise NotYet(f"a half-made chat with {user} was given up")
        member = await self._client.state_event(room, "m.room.member", user)
        if (member or {}).get("membership") not in ("join", "invite"):
            try:
                await self._client.invite(room, user)
            except Forbidden as error:
                raise Undeliverable(f"the direct chat with {user} cannot be opened: {error}") from error
        return room

    async def _is_ours(self, room: str, key: str) -> bool:
        """Whether the bot itself made the room, for this key: anybody can write any key into a room of theirs."""
        try:
            state = await self._client.state(room)
        except (Forbidden, NotThere):
            return False
        return any(
            event.get("type") == "m.room.create"
            and event.get("sender") == self._client.user
            and isinstance(content := event.get("content"), dict)
            and content.get(KEY) == key
            for event in state
        )

    async def _tidy(self, key: str) -> None:
        """Take the alias away again, which served its purpose; it may be left without harm."""
        try:
            await self._client.delete_alias(self._alias(key))
        except (NotThere, Forbidden):
            return

    def _alias(self, key: str) -> str:
        prefix = direct_alias_prefix(self._client.user)
        return f"#{prefix}{sha256(key.encode()).hexdigest()[:20]}:{self._client.server}"
