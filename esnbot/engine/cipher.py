"""What the engine needs of an encrypted device: events opened at dispatch, contents sealed at delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from esnbot.engine.event import ENCRYPTED, Event
from esnbot.engine.letters import LOCKED

UNREADABLE: Final = "org.esnbot.unreadable"
"""An encrypted event was given up; content: ``event_id``, ``sender``, ``ts``, ``thread`` (the root, or '')."""
NOT_YET_READABLE: Final = "org.esnbot.not_yet_readable"
"""An encrypted event has waited for its key for ``TELL_MS``; content as of ``UNREADABLE``."""
PAUSES: Final = (5_000, 600_000)
"""Milliseconds between two looks for a key that nobody announced: at first, and in the end."""
GIVE_UP_MS: Final = 3_600_000
"""How long a key is waited for."""
TELL_MS: Final = 120_000
"""After how long the person may be told: keys often come late, seldom later than this."""


class DeviceAway(Exception):
    """What is encrypted cannot be opened by this process now: the engine tries again without counting attempts."""


class Cipher(Protocol):
    """An encrypted device. It is not ready while another process has it."""

    news: int
    """Grows whenever something may have become readable."""
    on_news: Callable[[], None]

    @property
    def ready(self) -> bool:
        """Whether it can be used now."""
        ...

    def decrypt(
        self, room: str, sender: str, event: str, ts: int, content: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        """Type and content; None while the key is missing. Raises what it wants when no key will ever help."""
        ...

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
        """Type and content to send instead; ``encryption`` is what the room says of it. Raises ``HomeserverError``.

        ``lasting``: its key is kept, for ``acquaint``, and is the key of nothing else.
        """
        ...

    async def acquaint(self, room: str, members: Iterable[str]) -> None:
        """Give the keys that were kept to the members' devices that lack them. Raises ``HomeserverError``."""
        ...

    def lock(self, words: bytes) -> str:
        """Words of an encrypted room that have to be kept in the database, as nobody reads them there."""
        ...

    def unlock(self, locked: str) -> bytes:
        """Words that were locked. Raises what it wants when they cannot be opened any more."""
        ...

    async def has_devices(self, user: str) -> bool:
        """Whether a person can be written to encrypted. Raises ``HomeserverError``."""
        ...


def opened(event: Event, original_ts: int, cipher: Cipher) -> Event | None:
    """The event that was encrypted; None while its key is missing. Raises what the cipher raises."""
    found = cipher.decrypt(event.room_id, event.sender, event.event_id, original_ts, event.content)
    if found is None:
        return None
    type, content = found
    if type.startswith("org.esnbot.") or type == ENCRYPTED:
        return event
    return msgspec.structs.replace(event, type=type, content=content, sealed=event.content, origin_ts=original_ts)


def reopened(event: Event, cipher: Cipher | None) -> Event | None:
    """A kept event as it was when it was handled; None when it cannot be read any more. Raises ``DeviceAway``."""
    if event.type != ENCRYPTED:
        return event
    if cipher is None:
        return None
    if not cipher.ready:
        raise DeviceAway
    try:
        found = opened(event, event.ts if event.origin_ts is None else event.origin_ts, cipher)
    # Whatever the cipher raises: it could be read once and cannot any more.
    except Exception:  # noqa: BLE001
        return None
    return None if found is None or found.type == ENCRYPTED else found


def locked(words: Any, cipher: Cipher | None) -> dict[str, Any]:
    """Words of an encrypted room as the database may have them. Raises ``DeviceAway``."""
    if cipher is None or not cipher.ready:
        raise DeviceAway
    return {LOCKED: cipher.lock(msgspec.json.encode(words))}


def unlocked(kept: Any, cipher: Cipher | None) -> Any:
    """What was locked, else what is given. Raises ``DeviceAway``, ``ValueError`` when it cannot be read any more."""
    if not isinstance(kept, dict) or not isinstance(words := kept.get(LOCKED), str):
        return kept
    if cipher is None or not cipher.ready:
        raise DeviceAway
    try:
        return msgspec.json.decode(cipher.unlock(words))
    # Whatever the cipher raises: it could be read once and cannot any more.
    except Exception as error:
        raise ValueError("what was locked cannot be opened") from error


def pause_ms(waited: int) -> int:
    """How long to wait for a key before looking again without being told."""
    first, last = PAUSES
    pause = max(first, min(waited // 2, last))
    # Not past the moments at which something is to be said.
    return min((pause, *(moment - waited for moment in (TELL_MS, GIVE_UP_MS) if moment > waited)))


def unreadable(event: Event, original_ts: int) -> dict[str, Any]:
    """Content of ``UNREADABLE`` and ``NOT_YET_READABLE``."""
    relation = event.content.get("m.relates_to")
    thread = relation.get("event_id") if isinstance(relation, dict) and relation.get("rel_type") == "m.thread" else ""
    return {
        "event_id": event.event_id,
        "sender": event.sender,
        "ts": original_ts,
        "thread": thread if isinstance(thread, str) else "",
    }


__all__ = [
    "ENCRYPTED",
    "GIVE_UP_MS",
    "NOT_YET_READABLE",
    "PAUSES",
    "TELL_MS",
    "UNREADABLE",
    "Cipher",
    "DeviceAway",
    "locked",
    "opened",
    "pause_ms",
    "reopened",
    "unlocked",
    "unreadable",
]
