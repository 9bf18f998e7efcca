"""A person with an encrypting client that is not ours: matrix-nio's, as its own users would write it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from nio import Api, AsyncClient, AsyncClientConfig, MatrixRoom, RoomMessage, RoomSendResponse
from nio.store import SqliteStore

from esnbot.homeserver import Account
from esnbot.testing.waiting import eventually


class EncryptingClient:
    """One device of a person's."""

    def __init__(self, account: Account, folder: Path) -> None:
        folder.mkdir()
        config = AsyncClientConfig(store=SqliteStore, encryption_enabled=True)
        self.nio = AsyncClient(account.homeserver_url, account.user_id, store_path=str(folder), config=config)
        self.nio.restore_login(account.user_id, account.device_id, account.access_token)
        self.heard: list[RoomMessage] = []
        """What others said and this device could read."""
        self.nio.add_event_callback(self._hear, RoomMessage)
        self._syncing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.nio.sync(timeout=0, full_state=True)
        await self.nio.keys_upload()
        self._syncing = asyncio.create_task(self.nio.sync_forever(timeout=2000, loop_sleep_time=20))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._syncing is not None
        self._syncing.cancel()
        await asyncio.gather(self._syncing, return_exceptions=True)
        await self.nio.close()
        self.nio.store.database.close()

    async def encrypted_room(self, *invited: str, direct: bool = True, **periods: int) -> str:
        """A room that is encrypted from its beginning, as Element makes direct chats."""
        content = {"algorithm": "m.megolm.v1.aes-sha2", **periods}
        encryption = {"type": "m.room.encryption", "state_key": "", "content": content}
        answer = await self.nio.room_create(is_direct=direct, invite=invited, initial_state=[encryption])
        room = str(answer.room_id)

        async def is_there() -> bool:
            members = await self.nio.joined_members(room)
            there = {member.user_id for member in members.members}
            return set(invited) <= there and all(self.knows(room, user) for user in invited)

        await eventually(is_there, 20)
        return room

    async def join(self, room: str) -> None:
        """Join a room, and know who is in it."""
        await self.nio.join(room)
        await eventually(lambda: room in self.nio.rooms, 20)

    async def session_with(self, user: str) -> None:
        """Have a session with each device of somebody, whether or not there is a room with them."""
        olm = self.nio.olm
        olm.users_for_key_query.add(user)
        await self.nio.keys_query()
        await self.nio.keys_claim(olm.get_missing_sessions([user]))

    async def raw(self, room: str, content: dict[str, Any]) -> str:
        """Send an encrypted event as it is; returns its id."""
        method, path, data = Api.room_send(self.nio.access_token, room, "m.room.encrypted", content, uuid4())
        async with await self.nio.send(method, path, data, {"Content-Type": "application/json"}) as answer:
            return str((await answer.json())["event_id"])

    async def sealed_events(self, room: str, sender: str) -> list[dict[str, Any]]:
        """The encrypted events that somebody sent to a room, oldest first."""
        found: list[dict[str, Any]] = []
        since = None
        while True:
            method, path = Api.room_messages(self.nio.access_token, room, since, limit=300)
            async with await self.nio.send(method, path) as answer:
                page = await answer.json()
            found += page["chunk"]
            since = page.get("end")
            if since is None:
                break
        return [event for event in found if event["sender"] == sender and event["type"] == "m.room.encrypted"][::-1]

    def knows(self, room: str, user: str) -> bool:
        """Whether it has asked for the person's devices: before, nio would encrypt for nobody."""
        known = self.nio.rooms.get(room)
        if known is None or not known.encrypted or user not in known.users:
            return False
        return any(self.nio.device_store.active_user_devices(user))

    async def say(self, room: str, text: str) -> str:
        """Say something, encrypted; returns the event id."""
        content = {"msgtype": "m.text", "body": text}
        answer = await self.nio.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        assert isinstance(answer, RoomSendResponse), answer
        return str(answer.event_id)

    async def say_and_keep_the_key(self, room: str, text: str) -> tuple[str, list[dict[str, Any]]]:
        """Say something whose key is not sent; returns the event id and the messages that hold the key."""
        self.nio.invalidate_outbound_session(room)
        users = list(self.nio.rooms[room].users)
        shares = self.nio.olm.share_group_session_parallel(room, users, ignore_unverified_devices=True)
        kept = [messages for _, messages in shares]
        self.nio.olm.outbound_group_sessions[room].shared = True
        event = await self.say(room, text)
        self.nio.invalidate_outbound_session(room)
        return event, kept

    async def say_and_send_the_key(self, room: str, text: str) -> str:
        """Say something with a new key that is sent to everybody, over the sessions there are."""
        self.nio.invalidate_outbound_session(room)
        return await self.say(room, text)

    async def send_keys(self, kept: list[dict[str, Any]]) -> None:
        """Send what was held back."""
        for messages in kept:
            method, path, data = Api.to_device(self.nio.access_token, "m.room.encrypted", messages, uuid4())
            async with await self.nio.send(method, path, data, {"Content-Type": "application/json"}) as answer:
                assert answer.status == 200, await answer.text()

    async def wait_for(self, text: str, timeout: float = 20.0) -> RoomMessage:
        """The first message of somebody else that contains the text."""

        def found() -> RoomMessage | None:
            return next((message for message in self.heard if text in message.body), None)

        what = f"'{text}' heard by {self.nio.user_id}"
        message = await eventually(found, timeout, message=what)
        assert message is not None
        return message

    def times(self, text: str) -> int:
        """How often somebody else said exactly that."""
        return sum(message.body == text for message in self.heard)

    async def _hear(self, _room: MatrixRoom, message: RoomMessage) -> None:
        if message.sender != self.nio.user_id:
            self.heard.append(message)
