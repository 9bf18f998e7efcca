"""Encrypted events whose key has not arrived: they wait beside the inbox, and their rooms go on without them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import inbox
from esnbot.engine.cipher import (
    GIVE_UP_MS,
    NOT_YET_READABLE,
    TELL_MS,
    UNREADABLE,
    Cipher,
    opened,
    pause_ms,
    unreadable,
)
from esnbot.engine.event import Event
from esnbot.engine.tables import State

log = structlog.get_logger("esnbot.engine.parking")


class Left(Enum):
    """What became of an event that cannot be read."""

    parked = "parked"
    over = "over"


class Parking:
    """Opens encrypted events, and keeps those that cannot be opened yet."""

    def __init__(self, cipher: Cipher, bot: str, *, sqlite: bool) -> None:
        self._cipher = cipher
        self._bot = bot
        self._unpark = _UNPARK if sqlite else _UNPARK_UNLOCKED
        self._news = -1

    async def look_again(self, conn: AsyncConnection, now: int) -> None:
        """Look again at what waits for keys: all of it when some arrived, and what has waited long enough."""
        if not self._cipher.ready:
            return
        news = self._cipher.news
        await conn.execute(self._unpark, {"now": now, "all": news != self._news})
        self._news = news

    async def drop(self, conn: AsyncConnection, redaction: Event) -> None:
        """Forget what was taken back before it could be read."""
        await conn.execute(_DROP, {"event": redaction.redacts, "room": redaction.room_id})

    async def opened(
        self, conn: AsyncConnection, row: Row[Any], event: Event, original_ts: int, now: int
    ) -> Event | Left:
        """What was encrypted, or what became of it. ``original_ts`` is the time that its sender's server gave it."""
        try:
            found = opened(event, original_ts, self._cipher)
        # Whatever was sent as ciphertext: no key will help, and nobody else waits for it.
        except Exception as error:  # noqa: BLE001
            log.warning("an encrypted event cannot be read", event_id=event.event_id, error=type(error).__name__)
            return event
        if found is not None:
            return found
        if not self._cipher.ready:
            # For the process that has the device, or for this one once it has.
            await conn.execute(_PARK, {"seq": row.seq, "not_before": now})
            return Left.parked
        waited = max(0, now - row.arrived)
        if event.sender == self._bot:
            return Left.over
        if waited >= GIVE_UP_MS:
            log.warning("the key of an encrypted event did not arrive", event_id=event.event_id)
            await self._tell(conn, UNREADABLE, event, original_ts, now)
            return Left.over
        if waited >= TELL_MS:
            await self._tell(conn, NOT_YET_READABLE, event, original_ts, now)
        await conn.execute(_PARK, {"seq": row.seq, "not_before": now + pause_ms(waited)})
        return Left.parked

    async def _tell(self, conn: AsyncConnection, type: str, event: Event, original_ts: int, now: int) -> None:
        content = unreadable(event, original_ts)
        await inbox.put_internal(conn, f"{type}:{event.event_id}", type, content, now, room_id=event.room_id)


_PARK = text(f"UPDATE inbox SET state = {State.parked.value}, not_before = :not_before WHERE seq = :seq")
_DROP = text(
    f"UPDATE inbox SET state = {State.done.value}, body = NULL, remaining = NULL, not_before = 0"
    " WHERE event_id = :event AND queue = :room AND state = 3"
)
_PARKED = "SELECT seq FROM inbox WHERE state = 3 AND (:all OR not_before <= :now)"
_UNPARK = text(f"UPDATE inbox SET state = 0, not_before = 0 WHERE seq IN ({_PARKED})")
_UNPARK_UNLOCKED = text(f"UPDATE inbox SET state = 0, not_before = 0 WHERE seq IN ({_PARKED} FOR UPDATE SKIP LOCKED)")
