"""What owners change about who their group is for: audience, way in, history; and its kind and language.

Whatever opens a group wider is shown first, with who will then read what; the members are told afterwards.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from esnbot.commands.command import Call
from esnbot.community.group import Group, History, Joining, Kind, Origin, Place
from esnbot.community.model import Community
from esnbot.community.person import UserID
from esnbot.community.reach import is_for
from esnbot.engine.effects import TEXT, Effect, Emit, Kick, Nudge, Say, room
from esnbot.features.group import families, model, openness
from esnbot.features.group.desk import Desk, Found, Refusal
from esnbot.features.group.events import OWNER_GONE
from esnbot.features.group.openness import FEW, Opening
from esnbot.features.places import called
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, Voice, bold, bullets, later, paragraphs, render
from esnbot.store import bindings, rooms

EVERYBODY: Final = "*"
"""As an audience: whoever the space around is for."""
NAMED: Final = 8
"""So many people are named who have to leave; of more there is a number."""
WAYS_IN: Final = {
    Joining.public: later("whoever has its address comes in"),
    Joining.space: later("whoever it is for comes in by themselves"),
    Joining.knock: later("whoever it is for can ask to come in, and members let them in"),
    Joining.invite: later("one comes in by invitation, and nobody else sees that it exists"),
}
PASTS: Final = {
    History.shared: later("whoever comes in reads all that was said before"),
    History.world: later("everybody reads all that is said, from outside too"),
    History.joined: later("one reads what is said from the moment one came in"),
    History.invited: later("one reads what is said from the moment one was invited"),
}


Change = Callable[[Call, Group, dict[str, Place]], Awaitable[Group]]
"""From a group as it is to how it should be, given the spaces. Raises Refusal."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change that is about to be made."""

    found: Found
    after: Group
    """As seen from outside: of a group of several rooms, as if it stood where their own space stands."""
    opening: Opening
    leaving: tuple[UserID, ...]
    """Who is in the group and will have to leave it."""


