"""Closing gaps: what the homeserver never pushed is read from the rooms, from the last known event on.

A homeserver may drop events for a service when it restarts at the wrong moment. One incremental ``/sync`` from a kept
token names what the rooms had since; what is known already changes nothing, for the inbox takes each event once.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.clock import Clock
from esnbot.engine import effects_in, inbox
from esnbot.engine.clock import now_ms
from esnbot.engine.effects import Observe
from esnbot.engine.incoming import Incoming, split
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import NotMatrix
from esnbot.store import kept, rooms
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
STEP: Final = 500
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
            # The first start: there is no past to catch up with, but perhaps rooms that an earlier database knew.
            token = await self.token()
            await self._observe_unknown(await self._client.joined_rooms())
            await self._keep(token)
            return 0
        answer = await self._client.sync(since, filter=TIMELINE)
        looked = 0
        for room, section in _timelines(answer):
            looked += await self._enter(room, await self._whole(room, section, since))
        for room, section in answer.get("rooms", {}).get("invite", {}).items():
            looked += await self._enter_invitation(room, section, since)
        await self._keep(_token(answer))
        if looked:
            log.info("caught up", events=looked)
        return looked

    async def token(self) -> str:
        """A sync token of the present, without reading any room."""
        return _token(await self._client.sync(filter=NOTHING))

    async def _keep(self, token: str) -> None:
        await self._database.write(lambda conn: kept.put(conn, TOKEN, token))

    async def _whole(self, room: str, section: dict[str, Any], since: str) -> list[dict[str, Any]]:
        """The room's events since the token, oldest first; a timeline that was cut is read back to the token.

        What was before the bot came is not for it.
        """
        timeline = section.get("timeline", {})
        events = _events(timeline.get("events"))
        older: list[dict[str, Any]] = []
        start = timeline.get("prev_batch") if timeline.get("limited") else None
        came = _coming(events, self._client.user)
        if came is not None:
            return events[came:]
        for _ in range(FURTHEST):
            if not start:
                break
            page = await self._client.messages(room, start=start, end=since)
            chunk = _events(page.get("chunk"))
            older.extend(chunk)
            if _coming(chunk, self._client.user) is not None:
                start = None
                break
            start = page.get("end") if chunk else None
        if start:
            log.warning("a room had more events than are read back", room=room, events=len(older))
            await self._observe([room])
        whole = [*reversed(older), *events]
        return whole[_coming(whole, self._client.user) or 0 :]

    async def _observe_unknown(self, joined: list[str]) -> None:
        """Have the state read of rooms that the bot is in and the store knows nothing of."""
        for start in range(0, len(joined), STEP):
            some = joined[start : start + STEP]
            async with self._database.read() as conn:
                known = await rooms.rooms_with(conn, self._client.user, among=some)
            await self._observe([room for room in some if room not in known])

    async def _observe(self, found: list[str]) -> None:
        now = now_ms(self._system)

        async def job(conn: AsyncConnection) -> None:
            effects = [Observe(room=room) for room in found]
            await effects_in.put(conn, "rooms", f"catchup/{now}", effects, now)

        if found:
            await self._database.write(job)

    async def _enter(self, room: str, events: list[dict[str, Any]]) -> int:
        if not events:
            return 0
        # Not orjson: what rooms contain is nested deeper and counts further than it writes.
        body = msgspec.json.encode({"events": [{**event, "room_id": room} for event in events]})
        found, _malformed = split("catchup", body)

        async def job(conn: AsyncConnection) -> None:
            await inbox.store(conn, found, now_ms(self._system))

        await self._database.write(job)
        return len(found)

    async def _enter_invitation(self, room: str, section: dict[str, Any], since: str) -> int:
        """An invitation that nobody pushed. The homeserver gives no event id for it, so it gets one of ours."""
        bot = self._client.user
        for event in _events(section.get("invite_state", {}).get("events")):
            if event.get("type") != "m.room.member" or event.get("state_key") != bot:
                continue
            async with self._database.read() as conn:
                if await rooms.membership(conn, room, bot) == "invite":
                    return 0
            now = now_ms(self._system)
            whole = {**event, "event_id": f"invitation:{room}:{since}", "room_id": room, "origin_server_ts": now}
            incoming = Incoming(whole["event_id"], room, msgspec.json.encode(whole).decode())
            await self._database.write(lambda conn, found=incoming, now=now: inbox.store(conn, [found], now))  # type: ignore[misc]
            return 1
        return 0


def _token(answer: dict[str, Any]) -> str:
    token = answer.get("next_batch")
    if not isinstance(token, str):
        raise NotMatrix("the answer to /sync has no next_batch")
    return token


def _events(found: object) -> list[dict[str, Any]]:
    return [event for event in found if isinstance(event, dict)] if isinstance(found, list) else []


def _coming(events: list[dict[str, Any]], bot: str) -> int | None:
    """Where among the events the bot came into the room for the last time."""
    last = None
    for position, event in enumerate(events):
        content, unsigned = event.get("content"), event.get("unsigned")
        if event.get("type") != "m.room.member" or event.get("state_key") != bot or not isinstance(content, dict):
            continue
        before = unsigned.get("prev_content") if isinstance(unsigned, dict) else None
        was_in = isinstance(before, dict) and before.get("membership") == "join"
        if content.get("membership") == "join" and not was_in:
            last = position
    return last


def _timelines(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = answer.get("rooms", {})
    return [*found.get("join", {}).items(), *found.get("leave", {}).items()]
