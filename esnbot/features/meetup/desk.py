"""What people say to take part, or to look: list, show, join, leave, arrive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final

from esnbot.commands.command import Call
from esnbot.engine.effects import Effect, Emit
from esnbot.features.meetup import codes, model, records, wording
from esnbot.features.meetup.events import LOOK
from esnbot.features.meetup.finding import LISTED, Finder, Refusal
from esnbot.features.meetup.handlers import is_arriving
from esnbot.features.meetup.keeping import Keeper
from esnbot.features.meetup.model import Outcome, Roster, Standing, Way
from esnbot.features.meetup.records import Meetup
from esnbot.speech import Markdown, bold, bullets, link, paragraphs
from esnbot.web import links

Handle = Callable[[Call], Awaitable[Sequence[Effect]]]
WRONG_CODES: Final = 10
"""So many codes in an hour, and no more are looked at."""


def answered(handle: Handle) -> Handle:
    """A refusal is an answer."""

    async def careful(call: Call) -> Sequence[Effect]:
        try:
            return await handle(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]

    return careful


class Desk:
    """The commands of those who take part."""

    def __init__(self, finder: Finder, keeper: Keeper) -> None:
        self._finder = finder
        self._keeper = keeper

    async def listed(self, call: Call) -> Sequence[Effect]:
        """What is planned in the room; in a direct chat, in all rooms that the person is in."""
        found = await self._finder.within_reach(call)
        if not found:
            return [call.answer(self._finder.none(call))]
        voice = call.voice
        head = voice.plural("**One meet-up is planned**", "**{n} meet-ups are planned**", len(found))
        lines = []
        for meetup in found[:LISTED]:
            mine = self._mine(call, meetup, await records.roster(call.ctx.conn, meetup)) if call.is_direct else None
            line = self._finder.line(call, meetup)
            lines.append(Markdown(f"{line}{wording.BETWEEN}{mine}") if mine else line)
        return [call.answer(paragraphs(head, bullets(lines)))]

    async def show(self, call: Call) -> Sequence[Effect]:
        """One of them, as it stands; in a direct chat with what the person has of it."""
        meetup = await self._finder.found(call)
        finder, voice, words = self._finder, call.voice, self._finder.words_at(call, meetup)
        name = finder.name(voice, meetup, words)
        if meetup.start is None:
            dating = meetup.state == records.DATING
            undated = (
                voice.say("The date is being chosen, in the poll in the room.")
                if dating
                else voice.say("This meet-up is cancelled.")
            )
            return [call.answer(paragraphs(name, undated))]
        roster = await records.roster(call.ctx.conn, meetup)
        state = {
            records.CANCELLED: voice.say("This meet-up is cancelled."),
            records.HELD: voice.say("This meet-up has taken place."),
        }.get(meetup.state)
        lines = [Markdown(f"📅 {wording.when(voice, meetup, finder.zone)}"), *wording.where(voice, words)]
        counts = wording.counted(voice, meetup, await finder.counts(call.ctx.conn, meetup, roster))
        mine = self._mine(call, meetup, roster) if call.is_direct else None
        if board := finder.kit.board:
            lines.append(link(voice.say("For your calendar"), f"{board}/meetups/{meetup.id}.ics"))
        return [call.answer(paragraphs(name, Markdown("\n".join(lines)), state or counts, mine))]

    def _mine(self, call: Call, meetup: Meetup, roster: Roster) -> Markdown | None:
        entry = roster.of(call.person.user)
        if entry is None or meetup.state != records.OPEN:
            return None
        place = 1 + sum(other.turn < entry.turn for other in roster.queue(entry.way))
        return wording.standing(call.voice, entry, place, self._finder.zone)

    # --- taking part ----------------------------------------------------------------------------------------------

    async def join(self, call: Call) -> Sequence[Effect]:
        """Take part, or take the place that is offered."""
        meetup = await self._open(call)
        asked = call.args.get("way")
        done = await self._keeper.join(call.ctx, meetup.id, call.person.user, Way(asked) if asked else None)
        if done is None:
            raise Refusal(call.voice.say("This meet-up is over or cancelled."))
        meetup, roster, outcome = done
        if outcome is Outcome.impossible:
            way = Way(asked) if asked else Way.site
            raise Refusal(
                call.voice.say("One can only come to this meet-up on site.")
                if way is Way.remote
                else call.voice.say("One can only join this meet-up remotely.")
            )
        return [call.answer(self._said(call, meetup, roster, outcome)), _look(meetup)]

    def _said(self, call: Call, meetup: Meetup, roster: Roster, outcome: Outcome) -> Markdown:
        voice = call.voice
        if outcome is Outcome.kept:
            return voice.say("This way of taking part is full: you keep the place that you have.")
        entry = roster.of(call.person.user)
        place = 0 if entry is None else 1 + sum(other.turn < entry.turn for other in roster.queue(entry.way))
        mine = wording.standing(voice, entry, place, self._finder.zone) or Markdown("")
        name = self._finder.name(voice, meetup, self._finder.words_at(call, meetup))
        if entry is not None and entry.standing is Standing.waiting:
            more = voice.say("When a place becomes free, I offer it to you in private.")
            return voice.say("{meetup} is full. {place} {more}", meetup=name, place=mine, more=more)
        moment = voice.moment(meetup.starts, self._finder.zone, call.ctx.now)
        return voice.say("Noted for {meetup}, {moment}. {place}", meetup=name, moment=moment, place=mine)

    async def leave(self, call: Call) -> Sequence[Effect]:
        """Not any more: the place goes to the next."""
        meetup = await self._finder.found(call)
        left = await self._keeper.leave(call.ctx, meetup.id, call.person.user)
        if left is None:
            raise Refusal(call.voice.say("You are not registered for it."))
        name = self._finder.name(call.voice, meetup, self._finder.words_at(call, meetup))
        return [call.answer(call.voice.say("You are off the list of {meetup}.", meetup=name)), _look(meetup)]

    async def _open(self, call: Call) -> Meetup:
        meetup = await self._finder.found(call)
        if meetup.state == records.DATING:
            raise Refusal(call.voice.say("Its date is not set yet: choose one in the poll. One can register then."))
        if not await self._finder.is_open_to(call.ctx, meetup, call.person.user):
            raise Refusal(call.voice.say("Only members of the group can register: come in first."))
        return meetup

    # --- being there ----------------------------------------------------------------------------------------------

    async def here(self, call: Call) -> Sequence[Effect]:
        """The code that is shown on site; whoever is not registered yet is so now, if there is room."""
        said, conn, user = str(call.args["code"]), call.ctx.conn, call.person.user
        asked = sha256(f"{records.NAME}:code:{user}".encode()).hexdigest()
        if await links.count(conn, asked, call.ctx.now, timedelta(hours=1)) > WRONG_CODES:
            raise Refusal(
                call.voice.say(
                    "That was too often. Please wait an hour, or react with {here} in the group.",
                    here=Markdown(model.HERE),
                )
            )
        for meetup in await self._finder.everywhere(call):
            if meetup.state != records.OPEN or meetup.start is None or not is_arriving(call.ctx, meetup):
                continue
            if codes.fits(meetup.code, said):
                return await self._arrive(call, meetup)
        raise Refusal(
            call.voice.say("No meet-up that is on now has this code. It is valid from an hour before until the end.")
        )

    async def _arrive(self, call: Call, meetup: Meetup) -> Sequence[Effect]:
        voice, user = call.voice, call.person.user
        name = self._finder.name(voice, meetup, self._finder.words_at(call, meetup))
        roster = await records.roster(call.ctx.conn, meetup)
        entry = roster.of(user)
        if entry is None or entry.standing is not Standing.coming:
            done = await self._keeper.join(call.ctx, meetup.id, user, Way.site if meetup.seats != 0 else Way.remote)
            if done is None or done[2] is not Outcome.coming:
                raise Refusal(voice.say("{meetup} is full. Speak to whoever proposed it.", meetup=name))
        await records.arrive(call.ctx.conn, meetup.id, user)
        return [call.answer(voice.say("**Welcome to {meetup}!**", meetup=name)), _look(meetup)]

    async def code(self, call: Call) -> Sequence[Effect]:
        """The code, for whoever looks after the meet-up; in private, so that it is seen on site only."""
        meetup = await self._finder.changeable(call)
        if not call.is_direct:
            raise Refusal(call.voice.say("Ask me for the code in our direct chat: it is to be seen on site only."))
        how = call.voice.say(
            "Show it on site. People who are there write `!esn meetup here {code}` to me, or react with {here} in the "
            "group.",
            code=Markdown(meetup.code),
            here=Markdown(model.HERE),
        )
        return [call.answer(paragraphs(bold(meetup.code), how))]


def _look(meetup: Meetup) -> Emit:
    return Emit(type=LOOK, content={"meetup": meetup.id}, room=f"{records.NAME}:{meetup.id}")
