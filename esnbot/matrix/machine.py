"""nio's Olm machine, with what it leaves to others or decides otherwise than a bot needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import vodozemac
from nio.crypto import InboundGroupSession, Olm, OlmDevice, Session
from nio.events import ForwardedRoomKeyEvent, RoomKeyRequest
from nio.store import SqliteStore

from esnbot.matrix.keystore import Keystore

MEGOLM: Final = "m.megolm.v1.aes-sha2"
STORE: Final = "device.db"


class Machine(Olm):  # type: ignore[misc]  # nio carries no types
    """The sessions and keys of one device. What must outlive the process is in the folder's store."""

    def __init__(self, user: str, device: str, store: SqliteStore) -> None:
        """With what the store has; a store that has nothing gets a new account."""
        self.strangers: set[tuple[str, str]] = set()
        """Senders and keys of to-device messages that could not be read, of devices that are not known yet."""
        super().__init__(user, device, store)

    @classmethod
    def open(cls, user: str, device: str, keystore: Keystore) -> Machine:
        """Open the store, or make it; raises ``KeysError`` when it was made with another key."""
        (keystore.folder / STORE).touch(mode=0o600)
        store = SqliteStore(user, device, str(keystore.folder), keystore.key, database_name=STORE)
        try:
            return cls(user, device, store)
        # In this order nio tries what may have written it, the last of them a library that is not installed.
        except (vodozemac.PickleException, vodozemac.LibolmPickleException, ImportError) as error:
            store.database.close()
            raise keystore.wrong_key() from error

    def close(self) -> None:
        """Let go of the store."""
        self.store.database.close()

    @property
    def curve25519(self) -> str:
        """The device's own identity key."""
        return str(self.account.identity_keys["curve25519"])

    @property
    def ed25519(self) -> str:
        """The device's own signing key."""
        return str(self.account.identity_keys["ed25519"])

    # --- whose is what ------------------------------------------------------------------------------------------

    def others(self, user: str) -> Iterator[OlmDevice]:
        """The person's devices that can be given keys: all but this one.

        nio also leaves out other people's devices whose id is the same as this one's.
        """
        for device in self.device_store.active_user_devices(user):
            if device.curve25519 != self.curve25519:
                yield device

    def is_of(self, user: str, session: InboundGroupSession) -> bool:
        """Whether the session was made by a device of that person, as their homeserver tells it.

        A device that was taken away since still counts: what it said before arrives later.
        """
        if user == self.user_id and session.sender_key == self.curve25519:
            return bool(session.ed25519 == self.ed25519)
        return any(
            device.curve25519 == session.sender_key and device.ed25519 == session.ed25519
            for device in self.device_store[user].values()
        )

    def knows(self, room: str, session: str) -> bool:
        """Whether a session of the room is known, whoever made it."""
        return any(session in of_one for of_one in self.inbound_group_store[room].values())

    def sealed_for(self, session: Session, device: OlmDevice, type: str, content: dict[str, Any]) -> dict[str, Any]:
        """The content of a to-device message that only this device reads."""
        return dict(self._olm_encrypt(session, device, type, content))

    # --- instead of nio's own -----------------------------------------------------------------------------------

    def create_group_session(
        self, sender_key: str, sender_fp_key: str, room_id: str, session_id: str, session_key: str
    ) -> None:
        """Keep a room's key, unless the one that is known reads more."""
        known = self.inbound_group_store.get(room_id, sender_key, session_id)
        if known is not None:
            try:
                fresh = InboundGroupSession(session_key, sender_fp_key, sender_key, room_id)
            except (vodozemac.SessionCreationException, vodozemac.SessionKeyDecodeException):
                return
            if known.first_known_index <= fresh.first_known_index:
                return
        super().create_group_session(sender_key, sender_fp_key, room_id, session_id, session_key)

    def take_key_requests(self) -> list[RoomKeyRequest]:
        """The requests for keys that came and were not taken back."""
        received: dict[str, object] = self.received_key_requests
        found = [one for one in received.values() if isinstance(one, RoomKeyRequest)]
        received.clear()
        return found

    def marked_again(self) -> None:
        """Look again at the strangers, after their devices were asked for."""
        strangers, self.strangers = self.strangers, set()
        for sender, sender_key in strangers:
            if self.device_store.device_from_sender_key(sender, sender_key) is not None:
                self._mark_device_for_unwedging(sender, sender_key)

    def _mark_device_for_unwedging(self, sender: str, sender_key: str) -> None:
        if self.device_store.device_from_sender_key(sender, sender_key) is None:
            self.strangers.add((sender, sender_key))
            self.users_for_key_query.add(sender)
            return
        super()._mark_device_for_unwedging(sender, sender_key)

    def _should_accept_forward(self, sender: str, sender_key: str, event: ForwardedRoomKeyEvent) -> bool:
        """Only what was asked for, and only from the device that made the session: it need not be trusted more."""
        asked = self.outgoing_key_requests.get(event.session_id)
        return (
            asked is not None
            and (event.algorithm, event.room_id, event.session_id) == (asked.algorithm, asked.room_id, asked.session_id)
            and event.source.get("content", {}).get("sender_key") == sender_key
        )
