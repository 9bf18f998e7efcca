"""A message whose key does not come: in a direct chat its author is told, kindly and seldom, how to help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.engine.cipher import NOT_YET_READABLE
from esnbot.engine.effects import Effect, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.speech import Speech, render
from esnbot.store import rooms


@dataclass(frozen=True, slots=True)
class Unread:
    """Answers what the engine says about messages that it cannot read."""

    people: People
    speech: Speech

    async def told(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """One word a person, a day, and a sort of it; in a group the message was perhaps not for us."""
        sender, thread, id = event.text("sender"), event.text("thread"), event.text("event_id")
        if await self.people.is_direct(ctx.conn, event.room_id, sender, ctx.bot) is not True:
            return []
        if await self._from_before(ctx.conn, event, ctx.bot):
            return []
        person = await self.people.person(ctx.conn, sender, event.room_id, None, ctx.bot, event.moment, None)
        if person is None:
            return []
        voice = self.speech.voice(person.language)
        if event.type == NOT_YET_READABLE:
            said = voice.say(
                "I cannot read your message yet: its key has not reached me. Writing it again usually helps; if not, "
                "verifying your session in your app's settings does."
            )
        else:
            said = voice.say("I could not read your message: its key did not reach me. Please write it once more.")
        message = render(said)
        # The key makes it once: what it is about stands in it, and nobody's name.
        who = sha256(sender.encode()).hexdigest()[:16]
        key = f"{event.type.rpartition('.')[2]}:{who}:{event.moment:%Y-%m-%d}"
        return [Say(key=key, room=event.room_id, body=message.body, html=message.html, thread=thread or id)]

    async def _from_before(self, conn: AsyncConnection, event: Event, bot: str) -> bool:
        """Whether the message is from before the bot was there: nobody meant it to be read by the bot."""
        ts = event.content.get("ts")
        came = await rooms.since(conn, event.room_id, "m.room.member", bot)
        return isinstance(ts, int) and came is not None and ts < came
