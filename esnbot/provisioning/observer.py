"""Observing: the store's picture of the rooms, brought up to date with the homeserver."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Column, Select, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.delivery import observed
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import Refused
from esnbot.provisioning.patience import Patience, together
from esnbot.provisioning.seen import OWNED, Fact, Observed, SeenRoom
from esnbot.provisioning.tables import desired_object, media_upload, provisioned, room_attempt, sync_token
from esnbot.store import bindings, rooms
from esnbot.store.database import Database
from esnbot.store.upsert import upsert

Now = Callable[[], int]
"""The machine's time, in milliseconds."""

TOKEN: Final = "provisioning"
_TYPES: Final = [*OWNED, "m.room.member"]
FILTER: Final[dict[str, Any]] = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "account_data": {"types": []},
        "ephemeral": {"types": []},
        "state": {"types": _TYPES},
        "timeline": {"types": _TYPES, "limit": 50},
    },
}
_NO_ROOMS: Final[dict[str, Any]] = {"presence": {"types": []}, "account_data": {"types": []}, "room": {"rooms": []}}
_IN = ", ".join(f"'{type}'" for type in OWNED)
_LOAD: Final = text(
    "SELECT s.room_id, s.type, s.state_key, s.sender, s.ts, s.content FROM room_state s"
    f" WHERE (s.type IN ({_IN}) OR (s.type = 'm.room.member' AND s.state_key = :bot))"
)
PAGE: Final = 5_000
"""Rows that are read at once."""
_LOAD_PAGE = text(
    _LOAD.text + " AND (s.room_id, s.type, s.state_key) > (:room, :type, :state_key)"
    " ORDER BY s.room_id, s.type, s.state_key LIMIT :limit"
)
_LOAD_SOME = text(_LOAD.text + " AND s.room_id = :room")


