"""Reading events from the homeserver for handlers, which await only the database.

A handler returns ``Fetch``; the outbox reads, and what was found comes in by the one door as a ``FETCHED`` event for a
job of the module's. What is encrypted comes, waits and goes as ciphertext: the job opens it (``Context.open``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from esnbot.engine.effects import Fetch
from esnbot.engine.event import Event
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import NotMatrix, Refused, TokenRefused

MOST_BYTES: Final = 400_000
"""Of what one reading brings: a row of the inbox holds it for a moment."""
PAGE: Final = 100
THREAD: Final = "m.thread"
REPLACE: Final = "m.replace"


@dataclass(frozen=True, slots=True)
class Found:
    """An event that the homeserver has, as it came (perhaps encrypted), with its last edit."""

    event: Event
    edit: Event | None = None
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a job gets for a ``Fetch``."""

    room_id: str
    root: Found | None
    """The event; None when it is not there, or not for the bot to see."""
    thread: tuple[Found, ...]
    """The events of the thread under it, oldest first."""
    whole: bool
    """Whether those are all of them."""
    payload: dict[str, Any]


async def fetch(client: MatrixClient, room: str, wanted: Fetch) -> dict[str, Any]:
    """Read what is wanted, as JSON values for ``read``. Raises ``HomeserverError`` when it is to be tried again."""
    try:
        root = await client.event(room, wanted.event)
    except TokenRefused:
        raise
    # Not there, not for the bot to see, no id of an event, or nested too deep to be read.
    except (Refused, NotMatrix):
        root = None
    first = _told(root)
    if root is None or first is None:
        return {"root": None, "thread": [], "whole": True}
    thread: list[dict[str, Any]] = []
    whole = True
    if wanted.thread and THREAD in _relations(root):
        thread, whole = await _thread(client, room, wanted)
    found = {"root": first, "thread": thread, "whole": whole}
    # A null character is legal JSON, and PostgreSQL cannot store it.
    return dict(msgspec.json.decode(msgspec.json.encode(found).replace(b"\\u0000", b"\\ufffd")))


async def _thread(client: MatrixClient, room: str, wanted: Fetch) -> tuple[list[dict[str, Any]], bool]:
    found: list[dict[str, Any]] = []
    size, start = 0, None
    while True:
        try:
            page = await client.relations(room, wanted.event, THREAD, start=start, limit=PAGE)
        except TokenRefused:
            raise
        except (Refused, NotMatrix):
            return found, False
        chunk = page.get("chunk")
        for event in chunk if isinstance(chunk, list) else []:
            told = _told(event)
            if told is None:
                continue
            size += len(msgspec.json.encode(told))
            if size > MOST_BYTES or len(found) >= wanted.most:
                return found, False
            found.append(told)
        start = page.get("next_batch")
        if not isinstance(start, str) or not chunk:
            return found, True


def read(event: Event) -> Fetched:
    """What a ``FETCHED`` event brings."""
    content = event.content
    root = content.get("root")
    return Fetched(
        room_id=event.room_id,
        root=_found(event.room_id, root) if isinstance(root, dict) else None,
        thread=tuple(_found(event.room_id, one) for one in content.get("thread", [])),
        whole=bool(content.get("whole")),
        payload=dict(content.get("payload", {})),
    )


def _found(room: str, told: dict[str, Any]) -> Found:
    edit = told.get("edit")
    return Found(_event(room, told), _event(room, edit) if isinstance(edit, dict) else None, bool(told["redacted"]))


def _event(room: str, told: dict[str, Any]) -> Event:
    return Event(
        event_id=told["event_id"],
        room_id=room,
        type=told["type"],
        sender=told["sender"],
        ts=told["ts"],
        content=told["content"],
    )


def _told(event: Any) -> dict[str, Any] | None:
    """What is kept of an event; None for what is none."""
    plain = _plain(event)
    if plain is None:
        return None
    unsigned = event.get("unsigned")
    plain["redacted"] = isinstance(unsigned, dict) and "redacted_because" in unsigned
    # Some homeservers give the whole edit (since Matrix 1.3), and an edit counts only when it is of the same person.
    edit = _plain(_relations(event).get(REPLACE))
    if edit is not None and (edit["sender"], edit["type"]) == (plain["sender"], plain["type"]):
        plain["edit"] = edit
    return plain


def _plain(event: Any) -> dict[str, Any] | None:
    match event:
        case {
            "event_id": str(event_id),
            "type": str(type),
            "sender": str(sender),
            "origin_server_ts": int(ts),
            "content": dict(content),
        }:
            return {"event_id": event_id, "type": type, "sender": sender, "ts": ts, "content": content}
    return None


def _relations(event: dict[str, Any]) -> dict[str, Any]:
    unsigned = event.get("unsigned")
    relations = unsigned.get("m.relations") if isinstance(unsigned, dict) else None
    return relations if isinstance(relations, dict) else {}


__all__: Sequence[str] = ["MOST_BYTES", "Fetched", "Found", "fetch", "read"]
