"""What a room bears, asked of the feature ``tempo`` where it is there; without it, only the pause counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.model import Community
from esnbot.features.status import is_paused
from esnbot.speech import Later, later

_MODULE: Final = "esnbot.features.tempo"
_TEMPO: Final[Any] = import_module(_MODULE) if find_spec(_MODULE) is not None else None


@dataclass(frozen=True, slots=True)
class Bearing:
    """Whether something may be posted now."""

    free: bool
    until: datetime | None = None
    """When it is worth asking again; None: that is not known."""
    because: Later | str = ""


async def may_post(
    conn: AsyncConnection, community: Community, key: str, at: datetime, *, promotional: bool
) -> Bearing:
    """Whether the room of a group bears an entry at that moment."""
    if _TEMPO is not None:
        verdict = await _TEMPO.may_post(conn, community, key, at, promotional=promotional)
        return Bearing(verdict.free, verdict.until, verdict.because)
    if await is_paused(conn):
        return Bearing(False, None, later("I am paused."))
    return Bearing(True)


async def posted(conn: AsyncConnection, key: str, at: datetime, *, ref: str, promotional: bool) -> None:
    """Write into the ledger that something is posted, in the transaction that posts it."""
    if _TEMPO is not None:
        await _TEMPO.posted(conn, key, at, of="calendar", ref=ref, promotional=promotional)
