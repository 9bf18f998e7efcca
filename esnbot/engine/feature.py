"""The contract between the engine and what runs on it: listeners, due-handlers, and what a handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.cipher import Cipher, locked, reopened, unlocked
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler may use: its transaction, and the time. Await nothing but the connection."""

    conn: AsyncConnection
    now: datetime
    """The clock's present instant, aware, in UTC (the event's own time is ``event.moment``)."""
    bot: str
    """The bot's user id."""
    cipher: Cipher | None = None
    """The encrypted device, for ``open`` alone."""
    opened: list[str] = field(default_factory=list, compare=False)
    """Ids of the events that ``open`` opened: an error that follows may quote them, and is kept without its words."""

    def lock(self, words: Any) -> Any:
        """What may be kept of words (JSON values) of an encrypted room, for ``unlock``. Raises ``DeviceAway``."""
        return locked(words, self.cipher)

    def unlock(self, kept: Any) -> Any:
        """What was locked; other values as they are. Raises as ``open``, and ``ValueError`` for what is lost."""
        return unlocked(kept, self.cipher)

    def open(self, kept: Event) -> Event | None:
        """An event that was stored with ``Event.kept``, as it was; a plain one is returned as it is.

        None when it cannot be read any more. Raises ``DeviceAway`` while another process has the encrypted device:
        let it pass, and the engine tries again.
        """
        found = reopened(kept, self.cipher)
        if found is not None and found.sealed is not None:
            self.opened.append(found.event_id)
        return found


Handler = Callable[[Context, Event], Awaitable[Sequence[Effect]]]


@dataclass(frozen=True, slots=True)
class Listener:
    """Which events a handler gets. ``wants`` is a cheap look that spares a savepoint for the others."""

    types: frozenset[str]
    handle: Handler
    wants: Callable[[Event], bool] | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """What the engine runs: one feature, or a part of the core, under one name."""

    name: str
    listeners: tuple[Listener, ...] = ()
    due: Mapping[str, Handler] = field(default_factory=dict)
    """Job name to handler of the ``DUE`` event, or of the ``FETCHED`` one when it was asked for by ``Fetch``."""
    start: Callable[[Context], Awaitable[Sequence[Effect]]] | None = None
    """Called once when the process starts; effects need keys that make them harmless to repeat."""
    gate: bool = False
    """Gates run before the others."""
    export: Callable[[AsyncConnection, str], Awaitable[Mapping[str, Any]]] | None = None
    """All that is kept about one person, as JSON values."""
    erase: Callable[[Context, str], Awaitable[Sequence[Effect]]] | None = None
    """Erase what is kept about one person; effects put right what stands in rooms."""
