"""What the board asks for, and what is kept about one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Invite, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.directory import model, records
from esnbot.features.directory.model import Scope, UnusableSubject
from esnbot.features.directory.reading import Reading
from esnbot.features.directory.settings import DirectorySettings
from esnbot.provisioning import wanted
from esnbot.store import bindings, rooms

ASK_ABOUT: Final = "org.esnbot.ask_about"
"""Somebody changed on the board what they can be asked about; content: by, and any of add, remove, shown_to."""
LET_ME_IN: Final = "org.esnbot.let_me_in"
"""Somebody asks on the board to be invited to a group; content: by, key."""


class DirectoryHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[DirectorySettings], reading: Reading) -> None:
        self._settings = kit.settings
        self._speech = kit.speech
        self._reading = reading
        self._people = People(kit.community, wanted)

    async def let_me_in(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Invite whoever asks, where the group is open to them."""
        user, key = event.text("by"), event.text("key")
        person = await self._people.person(ctx.conn, user, "", None, ctx.bot, ctx.now, None) if user else None
        entry = await self._reading.group(ctx.conn, person, key) if person is not None else None
        if person is None or entry is None:
            return []
        room_id = await bindings.room_of(ctx.conn, key)
        if room_id is None or not model.may_be_invited(
            entry.group, await rooms.membership(ctx.conn, room_id, person.user)
        ):
            return []
        reason = self._speech.voice(person.language).say("You asked to join")
        return [Invite(room=room(key), user=person.user, reason=str(reason))]

    async def ask_about(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Keep what the page has looked at already; what cannot be kept is left out."""
        person, settings = event.text("by"), self._settings
        if not person:
            return []
        now = milliseconds(ctx.now)
        remove = event.content.get("remove")
        if isinstance(remove, list):
            await records.unstate(ctx.conn, person, [one for one in remove if isinstance(one, str)])
        if event.text("add"):
            try:
                named = model.subjects(event.text("add"), settings.most_subjects, settings.longest_subject)
            except UnusableSubject:
                named = []
            await records.state(ctx.conn, person, named, now, settings.most_subjects)
        if event.text("shown_to") in list(Scope):
            await records.show_to(ctx.conn, person, Scope(event.text("shown_to")), now)
        return []

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person."""
        return await records.of_person(conn, person)

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person. How many messages groups had says nothing about anybody."""
        await records.take_back(ctx.conn, person)
        return []
