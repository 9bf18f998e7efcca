"""Who owns a group: shown, added, taken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from esnbot.commands.command import Call
from esnbot.community.person import UserID
from esnbot.engine.effects import Effect, Nudge, Say, room
from esnbot.features.group import families
from esnbot.features.group.desk import Desk, Found, Refusal
from esnbot.features.places import called
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, bold, bullets, paragraphs, render
from esnbot.store import rooms


class Owning:
    """The commands `group owners`, `group add-owner` and `group remove-owner`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, call: Call) -> Sequence[Effect]:
        """Who owns the group."""
        try:
            found = await self._desk.found(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        voice, name = call.voice, bold(found.group.name)
        if not found.group.owners:
            return [call.answer(voice.say("Nobody owns {group} at present; the animators look after it.", group=name))]
        people = [await self._called(call, found, owner) for owner in sorted(found.group.owners)]
        return [call.answer(paragraphs(voice.say("{group} belongs to:", group=name), bullets(people)))]

    async def ask_add(self, call: Call) -> str | None:
        """The question before somebody owns the group too."""
        try:
            found = await self._desk.opened(call)
            person = await self._desk.new_owner(call, found)
        except Refusal:
            return None
        return call.voice.say(
            "**Shall {person} own {group} too?** They can then do all that you can: rename it, say who comes in, "
            "archive it.",
            person=await self._called(call, found, person),
            group=found.group.name,
        )

    async def add(self, call: Call) -> Sequence[Effect]:
        """Somebody owns the group too."""
        try:
            found = await self._desk.opened(call)
            person = await self._desk.new_owner(call, found)
            await self._desk.want(call, replace(found.group, owners=found.group.owners | {person}))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        effects: list[Effect] = [Nudge(machine=wanted.RECONCILER)]
        if found.room_id is not None:
            if await rooms.membership(call.ctx.conn, found.room_id, person) not in ("join", "invite"):
                reason = str(call.voice.say("You own this group from now on"))
                effects += await families.invitations(call.ctx.conn, found.group.key, person, reason)
            if call.event.room_id != found.room_id:
                voice = await self._desk.voice_of(call.ctx.conn, found.group)
                said = voice.say(
                    "{person} owns this group too from now on.", person=await self._called(call, found, person)
                )
                message = render(said)
                effects.append(
                    Say(room=room(found.group.key), body=message.body, html=message.html, mentions=(person,))
                )
        said = call.voice.say(
            "{group} belongs to {person} too from now on.",
            group=bold(found.group.name),
            person=await self._called(call, found, person),
        )
        return [*effects, call.answer(said)]

    async def remove(self, call: Call) -> Sequence[Effect]:
        """Somebody owns the group no more; one owner stays."""
        person = str(call.args["person"])
        try:
            found = await self._desk.opened(call)
            # Two who take each other off at the same second come one after the other.
            await wanted.locked(call.ctx.conn, found.group.key)
            found = await self._desk.opened(call)
            group, who = found.group, await self._called(call, found, person)
            if person not in group.owners:
                raise Refusal(
                    call.voice.say("{group} does not belong to {person}.", group=bold(group.name), person=who)
                )
            if group.owners == {person}:
                raise Refusal(
                    call.voice.say(
                        "{person} is the last to own {group}. `!esn group hand-over` gives it to somebody else.",
                        person=who,
                        group=bold(group.name),
                    )
                )
            await self._desk.want(call, replace(group, owners=group.owners - {person}))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say("{group} does not belong to {person} any more.", group=bold(group.name), person=who)
        return [Nudge(machine=wanted.RECONCILER), call.answer(said)]

    async def _called(self, call: Call, found: Found, person: UserID) -> Markdown:
        return await called(call.ctx.conn, found.room_id or call.event.room_id, person)
