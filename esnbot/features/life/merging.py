"""Two groups become one: the owners of both agree, members are invited, and the one that ends is archived.

Nothing is lost: what was said in it stays readable there, and it can be opened again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.commands.reactions import Reaction
from esnbot.commands.reading import Kind, Problem, Reading
from esnbot.commands.values import GroupValue
from esnbot.community.group import Group, Origin, Place
from esnbot.community.group import Kind as GroupKind
from esnbot.community.person import UserID
from esnbot.community.reach import is_for
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import (
    TEXT,
    Effect,
    Emit,
    Invite,
    Nudge,
    React,
    Say,
    Schedule,
    Unschedule,
    direct,
    post,
    room,
)
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import group as groups
from esnbot.features import text
from esnbot.features.contract import Kit
from esnbot.features.group import Found, Reception, Refusal, owned_sentence
from esnbot.features.hours import next_occasion
from esnbot.features.life import records
from esnbot.features.life.records import Merge
from esnbot.features.life.settings import LifeSettings
from esnbot.features.places import called, link_to
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned
from esnbot.speech import Markdown, Voice, bold, paragraphs, render
from esnbot.store import bindings, rooms

END_MERGE: Final = "end merge"
ASKED: Final = "org.esnbot.merge_asked"
"""Of this feature alone: the owners of the other group are to be asked; content: ``merge``."""
YES: Final = "✅"
NO: Final = "❌"
NAMED: Final = 10
"""So many people are named to whom the other group is closed."""
CLOSED: Final = frozenset({GroupKind.animators, GroupKind.announcements})
"""Kinds of group that are no part of another one."""
_INTO: Final = re.compile(r"\s(?:into|dans|avec|with)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Merged(Kind):
    """`A into B`, or `B` alone: a group (None: the one in whose room it is said), and the one it becomes part of."""

    words: ClassVar[Literal["one", "longest", "all"]] = "all"

    async def read(self, text: str, reading: Reading) -> tuple[Place | None, Place]:
        """Both groups."""
        group, text = GroupValue(), text.strip()
        if (begin := re.match(r"(?:into|dans|avec|with)\s+", text, re.IGNORECASE)) is not None:
            return None, await group.read(_unquoted(text[begin.end() :]), reading)
        try:
            return None, await group.read(_unquoted(text), reading)
        except Problem as problem:
            unknown = problem
        for found in _INTO.finditer(text):
            try:
                source = await group.read(_unquoted(text[: found.start()]), reading)
                return source, await group.read(_unquoted(text[found.end() :]), reading)
            except Problem as problem:
                unknown = problem
        raise unknown


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in ('""', "''", "«»", "“”") else text


@dataclass(frozen=True, slots=True)
class Pair:
    """The group that ends, and the one that it becomes part of."""

    source: Found
    target: Found


class Merging:
    """The command `group merge`, and the answer of the other group's owners."""

    def __init__(self, kit: Kit[LifeSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings
        self._reception = Reception(kit)

    # --- asking ------------------------------------------------------------------------------------------------------

    async def ask(self, call: Call) -> str | None:
        """What a yes does."""
        try:
            pair = await self._pair(call)
        except Refusal:
            return None
        voice, source, target = call.voice, pair.source.group, pair.target.group
        people, others = await self._people(call.ctx, source, target)
        group, other = bold(source.name), bold(target.name)
        return paragraphs(
            voice.say("**Shall {group} become part of {other}?**", group=source.name, other=target.name),
            voice.say(
                "Its members are invited to {other}; {group} is archived: what was said there stays readable, and "
                "`!esn group revive` opens it again.",
                group=group,
                other=other,
            ),
            voice.say("{other} is not meant for all of them: I tell those.", other=other) if others else None,
            voice.say("Nobody is in {group} at present.", group=group) if not people and not others else None,
            voice.say("Before that, the owners of {other} are asked in its room.", other=other)
            if not pair.target.owns
            else None,
        )

    async def merge(self, call: Call) -> Sequence[Effect]:
        """Do it, or ask the owners of the other group first."""
        try:
            pair = await self._pair(call)
            if pair.target.owns:
                effects = await self._done(call.ctx, pair.source.group, pair.target.group, call.person.user)
            else:
                return await self._wish(call, pair)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said = call.voice.say(
            "{group} is part of {other} now: its members are invited there, and {group} is archived.",
            group=bold(pair.source.group.name),
            other=await self._reception.link(call, pair.target),
        )
        return [*effects, call.answer(said)]

    async def _pair(self, call: Call) -> Pair:
        first, second = call.args["groups"]
        source = await self._reception.opened(replace(call, args={"group": first}))
        target = await self._reception.found(replace(call, args={"group": second}))
        voice, name = call.voice, bold(source.group.name)
        heads = [await groups.head_of(call.ctx.conn, one.group.key) for one in (source, target)]
        if heads[0] == heads[1]:
            raise Refusal(voice.say("{group} cannot become part of itself: name another group.", group=name))
        if heads[0] != source.group.key:
            raise Refusal(voice.say("{group} is a room of a larger group: name that one.", group=name))
        for one in (source, target):
            if one.group.kind in CLOSED:
                raise Refusal(
                    voice.say(
                        "{group} is a room of the community itself: it is not merged with others.",
                        group=bold(one.group.name),
                    )
                )
        if target.group.archived or target.room_id is None or source.room_id is None:
            raise Refusal(
                voice.say("{group} is not open, so nothing can become part of it.", group=bold(target.group.name))
            )
        if source.group.origin is Origin.file and "archived" in source.group.stated:
            raise Refusal(owned_sentence(call, source.group, Owned(source.group.key, "archived", source.group.source)))
        return Pair(source, replace(target, owns=await self._owns(call, target)))

    async def _owns(self, call: Call, target: Found) -> bool:
        return target.owns or call.person.user in target.group.owners

    async def _wish(self, call: Call, pair: Pair) -> Sequence[Effect]:
        source, target, room_id = pair.source.group, pair.target.group, pair.target.room_id or ""
        conn, now = call.ctx.conn, call.ctx.now
        owners = await self._answerable(conn, target, room_id)
        if not owners:
            raise Refusal(
                call.voice.say(
                    "Nobody looks after {other} at present, so nobody can agree. The animators can do it for you.",
                    other=bold(target.name),
                )
            )
        asked = await records.ask_merge(
            conn, source.key, target.key, room_id, call.person.user, call.person.language, milliseconds(now)
        )
        if asked is None:
            raise Refusal(
                call.voice.say(
                    "{group} is waiting for an answer already: one thing at a time.", group=bold(source.name)
                )
            )
        answer = call.answer(
            call.voice.say(
                "I have asked the owners of {other}, and will tell you what they say.", other=bold(target.name)
            )
        )
        return [Emit(type=ASKED, content={"merge": asked.id}, room=room_id), answer]

    async def asked(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Put the question to the owners of the other group."""
        number = event.content.get("merge")
        asked = await records.open_merge(ctx.conn, number) if isinstance(number, int) else None
        pair = await self._both(ctx.conn, asked) if asked is not None else None
        if asked is None or pair is None:
            return []
        source, target = pair
        owners = await self._answerable(ctx.conn, target, asked.room_id)
        voice = await self._reception.voice_of(ctx.conn, target)
        until = next_occasion(ctx.now + self._settings.answer_within, self._community)
        said = paragraphs(
            voice.say("**{group} would like to become part of {other}.**", group=source.name, other=target.name),
            voice.say(
                "{person} asks for it. Its members would be invited here, and {group} archived.",
                person=await called(ctx.conn, asked.room_id, asked.asker),
                group=bold(source.name),
            ),
            voice.say(
                "{owners}: react with {yes} to agree, with {no} to decline, by {date}.",
                owners=voice.list([await called(ctx.conn, asked.room_id, owner) for owner in owners]),
                yes=Markdown(YES),
                no=Markdown(NO),
                date=voice.date(until.astimezone(self._community.zone).date()),
            ),
        )
        message, key, there = render(said), f"merge:{asked.id}", room(target.key)
        notice = Say(key=key, room=there, msgtype=TEXT, body=message.body, html=message.html, mentions=tuple(owners))
        buttons = [React(room=there, to=post(key), emoji=emoji) for emoji in (YES, NO)]
        return [notice, *buttons, Schedule(key=_job(asked), job=END_MERGE, due=until, payload={"merge": asked.id})]

    async def _both(self, conn: AsyncConnection, asked: Merge) -> tuple[Group, Group] | None:
        """Both groups, while they are open."""
        source, target = [await wanted.get(conn, key) for key in (asked.source, asked.target)]
        if not isinstance(source, Group) or not isinstance(target, Group) or source.archived or target.archived:
            return None
        return source, target

    async def _answerable(self, conn: AsyncConnection, target: Group, room_id: str) -> list[UserID]:
        members = set(await rooms.members(conn, room_id))
        return sorted(target.owners & members)

    # --- answers -----------------------------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """An owner of the other group agrees or declines."""
        number = reaction.post.removeprefix("merge:")
        asked = await records.open_merge(ctx.conn, int(number)) if number.isdigit() else None
        if asked is None or reaction.taken_back or reaction.room_id != asked.room_id:
            return []
        pair = await self._both(ctx.conn, asked)
        if pair is None:
            return await self._close(ctx.conn, asked)
        source, target = pair
        roles = self._community.roles
        if reaction.sender not in target.owners | roles.animators | roles.administrators:
            return []
        if await rooms.membership(ctx.conn, asked.room_id, reaction.sender) != "join":
            return []
        closed = await self._close(ctx.conn, asked)
        if reaction.emoji == NO:
            said = self._voice(asked).say(
                "The owners of {other} would rather that {group} stays a group of its own.",
                other=bold(target.name),
                group=bold(source.name),
            )
            return [*closed, *_whispered(asked, said)]
        try:
            effects = await self._done(ctx, source, target, reaction.sender)
        except Refusal:
            # The file keeps it open since.
            return closed
        said = self._voice(asked).say(
            "{group} is part of {other} now: its members are invited there, and {group} is archived.",
            group=bold(source.name),
            other=bold(target.name),
        )
        return [*closed, *effects, *_whispered(asked, said)]

    async def end(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Nobody answered in time."""
        payload = event.content.get("payload")
        number = payload.get("merge") if isinstance(payload, dict) else None
        asked = await records.open_merge(ctx.conn, number) if isinstance(number, int) else None
        if asked is None:
            return []
        closed = await self._close(ctx.conn, asked)
        names = await wanted.names(ctx.conn, (asked.source, asked.target))
        said = self._voice(asked).say(
            "The owners of {other} have not answered: {group} stays as it is. The animators can help you.",
            other=bold(names.get(asked.target, asked.target)),
            group=bold(names.get(asked.source, asked.source)),
        )
        return [*closed, *_whispered(asked, said)]

    async def drop(self, conn: AsyncConnection, key: str) -> list[Effect]:
        """A group is archived: what was asked about it is settled."""
        effects: list[Effect] = []
        for asked in await records.merges_of(conn, key):
            effects += await self._close(conn, asked)
        return effects

    async def _close(self, conn: AsyncConnection, asked: Merge) -> list[Effect]:
        await records.close_merge(conn, asked.id)
        return [Unschedule(key=_job(asked))]

    def _voice(self, asked: Merge) -> Voice:
        return self._kit.speech.voice(asked.language)

    # --- doing it ----------------------------------------------------------------------------------------------------

    async def _done(self, ctx: Context, source: Group, target: Group, by: UserID) -> list[Effect]:
        people, others = await self._people(ctx, source, target)
        try:
            await groups.archive(ctx.conn, source.key, milliseconds(ctx.now))
        except Owned as error:
            raise Refusal(Markdown(str(error))) from error
        return [
            await self._farewell(ctx, source, target, others),
            await self._arrival(ctx, source, target, by),
            *await self._invited(ctx, source, target, people),
            Emit(type=groups.MERGED, content={"from": source.key, "into": target.key}),
            Nudge(machine=wanted.RECONCILER),
        ]

    async def _people(self, ctx: Context, source: Group, target: Group) -> tuple[list[UserID], list[UserID]]:
        """Who of the source's members is to be invited, and to whom the target is closed; who is there is neither."""
        conn, community = ctx.conn, self._community
        members: set[UserID] = set()
        for part in await groups.groups_of(conn, source.key):
            room_id = await bindings.room_of(conn, part.key)
            members |= set(await rooms.members(conn, room_id)) if room_id is not None else set()
        room_id = await bindings.room_of(conn, target.key) or ""
        there = {one: set(await rooms.members(conn, room_id, one)) for one in ("join", "invite", "ban")}
        spaces, today = await wanted.spaces(conn), ctx.now.astimezone(community.zone).date()
        keepers = community.roles.animators | community.roles.administrators
        people: list[UserID] = []
        others: list[UserID] = []
        for user in sorted(members - {ctx.bot} - there["join"] - there["invite"]):
            meant = user in keepers or is_for(target, spaces, community, community.audiences_of(user, today))
            (people if meant and user not in there["ban"] else others).append(user)
        return people, others

    async def _farewell(self, ctx: Context, source: Group, target: Group, others: Sequence[UserID]) -> Say:
        conn = ctx.conn
        here, there = [await bindings.room_of(conn, key) or "" for key in (source.key, target.key)]
        voice = await self._reception.voice_of(conn, source)
        names = [await called(conn, here, user) for user in others[:NAMED]]
        left = None
        if others:
            who = voice.list(names) if len(others) <= NAMED else voice.say("some of you")
            left = voice.say(
                "{people}: it is not meant for you, so I cannot invite you. The animators can tell you more.",
                people=who,
            )
        said = paragraphs(
            voice.say("**{group} becomes part of {other}.**", group=source.name, other=target.name),
            voice.say(
                "We go on there: {link}. You have an invitation. What was said and kept here stays readable here, and "
                "`!esn group revive` opens it again.",
                link=await link_to(conn, there, target.name, self._kit.server),
            ),
            left,
        )
        message = render(said)
        return Say(room=room(source.key), msgtype=TEXT, body=message.body, html=message.html)

    async def _arrival(self, ctx: Context, source: Group, target: Group, by: UserID) -> Say:
        voice = await self._reception.voice_of(ctx.conn, target)
        room_id = await bindings.room_of(ctx.conn, target.key) or ""
        kept = await self._kept(ctx.conn, source)
        said = paragraphs(
            voice.say("**{group} becomes part of this group.**", group=source.name),
            voice.say(
                "{person} agreed to it. Its members are invited: give them a warm welcome!",
                person=await called(ctx.conn, room_id, by),
            ),
            voice.say(
                "Its pages and notes stay in {group}, for those who could read them: `!esn page list` and `!esn note "
                "list` show here what all of you may read.",
                group=bold(source.name),
            )
            if kept
            else None,
        )
        message = render(said)
        return Say(room=room(target.key), msgtype=TEXT, body=message.body, html=message.html)

    async def _kept(self, conn: AsyncConnection, source: Group) -> bool:
        """Whether the group keeps notes or pages."""
        for part in await groups.groups_of(conn, source.key):
            for kind in (text.NOTE, text.PAGE):
                if await text.of_place(conn, part.key, kind, words=False):
                    return True
        return False

    async def _invited(self, ctx: Context, source: Group, target: Group, people: Sequence[UserID]) -> list[Effect]:
        voice = await self._reception.voice_of(ctx.conn, target)
        reason = str(voice.say("{group} has become part of this group", group=source.name))
        return [Invite(room=room(target.key), user=user, reason=reason) for user in people]


def _whispered(asked: Merge, said: Markdown) -> list[Effect]:
    """To whoever asked: an answer, in their direct chat."""
    if not asked.asker:
        return []
    message = render(said)
    return [Say(room=direct(asked.asker), body=message.body, html=message.html)]


def _job(asked: Merge) -> str:
    return f"merge:{asked.id}"
