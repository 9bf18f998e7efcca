"""Invitations of the bot: it comes to people of the community, and knows a direct chat from a room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from esnbot.commands import chats
from esnbot.commands.people import People
from esnbot.engine.effects import Effect, Join, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.speech import Speech, render


def build(people: People, speech: Speech, bot: str) -> Module:
    """The module that answers invitations."""
    doorkeeper = _Doorkeeper(people, speech)

    def wants(event: Event) -> bool:
        return event.state_key == bot and event.text("membership") == "invite"

    return Module("invitations", (Listener(frozenset({"m.room.member"}), doorkeeper.invited, wants),))


@dataclass(frozen=True, slots=True)
class _Doorkeeper:
    people: People
    speech: Speech

    async def invited(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody invited the bot. Strangers are left without an answer, so that nobody learns who is listened to."""
        person = await self.people.person(ctx.conn, event.sender, event.room_id, None, ctx.bot, event.moment, None)
        if person is None:
            return []
        if event.content.get("is_direct") is not True:
            return [Join(room=event.room_id)]
        taken = await chats.invited(ctx, event)
        voice = self.speech.voice(person.language)
        hello = render(
            voice.say(
                "Hello! I look after this community with you. Write **help** to see what I can do. Here, just "
                "between us, you need not begin with `!esn`."
            )
        )
        return [Join(room=event.room_id), Say(room=event.room_id, body=hello.body, html=hello.html), *taken]
