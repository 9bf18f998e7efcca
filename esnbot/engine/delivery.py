"""Delivering one effect: each kind in the way that makes it safe to repeat (docs/engine.md has the table)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine import effects as do
from esnbot.engine import fetching, inbox
from esnbot.engine.address import Address, Undeliverable
from esnbot.engine.event import FETCHED
from esnbot.engine.power import adjusted
from esnbot.engine.sealing import Sealing
from esnbot.engine.tables import outbox
from esnbot.matrix import message
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import Forbidden, NotThere, Refused
from esnbot.store import rooms
from esnbot.store.database import Database

REMEMBERED_MS: Final = 20 * 3600 * 1000
"""How long a transaction id is surely remembered: Synapse keeps them for 24 hours."""

FILLED: Final = "M_CANNOT_OVERWRITE_MEDIA"
"""The error code of an upload to a place that was filled before."""

WORDS: Final = frozenset({"Say", "Send", "Attach"})
"""Kinds of effects that are encrypted where their room is."""

LOOK_BACK_MS: Final = 3600 * 1000
"""Clocks of two machines may differ by this much when a room is searched for an earlier attempt."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An effect on its way."""

    key: str
    module: str
    made: int
    effect: do.AnyEffect


def transaction_id(key: str, user: str) -> str:
    """The transaction id of a send: derived from its cause and sender, never random."""
    return "esn" + sha256(f"{user}\n{key}".encode()).hexdigest()[:32]


