"""The bot's encrypted device: nio's Olm machine with its store, fed and spoken for by the client of the service.

Nothing here logs in: requests carry the service's token, the bot and its device (Client-Server API, application
services, since 1.17). What is decrypted is returned and kept nowhere.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import structlog
from nio import EncryptionError, KeysUploadResponse
from nio.event_builders import RoomKeyRequestMessage, ToDeviceMessage
from nio.events import MegolmEvent, RoomKeyEvent, ToDeviceEvent
from nio.responses import ToDeviceResponse

from esnbot.matrix.client import MatrixClient
from esnbot.matrix.crosssigning import CrossSigning, Published, Trust
from esnbot.matrix.directory import Directory, as_dict, as_dicts
from esnbot.matrix.errors import HomeserverError, NotMatrix
from esnbot.matrix.keystore import Keystore
from esnbot.matrix.machine import MEGOLM, Machine
from esnbot.matrix.roomkeys import ENCRYPTED, RoomKeys

CLEAR: Final = ("m.relates_to", "org.esnbot.cause", "org.esnbot.charter")
"""Keys of a content that stand in the clear: what others go by, and by what the bot finds its own words again."""
LOCKED: Final = "words"
"""What a key is derived for with which words are kept outside the rooms."""
KEYS_ONLY: Final[dict[str, Any]] = {
    "room": {"rooms": []},
    "presence": {"types": []},
    "account_data": {"types": []},
}
LONG_POLL_MS: Final = 30_000
PAUSE: Final = (0.5, 30.0)
"""Seconds before the next try after a failure: at first, and in the end."""
ASK_AFTER: Final = 10.0
"""Seconds for which a key may come by itself before its sender is asked for it."""
WAITED: Final = 1.0
"""Seconds; an answer with nothing in it that comes sooner was not waited for by the homeserver."""
BREATH: Final = (0.05, 5.0)
"""Seconds before the next look after such an answer: at first, and in the end."""
LOCK_AGAIN: Final = 2.0
"""Seconds between two attempts to take the store over from another process."""

log = structlog.get_logger("esnbot.matrix.device")


class Unreadable(Exception):
    """The event can never be read, whatever key arrives."""


class Pace:
    """How soon to look for keys again: at once, unless the homeserver (or what stands before it) does not wait."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._in_vain = 0

    def pause(self, *, empty: bool, took: float) -> float:
        """Seconds to leave it alone after an answer, with nothing in it or not, that took so many seconds."""
        if not empty or took >= WAITED:
            self._in_vain = 0
            return 0.0
        first, last = BREATH
        self._in_vain += 1
        return float(min(first * 2 ** min(self._in_vain - 1, 10), last))


