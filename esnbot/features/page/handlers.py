"""What pages follow: their messages in the rooms, buttons under previews, drafts that nobody came back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reactions import chosen
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Schedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.page import indexing, records
from esnbot.features.page.acts import Acts
from esnbot.features.page.keeping import Keeper, Refused
from esnbot.features.page.settings import PageSettings
from esnbot.features.page.writing import SIGNS, Writing
from esnbot.features.text import PAGE
from esnbot.provisioning import wanted
from esnbot.store.database import savepoint

NAME: Final = "page"
EXPIRE: Final = "expire"
EVERY: Final = timedelta(days=1)


def is_page(event: Event) -> bool:
    """A cheap look: the text is a page's."""
    return event.text("kind") == PAGE and event.is_internal


def is_button(event: Event) -> bool:
    """A cheap look: the emoji is one of our buttons."""
    return chosen(event)[1] in SIGNS


def is_file(event: Event) -> bool:
    """A cheap look: a file."""
    return event.content.get("msgtype") == "m.file"


def is_ours(event: Event) -> bool:
    """A cheap look: nobody outside made it."""
    return event.is_internal


def is_redaction(event: Event) -> bool:
    """A cheap look: something was taken away."""
    return bool(event.redacts)


class PageHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[PageSettings], keeper: Keeper, writing: Writing) -> None:
        self._kit = kit
        self._keeper = keeper
        self._writing = writing
        self._acts = Acts(keeper)

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Look for drafts whose time is over, once a day."""
        return [Schedule(key=EXPIRE, job=EXPIRE, due=ctx.now + EVERY)]

    async def expire(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Forget what nobody came back to: how long it is kept was said when it was written."""
        await records.expired(ctx.conn, milliseconds(ctx.now))
        return [Schedule(key=EXPIRE, job=EXPIRE, due=ctx.now + EVERY)]

    async def text_changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A page's message stands in its room, or somebody took it or one version away there."""
        id = event.content.get("text")
        stand = await records.get(ctx.conn, id) if isinstance(id, int) else None
        if stand is None:
            return []
        if event.text("what") == "gone":
            await records.lift(ctx.conn, stand.id, stand.parent)
            await records.forget(ctx.conn, stand.id)
            await indexing.forget(ctx.conn, stand.id)
            return []
        await indexing.index(ctx.conn, stand.id)
        return []

    async def group_born(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group begins with the pages of its template."""
        place = await wanted.get(ctx.conn, event.text("key"))
        template = self._kit.community.templates.get(event.text("template"))
        if place is None or template is None or await records.count(ctx.conn, place.key):
            return []
        language, default = event.text("language"), self._kit.community.default_language
        effects: list[Effect] = []
        for first in template.pages:
            name, words = _in(first.title, language, default), _in(first.text, language, default)
            # What somebody wrote into a template must not keep a group from being born.
            with suppress(Refused):
                async with savepoint(ctx.conn):
                    saved = await self._keeper.create(
                        ctx, place, by="", name=name or first.key, words=words, tags=first.tags
                    )
                    effects += saved.effects
        return effects

    async def asked_on_board(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody changed something on the board; what became of it is kept for the page that waits."""
        effects, outcome = await self._acts.do(ctx, event)
        await records.note_outcome(ctx.conn, event.event_id, outcome, milliseconds(ctx.now))
        return effects

    async def reacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A button under a preview."""
        return await self._writing.reacted(ctx, event) if event.sender != ctx.bot else []

    async def taken_back(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody removed a message, which may be a piece of what they write."""
        return await self._writing.taken_back(ctx, event) if event.sender != ctx.bot else []

    async def filed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A file, perhaps from somebody who writes a page."""
        return await self._writing.filed(ctx, event) if event.sender != ctx.bot else []

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What somebody has written and not saved; what they saved is with the kept texts."""
        drafts = await records.drafts_of(conn, person)
        return {
            "drafts": [
                {
                    "place": draft.place,
                    "page": draft.page,
                    "name": draft.name,
                    "words": draft.words,
                    "messages": [part.event_id for part in draft.parts],
                    "expires": draft.expires,
                }
                for draft in drafts
            ]
        }

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget what somebody has not saved; the kept texts lose their name by themselves."""
        await records.forget_person(ctx.conn, person)
        return []


def _in(words: Mapping[str, str], language: str, default: str) -> str:
    """Words in a language, else in the community's, else in any that there is."""
    return words.get(language) or words.get(default) or next(iter(words.values()), "")