class Observer:
    """Knows how rooms look; the store is its memory."""

    def __init__(self, database: Database, client: MatrixClient, patience: Patience, in_flight: int, now: Now) -> None:
        self._now = now
        self._database = database
        self._client = client
        self._patience = patience
        self._in_flight = in_flight

    async def refresh(self, *, fresh: bool = False) -> None:
        """Bring the store up to date by one incremental sync; ``fresh``, or without a token, by reading every room."""
        async with self._database.read() as conn:
            query = select(sync_token.c.token).where(sync_token.c.name == TOKEN)
            token = (await conn.execute(query)).scalar_one_or_none()
        if token is None or fresh:
            answer = await self._patience(lambda: self._client.sync(filter=_NO_ROOMS))
            await self.read_rooms(await self._patience(self._client.joined_rooms))
            await self._read_directory()
            token = str(answer["next_batch"])
        asked = self._now()
        answer = await self._patience(lambda: self._client.sync(token, filter=FILTER))
        sections = answer.get("rooms", {})
        joined = {room: section for room, section in sections.get("join", {}).items() if isinstance(section, dict)}
        # A room that is new to us comes whole, whatever its timeline says.
        cut = [
            room
            for room, section in joined.items()
            if section.get("timeline", {}).get("limited") and not _has_creation(section)
        ]
        whole = {room: section for room, section in joined.items() if room not in cut}
        left = list(sections.get("leave", {}))
        next_batch = str(answer["next_batch"])

        now = self._now()

        async def keep(conn: AsyncConnection) -> None:
            for room, section in whole.items():
                events = _events_of(room, section, now)
                # What was pushed while the homeserver answered is newer than the answer.
                newer = await rooms.newer(conn, room, events, asked - rooms.JUST_NOW_MS)
                await rooms.trust(conn, events)
                await rooms.trust(conn, newer)
            for room in left:
                await rooms.forget(conn, room)
            await upsert(conn, sync_token, {"name": TOKEN, "token": next_batch})

        # Rooms whose timeline was cut first: if reading them fails, the old token makes the next attempt see them.
        await self.read_rooms(cut)
        await self._database.write(keep)

    async def _read_directory(self) -> None:
        """Look which rooms the server's directory lists: no event says so."""
        async with self._database.read() as conn:
            marks = (await conn.execute(select(provisioned.c.key, provisioned.c.room_id))).all()
        gate = asyncio.Semaphore(self._in_flight)

        async def one(key: str, room: str) -> None:
            async with gate:
                try:
                    listed = await self._patience(lambda: self._client.directory_visibility(room))
                except Refused:
                    return
            statement = update(provisioned).where(provisioned.c.key == key).values(listed=listed)
            await self._database.write(lambda conn: conn.execute(statement))

        async with together() as group:
            for mark in marks:
                group.create_task(one(mark.key, mark.room_id))

    async def read_rooms(self, room_ids: Sequence[str]) -> list[str]:
        """Read rooms whole from the homeserver; returns those that the bot may not read."""
        gate = asyncio.Semaphore(self._in_flight)
        refused: list[str] = []

        async def one(room: str) -> None:
            async with gate:
                asked = self._now()
                try:
                    events = await self._patience(lambda: self._client.state(room))
                except Refused as error:
                    if error.passes:
                        # The homeserver does not know the bot at present: that says nothing about the room.
                        raise
                    refused.append(room)
                    await self._database.write(lambda conn: rooms.forget(conn, room))
                    return
            now = self._now()
            found = [event for raw in events if (event := observed(room, raw, now)) is not None]

            async def keep(conn: AsyncConnection) -> None:
                newer = await rooms.newer(conn, room, found, asked - rooms.JUST_NOW_MS)
                await rooms.replace(conn, room, found)
                await rooms.trust(conn, newer)

            await self._database.write(keep)

        async with together() as group:
            for room in room_ids:
                group.create_task(one(room))
        return refused

    async def look(
        self,
        *,
        keys: Sequence[str] | None = None,
        aliases: Iterable[str] = (),
        avatars: Iterable[str] = (),
    ) -> Observed:
        """The picture as the store has it, of everything or of some keys; ``aliases`` are looked up."""
        looked_up = await self._look_up(aliases)
        async with self._database.read() as conn:
            bound = await _bound(conn, keys)
            marks = (await conn.execute(_of(select(provisioned), provisioned.c.key, keys))).all()
            attempts = (await conn.execute(select(room_attempt.c.key))).scalars().all()
            media = await _uploaded(conn, avatars)
            known = await load_rooms(conn, self._client.user, None if keys is None else list(bound.values()))
        # Without its creation a room is known in part only, and nobody's power in it: it is read again.
        seen = {room_id: room for room_id, room in known.items() if room.whole}
        missing = [room for room in bound.values() if room not in seen]
        if missing:
            seen |= await self._missing(missing)
        taken = frozenset(bound.values())
        found = {
            room.made_for: room.room_id
            for room in seen.values()
            if room.room_id not in taken
            and room.made_for is not None
            and not room.made_for.startswith("direct:")
            and self._client.user in room.founders
            and room.joined(self._client.user)
            and room.content("m.room.tombstone") is None
        }
        return Observed(
            rooms=seen,
            bindings=bound,
            ready=frozenset(
                mark.key for mark in marks if mark.ready is not None and bound.get(mark.key) == mark.room_id
            ),
            listed={mark.key: mark.listed for mark in marks},
            found=found,
            aliases=looked_up,
            attempts=frozenset(attempts),
            media=media,
        )

    async def _missing(self, room_ids: Sequence[str]) -> dict[str, SeenRoom]:
        """Bound rooms that the store knows nothing of, or not enough."""
        await self.read_rooms(room_ids)
        async with self._database.read() as conn:
            return await load_rooms(conn, self._client.user, room_ids)

    async def _look_up(self, aliases: Iterable[str]) -> dict[str, str | None]:
        gate = asyncio.Semaphore(self._in_flight)
        found: dict[str, str | None] = {}

        async def one(alias: str) -> None:
            async with gate:
                found[alias] = await self._patience(lambda: self._client.resolve_alias(alias))

        async with together() as group:
            for alias in dict.fromkeys(aliases):
                group.create_task(one(alias))
        return found

    async def read(self, room: str) -> SeenRoom | None:
        """One room as the homeserver has it now; None when the bot may not read it."""
        if await self.read_rooms([room]):
            return None
        async with self._database.read() as conn:
            return (await load_rooms(conn, self._client.user, [room])).get(room)


async def _state_of(conn: AsyncConnection, bot: str, only: Sequence[str] | None) -> AsyncIterator[tuple[Any, ...]]:
    """The rows to compare, of some rooms or of all, so many at a time that they never all are in memory."""
    for room in only or ():
        for row in await conn.execute(_LOAD_SOME, {"bot": bot, "room": room}):
            yield tuple(row)
    last: Sequence[str] | None = ("", "", "") if only is None else None
    while last is not None:
        page = {"bot": bot, "room": last[0], "type": last[1], "state_key": last[2], "limit": PAGE}
        rows = (await conn.execute(_LOAD_PAGE, page)).all()
        for row in rows:
            yield tuple(row)
        last = rows[-1][:3] if len(rows) == PAGE else None


