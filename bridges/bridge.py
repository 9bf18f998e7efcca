"""What every bridge is to the rest: something outside that brings events in, and that effects go out to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import inbox
from esnbot.engine.clock import now_ms
from esnbot.engine.signals import INBOX, Signals
from esnbot.store.database import Database


@dataclass(frozen=True, slots=True)
class Doorway:
    """What a bridge is given to run with: the database, the machine's time, and the one way in."""

    database: Database
    clock: Clock
    """The machine's clock: others' servers do not live in the community's time, which may be moved."""
    signals: Signals
    holder: str
    """What this process is called in leases."""

    async def enter(
        self, conn: AsyncConnection, id: str, type: str, content: Mapping[str, Any], *, queue: str = ""
    ) -> bool:
        """Enter something with what the bridge itself writes in the same transaction; whether it was new.

        The id is the same when the thing is brought again; the type begins with ``org.esnbot.``; the events of one
        queue are handled in order. Call ``entered`` after the commit.
        """
        return await inbox.put_internal(conn, id, type, dict(content), now_ms(self.clock), queue=queue)

    def entered(self) -> None:
        """Wake those who handle what was entered."""
        self.signals.set(INBOX)


class Bridge(Protocol):
    """One outside network: feeds, e-mail, webhooks, calendars, a directory."""

    @property
    def name(self) -> str:
        """Name of its folder, of its lease, and of the machine that ``Nudge`` wakes."""
        ...

    async def run(self, door: Doorway) -> None:
        """Bring what happens outside until cancelled; what could not be entered is brought again."""
        ...

    async def deliver(self, key: str, content: Mapping[str, Any]) -> None:
        """Put something out, safe to repeat: ``key`` is the other side's own (a Message-ID, a delivery id, a UID)."""
        ...
