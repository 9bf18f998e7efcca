"""What people ask about the tempo: what a group bears, and what comes where, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from esnbot.commands.command import Call
from esnbot.commands.people import OWNER_POWER
from esnbot.community.group import Group, Kind, Place
from esnbot.engine.effects import Effect
from esnbot.features import calm
from esnbot.features.contract import Kit
from esnbot.features.places import may_see, oversees
from esnbot.features.search import readable_in
from esnbot.features.status import is_paused
from esnbot.features.tempo import model, records, wording
from esnbot.features.tempo.planner import Layout, LeftOut, Placed
from esnbot.features.tempo.plans import PROMPT, plan
from esnbot.features.tempo.settings import TempoSettings
from esnbot.features.tempo.verdicts import may_post, tempo_of
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, bold, bullets, paragraphs
from esnbot.store import bindings, rooms

NEXT_WITHIN = timedelta(weeks=4)
SHOWN_NEXT = 3
MOST_WITH_PROMPTS = 300
"""In a larger community, the plan of all groups leaves out those that only get prompts: it would take seconds."""


class Refusal(Exception):
    """Something that is not told, with what is said about it."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the plan, with what it is sorted by."""

    room: str
    at: datetime | None
    text: Markdown


class Desk:
    """The commands."""

    def __init__(self, kit: Kit[TempoSettings]) -> None:
        self._community, self._settings = kit.community, kit.settings

    # --- one group -------------------------------------------------------------------------------------------------

    async def show(self, call: Call) -> Sequence[Effect]:
        """What a group bears, what it had, what is next, and whether something can be posted now."""
        try:
            group = await self._group(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        conn, voice, now = call.ctx.conn, call.voice, call.ctx.now
        tempo = await tempo_of(conn, self._community, group.key)
        since = now - timedelta(days=model.WEEK)
        had = await records.noted(conn, group.key, since)
        layout = await plan(conn, self._community, now, now + NEXT_WITHIN, keys={group.key})
        had_lines = [
            voice.say(
                "{day}: {what}", day=voice.moment(one.at, tempo.zone, now), what=wording.what(voice, one.of, one.ref)
            )
            for one in had
        ]
        coming = [self._coming(call, one, now) for one in layout.placed[:SHOWN_NEXT]]
        return [
            call.answer(
                paragraphs(
                    voice.say("**What I post by myself in {group}, at most**", group=group.name),
                    bullets(wording.bounds(voice, tempo)),
                    voice.say("**Posted in the last seven days**"),
                    bullets(had_lines) if had_lines else voice.say("Nothing."),
                    voice.say("**What is next**"),
                    bullets(coming) if coming else voice.say("Nothing within four weeks."),
                    await self._now(call, group),
                    voice.say("Prompts are silenced here: `!esn silence lift prompts` lets them come again.")
                    if await calm.is_silenced(conn, group.key, PROMPT)
                    else None,
                )
            )
        ]

    async def _now(self, call: Call, group: Group) -> Markdown:
        voice, now = call.voice, call.ctx.now
        verdict = await may_post(call.ctx, self._community, group.key, now)
        if verdict.free:
            return voice.say("**Now**: there is room for one more.")
        why = voice.say(verdict.because)
        if verdict.until is None:
            return voice.say("**Now**: I wait. {why}", why=why)
        if verdict.rule is model.Rule.pause:
            return voice.say("**Now**: I am paused. `!esn resume` ends the pause.")
        until = voice.moment(verdict.until, self._community.zone, now)
        return voice.say("**Now**: I wait. {why} Next chance: {moment}.", why=why, moment=until)

    async def _group(self, call: Call) -> Group:
        """The group that is meant, for its owners and animators; raises Refusal."""
        named, voice = call.args.get("group"), call.voice
        place = named if isinstance(named, Place) else call.place
        if not isinstance(place, Group):
            raise Refusal(voice.say("Which group do you mean? Name it: `!esn tempo show café`."))
        if not await self._owns(call, place):
            raise Refusal(
                voice.say("Only owners of {group} and animators can see this.", group=bold(place.name))
                if await self._knows(call, place)
                # What somebody may not see does not exist for them, in the same words.
                else voice.say("I do not know any group called {text}.", text=voice.quote(place.name))
            )
        if not await self._aloud(call, place.key):
            raise Refusal(voice.say("Others read along here. Write to me directly, and I tell you."))
        return place

    async def _knows(self, call: Call, group: Group) -> bool:
        room_id = await bindings.room_of(call.ctx.conn, group.key)
        membership = "leave"
        if room_id is not None:
            membership = await rooms.membership(call.ctx.conn, room_id, call.person.user)
        spaces = await wanted.spaces(call.ctx.conn)
        person = call.person
        return may_see(group, spaces, self._community, person.audiences, person.roles, membership)

    async def _owns(self, call: Call, group: Group) -> bool:
        if oversees(call.person.roles):
            return True
        room_id = await bindings.room_of(call.ctx.conn, group.key)
        if room_id is None:
            return call.person.user in group.owners
        return await rooms.power_of(call.ctx.conn, room_id, call.person.user) >= OWNER_POWER

    async def _aloud(self, call: Call, key: str) -> bool:
        """Whether a group may be named where this was said."""
        if call.is_direct or self._among_animators(call) or (call.place is not None and call.place.key == key):
            return True
        if call.place is None:
            return False
        readable = await readable_in(call.ctx.conn, self._community, call.place, call.ctx.bot, call.ctx.now)
        return readable.knows_of(key)

    def _among_animators(self, call: Call) -> bool:
        return isinstance(call.place, Group) and call.place.kind is Kind.animators

    # --- the coming weeks ------------------------------------------------------------------------------------------

    async def plan(self, call: Call) -> Sequence[Effect]:
        """What comes in which group, and why."""
        try:
            groups = await self._groups(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        conn, voice, now = call.ctx.conn, call.voice, call.ctx.now
        given = call.args.get("weeks")
        weeks = given if isinstance(given, int) else self._settings.weeks
        layout = await plan(conn, self._community, now, now + timedelta(weeks=weeks), keys=groups.keys())
        lines = self._lines(call, layout, now, omitted_prompts=len(groups) == 1)
        shown = lines[: self._settings.shown]
        blocks = [
            part
            for room, some in groupby(shown, key=lambda line: line.room)
            for part in (bold(groups[room].name), bullets(line.text for line in some))
        ]
        left = len(lines) - len(shown)
        return [
            call.answer(
                paragraphs(
                    voice.plural("**The coming week**", "**The coming {n} weeks**", weeks),
                    *(blocks or [voice.say("Nothing is planned.")]),
                    voice.plural(
                        "One more is not shown: add `--group` and a name to see those of one group.",
                        "{n} more are not shown: add `--group` and a name to see those of one group.",
                        left,
                    )
                    if left > 0
                    else None,
                    voice.say("I am paused: nothing of this appears before somebody resumes.")
                    if await is_paused(conn)
                    else None,
                    None
                    if call.is_direct or self._among_animators(call)
                    else voice.say("Others read along here. Write to me directly to see every group that you can see."),
                )
            )
        ]

    async def _groups(self, call: Call) -> dict[str, Group]:
        """The groups whose plan the person sees here, in the order of the file; raises Refusal."""
        if isinstance(call.args.get("group"), Place):
            group = await self._group(call)
            return {group.key: group}
        conn, user = call.ctx.conn, call.person.user
        everywhere = oversees(call.person.roles)
        here = call.place.key if call.place is not None else ""
        found = {
            group.key: group
            async for group in wanted.each_place(conn)
            if isinstance(group, Group)
            and not group.archived
            and (everywhere or group.key == here or user in group.owners)
        }
        if everywhere and len(found) > MOST_WITH_PROMPTS:
            # With so many groups, what animators look for is what they planned.
            wished = {one.targets[0] for one in await records.wished(conn)}
            found = {key: group for key, group in found.items() if key in wished or key == here}
        if not everywhere:
            found = {key: group for key, group in found.items() if await self._owns(call, group)}
        if not found:
            raise Refusal(call.voice.say("The plan is for animators, and for owners, who see that of their groups."))
        if not call.is_direct and not self._among_animators(call):
            aloud = None
            if call.place is not None:
                aloud = await readable_in(conn, self._community, call.place, call.ctx.bot, call.ctx.now)
            found = {key: group for key, group in found.items() if key == here or (aloud and aloud.knows_of(key))}
        return found

    def _lines(self, call: Call, layout: Layout, now: datetime, *, omitted_prompts: bool) -> list[_Line]:
        lines = [_Line(one.room, one.at, self._placed(call, one, now)) for one in layout.placed]
        lines += [
            _Line(one.room, None, self._left_out(call, one, now))
            for one in layout.left_out
            if omitted_prompts or not one.wish.prompt
        ]
        # What finds no time stands after what has one.
        return sorted(lines, key=lambda line: (line.room, line.at is None, line.at or now))

    def _coming(self, call: Call, one: Placed, now: datetime) -> Markdown:
        voice = call.voice
        what = wording.what(voice, one.wish.of, one.wish.ref)
        return voice.say("{day}: {what}", day=voice.moment(one.at, self._community.zone, now), what=what)

    def _placed(self, call: Call, one: Placed, now: datetime) -> Markdown:
        return Markdown(f"{self._coming(call, one, now)}. *{call.voice.say(one.because)}*")

    def _left_out(self, call: Call, one: LeftOut, now: datetime) -> Markdown:
        voice, what = call.voice, wording.what(call.voice, one.wish.of, one.wish.ref)
        if one.wish.at is not None:
            day = voice.moment(one.wish.at, self._community.zone, now)
        elif one.wish.day is not None:
            day = voice.date(one.wish.day, now.astimezone(self._community.zone).date())
        else:
            return voice.say("No time yet: {what}. {why}", what=what, why=voice.say(one.because))
        return voice.say("Not on {day}: {what}. {why}", day=day, what=what, why=voice.say(one.because))
