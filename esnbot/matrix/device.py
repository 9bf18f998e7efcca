"""The bot's encrypted device: nio's Olm machine with its store, fed and spoken for by the client of the service.

Nothing here logs in: requests carry the service's token, the bot and its device (Client-Server API, application
services, since 1.17). What is decrypted is returned and kept nowhere.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog
from nio import EncryptionError, KeysClaimResponse, KeysQueryResponse, KeysUploadResponse
from nio.crypto import Olm
from nio.events import MegolmEvent, RoomKeyEvent, ToDeviceEvent
from nio.responses import ToDeviceResponse
from nio.store import SqliteStore

from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import HomeserverError, NotMatrix

ENCRYPTED: Final = "m.room.encrypted"
ENCRYPTION: Final = "m.room.encryption"
MEGOLM: Final = "m.megolm.v1.aes-sha2"
CAUSE: Final = "org.esnbot.cause"
KEYS_ONLY: Final[dict[str, Any]] = {
    "room": {"rooms": []},
    "presence": {"types": []},
    "account_data": {"types": []},
}
LONG_POLL_MS: Final = 30_000
PAUSE: Final = (0.5, 30.0)
"""Seconds before the next look for keys after a failure: at first, and in the end."""
LOCK_AGAIN: Final = 2.0
"""Seconds between two attempts to take the store over from another process."""
CLAIM_AGAIN: Final = 300.0
"""Seconds for which a device that has no one-time key left is not asked for one again."""

log = structlog.get_logger("esnbot.matrix.device")


class Unreadable(Exception):
    """The event can never be read, whatever key arrives."""


class Device:
    """One device of the bot's. ``run`` keeps it; ``decrypt`` and ``encrypt`` use it once it is ``ready``."""

    def __init__(self, client: MatrixClient, folder: Path) -> None:
        """Nothing is opened or requested yet."""
        self._client = client
        self._folder = folder
        self._olm: Olm | None = None
        self._lock: int | None = None
        self._outdated: set[str] = set()
        self._keyless: dict[tuple[str, str], float] = {}
        self._sharing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.news = 0
        """Grows whenever something may have become readable."""
        self.settled = asyncio.Event()
        """Set once the device's keys are published, or another process is seen to have the device."""
        self.on_news: Callable[[], None] = lambda: None

    @property
    def ready(self) -> bool:
        """Whether this process has the device."""
        return self._olm is not None

    # --- life ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Have the store to ourselves, publish the keys, and receive keys until cancelled."""
        failures = 0
        try:
            while True:
                try:
                    if self._olm is None and not self._open():
                        self.settled.set()
                        await asyncio.sleep(LOCK_AGAIN)
                        continue
                    await self._step()
                    failures = 0
                except HomeserverError as error:
                    first, last = PAUSE
                    pause = min(first * 2 ** min(failures, 10), last)
                    failures += 1
                    log.warning("keys cannot be received", error=str(error), again_in=pause)
                    await asyncio.sleep(pause)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the store."""
        olm, self._olm = self._olm, None
        if olm is not None:
            olm.store.database.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open(self) -> bool:
        """Open the store; False while another process has it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        name = "device.db"
        (self._folder / name).touch(mode=0o600)
        store = SqliteStore(
            self._client.user, self._client.device or "", str(self._folder), key_of(self._folder), database_name=name
        )
        self._olm = Olm(self._client.user, self._client.device or "", store)
        self._news()
        return True

    def _news(self) -> None:
        self.news += 1
        self.on_news()

    # --- keys ---------------------------------------------------------------------------------------------------

    async def _step(self) -> None:
        olm = self._machine()
        if olm.should_upload_keys:
            await self._upload(olm)
        self.settled.set()
        since = olm.store.load_sync_token() or None
        answer = await self._client.sync(since, filter=KEYS_ONLY, timeout_ms=LONG_POLL_MS if since else 0, device=True)
        arrived = False
        for event in _dicts(_dict(answer.get("to_device")).get("events")):
            arrived = self._received(olm, event) or arrived
        lists = _dict(answer.get("device_lists"))
        self._outdated.update(user for user in lists.get("changed") or [] if user in olm.tracked_users)
        counts = _dict(answer.get("device_one_time_keys_count"))
        olm.uploaded_key_count = int(counts.get("signed_curve25519", 0))
        for request in olm.collect_key_requests():
            log.debug("a key request of an unverified device is left", request=request.request_id)
        token = answer.get("next_batch")
        if not isinstance(token, str):
            raise NotMatrix("the answer to /sync has no next_batch")
        # What was received is in the store: now the homeserver may forget it.
        olm.store.save_sync_token(token)
        if arrived:
            self._news()
        await self._mend(olm)

    def _received(self, olm: Olm, event: dict[str, Any]) -> bool:
        """Take in one to-device message; whether it was a room's key."""
        try:
            parsed = ToDeviceEvent.parse_event(event)
            return isinstance(olm.handle_to_device_event(parsed), RoomKeyEvent)
        # Anybody can send anything here, and one bad message must not keep the others from arriving.
        except Exception as error:  # noqa: BLE001
            log.warning("a to-device message cannot be read", sender=event.get("sender"), error=type(error).__name__)
            return False

    async def _mend(self, olm: Olm) -> None:
        """New sessions for devices whose old one broke, and what is to be asked of others."""
        if olm.users_for_key_query:
            await self._query(olm, olm.users_for_key_query)
        broken = {*olm.wedged_devices, *olm.key_request_devices_no_session}
        if broken:
            wanted: dict[str, list[str]] = {}
            for device in broken:
                wanted.setdefault(device.user_id, []).append(device.device_id)
            await self._claim(olm, wanted)
        for message in list(olm.outgoing_to_device_messages):
            await self._client.send_to_device(message.type, uuid4().hex, message.as_dict()["messages"])
            olm.handle_response(ToDeviceResponse(message))

    async def _upload(self, olm: Olm) -> None:
        keys = olm.share_keys()
        # First in the store: a key that others were given must be known here, whenever the process ends.
        olm.save_account()
        answer = await self._client.upload_keys(keys)
        left = _dict(answer.get("one_time_key_counts")).get("signed_curve25519", 0)
        olm.handle_response(KeysUploadResponse(0, int(left)))

    async def _query(self, olm: Olm, users: Iterable[str]) -> None:
        wanted = sorted(users)
        self._outdated.difference_update(wanted)
        olm.users_for_key_query.difference_update(wanted)
        try:
            answer = await self._client.query_keys(wanted)
        except BaseException:
            self._outdated.update(wanted)
            raise
        found = KeysQueryResponse.from_dict(answer)
        if not isinstance(found, KeysQueryResponse):
            raise NotMatrix("the answer to /keys/query is none")
        olm.handle_response(found)

    async def _claim(self, olm: Olm, wanted: Mapping[str, Iterable[str]]) -> None:
        now = asyncio.get_running_loop().time()
        asked: dict[str, list[str]] = {}
        for user, devices in wanted.items():
            for device in devices:
                if self._keyless.get((user, device), 0.0) <= now:
                    asked.setdefault(user, []).append(device)
        if not asked:
            return
        found = KeysClaimResponse.from_dict(await self._client.claim_keys(asked))
        if not isinstance(found, KeysClaimResponse):
            raise NotMatrix("the answer to /keys/claim is none")
        olm.handle_response(found)
        for user, missing in asked.items():
            for device in missing:
                if device not in _dict(found.one_time_keys.get(user)):
                    self._keyless[user, device] = now + CLAIM_AGAIN

    # --- rooms --------------------------------------------------------------------------------------------------

    def decrypt(
        self, room: str, sender: str, event: str, ts: int, content: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        """Type and content of an encrypted event; None while its key is missing. Raises ``Unreadable``."""
        if content.get("algorithm") != MEGOLM:
            raise Unreadable("not encrypted in a way that is known here")
        whole = {
            "type": ENCRYPTED,
            "event_id": event,
            "room_id": room,
            "sender": sender,
            "origin_server_ts": ts,
            "content": dict(content),
        }
        parsed = MegolmEvent.from_dict(whole)
        if not isinstance(parsed, MegolmEvent):
            raise Unreadable("no encrypted event")
        olm = self._olm
        if olm is None:
            return None
        known = olm.inbound_group_store.get(room, parsed.sender_key, parsed.session_id) is not None
        try:
            found = olm.decrypt_megolm_event(parsed, room).source
        except EncryptionError as error:
            if known:
                # Of a session that is known from a later message on only, or played back: no key changes that.
                raise Unreadable(type(error).__name__) from error
            return None
        inner = found.get("content")
        kind = found.get("type")
        if not isinstance(inner, dict) or not isinstance(kind, str) or found.get("room_id") != room:
            raise Unreadable("what was encrypted is no event of this room")
        if "m.relates_to" in content:
            # What stands in the clear is what everybody else goes by.
            inner["m.relates_to"] = content["m.relates_to"]
        return kind, inner

    async def encrypt(
        self, room: str, type: str, content: Mapping[str, Any], members: Iterable[str]
    ) -> tuple[str, dict[str, Any]]:
        """Type and content to send instead, once every device of the members was given the key."""
        olm = self._machine()
        async with self._sharing.setdefault(room, asyncio.Lock()):
            await self._share(olm, room, sorted(set(members)))
            inner = {key: value for key, value in content.items() if key != "m.relates_to"}
            sealed: dict[str, Any] = dict(olm.group_encrypt(room, {"type": type, "content": inner}))
        for key in ("m.relates_to", CAUSE):
            if key in content:
                sealed[key] = content[key]
        return ENCRYPTED, sealed

    async def _share(self, olm: Olm, room: str, members: list[str]) -> None:
        """Give the room's key to all devices of its members, and a new key when a device has left."""
        outdated = self._outdated | olm.users_for_key_query
        unknown = [user for user in members if user not in olm.tracked_users or user in outdated]
        if unknown:
            await self._query(olm, unknown)
        there = {(user, one.id) for user in members for one in olm.device_store.active_user_devices(user)}
        session = olm.outbound_group_sessions.get(room)
        if session is None or session.expired or not session.users_shared_with <= there:
            olm.create_outbound_group_session(room)
            session = olm.outbound_group_sessions[room]
        if there <= session.users_shared_with | session.users_ignored:
            session.shared = True
            return
        missing = olm.get_missing_sessions(members)
        if missing:
            await self._claim(olm, missing)
        # A session that counts as shared would be replaced by a new one.
        session.shared = False
        for sharing_with, messages in olm.share_group_session_parallel(room, members, ignore_unverified_devices=True):
            await self._client.send_to_device(ENCRYPTED, uuid4().hex, messages["messages"])
            session.users_shared_with.update(sharing_with)
        session.shared = True

    def _machine(self) -> Olm:
        if self._olm is None:
            raise RuntimeError("the device is not open")
        return self._olm


def key_of(folder: Path) -> str:
    """The key of the store: made once, in a file that only its owner reads."""
    file = folder / "key"
    if not file.exists():
        fresh = folder / "key.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writer:
            writer.write(secrets.token_urlsafe(32))
            writer.flush()
            os.fsync(writer.fileno())
        fresh.rename(file)
    return file.read_text(encoding="ascii").strip()


def _dict(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _dicts(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
