"""Two people make a group: the second is asked in private, and nothing is made before they say yes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records as command_records
from esnbot.commands.command import Call, bare
from esnbot.commands.reactions import Reaction
from esnbot.community.reach import is_for
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit, React, Say, Schedule, Unschedule, direct, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import calm
from esnbot.features.group import foundings, records
from esnbot.features.group.desk import Desk, Refusal
from esnbot.features.group.events import FOUNDING_ASKED, FOUNDING_OVER
from esnbot.features.group.foundings import Founding as Waiting
from esnbot.features.group.making import Maker
from esnbot.features.group.plans import Plan
from esnbot.features.places import called
from esnbot.provisioning import wanted
from esnbot.speech import Later, Markdown, Voice, bold, bullets, first_line, fold, later, paragraphs, render

YES: Final = "✅"
NO: Final = "❌"
JOB: Final = "founding"
NAME: Final = "group"
MOST: Final = 3
"""So many of a person's groups can wait for a second founder at a time."""
_POST: Final = "founding:"
_OVER: Final = later("This question is answered or too old by now. `!esn group create` asks it anew.")


class Founding:
    """Groups that take two people."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._community = desk.community
        self._settings = desk.settings
        self._speech = desk.speech
        self._maker = Maker(desk.community)

    def unfit(self, call: Call, person: str) -> Later | None:
        """Why somebody cannot be the second founder, in a sentence; None when they can."""
        if person == call.person.user:
            return later("It takes somebody besides you: a group that two people make has two who look after it.")
        if person == call.ctx.bot:
            return later("That is kind, but it takes a person.")
        return None

    # --- asking ---------------------------------------------------------------------------------------------------

    async def ask(self, call: Call, plan: Plan, second: str) -> Sequence[Effect]:
        """Ask the second person; the group is made when they say yes. Raises Refusal."""
        conn = call.ctx.conn
        await self._fits(call, plan, second)
        waiting = await foundings.of_maker(conn, call.person.user)
        if any(fold(one.plan.name) == fold(plan.name) and one.second == second for one in waiting):
            raise Refusal(
                call.voice.say(
                    "I have asked {person} about {group} already, and wait for their answer.",
                    person=await called(conn, call.event.room_id, second),
                    group=bold(plan.name),
                )
            )
        if len(waiting) >= MOST:
            names = call.voice.list(bold(one.plan.name) for one in waiting)
            raise Refusal(
                call.voice.say(
                    "{groups} wait for their second founder. Wait for one of the answers, or take one back with "
                    "`!esn group decline`.",
                    groups=names,
                )
            )
        if not await calm.wants(conn, second, NAME) or len(await foundings.for_second(conn, second)) >= MOST:
            raise Refusal(
                call.voice.say(
                    "I cannot ask {person} at the moment. Talk to them, and let them make {group}, with you as the "
                    "second person.",
                    person=await called(conn, call.event.room_id, second),
                    group=bold(plan.name),
                )
            )
        expires = call.ctx.now + self._settings.founders_wait
        one = Waiting(
            id=sha256(call.command.encode()).hexdigest()[:16],
            maker=call.person.user,
            second=second,
            plan=plan,
            room_id=call.event.room_id,
            thread="" if call.is_direct else call.thread,
            language=call.person.language,
            asked=milliseconds(call.ctx.now),
            expires=milliseconds(expires),
        )
        await foundings.put(conn, one)
        said = call.voice.say(
            "I have asked {person} whether they would make {group} with you. I will make it once they say yes, and "
            "tell you in private; the question stands for {time}.",
            person=await called(conn, call.event.room_id, second),
            group=bold(plan.name),
            time=call.voice.duration(self._settings.founders_wait),
        )
        return [call.answer(said), Emit(type=FOUNDING_ASKED, content={"id": one.id})]

    async def asked(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Put the question to the second person, and look after a while whether they have answered."""
        one = await foundings.find(ctx.conn, event.text("id"))
        if one is None:
            return []
        due = datetime.fromtimestamp(one.expires / 1000, UTC)
        return [
            *await self._question(ctx, one),
            Schedule(key=_job(one.id), job=JOB, due=due, payload={"id": one.id}),
        ]

    async def over(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Nobody waits any more."""
        return [Unschedule(key=_job(event.text("id")))]

    async def _fits(self, call: Call, plan: Plan, second: str) -> None:
        """Both will be in it, so it has to be meant for both."""
        conn = call.ctx.conn
        spaces = await wanted.spaces(conn)
        audiences = self._audiences(call.ctx, second)
        parent = spaces[plan.parent]
        meant = set(plan.audiences)
        if (meant and meant.isdisjoint(audiences)) or not is_for(parent, spaces, self._community, audiences):
            raise Refusal(
                call.voice.say(
                    "{group} would not be meant for {person}: choose somebody it is meant for.",
                    group=bold(plan.name),
                    person=await called(conn, call.event.room_id, second),
                )
            )

    def _audiences(self, ctx: Context, person: str) -> frozenset[str]:
        return self._community.audiences_of(person, ctx.now.astimezone(self._community.zone).date())

    async def _question(self, ctx: Context, one: Waiting) -> Sequence[Effect]:
        """The one private word to the second person: somebody they know asks them through the bot."""
        conn, voice = ctx.conn, await self._voice(ctx.conn, one.second)
        place = await wanted.get(conn, one.plan.parent)
        lines = [voice.say("in {space}", space=bold(place.name))] if place is not None else []
        if one.plan.topic:
            lines.append(voice.plain(first_line(one.plan.topic, 300)))
        text = paragraphs(
            voice.say(
                "**{person} would like to make a group with you: {group}.**",
                person=await called(conn, one.room_id, one.maker),
                group=voice.quote(one.plan.name),
            ),
            bullets(lines) if lines else None,
            voice.say(
                "You would look after it together. React with {yes} or {no}, or write `group agree` or `group "
                "decline`; without an answer nothing happens.",
                yes=Markdown(YES),
                no=Markdown(NO),
            ),
        )
        key, message, chat = f"{_POST}{one.id}", render(bare(text)), direct(one.second)
        maker = self._speech.voice(one.language)
        closed = render(
            maker.say(
                "I could not write to {person}. Ask them to open a chat with me, then ask once more.",
                person=await called(conn, one.room_id, one.second),
            )
        )
        otherwise = Say(room=one.room_id, body=closed.body, html=closed.html, thread=one.thread)
        return [
            Say(key=key, room=chat, body=message.body, html=message.html, otherwise=otherwise),
            React(key=f"{key}/{YES}", room=chat, to=post(key), emoji=YES),
            React(key=f"{key}/{NO}", room=chat, to=post(key), emoji=NO),
        ]

    # --- the answer -----------------------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """The second person presses one of the buttons under the question."""
        if reaction.taken_back or not reaction.post.startswith(_POST):
            return []
        one = await foundings.find(ctx.conn, reaction.post.removeprefix(_POST))
        words: Later = _OVER
        effects: Sequence[Effect] = ()
        if one is not None and one.second != reaction.sender:
            return []
        if one is not None:
            words, effects = await (self._agreed(ctx, one) if reaction.emoji == YES else self._declined(ctx, one))
        voice = await self._voice(ctx.conn, reaction.sender)
        message = render(bare(voice.say(words)))
        return [Say(room=reaction.room_id, body=message.body, html=message.html), *effects]

    async def agree(self, call: Call) -> Sequence[Effect]:
        """The command `group agree`."""
        try:
            one = await self._meant(call, await foundings.for_second(call.ctx.conn, call.person.user))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said, effects = await self._agreed(call.ctx, one)
        return [call.answer(call.voice.say(said)), *effects]

    async def decline(self, call: Call) -> Sequence[Effect]:
        """The command `group decline`; whoever asked takes their question back with it."""
        conn, user = call.ctx.conn, call.person.user
        try:
            theirs = [*await foundings.for_second(conn, user), *await foundings.of_maker(conn, user)]
            one = await self._meant(call, theirs)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        said, effects = await (self._declined(call.ctx, one) if one.second == user else self._withdrawn(call.ctx, one))
        return [call.answer(call.voice.say(said)), *effects]

    async def _meant(self, call: Call, waiting: Sequence[Waiting]) -> Waiting:
        named = str(call.args.get("name") or "")
        fit = [one for one in waiting if not named or fold(one.plan.name) == fold(named)]
        if len(fit) == 1:
            return fit[0]
        if not waiting:
            raise Refusal(call.voice.say("No group waits for an answer of yours."))
        names = call.voice.list([bold(one.plan.name) for one in waiting], either=True)
        raise Refusal(call.voice.say("Which one do you mean: {groups}? Write its name after it.", groups=names))

    async def _agreed(self, ctx: Context, one: Waiting) -> tuple[Later, Sequence[Effect]]:
        if await foundings.take(ctx.conn, one.id) is None:
            return _OVER, ()
        over = _over(one)
        if (await wanted.spaces(ctx.conn)).get(one.plan.parent) is None or not self._still_inside(ctx, one):
            told = await self._tell_maker(ctx, one, later("{group} cannot be made any more as you planned it."))
            return later("Thank you! Things have changed since: it cannot be made as it was planned."), [over, *told]
        plan = msgspec.structs.replace(one.plan, owners=(one.maker, one.second))
        wish = records.Request("", plan.name, one.maker, one.language, one.room_id, one.thread, milliseconds(ctx.now))
        made = await self._maker.make(ctx, plan, wish)
        if made is None:
            told = await self._tell_maker(ctx, one, later("Too many groups are called {group} already."))
            return later("Thank you! Too many groups have this name, though: choose another one together."), [
                over,
                *told,
            ]
        return later("Thank you! The group is on its way, and my invitation comes with it."), [over, *made[1]]

    def _still_inside(self, ctx: Context, one: Waiting) -> bool:
        if not self._community.audiences:
            return True
        return all(self._audiences(ctx, person) for person in (one.maker, one.second))

    async def _declined(self, ctx: Context, one: Waiting) -> tuple[Later, Sequence[Effect]]:
        if await foundings.take(ctx.conn, one.id) is None:
            return _OVER, ()
        told = await self._tell_maker(
            ctx,
            one,
            later(
                "{person} will not make {group} with you this time: a full calendar is reason enough. Somebody else "
                "may be glad to be asked."
            ),
        )
        return later("All right, and no hard feelings: I will let them know."), [_over(one), *told]

    async def _withdrawn(self, ctx: Context, one: Waiting) -> tuple[Later, Sequence[Effect]]:
        await foundings.take(ctx.conn, one.id)
        return later("All right, I have put it aside: nothing was made."), [_over(one)]

    async def expired(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Nobody answered: nothing was made, and whoever asked hears it."""
        payload = event.content.get("payload")
        id = str(payload.get("id", "")) if isinstance(payload, dict) else ""
        one = await foundings.take(ctx.conn, id)
        if one is None:
            return []
        return await self._tell_maker(
            ctx,
            one,
            later(
                "{person} has not answered about {group}, so I have put it aside. A word at the coffee machine often "
                "works better than mine; and you can ask somebody else."
            ),
        )

    async def _tell_maker(self, ctx: Context, one: Waiting, words: Later) -> Sequence[Effect]:
        """In private: what somebody answered is nobody else's business."""
        voice = await self._voice(ctx.conn, one.maker)
        person = await called(ctx.conn, one.room_id, one.second)
        message = render(bare(voice.say(words, person=person, group=bold(one.plan.name))))
        return [Say(key=f"told:{one.id}", room=direct(one.maker), body=message.body, html=message.html)]

    async def _voice(self, conn: AsyncConnection, person: str) -> Voice:
        chosen = await command_records.language_of(conn, person)
        return self._speech.voice(chosen if chosen in self._community.languages else self._community.default_language)


def _over(one: Waiting) -> Emit:
    # An event, as the job on the schedule is the feature's and not the commands'.
    return Emit(type=FOUNDING_OVER, content={"id": one.id})


def _job(id: str) -> str:
    return f"founding:{id}"
