"""A person with an encrypting client: matrix-nio's, which measures when answers arrive."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Self

from nio import AsyncClient, AsyncClientConfig, MatrixRoom, RoomMessageText, RoomSendResponse
from nio.events import RoomMessage
from nio.store import SqliteStore

from esnbot.homeserver import Account

ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


class Speaker:
    """One device of a person's, in plain and in encrypted rooms."""

    def __init__(self, account: Account, folder: Path) -> None:
        folder.mkdir(parents=True)
        config = AsyncClientConfig(store=SqliteStore, encryption_enabled=True)
        self.nio = AsyncClient(account.homeserver_url, account.user_id, store_path=str(folder), config=config)
        self.nio.restore_login(account.user_id, account.device_id, account.access_token)
        self.nio.add_event_callback(self._hear, RoomMessage)
        self.heard: dict[str, float] = {}
        """What others said, and when it was read here."""
        self._news = asyncio.Event()
        self._syncing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.nio.sync(timeout=0, full_state=True)
        await self.nio.keys_upload()
        self._syncing = asyncio.create_task(self.nio.sync_forever(timeout=5000, loop_sleep_time=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._syncing is not None:
            self._syncing.cancel()
            await asyncio.gather(self._syncing, return_exceptions=True)
        await self.nio.close()

    async def room(self, invited: str, *, encrypted: bool) -> str:
        """A room with somebody invited."""
        answer = await self.nio.room_create(invite=[invited], initial_state=[ENCRYPTION] if encrypted else [])
        return str(answer.room_id)

    async def until_known(self, room: str, user: str) -> None:
        """Return once this client could encrypt for that person in that room."""
        async with asyncio.timeout(60):
            while not self._knows(room, user):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def _knows(self, room: str, user: str) -> bool:
        known = self.nio.rooms.get(room)
        if known is None or user not in known.users or user in known.invited_users:
            return False
        return not known.encrypted or any(self.nio.device_store.active_user_devices(user))

    async def ask(self, room: str, text: str, answer: str, timeout: float = 60.0) -> float:
        """Say something; seconds until the answer was read here."""
        started = time.perf_counter()
        content = {"msgtype": "m.text", "body": text}
        sent = await self.nio.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        if not isinstance(sent, RoomSendResponse):
            raise RuntimeError(f"it could not be said: {sent}")
        async with asyncio.timeout(timeout):
            while answer not in self.heard:
                self._news.clear()
                await self._news.wait()
        return self.heard[answer] - started

    async def _hear(self, _room: MatrixRoom, message: RoomMessage) -> None:
        if isinstance(message, RoomMessageText) or hasattr(message, "body"):
            self.heard.setdefault(str(message.body), time.perf_counter())
            self._news.set()
