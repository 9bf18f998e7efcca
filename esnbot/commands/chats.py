"""Which of the chats with somebody is *the* direct chat, where private words go: one at a time."""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Withdraw, direct
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.store import bindings, rooms


async def invited(ctx: Context, event: Event) -> Sequence[Effect]:
    """Somebody opened a direct chat: theirs from now on, unless they are in one already."""
    known = await bindings.room_of(ctx.conn, direct(event.sender))
    if known is not None and await rooms.membership(ctx.conn, known, event.sender) == "join":
        return []
    return await used(ctx, event)


async def used(ctx: Context, event: Event) -> Sequence[Effect]:
    """Somebody wrote in a direct chat: theirs from now on. An invitation to another one is taken back."""
    key = direct(event.sender)
    known = await bindings.room_of(ctx.conn, key)
    if known == event.room_id:
        return []
    await bindings.bind(ctx.conn, key, event.room_id, milliseconds(ctx.now))
    if known is None:
        return []
    member = await rooms.content(ctx.conn, known, "m.room.member", event.sender)
    if member is not None and member.get("membership") != "invite":
        return []
    # Whether they accepted it meanwhile is looked at when it is done.
    return [Withdraw(room=known, user=event.sender)]
