"""The bot's own comings and goings: a room that it enters is looked at once, a room that it left is forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.engine.effects import Effect, Observe
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.store import rooms


def own_rooms(bot: str) -> Module:
    """The module that keeps what is known of rooms in step with where the bot is."""

    async def handle(ctx: Context, event: Event) -> Sequence[Effect]:
        membership = event.text("membership")
        if membership == "join" and await rooms.content(ctx.conn, event.room_id, "m.room.create") is None:
            # Events tell what changes from now on; what the room was before has to be asked for.
            return [Observe(room=event.room_id)]
        if membership in ("leave", "ban"):
            await rooms.forget(ctx.conn, event.room_id)
        return []

    def about_the_bot(event: Event) -> bool:
        return event.state_key == bot

    return Module("rooms", (Listener(frozenset({"m.room.member"}), handle, about_the_bot),))