class Device:
    """One device of the bot's. ``run`` keeps it; ``decrypt`` and ``encrypt`` use it once it is ``ready``."""

    def __init__(self, client: MatrixClient, folder: Path, key: str | None = None) -> None:
        """Nothing is opened or requested yet; ``key`` opens the folder, None: the one that is kept in it."""
        self._client = client
        self._keystore = Keystore(folder, key)
        self._signing = CrossSigning(client, self._keystore)
        self._machine: Machine | None = None
        self._directory: Directory | None = None
        self._rooms: RoomKeys | None = None
        self._errand = asyncio.Event()
        self._pace = Pace()
        self._asking: dict[str, float] = {}
        self.news = 0
        """Grows whenever something may have become readable."""
        self.settled = asyncio.Event()
        """Set once the device's keys are published, or another process is seen to have the device."""
        self.on_news: Callable[[], None] = lambda: None

    @property
    def ready(self) -> bool:
        """Whether this process has the device."""
        return self._machine is not None

    @property
    def trust(self) -> Trust:
        """How clients see the device."""
        return self._signing.trust

    # --- life ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Have the store to ourselves, publish the keys, and receive keys until cancelled; raises ``KeysError``."""
        try:
            while not self._open():
                self.settled.set()
                await asyncio.sleep(LOCK_AGAIN)
            await _until_done(self._publish)
            self.settled.set()
            # Two at a time: what must be asked of others is not to wait for the next thing that comes.
            async with asyncio.TaskGroup() as work:
                work.create_task(_for_ever(self._receive), name="keys")
                work.create_task(_for_ever(self._run_errands), name="errands")
        finally:
            self.settled.set()
            self.close()

    def close(self) -> None:
        """Let go of the store."""
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.close()
        self._keystore.release()

    def _open(self) -> bool:
        """Open the store; False while another process has it."""
        if not self._keystore.take():
            return False
        self._machine = Machine.open(self._client.user, self._client.device or "", self._keystore)
        self._directory = Directory(self._client, self._machine)
        self._rooms = RoomKeys(self._client, self._machine, self._directory, self._keystore)
        self._news()
        return True

    def _news(self) -> None:
        self.news += 1
        self.on_news()

    # --- keys ---------------------------------------------------------------------------------------------------

    async def _publish(self) -> None:
        """The device's keys, and the signatures by which clients trust it."""
        machine = self._opened()[0]
        if not machine.account.shared:
            await self._upload(machine)
        answer = await self._client.query_keys([self._client.user])
        if not Published.of(answer, self._client.user, machine.device_id).device:
            # A homeserver that was set back to an older day, or whose administrator took the device away.
            machine.account.shared = False
            await self._upload(machine)
            answer = await self._client.query_keys([self._client.user])
        await self._signing.ensure(machine, answer)

    async def _upload(self, machine: Machine) -> None:
        keys = machine.share_keys()
        # First in the store: a key that others were given must be known here, whenever the process ends.
        machine.save_account()
        answer = await self._client.upload_keys(keys)
        left = as_dict(answer.get("one_time_key_counts")).get("signed_curve25519", 0)
        machine.handle_response(KeysUploadResponse(0, int(left)))

    async def _receive(self) -> None:
        """Take in what comes to the device, once."""
        machine, directory, _ = self._opened()
        if machine.should_upload_keys:
            await self._upload(machine)
        since = machine.store.load_sync_token() or None
        asked = asyncio.get_running_loop().time()
        answer = await self._client.sync(since, filter=KEYS_ONLY, timeout_ms=LONG_POLL_MS if since else 0, device=True)
        received = [
            self._received(machine, event) for event in as_dicts(as_dict(answer.get("to_device")).get("events"))
        ]
        keys = [event for event in received if isinstance(event, RoomKeyEvent)]
        changed = as_dict(answer.get("device_lists")).get("changed")
        directory.changed(changed if isinstance(changed, list) else [])
        counts = as_dict(answer.get("device_one_time_keys_count"))
        machine.uploaded_key_count = int(counts.get("signed_curve25519", 0))
        token = answer.get("next_batch")
        if not isinstance(token, str):
            raise NotMatrix("the answer to /sync has no next_batch")
        # What was received is in the store: now the homeserver may forget it.
        machine.store.save_sync_token(token)
        for event in keys:
            if machine.device_store.device_from_sender_key(event.sender, event.sender_key) is None:
                directory.ask_for(event.sender, event.sender_key)
        if keys and not directory.wanted():
            self._news()
        if received or changed:
            self._errand.set()
        took = asyncio.get_running_loop().time() - asked
        if pause := self._pace.pause(empty=not (received or changed), took=took if since else WAITED):
            await asyncio.sleep(pause)

    def _received(self, machine: Machine, event: dict[str, Any]) -> object:
        """Take in one to-device message; what it was."""
        try:
            return machine.handle_to_device_event(ToDeviceEvent.parse_event(event))
        # Anybody can send anything here, and one bad message must not keep the others from arriving.
        except Exception as error:  # noqa: BLE001
            log.warning("a to-device message cannot be read", sender=event.get("sender"), error=type(error).__name__)
            return None

    async def _run_errands(self) -> None:
        """Wait until something is to be asked of others, or told to them, and do it."""
        await self._errand.wait()
        self._errand.clear()
        try:
            await self._run_errand()
        except BaseException:
            self._errand.set()
            raise

    async def _run_errand(self) -> None:
        machine, directory, room_keys = self._opened()
        if wanted := directory.wanted():
            await directory.query(wanted)
            machine.marked_again()
            self._news()
        if broken := [*machine.wedged_devices, *machine.key_request_devices_no_session]:
            # A new session with each device whose old one broke; nio tells it so with an empty message.
            await directory.sessions_with(broken, fresh=True)
            machine.wedged_devices.clear()
            machine.key_request_devices_no_session.clear()
        for request in machine.take_key_requests():
            await room_keys.answer(request)
        for message in self._due(machine):
            await self._client.send_to_device(message.type, uuid4().hex, message.as_dict()["messages"])
            machine.handle_response(ToDeviceResponse(message))

    def _due(self, machine: Machine) -> list[ToDeviceMessage]:
        """What is to be sent to devices now. Keys are asked for only when they do not come by themselves."""
        loop = asyncio.get_running_loop()
        due: list[ToDeviceMessage] = []
        wanted: dict[str, float] = {}
        for message in list(machine.outgoing_to_device_messages):
            if not isinstance(message, RoomKeyRequestMessage):
                due.append(message)
            elif machine.knows(message.room_id, message.session_id) or message.session_id in wanted:
                machine.outgoing_to_device_messages.remove(message)
            else:
                wanted[message.session_id] = at = self._asking.get(message.session_id, loop.time() + ASK_AFTER)
                if at <= loop.time():
                    due.append(message)
                elif message.session_id not in self._asking:
                    loop.call_later(ASK_AFTER, self._errand.set)
        self._asking = wanted
        return due

    # --- rooms --------------------------------------------------------------------------------------------------

    def decrypt(
        self, room: str, sender: str, event: str, ts: int, content: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        """Type and content of an encrypted event; None while its key is missing. Raises ``Unreadable``."""
        if content.get("algorithm") != MEGOLM:
            raise Unreadable("not encrypted in a way that is known here")
        machine = self._machine
        if machine is None or self._directory is None:
            return None
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
        session = machine.inbound_group_store.get(room, parsed.sender_key, parsed.session_id)
        if session is not None and not machine.is_of(sender, session):
            # A key of somebody else's: whoever gave it could speak in this person's name with it.
            if self._directory.ask_for(sender, parsed.sender_key):
                self._errand.set()
            log.warning("an encrypted event is not of a device of its sender", event_id=event, sender=sender)
            return None
        try:
            found = machine.decrypt_megolm_event(parsed, room).source
        except EncryptionError as error:
            if session is not None:
                # Of a session that is known from a later message on only, or played back: no key changes that.
                raise Unreadable(type(error).__name__) from error
            if machine.outgoing_to_device_messages or self._directory.wanted():
                self._errand.set()
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
        self,
        room: str,
        type: str,
        content: Mapping[str, Any],
        members: Iterable[str],
        encryption: Mapping[str, Any],
        *,
        lasting: bool = False,
    ) -> tuple[str, dict[str, Any]]:
        """Type and content to send instead, once every device of the members was given the key.

        ``encryption`` is the content of the room's ``m.room.encryption``, which says when its keys are replaced.
        ``lasting``: the key is kept, and given to who comes later too; nothing else is encrypted with it.
        """
        inner = {key: value for key, value in content.items() if key != "m.relates_to"}
        event = {"type": type, "content": inner}
        sealed = await self._opened()[2].encrypt(room, event, members, encryption, lasting=lasting)
        return ENCRYPTED, sealed | {key: content[key] for key in CLEAR if key in content}

    async def acquaint(self, room: str, members: Iterable[str]) -> None:
        """Give the keys that were kept to the members' devices that lack them."""
        await self._opened()[2].acquaint(room, sorted(set(members)))

    async def has_devices(self, user: str) -> bool:
        """Whether a person has a device that can be written to encrypted."""
        machine, directory, _ = self._opened()
        await directory.know([user])
        return any(machine.others(user))

    def lock(self, words: bytes) -> str:
        """Words that have to be kept for later, as only the folder's key opens them."""
        return b64encode(self._keystore.lock(LOCKED, words)).decode()

    def unlock(self, locked: str) -> bytes:
        """Words that were locked. Raises ``KeysError`` when they were locked with another key."""
        return self._keystore.unlock(LOCKED, b64decode(locked))

    def _opened(self) -> tuple[Machine, Directory, RoomKeys]:
        if self._machine is None or self._directory is None or self._rooms is None:
            raise RuntimeError("the device is not open")
        return self._machine, self._directory, self._rooms


async def _until_done(step: Callable[[], Awaitable[None]]) -> None:
    """Repeat a step until the homeserver takes it."""
    failures = 0
    while True:
        try:
            return await step()
        except HomeserverError as error:
            first, last = PAUSE
            pause = min(first * 2 ** min(failures, 10), last)
            failures += 1
            log.warning("keys cannot be exchanged", error=str(error), again_in=pause)
            await asyncio.sleep(pause)


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await _until_done(step)
