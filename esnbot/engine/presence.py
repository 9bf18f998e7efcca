"""Comings and goings: a room that the bot enters is looked at once, one that it left is forgotten.

Who comes into an encrypted one is given what was said there for newcomers.
"""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.engine.effects import Acquaint, Effect, Observe
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.engine.sealing import ENCRYPTION
from esnbot.store import rooms

MEMBER = frozenset({"m.room.member"})


def own_rooms(bot: str) -> Module:
    """The module that keeps what is known of rooms in step with where the bot is, and newcomers able to read."""

    async def handle(ctx: Context, event: Event) -> Sequence[Effect]:
        membership = event.text("membership")
        if membership == "join" and await rooms.content(ctx.conn, event.room_id, "m.room.create") is None:
            # Events tell what changes from now on; what the room was before has to be asked for.
            return [Observe(room=event.room_id)]
        if membership in ("leave", "ban"):
            await rooms.forget(ctx.conn, event.room_id)
        return []

    async def came(ctx: Context, event: Event) -> Sequence[Effect]:
        if await rooms.content(ctx.conn, event.room_id, ENCRYPTION) is None:
            return []
        return [Acquaint(room=event.room_id)]

    def about_the_bot(event: Event) -> bool:
        return event.state_key == bot

    def somebody_came(event: Event) -> bool:
        return event.state_key != bot and event.text("membership") == "join"

    return Module("rooms", (Listener(MEMBER, handle, about_the_bot), Listener(MEMBER, came, somebody_came)))
