"""Asks a group what should become of it or who looks after it, hears the answers, and does what they want."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reactions import Reaction
from esnbot.commands.records import posted_as
from esnbot.community.group import Group
from esnbot.community.person import UserID
from esnbot.community.reach import is_for
from esnbot.engine import talk
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Nudge, React, Say, Schedule, Unschedule, post, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import group as groups
from esnbot.features.calm import is_silenced
from esnbot.features.contract import Kit
from esnbot.features.hours import next_occasion
from esnbot.features.life import model, records, wording
from esnbot.features.life.model import About, Choice
from esnbot.features.life.records import Question
from esnbot.features.life.settings import LifeSettings
from esnbot.features.places import called, language_of, link_to
from esnbot.features.status import is_paused
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned
from esnbot.speech import Markdown, Voice, bold, render
from esnbot.store import bindings, rooms

NAME: Final = "life"
END: Final = "end"
LATER: Final = timedelta(days=1)
THE_FILE: Final = "community.yaml"

Words = Callable[[Voice, Markdown], Markdown]
"""From the voice in which it is said, and the group, to what is said."""


class Questions:
    """The questions to groups, from the first notice to what comes of them."""

    def __init__(self, kit: Kit[LifeSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings

    # --- asking ------------------------------------------------------------------------------------------------------

    async def ask_what_becomes(self, ctx: Context, group: Group, room_id: str, since: datetime) -> list[Effect]:
        """Ask a group in which nobody has written since then."""
        asked = await self._open(ctx, group, room_id, About.quiet)
        if asked is None:
            return []
        voice = await self._voice(ctx.conn, group)
        span = timedelta(days=max((ctx.now - since).days, 1))
        return self._posted(asked, wording.quiet(voice, group.name, span, self._day(voice, asked.until)))

    async def ask_who_owns(
        self, ctx: Context, group: Group, room_id: str, *, gone: UserID = "", giver: UserID = ""
    ) -> list[Effect]:
        """Ask the members of a group who looks after it; ``gone`` has left it, or ``giver`` gives it away."""
        effects: list[Effect] = []
        before = await records.open_for(ctx.conn, group.key)
        if before is not None and before.about is About.quiet:
            # Who looks after it comes first; they may know what shall become of it.
            effects += await self._close(ctx.conn, before)
            await records.rest(ctx.conn, room_id, milliseconds(ctx.now))
        asked = await self._open(ctx, group, room_id, About.owner, giver)
        if asked is None:
            return effects
        voice = await self._voice(ctx.conn, group)
        who = await called(ctx.conn, room_id, gone) if gone else None
        said = wording.who_wants_it(voice, group.name, who, self._day(voice, asked.until))
        return [*effects, *self._posted(asked, said)]

    async def _open(
        self, ctx: Context, group: Group, room_id: str, about: About, giver: UserID = ""
    ) -> Question | None:
        until = self._until(ctx.now)
        return await records.ask(ctx.conn, group.key, room_id, about, milliseconds(ctx.now), milliseconds(until), giver)

    def _posted(self, asked: Question, said: Markdown) -> list[Effect]:
        message = render(said)
        notice = Say(key=asked.post, room=room(asked.group_key), msgtype=TEXT, body=message.body, html=message.html)
        buttons = [
            React(room=room(asked.group_key), to=post(asked.post), emoji=model.BUTTONS[choice])
            for choice in model.OFFERED[asked.about]
        ]
        return [notice, *buttons, self._end_at(asked, asked.until)]

    def _end_at(self, asked: Question, due: int) -> Schedule:
        payload = {"question": asked.id, "round": asked.round}
        return Schedule(key=_job(asked), job=END, due=_moment(due), payload=payload)

    def _until(self, now: datetime) -> datetime:
        return next_occasion(now + self._settings.answer_within, self._community)

    def _day(self, voice: Voice, until: int) -> Markdown:
        return voice.date(_moment(until).astimezone(self._community.zone).date())

    # --- answers -----------------------------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """Somebody pressed a button, or took that back."""
        choice = model.pressed(reaction.emoji)
        asked = await self._asked(ctx.conn, reaction.post)
        if choice is None or asked is None or asked.room_id != reaction.room_id:
            return []
        if reaction.taken_back:
            await records.take_back(ctx.conn, asked.id, reaction.event.redacts)
            return []
        return await self._answered(ctx, asked, reaction.sender, reaction.event.event_id, choice)

    async def said(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody wrote below a question: a word of it is an answer."""
        choice, root = model.spoken(event.text("body")), below(event)
        if choice is None or not root:
            return []
        key = await posted_as(ctx.conn, root, NAME)
        asked = await self._asked(ctx.conn, key.removeprefix(f"{NAME}/")) if key is not None else None
        if asked is None or asked.room_id != event.room_id:
            return []
        return await self._answered(ctx, asked, event.sender, event.event_id, choice)

    async def taken_back(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An answer in words was removed."""
        place = await bindings.key_of(ctx.conn, event.room_id)
        asked = await records.open_for(ctx.conn, place) if place is not None else None
        if asked is not None:
            await records.take_back(ctx.conn, asked.id, event.redacts)
        return []

    async def _asked(self, conn: AsyncConnection, key: str) -> Question | None:
        """The open question that a notice of ours belongs to."""
        kind, _, rest = key.partition(":")
        number = rest.partition(":")[0]
        return await records.get(conn, int(number)) if kind == "ask" and number.isdigit() else None

    async def _answered(
        self, ctx: Context, asked: Question, person: UserID, event_id: str, choice: Choice
    ) -> Sequence[Effect]:
        group = await self._group(ctx.conn, asked)
        if group is None:
            return await self._close(ctx.conn, asked)
        if choice not in model.OFFERED[asked.about] or not await self._may(ctx, asked, group, person):
            return []
        if asked.about is About.owner:
            return await self._take(ctx, asked, group, person)
        await records.keep_answer(ctx.conn, asked.id, event_id, person, choice)
        if person not in group.owners:
            return []
        return await self._do(ctx, asked, group, choice, giver=person)

    async def _may(self, ctx: Context, asked: Question, group: Group, person: UserID) -> bool:
        """Whether somebody is in the group, and it is meant for them."""
        if person == ctx.bot or await rooms.membership(ctx.conn, asked.room_id, person) != "join":
            return False
        today = ctx.now.astimezone(self._community.zone).date()
        audiences = self._community.audiences_of(person, today)
        return is_for(group, await wanted.spaces(ctx.conn), self._community, audiences)

    # --- the end -----------------------------------------------------------------------------------------------------

    async def end(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The time for answers is over."""
        payload = event.content.get("payload")
        number, round_ = (payload.get("question"), payload.get("round")) if isinstance(payload, dict) else (None, None)
        asked = await records.get(ctx.conn, number) if isinstance(number, int) else None
        if asked is None or asked.round != round_:
            return []
        group = await self._group(ctx.conn, asked)
        if group is None:
            return await self._close(ctx.conn, asked)
        if await is_silenced(ctx.conn, asked.room_id, NAME):
            # They want to be asked nothing, so nothing follows from what they do not answer.
            return await self._close(ctx.conn, asked)
        allowed = next_occasion(ctx.now, self._community)
        if await is_paused(ctx.conn):
            allowed = next_occasion(ctx.now + LATER, self._community)
        if allowed > ctx.now:
            return await self._wait(ctx.conn, asked, allowed)
        if asked.about is About.owner:
            return await self._unwanted(ctx, asked, group)
        members = set(await rooms.members(ctx.conn, asked.room_id))
        given = [answer for answer in await records.answers(ctx.conn, asked.id) if answer.person in members]
        choice = model.outcome(given)
        if choice is not None:
            return await self._do(ctx, asked, group, choice)
        return await self._unanswered(ctx, asked, group)

    async def _wait(self, conn: AsyncConnection, asked: Question, until: datetime) -> list[Effect]:
        await records.postpone(conn, asked, milliseconds(until))
        return [self._end_at(asked, milliseconds(until))]

    async def _unanswered(self, ctx: Context, asked: Question, group: Group) -> Sequence[Effect]:
        if await talk.recent(ctx.conn, asked.room_id, _moment(asked.asked + 1)):
            # They talk again: that is an answer.
            return await self._close(ctx.conn, asked)
        if not await records.was_posted(ctx.conn, NAME, asked):
            return await self._wait(ctx.conn, asked, next_occasion(ctx.now + LATER, self._community))
        if asked.round > 1:
            return await self._do(ctx, asked, group, Choice.archive, wanted_so=False)
        until = milliseconds(self._until(ctx.now))
        await records.again(ctx.conn, asked, until)
        again = await records.get(ctx.conn, asked.id)
        if again is None:
            return []
        voice = await self._voice(ctx.conn, group)
        return self._posted(again, wording.quiet_again(voice, group.name, self._day(voice, until)))

    async def drop(self, conn: AsyncConnection, key: str) -> list[Effect]:
        """The group is archived or gone: nothing is to be asked any more."""
        asked = await records.open_for(conn, key)
        return [] if asked is None else await self._close(conn, asked)

    async def _close(self, conn: AsyncConnection, asked: Question) -> list[Effect]:
        await records.close(conn, asked.id)
        return [Unschedule(key=_job(asked))]

    # --- what comes of it --------------------------------------------------------------------------------------------

    async def _do(
        self,
        ctx: Context,
        asked: Question,
        group: Group,
        choice: Choice,
        *,
        giver: UserID = "",
        wanted_so: bool = True,
    ) -> list[Effect]:
        effects = await self._close(ctx.conn, asked)
        await records.rest(ctx.conn, asked.room_id, milliseconds(ctx.now))
        voice = await self._voice(ctx.conn, group)
        match choice:
            case Choice.archive:
                return [*effects, *await self._archive(ctx, group, voice, wanted_so=wanted_so)]
            case Choice.hand_over:
                return [*effects, *await self.ask_who_owns(ctx, group, asked.room_id, giver=giver)]
            case Choice.merge:
                owners = [await called(ctx.conn, asked.room_id, owner) for owner in sorted(group.owners)]
                said = wording.which_to_merge_with(voice, group.name, owners)
                return [*effects, _say(group, said, mentions=tuple(sorted(group.owners)))]
            case _:
                said = wording.kept(voice, group.name, self._settings.quiet_span(group))
                return [*effects, _say(group, said)]

    async def _archive(self, ctx: Context, group: Group, voice: Voice, *, wanted_so: bool) -> list[Effect]:
        try:
            await groups.archive(ctx.conn, group.key, milliseconds(ctx.now))
        except Owned as error:
            source = error.source or THE_FILE
            return [
                _say(group, wording.left_to_file(voice)),
                *await self.tell_animators(ctx.conn, group, lambda v, g: wording.would_archive(v, g, source)),
            ]
        said = wording.archived(voice, group.name, wanted=wanted_so)
        return [_say(group, said), Nudge(machine=wanted.RECONCILER)]

    async def _take(self, ctx: Context, asked: Question, group: Group, person: UserID) -> list[Effect]:
        """Somebody looks after the group from now on; whoever comes second finds the question closed."""
        effects = await self._close(ctx.conn, asked)
        if person in group.owners and asked.giver != person:
            return effects
        owners = frozenset(group.owners - {asked.giver}) | {person}
        voice = await self._voice(ctx.conn, group)
        who = await called(ctx.conn, asked.room_id, person)
        try:
            await groups.want(ctx.conn, replace(group, owners=owners), person, milliseconds(ctx.now))
        except Owned as error:
            source = error.source or THE_FILE
            return [
                *effects,
                _say(group, wording.left_to_file(voice)),
                *await self.tell_animators(ctx.conn, group, lambda v, g: wording.would_own(v, g, who, source)),
            ]
        said = _say(group, wording.taken(voice, group.name, who), mentions=(person,))
        return [*effects, said, Nudge(machine=wanted.RECONCILER)]

    async def _unwanted(self, ctx: Context, asked: Question, group: Group) -> list[Effect]:
        effects = await self._close(ctx.conn, asked)
        voice = await self._voice(ctx.conn, group)
        if owners := await self.owners_in(ctx.conn, group, asked.room_id):
            if asked.giver not in owners:
                return effects
            giver = await called(ctx.conn, asked.room_id, asked.giver)
            return [*effects, _say(group, wording.stays_with(voice, group.name, giver))]
        return [
            *effects,
            _say(group, wording.nobody_wants_it(voice)),
            *await self.tell_animators(ctx.conn, group, lambda v, g: wording.without_owner(v, g, group, asked=True)),
        ]

    async def owners_in(self, conn: AsyncConnection, group: Group, room_id: str) -> list[UserID]:
        """The owners of a group who are in it, or are invited."""
        members = [*await rooms.members(conn, room_id), *await rooms.members(conn, room_id, "invite")]
        return model.owners_present(group.owners, members)

    # --- who is spoken to --------------------------------------------------------------------------------------------

    async def tell_animators(self, conn: AsyncConnection, group: Group, words: Words) -> list[Effect]:
        """Something about a group, in the animators' room, where there is one."""
        key = self._community.animators_room
        place = await wanted.get(conn, key) if key is not None else None
        if key is None or not isinstance(place, Group) or place.archived:
            return []
        room_id = await bindings.room_of(conn, group.key)
        link = bold(group.name) if room_id is None else await link_to(conn, room_id, group.name, self._kit.server)
        message = render(words(await self._voice(conn, place), link))
        return [Say(room=room(key), msgtype=TEXT, body=message.body, html=message.html)]

    async def _voice(self, conn: AsyncConnection, group: Group) -> Voice:
        spaces = {} if group.language else await wanted.spaces(conn)
        return self._kit.speech.voice(language_of(group, spaces, self._community))

    async def _group(self, conn: AsyncConnection, asked: Question) -> Group | None:
        place = await wanted.get(conn, asked.group_key)
        return place if isinstance(place, Group) and not place.archived else None


def below(event: Event) -> str:
    """The event under which a message stands: the root of its thread, or what it replies to; '' for none."""
    relation = event.content.get("m.relates_to")
    if not isinstance(relation, dict):
        return ""
    if relation.get("rel_type") == "m.thread":
        found = relation.get("event_id")
    else:
        reply = relation.get("m.in_reply_to")
        found = reply.get("event_id") if isinstance(reply, dict) else None
    return found if isinstance(found, str) else ""


def _say(group: Group, said: Markdown, mentions: tuple[UserID, ...] = ()) -> Say:
    message = render(said)
    return Say(room=room(group.key), msgtype=TEXT, body=message.body, html=message.html, mentions=mentions)


def _job(asked: Question) -> str:
    return f"end:{asked.id}"


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