class Changing:
    """The commands that change whom a group is for, and what it is."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._community = desk.community

    # --- what it is --------------------------------------------------------------------------------------------------

    async def kind(self, call: Call) -> Sequence[Effect]:
        """Make it a group of another kind."""
        kind = Kind(call.args["kind"])
        try:
            found = await self._desk.opened(call)
            if found.group.kind not in model.MADE_IN_CHAT:
                raise Refusal(
                    call.voice.say(
                        "{group} is a room of the community itself: its kind is changed in the community's file.",
                        group=bold(found.group.name),
                    )
                )
            await self._desk.want(call, replace(found.group, kind=kind))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say(
            "{group} is of another kind now. Its prompts will suit that; all else stays as it is.",
            group=bold(found.group.name),
        )
        return [Nudge(machine=wanted.RECONCILER), call.answer(said)]

    async def language(self, call: Call) -> Sequence[Effect]:
        """Choose the language in which the bot speaks there."""
        try:
            found = await self._desk.opened(call)
            after = replace(found.group, language=str(call.args["language"]))
            await self._desk.want(call, after)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say("From now on I speak English in {group}.", group=bold(found.group.name))
        if after.language != call.voice.language:
            other = self._desk.speech.voice(str(after.language))
            said = other.say("From now on I speak English in {group}.", group=bold(found.group.name))
        return [Nudge(machine=wanted.RECONCILER), call.answer(said)]

    # --- whom it is for ----------------------------------------------------------------------------------------------

    async def ask_audience(self, call: Call) -> str | None:
        """Who will then read what, and who has to leave."""
        return await self._question(call, self._for_audience)

    async def audience(self, call: Call) -> Sequence[Effect]:
        """Say whom the group is for."""
        return await self._change(call, self._for_audience)

    async def ask_joining(self, call: Call) -> str | None:
        """Who will then read what."""
        return await self._question(call, self._by_door)

    async def joining(self, call: Call) -> Sequence[Effect]:
        """Say how people come in."""
        return await self._change(call, self._by_door)

    async def ask_history(self, call: Call) -> str | None:
        """Who will then read what."""
        return await self._question(call, self._with_past)

    async def history(self, call: Call) -> Sequence[Effect]:
        """Say whether whoever comes in reads what was said before."""
        return await self._change(call, self._with_past)

    async def _for_audience(self, call: Call, group: Group, spaces: dict[str, Place]) -> Group:
        asked = [str(key) for key in call.args["audiences"]]
        allowed = openness.choices(group, spaces, self._community)
        if EVERYBODY in asked:
            # Where it is declared that nobody is to be left out, the group follows the space.
            return replace(group, audiences=())
        beyond = [key for key in asked if key not in allowed]
        if beyond:
            around = spaces.get(group.parent) if group.parent else None
            raise Refusal(
                call.voice.say(
                    "{space} is not meant for {audience}, so a group in it cannot be either. You can choose "
                    "{audiences}.",
                    space=bold(around.name if around is not None else group.name),
                    audience=self._names(call.voice, beyond),
                    audiences=self._names(call.voice, allowed, either=True),
                )
            )
        chosen = tuple(key for key in allowed if key in asked)
        # What a group leaves out, its door leaves out too.
        narrow = set(chosen) < set(allowed)
        after = replace(group, audiences=chosen if narrow else ())
        return replace(after, joining=Joining.space) if narrow and group.joining is Joining.public else after

    async def _by_door(self, call: Call, group: Group, spaces: dict[str, Place]) -> Group:
        joining = Joining(call.args["joining"])
        if joining is Joining.public and not openness.may_be_public(group, spaces):
            raise Refusal(
                call.voice.say(
                    "{group} cannot be open to whoever has its address: the space around it is not, or the group "
                    "leaves out a part of it.",
                    group=bold(group.name),
                )
            )
        if joining is Joining.knock and group.audiences:
            raise Refusal(
                call.voice.say(
                    "{group} is for a part of its space only, so I am the one who lets people in: choose `space` or "
                    "`invitation`.",
                    group=bold(group.name),
                )
            )
        return replace(group, joining=joining)

    async def _with_past(self, call: Call, group: Group, spaces: dict[str, Place]) -> Group:
        return replace(group, history=History(call.args["history"]))

    # --- shown, done, told -------------------------------------------------------------------------------------------

    async def _step(self, call: Call, change: Change) -> Step:
        found = await self._desk.opened(call)
        spaces = await wanted.spaces(call.ctx.conn)
        before = await self._from_outside(call, found.group)
        after = await change(call, before, spaces)
        opening = openness.opening(before, after, spaces, self._community)
        leaving = await self._leaving(call, found, after, spaces) if opening.lost else ()
        if call.person.user in leaving:
            raise Refusal(
                call.voice.say(
                    "{group} would not be for you any more. `!esn group hand-over` gives it to somebody it will be "
                    "for; they can change it then.",
                    group=bold(found.group.name),
                )
            )
        return Step(found, after, opening, leaving)

    async def _from_outside(self, call: Call, group: Group) -> Group:
        own = await families.space_of(call.ctx.conn, group.key)
        return group if own is None else replace(group, parent=own.parent)

    async def _leaving(self, call: Call, found: Found, after: Group, spaces: dict[str, Place]) -> tuple[UserID, ...]:
        roles = self._community.roles
        there = sorted({user for users in (await self._inside(call, found.group)).values() for user in users})
        stay = {call.ctx.bot, *roles.animators, *roles.administrators}
        today = call.ctx.now.astimezone(self._community.zone).date()
        belongs = {user: self._community.audiences_of(user, today) for user in there if user not in stay}
        reached = openness.reached(after, spaces, self._community)
        if not all(self._community.audiences[key].is_listed for key in reached):
            # Whom no declaration names may have been invited by name: they are given the benefit of the doubt.
            belongs = {user: audiences for user, audiences in belongs.items() if audiences}
        return tuple(
            user for user, audiences in belongs.items() if not is_for(after, spaces, self._community, audiences)
        )

    async def _inside(self, call: Call, group: Group) -> dict[str, list[UserID]]:
        """Who is in a group, or invited, by the keys of its rooms and of their space."""
        conn, inside = call.ctx.conn, dict[str, list[UserID]]()
        for place in await families.family(conn, group.key):
            room_id = await bindings.room_of(conn, place.key)
            if room_id is not None:
                inside[place.key] = [*await rooms.members(conn, room_id), *await rooms.members(conn, room_id, "invite")]
        return inside

    async def _question(self, call: Call, change: Change) -> str | None:
        try:
            step = await self._step(call, change)
        except Refusal:
            return None
        if step.found.group.origin is Origin.file or not (step.opening.widens or step.leaving):
            # Of the file's groups the file alone says who is inside: that is answered without a question.
            return None
        voice, group = call.voice, step.found.group
        head = (
            voice.say("**Open {group} wider?**", group=group.name)
            if step.opening.widens
            else voice.say("**Close {group} to some?**", group=group.name)
        )
        told = voice.say("I tell the members in the group what has changed.")
        return paragraphs(head, bullets(await self._lines(call, step)), told)

    async def _lines(self, call: Call, step: Step) -> list[Markdown]:
        voice, opening, after = call.voice, step.opening, step.after
        lines: list[Markdown] = []
        if opening.added:
            lines.append(
                voice.say(
                    "It will be for {audiences} too: {count}",
                    audiences=self._names(voice, opening.added),
                    count=await self._count(call, step, opening.added),
                )
            )
        if opening.door is not None:
            reached = openness.reached(after, await wanted.spaces(call.ctx.conn), self._community)
            lines.append(
                voice.say(
                    "From then on, {way}: {count}",
                    way=voice.say(WAYS_IN[opening.door]),
                    count=await self._count(call, step, reached),
                )
            )
        if opening.widens:
            reads = openness.reads_the_past(after)
            lines.append(
                voice.say("Whoever comes in will read what was said before, too")
                if reads
                else voice.say("What was said before stays between those who were there")
            )
        if opening.lost:
            lines.append(
                voice.say("It will not be for {audiences} any more", audiences=self._names(voice, opening.lost))
            )
        if step.leaving:
            lines.append(voice.say("These will have to leave: {people}", people=await self._people(call, step)))
        return lines

    async def _people(self, call: Call, step: Step) -> Markdown:
        if len(step.leaving) > NAMED:
            return call.voice.plural("one person", "{n} people", len(step.leaving))
        room_id = step.found.room_id or call.event.room_id
        return call.voice.list([await called(call.ctx.conn, room_id, user) for user in step.leaving])

    async def _count(self, call: Call, step: Step, audiences: Collection[str]) -> Markdown:
        """How many people of these audiences, in the spaces around, could come in; small numbers are not told."""
        conn, group = call.ctx.conn, step.after
        today = call.ctx.now.astimezone(self._community.zone).date()
        inside = set(await rooms.members(conn, step.found.room_id)) if step.found.room_id else set()
        people: set[UserID] = set()
        for space in (group.parent, *group.also_in):
            room_id = await bindings.room_of(conn, space) if space else None
            people |= set(await rooms.members(conn, room_id)) if room_id else set()
        new = people - inside - {call.ctx.bot}
        number = sum(not self._community.audiences_of(user, today).isdisjoint(audiences) for user in new)
        if number < FEW:
            return call.voice.say("a few people at present")
        return call.voice.say("{count} people at present", count=number)

    async def _change(self, call: Call, change: Change) -> Sequence[Effect]:
        try:
            step = await self._step(call, change)
            before, after = step.found.group, replace(step.after, parent=step.found.group.parent)
            gone = sorted(before.owners & set(step.leaving))
            after = replace(after, owners=after.owners - frozenset(gone))
            if after == before:
                raise Refusal(call.voice.say("That is how it is already."))
            await self._desk.want(call, after)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        effects: list[Effect] = [Nudge(machine=wanted.RECONCILER)]
        if step.found.room_id is not None:
            effects.append(await self._told_there(call, step, step.found.room_id))
            voice = await self._desk.voice_of(call.ctx.conn, after)
            reason = str(voice.say("This group is not meant for you any more"))
            effects += [
                Kick(room=room(key), user=user, reason=reason)
                for key, users in (await self._inside(call, after)).items()
                for user in users
                if user in step.leaving
            ]
            effects += [
                Emit(type=OWNER_GONE, content={"key": after.key, "person": owner}, room=step.found.room_id)
                for owner in gone
            ]
        if effects[1:] and call.event.room_id == step.found.room_id:
            # What is so from now on stands in the room already, for all who are in it.
            return [*effects, call.answer(call.voice.say("Done, and I have told the members."))]
        return [*effects, call.answer(call.voice.say("Done: {what}.", what=await self._now(call.voice, call, after)))]

    async def _told_there(self, call: Call, step: Step, room_id: str) -> Say:
        """The members learn who changed what, and who reads them from now on."""
        conn = call.ctx.conn
        voice = await self._desk.voice_of(conn, step.after)
        person = await called(conn, room_id, call.person.user)
        if step.opening.widens:
            head = voice.say("**{person} has opened this group wider.**", person=person)
        elif replace(step.after, history=step.found.group.history, parent=step.found.group.parent) == step.found.group:
            head = voice.say("**{person} has changed what whoever comes in can read here.**", person=person)
        else:
            head = voice.say("**{person} has changed who can come into this group.**", person=person)
        now = voice.say("From now on: {what}.", what=await self._now(voice, call, step.after))
        message = render(paragraphs(head, now))
        return Say(room=room(step.after.key), msgtype=TEXT, body=message.body, html=message.html)

    async def _now(self, voice: Voice, call: Call, group: Group) -> Markdown:
        return described(voice, group, await wanted.spaces(call.ctx.conn), self._community)

    def _names(self, voice: Voice, audiences: Collection[str], *, either: bool = False) -> Markdown:
        known = self._community.audiences
        return voice.list([bold(known[key].name) for key in audiences if key in known], either=either)


def described(voice: Voice, group: Group, spaces: Mapping[str, Place], community: Community) -> Markdown:
    """Whom a group is for, how one comes in, and what whoever comes in reads, in one sentence."""
    way, past = voice.say(WAYS_IN[group.joining]), voice.say(_past(group))
    reached = openness.reached(group, spaces, community)
    if not reached:
        return voice.say("{way}, and {past}", way=way, past=past)
    audiences = voice.list([bold(community.audiences[key].name) for key in reached if key in community.audiences])
    return voice.say("it is for {audiences}; {way}, and {past}", audiences=audiences, way=way, past=past)


def _past(group: Group) -> Later:
    if group.encrypted:
        return later("what was said before stays between those who were there: it is encrypted")
    return PASTS[group.history]
