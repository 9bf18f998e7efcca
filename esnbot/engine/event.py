"""What happened: an event of a room, or one of ours, as a small value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

DUE: Final = "org.esnbot.due"
"""A scheduled job has come due; content: ``job``, ``key``, ``due`` (ms), ``payload``, ``missed`` (bool)."""
FETCHED: Final = "org.esnbot.fetched"
"""What a ``Fetch`` found; content: ``module``, ``job``, ``payload``, and what ``esnbot.engine.fetching`` reads."""
ENCRYPTED: Final = "m.room.encrypted"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event as handlers see it; from the homeserver, or internal (type ``org.esnbot.…``)."""

    event_id: str
    room_id: str
    """'' for internal events that belong to no room."""
    type: str
    sender: str
    ts: int
    """Milliseconds; clamped between the room's previous event and the arrival."""
    content: dict[str, Any]
    state_key: str | None = None
    redacts: str = ""
    sealed: dict[str, Any] | None = None
    """The content as it came, when it was encrypted; None for what was not."""
    origin_ts: int | None = None
    """What the sender's homeserver says that the time is, when it was encrypted: opening it again needs that."""

    def kept(self) -> Event:
        """The event in the form in which it may be stored: as ciphertext, when it came so (see ``Context.open``)."""
        if self.sealed is None:
            return self
        return msgspec.structs.replace(self, type=ENCRYPTED, content=self.sealed, sealed=None)

    @property
    def moment(self) -> datetime:
        """When it happened, aware, in UTC."""
        return datetime.fromtimestamp(self.ts / 1000, UTC)

    @property
    def is_internal(self) -> bool:
        """Whether it was made by this software; whatever type people send, their event ids begin with ``$``."""
        return not self.event_id.startswith("$")

    def text(self, key: str) -> str:
        """A string of the content, '' when it is missing or something else."""
        value = self.content.get(key)
        return value if isinstance(value, str) else ""
