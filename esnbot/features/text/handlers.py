"""Follows the rooms: which message a text got, what was taken away; and keeps texts from being forgotten with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, Redact, Schedule, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.text import heirs, keeping, records
from esnbot.features.text.model import STRUCTURE, TEXT_CHANGED, Text
from esnbot.features.text.reading import opened
from esnbot.features.text.settings import TextSettings
from esnbot.matrix.message import CAUSE
from esnbot.provisioning import wanted

NAME: Final = "text"
CARRY: Final = "carry"
EVERY: Final = timedelta(days=1)
AFTER_START: Final = timedelta(hours=1)
FORGOTTEN_SOON: Final = 0.75
"""The part of a room's retention after which a text is posted once more."""
A_DAY: Final = 5
"""Texts that are posted once more in one room in a day, so that people are not flooded."""


def is_kept(event: Event) -> bool:
    """A cheap look: a message that says which text it is."""
    return STRUCTURE in event.content


def is_redaction(event: Event) -> bool:
    """A cheap look: something was taken away."""
    return bool(event.redacts)


class TextHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[TextSettings]) -> None:
        self._kit = kit

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Look after the texts of rooms that forget once a day."""
        return [Schedule(key=CARRY, job=CARRY, due=ctx.now + AFTER_START)]

    async def posted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A message of ours is in its room."""
        if event.sender != ctx.bot:
            return []
        sealed = msgspec.to_builtins(event.kept()) if event.sealed is not None else None
        id, is_root = await records.arrived(ctx.conn, event.text(CAUSE), event.event_id, sealed)
        text = await records.get(ctx.conn, id) if id is not None and is_root else None
        return [_changed(text, "posted", event)] if text is not None else []

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """What is taken away in the room is taken away here."""
        found = await records.standing_at(ctx.conn, event.redacts)
        text = await records.get(ctx.conn, found[0]) if found is not None else None
        if found is None or text is None or text.gone:
            return []
        id, number = found
        standing = await records.take_version(ctx.conn, id, number) if number is not None else None
        if standing is not None:
            return [_changed(text, "version_gone", event)]
        rest = [version.event_id for version in await records.versions(ctx.conn, id) if version.event_id]
        await records.take(ctx.conn, id)
        redactions = [Redact(room=event.room_id, event=one) for one in rest if one != event.redacts]
        return [_changed(text, "gone", event), *redactions]

    async def merged(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group became part of another one: what was kept in it is found from there."""
        if event.is_internal:
            await heirs.became(ctx.conn, event.text("from"), event.text("into"))
        return []

    async def carry(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Post once more what its room is about to forget."""
        effects: list[Effect] = [Schedule(key=CARRY, job=CARRY, due=ctx.now + EVERY)]
        for place in await wanted.all_places(ctx.conn):
            if not isinstance(place, Group) or place.retention is None or place.archived:
                continue
            before = milliseconds(ctx.now - place.retention * FORGOTTEN_SOON)
            for id in await records.posted_before(ctx.conn, [place.key], before, A_DAY):
                text = await records.get(ctx.conn, id)
                draft = await opened(ctx, text) if text is not None else None
                if text is not None and draft is not None:
                    voice = self._kit.speech.voice(text.language)
                    effects += await keeping.renew(ctx, text, draft, voice=voice, module=NAME)
        return effects

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What a person wrote."""
        return {"texts": await records.of_person(conn, person)}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """What they wrote and others built on stays without their name; what others have written over goes."""
        effects: list[Effect] = []
        for id, theirs in (await records.written_by(ctx.conn, person)).items():
            text = await records.get(ctx.conn, id)
            draft = await opened(ctx, text) if text is not None else None
            if text is None or draft is None:
                continue
            events = {version.event_id for version in theirs if version.event_id}
            voice = self._kit.speech.voice(text.language)
            nameless = replace(draft, author="" if draft.author == person else draft.author)
            if text.root in events:
                effects += await keeping.renew(ctx, text, nameless, voice=voice, module=NAME)
            elif draft.author == person:
                effects += (await keeping.revise(ctx, id, nameless, voice=voice, module=NAME))[1]
            for version in theirs:
                await records.take_version(ctx.conn, id, version.number)
            effects += [Redact(room=room(text.place), event=event) for event in sorted(events)]
        await records.unsign(ctx.conn, person)
        return effects


def _changed(text: Text, what: str, event: Event) -> Emit:
    content = {"text": text.id, "kind": text.kind, "place": text.place, "what": what}
    return Emit(type=TEXT_CHANGED, content=content, room=event.room_id)
