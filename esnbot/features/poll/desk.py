"""What people can say about polls: begin one, look at one, close one, list those that are open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from esnbot.commands.command import Call
from esnbot.commands.module import NAME
from esnbot.commands.people import People
from esnbot.community.person import Role
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.features.contract import Kit
from esnbot.features.places import oversees
from esnbot.features.poll import model, records, wording
from esnbot.features.poll.handlers import closing
from esnbot.features.poll.model import Problem, Tally, Unusable
from esnbot.features.poll.settings import PollSettings
from esnbot.features.poll.starting import Question, start
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, bold, bullets, code, link, paragraphs
from esnbot.store import rooms

LISTED: Final = 20


class Refusal(Exception):
    """What was asked cannot be done; the sentence says why and what to do."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class Desk:
    """The commands."""

    def __init__(self, kit: Kit[PollSettings]) -> None:
        self._kit = kit
        self._settings = kit.settings
        self._community = kit.community
        self._people = People(kit.community, wanted)

    # --- begin ---------------------------------------------------------------------------------------------------

    async def create(self, call: Call) -> Sequence[Effect]:
        """Begin a poll in the room in which this is said. The poll itself is the answer."""
        try:
            return await self._create(call)
        except Refusal as refusal:
            return [call.answer(refusal.sentence)]

    async def _create(self, call: Call) -> Sequence[Effect]:
        voice, conn, now, args = call.voice, call.ctx.conn, call.ctx.now, call.args
        if call.is_direct:
            raise Refusal(voice.say("A poll needs people to ask: write this in the room of your group."))
        until = args["until"]
        if until is not None and until > now + self._settings.longest:
            longest = voice.duration(self._settings.longest)
            raise Refusal(
                voice.say("A poll can stay open for {longest} at most: choose an earlier end.", longest=longest)
            )
        since = milliseconds(now - timedelta(days=1))
        if await records.begun_since(conn, call.person.user, since) >= self._settings.a_day:
            raise Refusal(
                voice.say(
                    "You have begun {count} polls since yesterday. Let people answer those first.",
                    count=self._settings.a_day,
                )
            )
        await records.prune(conn, milliseconds(now - self._settings.kept))
        spoken = await self._people.language_of_place(conn, call.place) if call.place else call.person.language
        asked = Question(
            question=args["question"],
            answers=args["answers"],
            several=args["several"] or 1,
            secret=args["secret"],
            until=until,
        )
        try:
            return await start(
                call.ctx,
                asked,
                room_id=call.event.room_id,
                module=NAME,
                voice=self._kit.speech.voice(spoken),
                community=self._community,
                by=call.person.user,
                longest=self._settings.longest,
            )
        except Unusable as error:
            raise Refusal(self._unusable(call, error)) from error

    def _unusable(self, call: Call, error: Unusable) -> Markdown:
        voice, count = call.voice, len(call.args["answers"])
        match error.problem:
            case Problem.few:
                return voice.say(
                    "A poll needs at least two answers to choose from, each in quotation marks: "
                    '`!esn poll create "Where do we eat?" "Pizza" "Sushi"`.'
                )
            case Problem.many:
                return voice.say(
                    "A poll can have {most} answers at most, and these are {count}. Leave some out, or ask twice.",
                    most=model.MOST,
                    count=count,
                )
            case Problem.double:
                return voice.say("The answer {answer} is there twice.", answer=voice.quote(error.text))
            case Problem.option:
                return voice.say(
                    "I do not know the option {text}. `!esn help poll create` shows those that there are.",
                    text=code(error.text),
                )
            case Problem.unquoted:
                return voice.say(
                    "Put the question and each answer in quotation marks: "
                    '`!esn poll create "Where do we eat?" "Pizza" "Sushi"`.'
                )

    # --- look, close, list ---------------------------------------------------------------------------------------

    async def show(self, call: Call) -> Sequence[Effect]:
        """How a poll stands."""
        try:
            poll = await self._found(call)
        except Refusal as refusal:
            return [call.answer(refusal.sentence)]
        voice = call.voice
        title = bold(self._link(call, poll))
        if not poll.is_open:
            counted = Tally(tuple(poll.totals or ()), poll.voters or 0)
            removed = poll.state == records.REMOVED
            return [
                call.answer(
                    paragraphs(
                        title,
                        voice.say("This poll was taken away.") if removed else voice.say("This poll is closed."),
                        None if removed else wording.counts(voice, None, counted),
                        None if removed else wording.in_all(voice, counted),
                    )
                )
            ]
        counted = model.tally(await records.ballots(call.ctx.conn, poll.id), poll.answers, poll.several, poll.until)
        return [
            call.answer(
                paragraphs(
                    title,
                    None if poll.secret else wording.counts(voice, poll.texts, counted),
                    wording.so_far(voice, counted),
                    voice.say("The result comes at the end.") if poll.secret else None,
                    self._end(call, poll),
                )
            )
        ]

    async def close(self, call: Call) -> Sequence[Effect]:
        """Close a poll; its result is said in its room, and is the answer there."""
        try:
            poll = await self._found(call)
            if not poll.is_open:
                raise Refusal(call.voice.say("This poll is closed already."))
            if not await self._may_close(call, poll):
                raise Refusal(
                    call.voice.say(
                        "Only whoever began this poll, the owners of the group and the animators can close it."
                    )
                )
        except Refusal as refusal:
            return [call.answer(refusal.sentence)]
        effects = [closing(poll, milliseconds(model.cast_at(call.event.moment, call.ctx.now)))]
        if poll.room_id == call.event.room_id:
            return effects
        return [*effects, call.answer(call.voice.say("Closed. The result is in the room of the poll."))]

    async def _may_close(self, call: Call, poll: records.Poll) -> bool:
        if call.person.user == poll.creator or oversees(call.person.roles):
            return True
        if poll.room_id == call.event.room_id:
            return Role.owner in call.person.roles
        place = await wanted.place_of(call.ctx.conn, poll.room_id)
        there = await self._people.person(
            call.ctx.conn, call.person.user, poll.room_id, place, call.ctx.bot, call.ctx.now, None
        )
        return there is not None and Role.owner in there.roles

    async def listed(self, call: Call) -> Sequence[Effect]:
        """The open polls of the room; in a direct chat, those of all rooms that the person is in."""
        found = await self._within_reach(call)
        if not found:
            return [call.answer(self._none(call))]
        head = call.voice.plural("**One poll is open**", "**{n} polls are open**", len(found))
        return [call.answer(paragraphs(head, bullets([await self._line(call, poll) for poll in found[:LISTED]])))]

    def _none(self, call: Call) -> Markdown:
        if call.is_direct:
            return call.voice.say("No poll is open in your rooms.")
        return call.voice.say("No poll is open here. `!esn poll create` begins one.")

    async def _line(self, call: Call, poll: records.Poll) -> Markdown:
        parts: list[Markdown] = [self._link(call, poll)]
        if poll.texts is not None:
            parts.append(bold(poll.texts[0]))
        if call.is_direct:
            place = await wanted.place_of(call.ctx.conn, poll.room_id)
            parts += [call.voice.plain(place.name)] if place is not None else []
        if poll.dated:
            until = datetime.fromtimestamp(poll.until / 1000, UTC)
            parts.append(call.voice.moment(until, self._community.zone, call.ctx.now))
        return Markdown(wording.BETWEEN.join(parts))

    def _end(self, call: Call, poll: records.Poll) -> Markdown:
        until = datetime.fromtimestamp(poll.until / 1000, UTC)
        community = self._community
        return wording.end(call.voice, until, poll.dated, community.quiet_hours, community.zone)

    def _link(self, call: Call, poll: records.Poll) -> Markdown:
        name = call.voice.say("Poll {number}", number=Markdown(str(poll.id)))
        if poll.start_event is None:
            return name
        return link(name, f"https://matrix.to/#/{poll.room_id}/{poll.start_event}?via={self._kit.server}")

    # --- which one -----------------------------------------------------------------------------------------------

    async def _within_reach(self, call: Call) -> list[records.Poll]:
        if not call.is_direct:
            return await records.open_polls(call.ctx.conn, call.event.room_id)
        return [poll for poll in await records.open_polls(call.ctx.conn) if await self._is_in(call, poll)]

    async def _is_in(self, call: Call, poll: records.Poll) -> bool:
        return await rooms.membership(call.ctx.conn, poll.room_id, call.person.user) == "join"

    async def _found(self, call: Call) -> records.Poll:
        """The poll that is meant: by number, by the thread or reply, or the only one that is open. Raises Refusal."""
        number = call.args["number"]
        if number is not None:
            poll = await records.get(call.ctx.conn, number)
            here = poll is not None and poll.room_id == call.event.room_id
            if poll is None or not (here or (call.is_direct and await self._is_in(call, poll))):
                # What somebody may not see does not exist for them, in the same words.
                raise Refusal(call.voice.say("I do not know any poll {number} here.", number=Markdown(str(number))))
            return poll
        for event in _about(call.event.content):
            poll = await records.posted_as(call.ctx.conn, call.event.room_id, event)
            if poll is not None:
                return poll
        within = await self._within_reach(call)
        if not within:
            raise Refusal(self._none(call))
        if len(within) > 1:
            lines = bullets([await self._line(call, poll) for poll in within[:LISTED]])
            which = call.voice.say("Several polls are open. Say which one you mean, by its number.")
            raise Refusal(paragraphs(which, lines))
        return within[0]


def _about(content: Mapping[str, object]) -> list[str]:
    """The posts that a message is about: the root of its thread, and what it replies to."""
    relation = content.get("m.relates_to")
    if not isinstance(relation, Mapping):
        return []
    reply = relation.get("m.in_reply_to")
    events = [
        relation.get("event_id") if relation.get("rel_type") == "m.thread" else None,
        reply.get("event_id") if isinstance(reply, Mapping) else None,
    ]
    return [event for event in events if isinstance(event, str)]