async def load_rooms(conn: AsyncConnection, bot: str, only: Sequence[str] | None) -> dict[str, SeenRoom]:
    """What the store knows of the rooms, or of some, as far as plans compare it."""
    states: dict[str, dict[tuple[str, str], Fact]] = {}
    # Thousands of rooms have the same join rules, the same power levels, the same sender: each is kept once.
    contents: dict[str, Any] = {}
    async for room, type, state_key, sender, ts, raw in _state_of(conn, bot, only):
        content = contents.get(raw)
        if content is None:
            content = contents.setdefault(raw, orjson.loads(raw))
        if isinstance(content, dict):
            states.setdefault(room, {})[sys.intern(type), sys.intern(state_key)] = Fact(content, sys.intern(sender), ts)
    return {room: SeenRoom(room, state) for room, state in states.items()}


async def left_spaces(conn: AsyncConnection, keys: Sequence[str]) -> list[str]:
    """Keys of the spaces that the rooms of these keys say they stand in, which may not be where they should be."""
    rooms_of = bindings.binding.alias()
    spaces = bindings.binding.alias()
    query = (
        select(spaces.c.key)
        .select_from(rooms_of)
        .join(rooms.room_state, rooms.room_state.c.room_id == rooms_of.c.room_id)
        .join(spaces, spaces.c.room_id == rooms.room_state.c.state_key)
        .where(rooms_of.c.key.in_(keys), rooms.room_state.c.type == "m.space.parent")
    )
    said = (await conn.execute(query)).scalars().all()
    return list(dict.fromkeys([*said, *await _listing(conn, keys)]))


async def _listing(conn: AsyncConnection, keys: Sequence[str]) -> list[str]:
    """Keys of the spaces that list one of these rooms: not all that do are named by the room itself."""
    ours = select(bindings.binding.c.room_id).where(bindings.binding.c.key.in_(keys))
    spaces = select(bindings.binding.c.room_id, bindings.binding.c.key).join(
        desired_object, desired_object.c.key == bindings.binding.c.key
    )
    found = {row.room_id: row.key for row in await conn.execute(spaces.where(desired_object.c.kind == "space"))}
    # By primary key: so many spaces times so many rooms.
    query = select(rooms.room_state.c.room_id, rooms.room_state.c.content).where(
        rooms.room_state.c.room_id.in_(list(found)),
        rooms.room_state.c.type == "m.space.child",
        rooms.room_state.c.state_key.in_((await conn.execute(ours)).scalars().all()),
    )
    return [found[row.room_id] for row in await conn.execute(query) if row.content.get("via")]


async def _bound(conn: AsyncConnection, keys: Sequence[str] | None) -> dict[str, str]:
    query = _of(select(bindings.binding.c.key, bindings.binding.c.room_id), bindings.binding.c.key, keys)
    rows = await conn.execute(query)
    return {row.key: row.room_id for row in rows if not row.key.startswith("direct:")}


def _of(query: Select[Any], column: Column[Any], keys: Sequence[str] | None) -> Select[Any]:
    return query if keys is None else query.where(column.in_(keys))


async def _uploaded(conn: AsyncConnection, avatars: Iterable[str]) -> dict[str, str]:
    paths = [path for path in dict.fromkeys(avatars) if not path.startswith("mxc://")]
    if not paths:
        return {}
    rows = await conn.execute(select(media_upload.c.digest, media_upload.c.uri).where(media_upload.c.done.is_(True)))
    uris = {row.digest: row.uri for row in rows}
    digests = await asyncio.to_thread(lambda: {path: file_digest(path) for path in paths})
    return {path: uris[digest] for path, digest in digests.items() if digest in uris}


def file_digest(path: str) -> str:
    """SHA-256 of a file's content; '' when it cannot be read (whoever needs it says so)."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def _events_of(room: str, section: Mapping[str, Any], now_ms: int) -> list[rooms.StateEvent]:
    found: list[rooms.StateEvent] = []
    for part in ("state", "timeline"):
        for raw in section.get(part, {}).get("events", []):
            event = observed(room, raw, now_ms) if isinstance(raw, dict) else None
            if event is not None:
                found.append(event)
    return found


def _has_creation(section: Mapping[str, Any]) -> bool:
    return any(
        isinstance(raw, dict) and raw.get("type") == "m.room.create"
        for part in ("state", "timeline")
        for raw in section.get(part, {}).get("events", [])
    )
