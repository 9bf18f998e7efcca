"""From the bytes of a transaction to events: fast for what is right, and a clear word for what is not.

Application Service API, 'Pushing events'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from esnbot.engine import shallow
from esnbot.engine.event import Event
from esnbot.engine.shallow import MalformedTransaction


class MalformedEvent(ValueError):
    """Something in a transaction is no event."""


LONGEST: Final = 255
"""Bytes of an event's type, state key or sender (Client-Server API, 'size limits')."""


class _Transaction(msgspec.Struct):
    events: list[msgspec.Raw] = []


class _Head(msgspec.Struct):
    event_id: str
    room_id: str


class _Whole(msgspec.Struct):
    event_id: str
    type: str
    sender: str
    content: dict[str, Any]
    origin_server_ts: int
    room_id: str = ""
    state_key: str | None = None
    redacts: Any = None
    unsigned: Any = None


class Incoming(msgspec.Struct, frozen=True):
    """One event of a transaction, not looked at further than its ids."""

    event_id: str
    room_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """What stood where an event should be."""

    key: str
    body: str
    reason: str


_transaction = msgspec.json.Decoder(_Transaction)
_head = msgspec.json.Decoder(_Head)
_whole = msgspec.json.Decoder(_Whole)


def split(transaction: str, body: bytes) -> tuple[list[Incoming], list[Malformed]]:
    """The events of a transaction's body and what is none; raises ``MalformedTransaction``."""
    raws: Sequence[msgspec.Raw | bytes]
    try:
        raws = _transaction.decode(body).events
    except msgspec.ValidationError as error:
        raise MalformedTransaction(f"the body is no transaction: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # One event that is nested too deep, or holds half a character, must not make the others wait for ever.
        raws = shallow.events_of(body)
        if not any(_is_event(raw) for raw in raws):
            raise MalformedTransaction(f"the body is no transaction: {error}") from error
    events: list[Incoming] = []
    malformed: list[Malformed] = []
    for position, raw in enumerate(raws):
        try:
            head = _head.decode(raw)
            if not (head.event_id.startswith("$") and head.room_id.startswith("!")):
                raise MalformedEvent("event_id or room_id has the wrong sigil")
            text = bytes(raw).decode()
            # A null character is legal JSON, and PostgreSQL cannot store it.
            if "\\u0000" in text:
                text = text.replace("\\u0000", "\\ufffd")
            events.append(Incoming(_storable(head.event_id), _storable(head.room_id), text))
        except (msgspec.DecodeError, MalformedEvent, UnicodeDecodeError, RecursionError) as error:
            text = bytes(raw).decode(errors="replace").replace("\x00", "\ufffd")
            digest = sha256(bytes(raw)).hexdigest()[:16]
            malformed.append(Malformed(f"{transaction}/{position}/{digest}", text[:10_000], str(error)))
    return events, malformed


def _is_event(raw: msgspec.Raw | bytes) -> bool:
    try:
        _head.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _storable(identifier: str) -> str:
    if "\x00" in identifier or not identifier.isprintable() or len(identifier) > 512:
        raise MalformedEvent("an id has characters or a length that no id has")
    return identifier


def parse(body: str) -> tuple[Event, str]:
    """A stored event and the id of the state event that it replaces; raises ``MalformedEvent``."""
    try:
        whole = _whole.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedEvent(str(error)) from error
    if any(len(name.encode()) > LONGEST for name in (whole.type, whole.sender, whole.state_key or "")):
        raise MalformedEvent("type, sender or state_key is longer than any may be")
    unsigned = whole.unsigned if isinstance(whole.unsigned, dict) else {}
    replaces = unsigned.get("replaces_state")
    redacts = whole.redacts or whole.content.get("redacts")
    event = Event(
        event_id=whole.event_id,
        room_id=whole.room_id,
        type=whole.type,
        sender=whole.sender,
        ts=whole.origin_server_ts,
        content=whole.content,
        state_key=whole.state_key,
        redacts=redacts if isinstance(redacts, str) else "",
    )
    return event, replaces if isinstance(replaces, str) else ""


__all__ = ["Incoming", "Malformed", "MalformedEvent", "MalformedTransaction", "parse", "split"]
