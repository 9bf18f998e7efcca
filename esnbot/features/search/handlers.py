"""Keeps the index of groups and questions in step with what happens in rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import name_of
from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.search import asked, index, questions, records
from esnbot.features.search.asked import PREFIX, Question
from esnbot.features.search.hints import Hints
from esnbot.features.search.model import Document
from esnbot.features.search.settings import SearchSettings
from esnbot.provisioning import wanted
from esnbot.store import bindings, rooms

MOST_NAMES: Final = 10
"""So many of those mentioned are looked up by name."""


def may_ask(event: Event) -> bool:
    """A cheap look: a message in plain text that may be a question, or the correction of one."""
    return event.sealed is None and not event.is_internal and questions.may_be(event)


def is_redaction(event: Event) -> bool:
    """A cheap look: something was taken away."""
    return bool(event.redacts)


class SearchHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[SearchSettings]) -> None:
        self._kit = kit
        self._settings = kit.settings
        self._hints = Hints(kit)

    # --- groups --------------------------------------------------------------------------------------------------

    async def group_changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group came, went, or changed: it is found as it is wanted now."""
        await put_group(ctx.conn, event.text("key"), event.ts)
        return []

    async def room_changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A room has another name or topic."""
        key = await bindings.key_of(ctx.conn, event.room_id)
        if key is not None:
            await put_group(ctx.conn, key, event.ts)
        return []

    async def sealed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A room is encrypted from now on: nothing that was said in it stays in the index."""
        key = await bindings.key_of(ctx.conn, event.room_id)
        if key is not None:
            await records.forget_inside(ctx.conn, key)
            await asked.forget_of(ctx.conn, place=key)
        return []

    # --- questions -----------------------------------------------------------------------------------------------

    async def said(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody asks something, or corrects what they asked."""
        if event.sender == ctx.bot:
            return []
        original = questions.original_of(event)
        if original:
            await self._corrected(ctx, event, original)
            return []
        place = await wanted.place_of(ctx.conn, event.room_id)
        if not isinstance(place, Group) or not await self.keeps_questions(ctx.conn, place):
            return []
        # Whatever the group declares: a room that is encrypted is none of ours.
        if await rooms.content(ctx.conn, event.room_id, "m.room.encryption") is not None:
            return []
        text = await self._question(ctx, event)
        if not text:
            return []
        await self._keep(ctx, event, event.event_id, place, text)
        return await self._hints.offer(ctx, event, place, text)

    async def keeps_questions(self, conn: AsyncConnection, group: Group) -> bool:
        """Whether questions asked in a group can be found again."""
        if not self._settings.questions or not questions.kept_in(group):
            return False
        return (await asked.choice_of(conn, group.key)).questions is not False

    async def _corrected(self, ctx: Context, event: Event, original: str) -> None:
        known = await asked.get(ctx.conn, original)
        if known is None or (known.sender, known.room_id, known.event_id) != (event.sender, event.room_id, original):
            return
        place = await wanted.get(ctx.conn, known.place)
        text = await self._question(ctx, event)
        if not text or not isinstance(place, Group) or not await self.keeps_questions(ctx.conn, place):
            await asked.forget(ctx.conn, [original])
            return
        await self._keep(ctx, event, original, place, text, known)

    async def _question(self, ctx: Context, event: Event) -> str:
        people = sorted(questions.mentioned(event))[:MOST_NAMES]
        names = [await name_of(ctx.conn, event.room_id, user) or "" for user in people]
        return questions.question_in(questions.body_of(event), names)

    async def _keep(
        self, ctx: Context, event: Event, original: str, place: Group, text: str, known: Question | None = None
    ) -> None:
        moment = known.moment if known is not None else event.ts
        await asked.keep(
            ctx.conn,
            Question(
                event_id=original,
                room_id=event.room_id,
                place=place.key,
                sender=event.sender,
                moment=moment,
                correction=event.event_id if known is not None else "",
            ),
        )
        document = Document(
            key=PREFIX + original,
            kind="question",
            place=place.key,
            title="",
            text=text,
            moment=moment,
            event=original,
        )
        await index.put(ctx.conn, document)

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """What was taken away is not found any more; with a correction, neither is what it corrected."""
        known = await asked.get(ctx.conn, event.redacts)
        if known is not None and known.room_id == event.room_id:
            await asked.forget(ctx.conn, [known.event_id])
        return []

    # --- a person ------------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, user: str) -> Mapping[str, Any]:
        """The questions of a person that can be found."""
        return {"questions": await asked.of_person(conn, user)}

    async def erase(self, ctx: Context, user: str) -> Sequence[Effect]:
        """Their questions are found no more."""
        await asked.forget_of(ctx.conn, sender=user)
        return []

    # --- time ----------------------------------------------------------------------------------------------------

    async def forget_old(self, ctx: Context, group: Group) -> None:
        """A group's questions are found no longer than its messages are kept."""
        if group.retention is not None and group.retention > timedelta(0):
            before = milliseconds(ctx.now - group.retention)
            await asked.forget_of(ctx.conn, place=group.key, before=before)
        if not await self.keeps_questions(ctx.conn, group):
            await asked.forget_of(ctx.conn, place=group.key)


async def put_group(conn: AsyncConnection, key: str, moment: int) -> None:
    """Let a group be found as it is wanted now: not at all before it has a room, nor once it is archived."""
    place = await wanted.get(conn, key)
    if not isinstance(place, Group) or place.archived or await bindings.room_of(conn, key) is None:
        await index.forget(conn, f"group:{key}")
        return
    await index.put(conn, document_of(place, moment))


def document_of(group: Group, moment: int) -> Document:
    """A group as it is found: by its name and its topic."""
    return Document(
        key=f"group:{group.key}",
        kind="group",
        place=group.key,
        title=group.name,
        text=group.topic,
        language=group.language or "",
        moment=moment,
        path=f"/groups/{quote(group.key, safe='')}",
    )
