"""What the engine needs of an encrypted device: events opened at dispatch, contents sealed at delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec

from esnbot.engine.event import ENCRYPTED, Event

UNREADABLE: Final = "org.esnbot.unreadable"
"""An encrypted event was given up; content: ``event_id``, ``sender``, ``thread`` (the root, or '')."""
PAUSES: Final = (5_000, 600_000)
"""Milliseconds between two looks for a key that nobody announced: at first, and in the end."""
GIVE_UP_MS: Final = 3_600_000
"""How long a key is waited for."""


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
        self, room: str, type: str, content: Mapping[str, Any], members: Iterable[str]
    ) -> tuple[str, dict[str, Any]]:
        """Type and content to send instead. Raises ``HomeserverError``."""
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


def pause_ms(waited: int) -> int:
    """How long to wait for a key before looking again without being told."""
    first, last = PAUSES
    return max(first, min(waited // 2, last))


def unreadable(event: Event) -> dict[str, Any]:
    """Content of ``UNREADABLE``."""
    relation = event.content.get("m.relates_to")
    thread = relation.get("event_id") if isinstance(relation, dict) and relation.get("rel_type") == "m.thread" else ""
    return {"event_id": event.event_id, "sender": event.sender, "thread": thread if isinstance(thread, str) else ""}


__all__ = [
    "ENCRYPTED",
    "GIVE_UP_MS",
    "PAUSES",
    "UNREADABLE",
    "Cipher",
    "DeviceAway",
    "opened",
    "pause_ms",
    "reopened",
    "unreadable",
]
