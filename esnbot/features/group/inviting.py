"""Members bring somebody in: the bot invites whom the group is meant for, where people may not do so themselves."""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.commands.command import Call
from esnbot.community.group import Joining
from esnbot.community.reach import is_for
from esnbot.engine.effects import Effect
from esnbot.features.group import families
from esnbot.features.group.desk import Desk, Found, Refusal
from esnbot.features.places import called
from esnbot.provisioning import wanted
from esnbot.speech import bold
from esnbot.store import rooms


class Inviting:
    """The command `group invite`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def invite(self, call: Call) -> Sequence[Effect]:
        """Invite somebody whom the group is meant for."""
        voice, person = call.voice, str(call.args["person"])
        try:
            found = await self._allowed(call)
            group, who = found.group, await called(call.ctx.conn, call.event.room_id, person)
            if found.room_id is None:
                raise Refusal(voice.say("{group} is being made. Try again in a moment.", group=bold(group.name)))
            membership = await rooms.membership(call.ctx.conn, found.room_id, person)
            if membership == "join":
                raise Refusal(voice.say("{person} is in {group} already.", person=who, group=bold(group.name)))
            community, today = self._desk.community, call.ctx.now.astimezone(self._desk.community.zone).date()
            audiences = community.audiences_of(person, today)
            if membership == "ban" or not is_for(group, await wanted.spaces(call.ctx.conn), community, audiences):
                raise Refusal(
                    voice.say(
                        "{group} is not meant for {person}, so I cannot invite them.",
                        group=bold(group.name),
                        person=who,
                    )
                )
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        reason = str(voice.say("Somebody in this group would like you to join"))
        said = voice.say("I have invited {person} to {group}.", person=who, group=bold(group.name))
        return [*await families.invitations(call.ctx.conn, group.key, person, reason), call.answer(said)]

    async def _allowed(self, call: Call) -> Found:
        """Where one comes in by invitation only, owners invite; elsewhere everybody in the group."""
        found = await self._desk.found(call)
        if found.group.joining is Joining.invite or found.group.archived or found.membership != "join":
            return await self._desk.opened(call)
        return found