class Courier:
    """Carries effects to the homeserver as the bot and its device."""

    def __init__(
        self, client: MatrixClient, database: Database, address: Address, sealing: Sealing | None = None
    ) -> None:
        self._client = client
        self._database = database
        self._address = address
        self.sealing = sealing or Sealing(client, database, None)

    async def may_keep_words(self, kind: str, reference: str) -> bool:
        """Whether an effect of that kind for that room may stay where anybody can read it."""
        return kind not in WORDS or await self.sealing.is_plain(reference)

    async def deliver(self, parcel: Parcel, room: str, now_ms: int) -> str:
        """Do it, in that room; returns the event id, if any. Raises ``HomeserverError`` or ``Undeliverable``."""
        effect = parcel.effect
        match effect:
            case do.Say():
                return await self._say(parcel, effect, room, now_ms)
            case do.Send():
                target = await self._address.post(parcel.module, effect.refers) if effect.refers else ""
                content = message.event(effect.content, refers=target, cause=parcel.key)
                return await self._send(parcel, room, effect.type, content, now_ms)
            case do.Attach():
                return await self._attach(parcel, effect, room, now_ms)
            case do.React():
                target = await self._address.post(parcel.module, effect.to)
                content = message.reaction(target, effect.emoji, cause=parcel.key)
                return await self._send(parcel, room, "m.reaction", content, now_ms)
            case do.Redact():
                return await self._redact(parcel, effect, room)
            case do.Pin():
                await pin(self._client, room, await self._address.post(parcel.module, effect.event))
            case do.Invite():
                await self._invite(room, effect)
            case do.Kick():
                await self._kick(room, effect)
            case do.Join():
                await self._client.join(room)
            case do.Leave():
                await self._leave(room)
            case do.SetState():
                content = message.calm(effect.content)
                if await self._client.state_event(room, effect.type, effect.state_key) != content:
                    return await self._client.set_state(room, effect.type, effect.state_key, content)
            case do.AdjustPower():
                await self._adjust_power(room, effect)
            case do.Withdraw():
                await self._withdraw(room, effect.user)
            case do.Acquaint():
                await self.sealing.acquaint(room)
            case do.Observe():
                await self._observe(room, now_ms)
            case do.Fetch():
                await self._fetch(parcel, effect, room, now_ms)
            case _:
                raise Undeliverable(f"{type(effect).__name__} is not for the outbox")
        return ""

    async def _say(self, parcel: Parcel, say: do.Say, room: str, now_ms: int) -> str:
        content = message.message(
            say.body,
            say.html,
            say.msgtype,
            cause=parcel.key,
            mentions=say.mentions,
            thread=await self._address.post(parcel.module, say.thread) if say.thread else "",
            replaces=await self._address.post(parcel.module, say.replaces) if say.replaces else "",
            fallback=say.fallback,
            rouse=say.rouse,
            extra=say.content,
        )
        return await self._send(parcel, room, "m.room.message", content, now_ms)

    async def _send(self, parcel: Parcel, room: str, type: str, content: dict[str, Any], now_ms: int) -> str:
        if not (isinstance(parcel.effect, do.Say) and parcel.effect.rouse):
            content = message.calm(content)
        if now_ms - parcel.made > REMEMBERED_MS:
            found = await self._find(parcel, room)
            if found:
                return found
        type, content = await self.sealing.sealed(room, type, content)
        return await self._client.send(room, type, transaction_id(parcel.key, self._client.user), content)

    async def _attach(self, parcel: Parcel, attach: do.Attach, room: str, now_ms: int) -> str:
        """Its place on the media server is written down before it is filled: a second attempt fills the same."""
        if not await self.sealing.is_plain(room):
            raise Undeliverable("a file cannot go out in the clear in an encrypted room")
        thread = await self._address.post(parcel.module, attach.thread) if attach.thread else ""
        data = attach.text.encode()
        uri = attach.uri or await self._reserved(parcel, attach)
        try:
            await self._client.upload_media(uri, data, attach.mimetype)
        except NotThere:
            # Reserved so long ago that the homeserver gave the place away.
            uri = await self._reserved(parcel, attach)
            await self._client.upload_media(uri, data, attach.mimetype)
        except Refused as error:
            if error.errcode != FILLED:
                raise
        content = message.file(
            attach.name, uri, len(data), attach.mimetype, cause=parcel.key, thread=thread, extra=attach.content
        )
        return await self._send(parcel, room, "m.room.message", content, now_ms)

    async def _reserved(self, parcel: Parcel, attach: do.Attach) -> str:
        uri = await self._client.reserve_media()
        body = msgspec.to_builtins(msgspec.structs.replace(attach, uri=uri))
        statement = update(outbox).where(outbox.c.key == parcel.key).values(body=body)
        await self._database.write(lambda conn: conn.execute(statement))
        return uri

    async def _find(self, parcel: Parcel, room: str) -> str | None:
        """The event of an earlier attempt, when there was one."""
        async for event in self._client.recent(room, parcel.made - LOOK_BACK_MS):
            content = event.get("content")
            if not isinstance(content, dict) or event.get("sender") != self._client.user:
                continue
            if content.get(message.CAUSE) == parcel.key:
                return str(event["event_id"])
        return None

    async def _redact(self, parcel: Parcel, redact: do.Redact, room: str) -> str:
        target = await self._address.post(parcel.module, redact.event)
        try:
            return await self._client.redact(room, target, transaction_id(parcel.key, self._client.user), redact.reason)
        except NotThere:
            return ""

    async def _invite(self, room: str, invite: do.Invite) -> None:
        try:
            await self._client.invite(room, invite.user, invite.reason)
        except Forbidden:
            if await self._membership(room, invite.user) not in ("join", "invite"):
                raise

    async def _kick(self, room: str, kick: do.Kick) -> None:
        try:
            await self._client.kick(room, kick.user, kick.reason)
        except (Forbidden, NotThere):
            if await self._membership(room, kick.user) in ("join", "invite", "knock"):
                raise

    async def _withdraw(self, room: str, user: str) -> None:
        try:
            if await self._membership(room, user) == "join":
                return
            await self._client.kick(room, user, "")
        except (Forbidden, NotThere):
            if await self._is_invited(room, user):
                # They are as powerful here as the bot. Nobody can accept an invitation into a room that nobody is in.
                return
        await self._leave(room)

    async def _is_invited(self, room: str, user: str) -> bool:
        """Whether they are in it or invited; False when the bot is out already: it did all that it had to, before."""
        try:
            return await self._membership(room, user) in ("join", "invite", "knock")
        except (Forbidden, NotThere):
            return False

    async def _leave(self, room: str) -> None:
        try:
            await self._client.leave(room)
        except (Forbidden, NotThere):
            # Not in the room: which is what was wanted.
            return

    async def _membership(self, room: str, user: str) -> str:
        member = await self._client.state_event(room, "m.room.member", user)
        return str((member or {}).get("membership", "leave"))

    async def _observe(self, room: str, now_ms: int) -> None:
        events = [
            state for event in await self._client.state(room) if (state := observed(room, event, now_ms)) is not None
        ]

        async def job(conn: AsyncConnection) -> None:
            # What was pushed while the homeserver answered is newer than the answer.
            newer = await rooms.newer(conn, room, events, now_ms - rooms.JUST_NOW_MS)
            await rooms.replace(conn, room, events)
            await rooms.trust(conn, newer)

        await self._database.write(job)

    async def _fetch(self, parcel: Parcel, wanted: do.Fetch, room: str, now_ms: int) -> None:
        found = await fetching.fetch(self._client, room, wanted)
        content = {"module": wanted.of or parcel.module, "job": wanted.job, "payload": wanted.payload, **found}
        id = f"fetched:{parcel.key}"
        await self._database.write(
            lambda conn: inbox.put_internal(conn, id, FETCHED, content, now_ms, room_id=room),
        )

    async def _adjust_power(self, room: str, change: do.AdjustPower) -> None:
        async with self._client.writing(room):
            found = await self._client.state_event(room, "m.room.power_levels") or {}
            wanted = adjusted(found, change)
            if wanted != found:
                await self._client.set_state(room, "m.room.power_levels", "", wanted)


def observed(room: str, event: dict[str, Any], now_ms: int) -> rooms.StateEvent | None:
    """A state event as the homeserver gives it; None when it lacks what every one has.

    A time that lies in the future is taken for now: later events must not seem older.
    """
    match event:
        case {
            "type": str(type),
            "state_key": str(state_key),
            "event_id": str(event_id),
            "sender": str(sender),
            "origin_server_ts": int(ts),
            "content": dict(content),
        } if "\x00" not in type + state_key + event_id + sender:
            return rooms.StateEvent(room, type, state_key, event_id, sender, max(0, min(ts, now_ms)), content)
    return None


async def pin(client: MatrixClient, room: str, event: str) -> None:
    """Pin an event beside what is pinned already."""
    async with client.writing(room):
        found = await client.state_event(room, "m.room.pinned_events") or {}
        pinned = found.get("pinned")
        pinned = [entry for entry in pinned if isinstance(entry, str)] if isinstance(pinned, list) else []
        if event not in pinned:
            await client.set_state(room, "m.room.pinned_events", "", {"pinned": [*pinned, event]})
