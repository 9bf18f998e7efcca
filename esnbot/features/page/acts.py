"""What people do to pages on the board: each is an internal event, done as their command would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.page import records, shelf
from esnbot.features.page.archive import Leaf
from esnbot.features.page.carrying import bring
from esnbot.features.page.keeping import Keeper, Refused, Saved, What
from esnbot.features.page.records import BOARD, CONFLICT, DraftRow
from esnbot.provisioning import wanted
from esnbot.speech import later
from esnbot.store.database import savepoint

ACT: Final = "org.esnbot.page_act"
"""Somebody did something on the board; content: ``do``, ``by``, ``language``, and what that needs."""
REFUSED: Final = "refused"
BROUGHT: Final = "brought"
_ENCRYPTED: Final = later("This group is encrypted: its pages are in its chat only.")


@dataclass(frozen=True, slots=True)
class Acts:
    """Does what was asked."""

    keeper: Keeper

    async def do(self, ctx: Context, event: Event) -> tuple[Sequence[Effect], dict[str, Any]]:
        """The effects, and what the page that waits needs to know."""
        try:
            async with savepoint(ctx.conn):
                if event.text("do") == "bring":
                    return await self._bring(ctx, event)
                saved = await self._do(ctx, event)
        except Refused as refusal:
            voice = self.keeper.speech.voice(event.text("language"))
            return [], {"what": REFUSED, "why": str(voice.say(refusal.sentence))}
        outcome: dict[str, Any] = {"what": saved.what, "page": saved.page, "number": saved.number}
        draft = _number(event, "draft")
        if saved.what is What.conflict:
            outcome["draft"] = await self._keep(ctx, event, saved)
        elif draft and await records.draft(ctx.conn, draft, event.text("by")) is not None:
            await records.drop_draft(ctx.conn, draft)
        outcome["others"] = list(saved.others)
        return saved.effects, outcome

    async def _do(self, ctx: Context, event: Event) -> Saved:
        id, by, keeper = _number(event, "page"), event.text("by"), self.keeper
        if id and (found := await shelf.page(ctx, id)) is not None and found.text.sealed:
            raise Refused(_ENCRYPTED)
        match event.text("do"):
            case "create":
                return await self._create(ctx, event)
            case "save":
                return await keeper.save(ctx, id, by=by, base=_number(event, "base"), words=event.text("words"))
            case "restore":
                return await keeper.restore(ctx, id, _number(event, "number"), by=by)
            case "rename":
                return await keeper.rename(ctx, id, event.text("name"), by=by)
            case "move":
                return await keeper.move(ctx, id, _number(event, "parent"), by=by)
            case "protect" | "unprotect" as what:
                return await keeper.protect(ctx, id, by=by, protected=what == "protect")
            case "hide" | "bring_back" as what:
                return await keeper.hide(ctx, id, by=by, hidden=what == "hide")
            case _:
                # Throwing away a draft: the draft that is named goes, as after saving.
                return Saved(What.unchanged, id)

    async def _create(self, ctx: Context, event: Event) -> Saved:
        place = await wanted.get(ctx.conn, event.text("place"))
        if place is None:
            raise Refused(later("This group is not there any more."))
        if await shelf.is_sealed(ctx.conn, place):
            raise Refused(_ENCRYPTED)
        return await self.keeper.create(
            ctx,
            place,
            by=event.text("by"),
            name=event.text("name"),
            words=event.text("words"),
            parent=_number(event, "parent"),
        )

    async def _bring(self, ctx: Context, event: Event) -> tuple[Sequence[Effect], dict[str, Any]]:
        place, by = await wanted.get(ctx.conn, event.text("place")), event.text("by")
        if place is None or not await shelf.may_write(ctx.conn, place, by):
            raise Refused(later("Only those who are in a group and may post there can bring pages into it."))
        leaves = msgspec.convert(event.content.get("leaves"), type=list[Leaf])
        done = await bring(ctx, self.keeper, place, leaves, by=by, replace=event.content.get("replace") is True)
        counts = {name: getattr(done, name) for name in ("created", "changed", "unchanged", "notes")}
        return done.effects, {"what": BROUGHT, **counts}

    async def _keep(self, ctx: Context, event: Event, saved: Saved) -> int:
        """Keep what could not be saved for its author to decide; returns the draft's id."""
        found = await shelf.page(ctx, saved.page)
        now, by = milliseconds(ctx.now), event.text("by")
        earlier = await records.draft(ctx.conn, _number(event, "draft"), by)
        return await records.put_draft(
            ctx.conn,
            DraftRow(
                id=earlier.id if earlier is not None else 0,
                person=by,
                way=BOARD,
                state=CONFLICT,
                place=found.stand.place if found is not None else "",
                page=saved.page,
                base=_number(event, "base"),
                name=found.title if found is not None else "",
                words=self.keeper.words(event.text("words")),
                touched=now,
                expires=now + round(self.keeper.settings.drafts_kept.total_seconds() * 1000),
            ),
        )


def _number(event: Event, key: str) -> int:
    value = event.content.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
