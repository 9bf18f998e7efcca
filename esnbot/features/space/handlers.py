"""Adding groups to spaces, taking them out, and showing what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.community.group import Group, Joining, Place, Space
from esnbot.community.reach import is_for, reached_by
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Nudge
from esnbot.engine.feature import Context
from esnbot.features import calm
from esnbot.features.contract import Kit
from esnbot.features.places import link_to, may_see, memberships, oversees
from esnbot.features.space import model, records
from esnbot.features.space.settings import SpaceSettings
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned
from esnbot.speech import Later, Markdown, bold, bullets, code, later, paragraphs
from esnbot.store import bindings, rooms

OWNER_POWER: Final = 50
DAY: Final = timedelta(days=1)
SHORT: Final = 120

OBSTACLES: Final[Mapping[model.No, Later]] = {
    model.No.closed: later(
        "People come into {group} by invitation alone, and others need not know of it: it stays out of all lists."
    ),
    model.No.archived: later("{group} is archived. Once it is open again, it can be added."),
    model.No.others: later(
        "Not everybody in {space} may know of {group}: it is not meant for all of them, so it cannot be shown there."
    ),
}


class Refusal(Exception):
    """What was asked cannot be done; the sentence says why."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class SpaceHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[SpaceSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings

    # --- adding ----------------------------------------------------------------------------------------------------

    async def ask_open(self, call: Call) -> str | None:
        """Who will be able to come in, before a group is opened to the members of a further space."""
        if not call.args.get("open"):
            return None
        try:
            space, group = await self._space_to_add_to(call), await self._group(call)
            await self._can_be_opened(call, group, space)
        except Refusal:
            # Said when it is tried.
            return None
        conn, voice = call.ctx.conn, call.voice
        here = await rooms.members(conn, await bindings.room_of(conn, space.key) or "")
        inside = await rooms.members(conn, await bindings.room_of(conn, group.key) or "")
        newcomers = len(set(here) - set(inside) - {call.ctx.bot})
        known = self._community.audiences
        reached = reached_by(space, await wanted.spaces(conn), known)
        question = voice.say(
            "**From then on, whoever is in {space} can come into {group} without asking.**",
            space=space.name,
            group=group.name,
        )
        return paragraphs(
            question,
            voice.plural("At present that is one person more.", "At present that is {n} people more.", newcomers),
            voice.say(
                "The space is meant for {audiences}.", audiences=voice.list(known[key].name for key in sorted(reached))
            )
            if reached
            else None,
        )

    async def _can_be_opened(self, call: Call, group: Group, space: Space) -> None:
        """Raise Refusal for a group that this person cannot open to a space's members."""
        names = {"group": bold(group.name), "space": bold(space.name)}
        problem = model.obstacle(group, space, await wanted.spaces(call.ctx.conn), self._community.audiences)
        if problem is not None:
            raise Refusal(call.voice.say(OBSTACLES[problem], **names))
        if not await self._owns(call, group):
            raise Refusal(
                call.voice.say(
                    "Only owners of {group} and animators decide who can come in. Without `--open` you can add it, and "
                    "that changes nothing about it.",
                    **names,
                )
            )

    async def add(self, call: Call) -> Sequence[Effect]:
        """Show a group in a space, for all its members."""
        try:
            return await self._add(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]

    async def _add(self, call: Call) -> Sequence[Effect]:
        conn, voice, now = call.ctx.conn, call.voice, milliseconds(call.ctx.now)
        space = await self._space_to_add_to(call)
        group = await self._group(call)
        names = {"group": bold(group.name), "space": bold(space.name)}
        places = await wanted.spaces(conn)
        problem = model.obstacle(group, space, places, self._community.audiences)
        if problem is not None:
            raise Refusal(voice.say(OBSTACLES[problem], **names))
        open_ = bool(call.args.get("open")) and group.joining is Joining.space
        if open_:
            await self._can_be_opened(call, group, space)
        there = model.stands_in(group, space.key)
        if there or (not open_ and model.is_in(group, space.key, places, self._community.audiences)):
            return [call.answer(voice.say("{group} stands in {space} already.", **names))]
        owns = await self._owns(call, group)
        if not owns and await records.was_removed(conn, space.key, group.key):
            raise Refusal(
                voice.say(
                    "{group} was taken out of {space} by somebody who looks after it; only they put it back.", **names
                )
            )
        await self._not_too_many(call, space)
        await self._want(call, model.opened(group, space.key) if open_ else model.added(group, space.key))
        await records.note(conn, space.key, group.key, call.person.user, now)
        told = [] if owns else await self._tell_owners(call, group, space)
        return [
            Nudge(machine=wanted.RECONCILER),
            *told,
            call.answer(
                voice.say(
                    "I am adding {group} to {space}: it will be there in a moment, and whoever is in {space} can come "
                    "in by themselves.",
                    **names,
                )
            )
            if open_
            else call.answer(
                voice.say(
                    "I am adding {group} to {space}: it will be there in a moment. Who may come in does not change by "
                    "that. Its owners and the animators can take it out again with `!esn space remove`.",
                    **names,
                )
            ),
        ]

    async def _space_to_add_to(self, call: Call) -> Space:
        """The space that is meant, open to additions by this person."""
        conn, voice = call.ctx.conn, call.voice
        space = call.args.get("space") or call.place
        if not isinstance(space, Space):
            mine = await memberships(conn, call.person.user)
            open_ = [
                one
                for one in (await wanted.spaces(conn)).values()
                if isinstance(one, Space) and one.open_to_additions and mine.get(one.key) == "join"
            ]
            if len(open_) != 1:
                raise Refusal(self._which(call, open_))
            space = open_[0]
        if not space.open_to_additions:
            raise Refusal(
                voice.say(
                    "{space} is not open to additions: what is in it is declared by the animators.",
                    space=bold(space.name),
                )
            )
        room_id = await bindings.room_of(conn, space.key)
        if room_id is None:
            raise Refusal(voice.say("{space} is being made. Try again in a moment.", space=bold(space.name)))
        if await rooms.membership(conn, room_id, call.person.user) != "join" and not oversees(call.person.roles):
            link = await link_to(conn, room_id, space.name, self._kit.server)
            raise Refusal(voice.say("Only members of {space} can add to it. Join it first.", space=link))
        return space

    def _which(self, call: Call, open_: Sequence[Space]) -> Markdown:
        if not open_:
            return call.voice.say("You are in no space to which members can add groups. `!esn space list` shows some.")
        names = call.voice.list([bold(one.name) for one in open_], either=True)
        return call.voice.say("To which space: {spaces}? Name it after `--to`.", spaces=names)

    async def _group(self, call: Call) -> Group:
        """The group that is meant, as it should be now; nobody else changes it until this is done."""
        named = call.args.get("group")
        place = named if isinstance(named, Place) else call.place
        if isinstance(place, Space) and named is not None:
            raise Refusal(
                call.voice.say(
                    "{space} is a space. Only groups can be added; how spaces stand in one another is declared by the "
                    "animators.",
                    space=bold(place.name),
                )
            )
        if not isinstance(place, Group):
            raise Refusal(call.voice.say("Which group do you mean? Name it, or say this in its room."))
        # Two who change the same group in the same second come one after the other.
        await wanted.locked(call.ctx.conn, place.key)
        group = await wanted.get(call.ctx.conn, place.key)
        return group if isinstance(group, Group) else place

    async def _not_too_many(self, call: Call, space: Space) -> None:
        conn, voice = call.ctx.conn, call.voice
        since = milliseconds(call.ctx.now - DAY)
        if await records.added_since(conn, call.person.user, since) >= self._settings.a_day:
            raise Refusal(
                voice.plural(
                    "You have added one group since yesterday. You can go on tomorrow.",
                    "You have added {n} groups since yesterday. You can go on tomorrow.",
                    self._settings.a_day,
                )
            )
        if model.shown_in(await wanted.all_places(conn), space.key) >= self._settings.most:
            raise Refusal(
                voice.say(
                    "{space} is full: {count} groups were added to it. The animators can make room.",
                    space=bold(space.name),
                    count=self._settings.most,
                )
            )

    async def _tell_owners(self, call: Call, group: Group, space: Space) -> list[Effect]:
        effects: list[Effect] = []
        for owner in sorted(group.owners - {call.person.user, call.ctx.bot}):
            effects += await calm.whisper(
                call.ctx,
                owner,
                "space",
                later(
                    "Your group {group} is now shown in {space}: a member of that space has added it. Who may come in "
                    "is the same as before; `space remove` takes it out.",
                    group=bold(group.name),
                    space=bold(space.name),
                ),
                about=f"added:{space.key}:{group.key}",
            )
        return effects

    # --- taking out ------------------------------------------------------------------------------------------------

    async def remove(self, call: Call) -> Sequence[Effect]:
        """Take a group out of a space; for its owners and animators."""
        try:
            return await self._remove(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]

    async def _remove(self, call: Call) -> Sequence[Effect]:
        conn, voice = call.ctx.conn, call.voice
        group = await self._group(call)
        space = await self._space_to_take_from(call, group)
        names = {"group": bold(group.name), "space": bold(space.name)}
        if space.key not in (*group.shown_in, *group.also_in) and group.parent != space.key:
            return [call.answer(voice.say("{group} is not in {space}.", **names))]
        if not await self._owns(call, group):
            raise Refusal(voice.say("Only owners of {group} and animators can take it out of a space.", **names))
        if group.parent == space.key:
            raise Refusal(voice.say("{group} is at home in {space}: it can be archived, but not taken out.", **names))
        await self._want(call, model.taken_out(group, space.key))
        await records.note_removed(conn, space.key, group.key, milliseconds(call.ctx.now))
        return [
            Nudge(machine=wanted.RECONCILER),
            call.answer(voice.say("{group} is no longer in {space}. The group itself goes on as it is.", **names)),
        ]

    async def _space_to_take_from(self, call: Call, group: Group) -> Space:
        space = call.args.get("space") or call.place
        if isinstance(space, Space):
            return space
        places = await wanted.spaces(call.ctx.conn)
        known = [places[key] for key in (*group.shown_in, *group.also_in) if key in places]
        visible = [one for one in known if is_for(one, places, self._community, call.person.audiences)]
        if oversees(call.person.roles):
            visible = known
        if len(visible) == 1 and isinstance(visible[0], Space):
            return visible[0]
        if not visible:
            raise Refusal(call.voice.say("{group} was added to no space.", group=bold(group.name)))
        names = call.voice.list([bold(one.name) for one in visible], either=True)
        raise Refusal(call.voice.say("From which space: {spaces}? Name it after `--from`.", spaces=names))

    async def _owns(self, call: Call, group: Group) -> bool:
        user = call.person.user
        if oversees(call.person.roles) or user in group.owners:
            return True
        room_id = await bindings.room_of(call.ctx.conn, group.key)
        return room_id is not None and await rooms.power_of(call.ctx.conn, room_id, user) >= OWNER_POWER

    async def _want(self, call: Call, group: Group) -> None:
        try:
            await wanted.want(call.ctx.conn, group, call.person.user, milliseconds(call.ctx.now))
        except Owned as error:
            where = code(error.source) if error.source else call.voice.say("the community's file")
            raise Refusal(
                call.voice.say(
                    "In which spaces {group} stands is declared in {source}. It has to be changed there.",
                    group=bold(group.name),
                    source=where,
                )
            ) from error

    # --- looking ---------------------------------------------------------------------------------------------------

    async def overview(self, call: Call) -> Sequence[Effect]:
        """The spaces that the person may see."""
        conn, voice = call.ctx.conn, call.voice
        places = await wanted.spaces(conn)
        mine = await memberships(conn, call.person.user)
        spaces = [one for one in places.values() if self._may_see(call, one, places, mine)]
        if not spaces:
            return [call.answer(voice.say("There is no space here that you can see."))]
        known = await bindings.all_bindings(conn)
        lines = []
        for space in spaces[: self._settings.listed_at_once]:
            link = await self._link(conn, space, known)
            open_ = isinstance(space, Space) and space.open_to_additions
            lines.append(voice.say("{space}: members can add groups", space=link) if open_ else link)
        return [
            call.answer(paragraphs(voice.say("**Spaces**"), bullets(lines), self._more(call, len(spaces) - len(lines))))
        ]

    async def show(self, call: Call) -> Sequence[Effect]:
        """What is in a space, as far as the person may see it."""
        conn, voice = call.ctx.conn, call.voice
        space = call.args.get("space") or call.place
        if not isinstance(space, Space):
            return await self.overview(call)
        everything = await wanted.all_places(conn)
        places = {one.key: one for one in everything}
        mine = await memberships(conn, call.person.user)
        inside = [
            one
            for one in everything
            if not getattr(one, "archived", False)
            and model.is_in(one, space.key, places, self._community.audiences)
            and self._may_see(call, one, places, mine)
        ]
        known = await bindings.all_bindings(conn)
        lines = []
        for place in inside[: self._settings.listed_at_once]:
            lines.append(await self._line(call, place, known, added=not model.stands_in(place, space.key)))
        hint = (
            voice.say("Something is missing? Members of {space} can add it: `!esn space add`.", space=bold(space.name))
            if space.open_to_additions
            else None
        )
        head = (
            voice.say("**What is in {space}**", space=space.name)
            if lines
            else voice.say("There is nothing in {space} that you can see yet.", space=bold(space.name))
        )
        return [
            call.answer(
                paragraphs(head, bullets(lines) if lines else None, self._more(call, len(inside) - len(lines)), hint)
            )
        ]

    async def _line(self, call: Call, place: Place, known: Mapping[str, str], *, added: bool) -> Markdown:
        voice, link = call.voice, await self._link(call.ctx.conn, place, known)
        topic = place.topic.strip().partition("\n")[0][:SHORT]
        line = voice.say("{group}: {topic}", group=link, topic=topic) if topic else link
        return voice.say("{line} (added by members)", line=line) if added else line

    def _may_see(self, call: Call, place: Place, places: Mapping[str, Place], mine: Mapping[str, str]) -> bool:
        membership = mine.get(place.key, "leave")
        if isinstance(place, Group):
            return may_see(place, places, self._community, call.person.audiences, call.person.roles, membership)
        if membership in ("join", "invite") or oversees(call.person.roles):
            return True
        return place.joining is not Joining.invite and is_for(place, places, self._community, call.person.audiences)

    async def _link(self, conn: AsyncConnection, place: Place, known: Mapping[str, str]) -> Markdown:
        room_id = known.get(place.key)
        return bold(place.name) if room_id is None else await link_to(conn, room_id, place.name, self._kit.server)

    def _more(self, call: Call, left: int) -> Markdown | None:
        return call.voice.plural("One more is not shown.", "{n} more are not shown.", left) if left > 0 else None

    # --- a person --------------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: what they added, where and when."""
        return {"added": await records.of_person(conn, person)}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget who added what; what stands in spaces stays."""
        await records.forget(ctx.conn, person)
        return []
