"""The charter of a group: said once, corrected when it changes, pinned; sealed where the room is encrypted."""

from __future__ import annotations

from typing import Any, Protocol

from esnbot.engine.address import NotYet
from esnbot.matrix.client import MatrixClient
from esnbot.provisioning.desired import DesiredRoom, digest_of
from esnbot.provisioning.facets import charter_pins
from esnbot.provisioning.patience import Patience
from esnbot.provisioning.seen import CHARTER, Content, SeenRoom
from esnbot.speech import render

MESSAGE = "m.room.message"


class Sealer(Protocol):
    """What makes encrypted messages; the running bot alone has one."""

    @property
    def ready(self) -> bool:
        """Whether it can do so now."""
        ...

    async def for_newcomers(self, room: str, type: str, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What to send instead, readable for who comes later too. Raises ``HomeserverError``, and ``NotYet``."""
        ...


class Charters:
    """Says and pins charters. Without a sealer, those of encrypted rooms are left to the running bot."""

    def __init__(self, client: MatrixClient, patience: Patience, sealer: Sealer | None) -> None:
        self._client = client
        self._patience = patience
        self._sealer = sealer

    async def put_right(self, desired: DesiredRoom, room: SeenRoom, *, new: bool) -> bool:
        """Make it so; False when it is left to a process that can encrypt. ``new``: nobody else was in the room yet."""
        stands, pins = charter_pins(desired, room)
        if (stands.get("digest", "") if stands else "") == desired.charter_digest and pins is None:
            return True
        before = stands.get("event_id") if stands else None
        event = before if isinstance(before, str) else None
        if desired.charter and (not stands or stands.get("digest") != desired.charter_digest):
            try:
                event = await self._post(desired, room, event, new=new)
            except NotYet:
                return False
            charter = {"event_id": event, "digest": desired.charter_digest}
            await self._patience(lambda: self._client.set_state(room.room_id, CHARTER, "", charter))
        if not desired.charter and stands:
            await self._patience(lambda: self._client.set_state(room.room_id, CHARTER, "", {}))
        if event is not None:
            await self._pin(desired, room.room_id, event, new=new)
        return True

    async def _post(self, desired: DesiredRoom, room: SeenRoom, event: str | None, *, new: bool) -> str:
        """Say the charter, or correct it; returns the event that is pinned (the first one). Raises ``NotYet``."""
        mark = {"key": desired.key, "digest": desired.charter_digest}
        if not new and (earlier := await self._said(room.room_id, mark)) is not None:
            return event or earlier
        message = render(desired.charter)
        content: Content = {"msgtype": "m.text", "body": message.body, CHARTER: mark}
        if message.html:
            content |= {"format": "org.matrix.custom.html", "formatted_body": message.html}
        if event is not None:
            content = {
                **content,
                "body": f"* {message.body}",
                "m.new_content": content,
                "m.relates_to": {"rel_type": "m.replace", "event_id": event},
            }
        type, sealed = await self._sealed(desired, room, content)
        transaction = f"esnbot-charter-{digest_of(room.room_id)}-{desired.revision}-{desired.charter_digest}"
        sent = await self._patience(lambda: self._client.send(room.room_id, type, transaction, sealed))
        return event or sent

    async def _sealed(self, desired: DesiredRoom, room: SeenRoom, content: Content) -> tuple[str, Content]:
        encrypted = getattr(desired.place, "encrypted", False) or room.content("m.room.encryption") is not None
        if not encrypted:
            return MESSAGE, content
        sealer = self._sealer
        if sealer is None:
            raise NotYet("nothing can be encrypted here")
        return await self._patience(lambda: sealer.for_newcomers(room.room_id, MESSAGE, content))

    async def _said(self, room: str, mark: dict[str, str]) -> str | None:
        """What an earlier attempt said already; its transaction id may be forgotten by now."""
        page = await self._patience(lambda: self._client.messages(room, limit=50))
        for event in page.get("chunk", []):
            content = event.get("content")
            if event.get("sender") == self._client.user and isinstance(content, dict) and CHARTER in content:
                # The last word counts: the same text may have been said before another one.
                return str(event["event_id"]) if content[CHARTER] == mark else None
        return None

    async def _pin(self, desired: DesiredRoom, room: str, event: str, *, new: bool) -> None:
        async with self._client.writing(room):
            found = None
            if not new:
                found = await self._patience(lambda: self._client.state_event(room, "m.room.pinned_events"))
            pinned = found.get("pinned") if found else None
            pins = [entry for entry in pinned if isinstance(entry, str)] if isinstance(pinned, list) else []
            others = [entry for entry in pins if entry != event]
            wanted = [event, *others] if desired.charter else others
            if (event in pins) != bool(desired.charter):
                content = {"pinned": wanted}
                await self._patience(lambda: self._client.set_state(room, "m.room.pinned_events", "", content))
