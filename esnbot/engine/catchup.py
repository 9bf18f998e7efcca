"""Closing gaps: what the homeserver never pushed is read from the rooms, from the last known event on.

A homeserver may drop events for a service when it restarts at the wrong moment. One incremental ``/sync`` from a kept
token names what the rooms had since; what is known already changes nothing, for the inbox takes each event once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import inbox
from esnbot.engine.clock import now_ms
from esnbot.engine.incoming import split
from esnbot.engine.tables import inbox as inbox_table
from esnbot.matrix.client import MatrixClient
from esnbot.store import kept
from esnbot.store.database import Database

TOKEN: Final = "catchup.since"
NOTHING: Final[dict[str, Any]] = {"room": {"rooms": []}, "presence": {"types": []}, "account_data": {"types": []}}
TIMELINE: Final[dict[str, Any]] = {
    "room": {
        "timeline": {"limit": 50},
        "state": {"lazy_load_members": True},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    },
    "presence": {"types": []},
    "account_data": {"types": []},
}
FURTHEST: Final = 100
"""Pages of 100 events that a room is read back at the most."""

log = structlog.get_logger("esnbot.engine.catchup")


class CatchUp:
    """Reads what was missed while the process, or the homeserver's queue, was down."""

    def __init__(self, database: Database, client: MatrixClient, system: Clock) -> None:
        self._database = database
        self._client = client
        self._system = system

    async def run(self) -> int:
        """Enter what was missed since the kept token and keep a newer one; returns how many events were looked at."""
        async with self._database.read() as conn:
            since = await kept.get(conn, TOKEN)
        if since is None:
            # The first start: there is no past to catch up with.
            await self._keep(await self.token())
            return 0
        answer = await self._client.sync(since, filter=TIMELINE)
        looked = 0
        for room, events in _timelines(answer):
            looked += await self._enter(room, [event async for event in self._whole(room, events, since)])
        await self._keep(str(answer["next_batch"]))
        if looked:
            log.info("caught up", events=looked)
        return looked

    async def token(self) -> str:
        """A sync token of the present, without reading any room."""
        return str((await self._client.sync(filter=NOTHING))["next_batch"])

    async def _keep(self, token: str) -> None:
        await self._database.write(lambda conn: kept.put(conn, TOKEN, token))

    async def _whole(self, room: str, section: dict[str, Any], since: str) -> AsyncIterator[dict[str, Any]]:
        """The room's events since the token, oldest first; a timeline that was cut is read back to a known event."""
        timeline = section.get("timeline", {})
        events = [event for event in timeline.get("events", []) if isinstance(event, dict)]
        older: list[dict[str, Any]] = []
        start = timeline.get("prev_batch") if timeline.get("limited") else None
        for _ in range(FURTHEST):
            if not start:
                break
            page = await self._client.messages(room, start=start, end=since)
            chunk = [event for event in page.get("chunk", []) if isinstance(event, dict)]
            known = await self._known([str(event.get("event_id")) for event in chunk])
            for event in chunk:
                if event.get("event_id") in known:
                    start = None
                    break
                older.append(event)
            else:
                start = page.get("end") if chunk else None
        for event in [*reversed(older), *events]:
            yield event

    async def _known(self, ids: list[str]) -> set[str]:
        async with self._database.read() as conn:
            query = select(inbox_table.c.event_id).where(inbox_table.c.event_id.in_(ids))
            return set((await conn.execute(query)).scalars())

    async def _enter(self, room: str, events: list[dict[str, Any]]) -> int:
        if not events:
            return 0
        body = orjson.dumps({"events": [{**event, "room_id": room} for event in events]})
        found, _malformed = split("catchup", body)

        async def job(conn: AsyncConnection) -> None:
            await inbox.store(conn, found, now_ms(self._system))

        await self._database.write(job)
        return len(found)


def _timelines(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    rooms = answer.get("rooms", {})
    sections = [*rooms.get("join", {}).items(), *rooms.get("leave", {}).items()]
    # An invitation has no timeline: the homeserver gives its state, among it the bot's own membership event.
    for room, section in rooms.get("invite", {}).items():
        events = section.get("invite_state", {}).get("events", [])
        sections.append((room, {"timeline": {"events": [event for event in events if "event_id" in event]}}))
    return sections
