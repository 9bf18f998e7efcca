"""What readers do to notes on the board: internal events through the engine's one door, looked at like commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from esnbot.community.group import Group
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import search, text
from esnbot.features.note import model
from esnbot.features.note.combining import combined, standing_before
from esnbot.features.note.handlers import Handlers
from esnbot.features.note.keeping import NAME, Keeping, Shown
from esnbot.features.note.model import Unusable, Written

EDIT: Final = "org.esnbot.note_edit"
"""Content: ``note``, ``base`` (the number of the version that was changed), ``title``, ``words``, ``tags``, ``by``."""
JUDGE: Final = "org.esnbot.note_judge"
"""Content: ``note``, ``holds``, ``by``."""
RESTORE: Final = "org.esnbot.note_restore"
"""Content: ``note``, ``version``, ``base``, ``by``."""
REMOVE: Final = "org.esnbot.note_remove"
"""Content: ``note``, ``by``."""


class Acts:
    """The board's doings. What may not be done is not done: the page has said so before, or does so after."""

    def __init__(self, keeping: Keeping, handlers: Handlers) -> None:
        self._keeping = keeping
        self._handlers = handlers

    async def edit(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A new version. What somebody else wrote meanwhile stays: both are put together, or nothing is done."""
        shown, base, by = await self._writable(ctx, event), event.content.get("base"), event.text("by")
        if shown is None or not isinstance(base, int) or shown.text.sealed:
            return []
        await text.lock(ctx.conn, shown.text.id)
        found = await text.get(ctx.conn, shown.text.id)
        if found is None:
            return []
        versions, told = await text.versions(ctx.conn, found.id), list[Effect]()
        try:
            written = with_tags(event.text("title"), event.text("words"), event.text("tags"))
            if found.current.number != base:
                both = combined(standing_before(versions, base), found.current, written)
                if not both.clean:
                    return []
                current = Written(found.current.title, found.current.words or "", tuple(found.current.tags))
                if both.written == current:
                    return []
                written = both.written
                if len(written.words) > model.LONGEST_TEXT or len(written.tags) > model.MOST_TAGS:
                    # What is too much together is for a person to shorten.
                    return []
                told = await self._keeping.tell_both(ctx, shown, by, versions, base)
            _, effects = await self._keeping.revise(ctx, shown, written, by, module=NAME, keeping_tags=False)
        except (Unusable, text.TooLong):
            return []
        return [*effects, *told]

    async def restore(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An earlier version once more."""
        shown = await self._writable(ctx, event)
        if shown is None or shown.text.current.number != event.content.get("base"):
            return []
        versions = await text.versions(ctx.conn, shown.text.id)
        version = next((one for one in versions if one.number == event.content.get("version")), None)
        draft = await text.opened(ctx, shown.text, version) if version is not None else None
        if draft is None:
            return []
        written = Written(draft.title, draft.words, draft.tags)
        return (await self._keeping.revise(ctx, shown, written, event.text("by"), module=NAME, keeping_tags=False))[1]

    async def judge(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A reader says whether a note still holds."""
        id, holds = event.content.get("note"), event.content.get("holds") is True
        if not isinstance(id, int):
            return []
        return await self._handlers.judge(ctx, id, event.text("by"), holds=holds) or []

    async def remove(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Take a note away."""
        shown = await self._shown(ctx, event)
        if shown is None:
            return []
        author = (await text.versions(ctx.conn, shown.text.id))[0].author
        if not await self._keeping.may_remove(ctx.conn, shown.note, author, event.text("by")):
            return []
        return await self._keeping.remove(ctx, shown.note, reason="")

    async def _writable(self, ctx: Context, event: Event) -> Shown | None:
        shown = await self._shown(ctx, event)
        if shown is None or (isinstance(shown.place, Group) and shown.place.archived):
            return None
        may = await self._keeping.may_write(ctx.conn, shown.note.room_id, event.text("by"))
        return shown if may else None

    async def _shown(self, ctx: Context, event: Event) -> Shown | None:
        id = event.content.get("note")
        community, by = self._keeping.kit.community, event.text("by")
        person = await self._keeping.people.person(ctx.conn, by, "", None, ctx.bot, ctx.now, None)
        if person is None or not isinstance(id, int):
            return None
        return await self._keeping.shown(ctx, id, await search.readable_by(ctx.conn, community, person))


def with_tags(title: str, words: str, tags: str) -> Written:
    """A note whose tags stand in a field of their own, with or without the sign. Raises ``Unusable``."""
    marked = " ".join(f"#{tag.lstrip('#')}" for tag in tags.replace(",", " ").split())
    return model.proper(title, f"{words.rstrip()}\n\n{marked}" if marked else words)
