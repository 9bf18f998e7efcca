"""Second thoughts about a command: its author corrects the message, or removes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records, trail
from esnbot.commands.command import Call
from esnbot.commands.dialogue import Dialogues
from esnbot.commands.trail import Heard
from esnbot.engine.effects import Effect, React, Say, Unschedule, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.store import rooms

WITHIN: Final = timedelta(minutes=1)
"""How long after a command an edit of it counts."""
_QUESTION: Final = f"{trail.MODULE}/question:"
_REDACT_POWER: Final = 50


def counts(call: Call, before: Heard | None) -> bool:
    """Whether an edited command is tried again: it had failed, a moment ago."""
    return (
        before is not None
        and before.sender == call.event.sender
        and before.failed
        and call.event.ts - before.ts <= WITHIN.total_seconds() * 1000
    )


async def hint(call: Call, before: Heard | None) -> Sequence[Effect]:
    """What to say about an edit that changes nothing: in a direct chat, once, how edits are meant."""
    if not call.is_direct or before is None or before.sender != call.event.sender:
        return []
    if not await trail.hint(call.ctx.conn, before.id):
        return []
    return [
        call.answer(
            call.voice.say(
                "I read a corrected message again only within a minute, and only if I could not do what it said. "
                "Please write it anew."
            )
        )
    ]


async def put_right(call: Call, effects: Sequence[Effect], earlier: Sequence[str]) -> list[Effect]:
    """The new answer in the place of the earlier one (`earlier`: its effects, as the outbox has them).

    A question with buttons is said anew, since reactions belong to the message that they are on.
    """
    first = next((n for n, effect in enumerate(effects) if isinstance(effect, Say)), None)
    if first is None or any(isinstance(effect, React) for effect in effects):
        return [*await trail.removals(call.ctx.conn, earlier), *effects]
    replaced = post(earlier[0].removeprefix(f"{trail.MODULE}/"))
    return [
        msgspec.structs.replace(effect, replaces=replaced, thread="") if n == first else effect
        for n, effect in enumerate(effects)
    ]


async def removed(ctx: Context, event: Event, dialogues: Dialogues) -> Sequence[Effect]:
    """A command was redacted: so are its answers and their buttons, and what was asked is asked no more.

    What was done is done.
    """
    conn = ctx.conn
    before = await trail.find(conn, event.redacts)
    if before is None or before.room_id != event.room_id:
        return []
    if event.sender != before.sender and not await _may_redact(conn, event):
        return []
    answers = await trail.answers_to(conn, before.id)
    effects: list[Effect] = []
    for key in answers:
        asked = key.removeprefix(_QUESTION)
        if asked != key and await records.take_question(conn, asked) is not None:
            effects.append(Unschedule(key=f"question:{asked}"))
    effects += await dialogues.withdrawn(ctx, before.sender, before.id)
    effects += await trail.removals(conn, answers)
    await trail.drop(conn, before.id)
    return effects


async def _may_redact(conn: AsyncConnection, event: Event) -> bool:
    levels = await rooms.content(conn, event.room_id, "m.room.power_levels") or {}
    needed = levels.get("redact", _REDACT_POWER)
    power = await rooms.power_of(conn, event.room_id, event.sender)
    return isinstance(needed, int) and power >= needed
