"""What owners do with their group: rename it, say what it is about, archive, revive and hand it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from esnbot.commands.command import Call
from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Nudge, Say, room
from esnbot.features.group import families, model
from esnbot.features.group.desk import Desk, Found, Refusal, owned_sentence
from esnbot.features.places import called
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned
from esnbot.speech import Later, bold, later, render
from esnbot.store import rooms


class Keeping:
    """The commands of owners."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def rename(self, call: Call) -> Sequence[Effect]:
        """Give the group another name; its address stays."""
        try:
            found = await self._desk.opened(call)
            name = model.proper_name(str(call.args["name"]), self._desk.settings.longest_name)
            await self._desk.want(call, replace(found.group, name=name))
        except model.UnusableName:
            return [
                call.answer(
                    call.voice.say(
                        "A name has 1 to {most} characters, and at least one that people can see.",
                        most=self._desk.settings.longest_name,
                    )
                )
            ]
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say("{old} is now called {new}.", old=bold(found.group.name), new=bold(name))
        return [Nudge(machine=wanted.RECONCILER), call.answer(said)]

    async def topic(self, call: Call) -> Sequence[Effect]:
        """Say what the group is about."""
        try:
            found = await self._desk.opened(call)
            topic = str(call.args["topic"]).strip()
            await self._desk.want(call, replace(found.group, topic=topic))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say("{group} has a new topic.", group=bold(found.group.name))
        return [Nudge(machine=wanted.RECONCILER), call.answer(said)]

    async def ask_archive(self, call: Call) -> str | None:
        """The question before a group is closed."""
        try:
            found = await self._desk.owned(call)
        except Refusal:
            return None
        if found.group.archived:
            return None
        return call.voice.say(
            "**Archive {group}?** Nobody will be able to write there any more, but everything stays readable. `!esn "
            "group revive` opens it again.",
            group=bold(found.group.name),
        )

    async def archive(self, call: Call) -> Sequence[Effect]:
        """Close the group: read-only, out of its space."""
        try:
            found = await self._desk.owned(call)
            if found.group.archived:
                raise Refusal(call.voice.say("{group} is archived already.", group=bold(found.group.name)))
            await self._set_archived(call, found.group, True)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say(
            "{group} is archived. Everything stays readable, and `!esn group revive` opens it again.",
            group=bold(found.group.name),
        )
        told = later("**{person} has archived this group.** Everything stays readable, and can be opened again.")
        return [Nudge(machine=wanted.RECONCILER), *await self._members_told(call, found, told), call.answer(said)]

    async def revive(self, call: Call) -> Sequence[Effect]:
        """Open an archived group again; of one that nobody owns any more, whoever opens it becomes the owner."""
        try:
            found = await self._desk.found(call)
            orphan = found.group.archived and not found.group.owners and found.membership == "join"
            if not orphan:
                found = await self._desk.owned(call)
            if not found.group.archived:
                raise Refusal(call.voice.say("{group} is not archived.", group=bold(found.group.name)))
            await self._set_archived(call, found.group, False)
            if orphan:
                owned = replace(found.group, archived=False, owners=frozenset({call.person.user}))
                await self._desk.want(call, owned)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say("{group} is open again. Welcome back!", group=await self._desk.link(call, found))
        told = later("**{person} has opened this group again.** Welcome back!")
        return [Nudge(machine=wanted.RECONCILER), *await self._members_told(call, found, told), call.answer(said)]

    async def _members_told(self, call: Call, found: Found, sentence: Later) -> list[Effect]:
        """Members hear of what was done to their group from elsewhere; what is said in the room they see there."""
        if found.room_id is None or call.event.room_id == found.room_id:
            return []
        voice = await self._desk.voice_of(call.ctx.conn, found.group)
        person = await called(call.ctx.conn, found.room_id, call.person.user)
        message = render(voice.say(sentence, person=person))
        return [Say(room=room(found.group.key), body=message.body, html=message.html)]

    async def _set_archived(self, call: Call, group: Group, archived: bool) -> None:
        change = families.archive if archived else families.revive
        try:
            await change(call.ctx.conn, group.key, milliseconds(call.ctx.now))
        except Owned as error:
            raise Refusal(owned_sentence(call, group, error)) from error

    async def ask_hand_over(self, call: Call) -> str | None:
        """The question before a group changes hands."""
        try:
            found = await self._desk.opened(call)
            taker = await self._desk.new_owner(call, found)
        except Refusal:
            return None
        values = {"group": bold(found.group.name), "person": await called(call.ctx.conn, call.event.room_id, taker)}
        if call.person.user in found.group.owners:
            return call.voice.say(
                "**Hand {group} over to {person}?** It will be theirs, and no longer yours.", **values
            )
        return call.voice.say("**Hand {group} over to {person}?** It will be theirs.", **values)

    async def hand_over(self, call: Call) -> Sequence[Effect]:
        """Make somebody else the owner."""
        try:
            found = await self._desk.opened(call)
            taker = await self._desk.new_owner(call, found)
            group, giver = found.group, call.person.user
            await self._desk.want(call, replace(group, owners=model.handed_over(group.owners, giver, taker)))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        effects: list[Effect] = [Nudge(machine=wanted.RECONCILER)]
        if found.room_id is not None:
            if await rooms.membership(call.ctx.conn, found.room_id, taker) not in ("join", "invite"):
                reason = str(call.voice.say("This group has been handed over to you"))
                effects += await families.invitations(call.ctx.conn, group.key, taker, reason)
            if call.event.room_id != found.room_id:
                effects.append(await self._told_there(call, found, found.room_id, taker))
        said = call.voice.say(
            "{group} now belongs to {person}.",
            group=bold(group.name),
            person=await called(call.ctx.conn, call.event.room_id, taker),
        )
        return [*effects, call.answer(said)]

    async def _told_there(self, call: Call, found: Found, room_id: str, taker: str) -> Say:
        """Members learn who looks after their group."""
        voice = await self._desk.voice_of(call.ctx.conn, found.group)
        giver = await called(call.ctx.conn, room_id, call.person.user)
        person = await called(call.ctx.conn, room_id, taker)
        message = render(voice.say("{giver} has handed this group over to {person}.", giver=giver, person=person))
        return Say(room=room(found.group.key), body=message.body, html=message.html, mentions=(taker,))
