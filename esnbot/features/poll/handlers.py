"""Counts votes as they come, shows the count calmly, and closes polls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, Redact, Say, Schedule, Send, Unschedule, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.hours import after_quiet
from esnbot.features.poll import model, records, wording
from esnbot.features.poll.model import Ballot, Tally, Way
from esnbot.features.poll.settings import PollSettings
from esnbot.features.poll.starting import CLOSED
from esnbot.features.status import coming, is_paused
from esnbot.provisioning import wanted
from esnbot.speech import Message, Voice, later, render
from esnbot.store import bindings, rooms

OVER: Final = "org.esnbot.poll_over"
"""Of this feature alone, in the order of the poll's room: the votes until then are in; content: ``poll``, ``until``."""
END: Final = "end"
COUNT: Final = "count"
AWAY: Final = timedelta(minutes=1)
"""A job that is later than this was due while the process was off."""
CATCH_UP: Final = timedelta(seconds=20)
"""How long the homeserver is given then, to bring the votes of meanwhile."""
SOON: Final = timedelta(seconds=5)
"""How long a post that is being sent is waited for."""


def is_vote_by_reaction(event: Event) -> bool:
    """A cheap look: a reaction with a number."""
    relation = event.content.get("m.relates_to")
    emoji = relation.get("key") if isinstance(relation, dict) else None
    return isinstance(emoji, str) and model.number_of(emoji) is not None


def is_redaction(event: Event) -> bool:
    """A cheap look: something was taken away."""
    return bool(event.redacts)


class PollHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[PollSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._people = People(kit.community, wanted)

    # --- votes ---------------------------------------------------------------------------------------------------

    async def opened(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A poll was posted: put its end on the schedule."""
        poll = await self._poll(ctx.conn, event.content)
        if poll is None or not poll.is_open:
            return []
        return [await self._end_at(ctx.conn, poll, _moment(poll.until))]

    async def reaction(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A number under a poll is a vote."""
        to = model.target(event.content, "m.annotation")
        if event.sender == ctx.bot or not to:
            return []
        poll = await records.posted_as(ctx.conn, event.room_id, to)
        number = model.number_of(event.content["m.relates_to"]["key"])
        if poll is None or number is None or number > poll.answers:
            return []
        return await self._voted(ctx, event, poll, Way.reaction, (number,))

    async def response(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A vote in the poll itself."""
        to = model.target(event.content, "m.reference")
        if event.sender == ctx.bot or not to:
            return []
        poll = await records.posted_as(ctx.conn, event.room_id, to)
        if poll is None or poll.start_event != to:
            return []
        answers = model.selection(model.responded(event.content), poll.answers, poll.several)
        return await self._voted(ctx, event, poll, Way.response, answers)

    async def _voted(
        self, ctx: Context, event: Event, poll: records.Poll, way: Way, answers: tuple[int, ...]
    ) -> Sequence[Effect]:
        at = milliseconds(model.cast_at(event.moment, ctx.now))
        if not poll.is_open or at > poll.until or not await self._may_vote(ctx, event):
            return []
        if not await records.cast(ctx.conn, poll.id, event.event_id, Ballot(event.sender, way, at, 0, answers)):
            return []
        return self._show_soon(ctx, poll)

    async def _may_vote(self, ctx: Context, event: Event) -> bool:
        """Whether they are in the room, and it is meant for them."""
        conn, user = ctx.conn, event.sender
        if await rooms.membership(conn, event.room_id, user) != "join":
            return False
        place = await wanted.place_of(conn, event.room_id)
        person = await self._people.person(conn, user, event.room_id, place, ctx.bot, ctx.now, None)
        return person is not None

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A vote that is taken back does not count; a poll that is taken away is closed without a word."""
        voted_in = await records.poll_of_ballot(ctx.conn, event.redacts)
        if voted_in is not None:
            poll = await records.get(ctx.conn, voted_in)
            at = milliseconds(model.cast_at(event.moment, ctx.now))
            if poll is None or poll.room_id != event.room_id or at > poll.until:
                return []
            await records.take_back(ctx.conn, event.redacts)
            return self._show_soon(ctx, poll)
        poll = await records.posted_as(ctx.conn, event.room_id, event.redacts)
        return await self._remove(ctx, poll, event.redacts) if poll is not None else []

    async def _remove(self, ctx: Context, poll: records.Poll, gone: str) -> Sequence[Effect]:
        nothing = Tally((0,) * poll.answers)
        if not await records.close(ctx.conn, poll.id, records.REMOVED, nothing, milliseconds(ctx.now)):
            return []
        others = [event for event in (poll.start_event, poll.text_event) if event and event != gone]
        return [
            *(Redact(room=poll.room_id, event=event) for event in others),
            Unschedule(key=_job(END, poll)),
            Unschedule(key=_job(COUNT, poll)),
            self._closed(poll, nothing, removed=True),
        ]

    # --- the count that people see -------------------------------------------------------------------------------

    def _show_soon(self, ctx: Context, poll: records.Poll) -> list[Effect]:
        if poll.secret or not poll.is_open:
            return []
        last = None if poll.shown_at is None else _moment(poll.shown_at)
        due = model.next_showing(ctx.now, last)
        return [Schedule(key=_job(COUNT, poll), job=COUNT, due=due, payload={"poll": poll.id})]

    async def count(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Show the count, if it is another one."""
        poll = await self._poll(ctx.conn, event.content.get("payload"))
        if poll is None or not poll.is_open or poll.secret:
            return []
        counted = await self._count(ctx.conn, poll)
        if [*counted.totals, counted.voters] == poll.shown:
            return []
        if poll.text_event is None:
            return [_again(ctx, poll, COUNT)] if await records.is_underway(ctx.conn, poll) else []
        await records.show(ctx.conn, poll.id, counted, milliseconds(ctx.now))
        voice = self._kit.speech.voice(poll.language)
        if poll.texts is not None:
            end = self._end(voice, poll)
            paper = wording.paper(voice, poll.texts, poll.several, poll.secret, end, counted)
            return [_corrected(poll, poll.text_event, render(paper))]
        message = render(wording.running(voice, counted))
        if poll.shown_at is not None:
            return [_corrected(poll, post(_running(poll)), message)]
        return [
            Say(
                key=_running(poll),
                room=poll.room_id,
                msgtype=TEXT,
                body=message.body,
                html=message.html,
                thread=poll.start_event or "",
            )
        ]

    async def _count(self, conn: AsyncConnection, poll: records.Poll, until: int | None = None) -> Tally:
        return model.tally(await records.ballots(conn, poll.id), poll.answers, poll.several, until)

    def _end(self, voice: Voice, poll: records.Poll) -> Any:
        community = self._community
        return wording.end(voice, _moment(poll.until), poll.dated, community.quiet_hours, community.zone)

    # --- the end -------------------------------------------------------------------------------------------------

    async def end(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The end has come: close the poll behind the votes that are in, unless this is no time to speak."""
        payload = event.content.get("payload")
        poll = await self._poll(ctx.conn, payload)
        if poll is None or not poll.is_open:
            return []
        asked, again = (payload.get("until"), payload.get("again")) if isinstance(payload, Mapping) else (None, None)
        if isinstance(asked, int):
            return [closing(poll, asked)]
        due = event.content.get("due")
        if not again and isinstance(due, int) and ctx.now - _moment(due) > AWAY:
            return [_again(ctx, poll, END, CATCH_UP)]
        if await is_paused(ctx.conn):
            return []
        allowed = after_quiet(ctx.now, self._community.quiet_hours, self._community.zone)
        if allowed > ctx.now:
            return [await self._end_at(ctx.conn, poll, allowed)]
        return [closing(poll, poll.until)]

    async def _end_at(self, conn: AsyncConnection, poll: records.Poll, due: datetime) -> Effect:
        key = await bindings.key_of(conn, poll.room_id)
        told = coming(later("the end of a poll"), key) if poll.dated and key is not None else {}
        return Schedule(key=_job(END, poll), job=END, due=due, payload={"poll": poll.id, **told})

    async def resumed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """What ended during a pause is told now."""
        now = milliseconds(ctx.now)
        ended = [poll for poll in await records.open_polls(ctx.conn) if poll.until <= now]
        return [_again(ctx, poll, END, timedelta()) for poll in ended]

    async def over(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Close a poll, once: say what came out, and tell clients."""
        poll = await self._poll(ctx.conn, event.content)
        if poll is None or not poll.is_open:
            return []
        until = event.content.get("until")
        cutoff = min(poll.until, until) if isinstance(until, int) else poll.until
        if await records.is_underway(ctx.conn, poll):
            # It was closed in the moment in which it was begun.
            return [_again(ctx, poll, END, until=cutoff)]
        result = await self._count(ctx.conn, poll, cutoff)
        if not await records.close(ctx.conn, poll.id, records.CLOSED, result, milliseconds(ctx.now)):
            return []
        voice = self._kit.speech.voice(poll.language)
        is_there = await rooms.membership(ctx.conn, poll.room_id, ctx.bot) == "join"
        return [
            *(self._tell(poll, voice, result) if is_there else ()),
            Unschedule(key=_job(END, poll)),
            Unschedule(key=_job(COUNT, poll)),
            self._closed(poll, result, removed=False),
        ]

    def _tell(self, poll: records.Poll, voice: Voice, result: Tally) -> list[Effect]:
        if poll.start_event is None:
            # It could never be posted, so there is nothing to tell.
            return []
        said = render(wording.outcome(voice, poll.texts, result))
        ended = model.end_content(render(wording.over(voice, poll.texts)).body, result.totals)
        # Where the answers are in the room only, the message is a reply to the one that has them.
        reply = {"m.relates_to": {"m.in_reply_to": {"event_id": poll.text_event}}}
        effects: list[Effect] = [
            Send(room=poll.room_id, type=model.END, content=ended, refers=poll.start_event),
            Say(
                room=poll.room_id,
                msgtype=TEXT,
                body=said.body,
                html=said.html,
                content=reply if poll.texts is None and poll.text_event else {},
            ),
        ]
        if poll.texts is not None and poll.text_event is not None:
            effects.append(_corrected(poll, poll.text_event, render(wording.closed_paper(voice, poll.texts, result))))
        elif poll.shown_at is not None:
            effects.append(_corrected(poll, post(_running(poll)), render(wording.final(voice, result))))
        return effects

    def _closed(self, poll: records.Poll, result: Tally, *, removed: bool) -> Effect:
        content = {
            "poll": poll.id,
            "key": poll.key,
            "room_id": poll.room_id,
            "totals": list(result.totals),
            "voters": result.voters,
            "removed": removed,
        }
        return Emit(type=CLOSED, content=content, room=poll.room_id)

    async def _poll(self, conn: AsyncConnection, content: object) -> records.Poll | None:
        id = content.get("poll") if isinstance(content, Mapping) else None
        return await records.get(conn, id) if isinstance(id, int) else None

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person: the polls that they began, and their votes in those that are open."""
        return await records.of_person(conn, person)

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person; their votes count no more."""
        effects: list[Effect] = []
        for id in await records.forget(ctx.conn, person):
            poll = await records.get(ctx.conn, id)
            effects += self._show_soon(ctx, poll) if poll is not None else []
        return effects


def closing(poll: records.Poll, at_ms: int) -> Effect:
    """Close a poll with the votes until then."""
    return Emit(type=OVER, content={"poll": poll.id, "until": at_ms}, room=poll.room_id)


def _again(
    ctx: Context, poll: records.Poll, job: str, after: timedelta = SOON, *, until: int | None = None
) -> Schedule:
    payload: dict[str, Any] = {"poll": poll.id, "again": True}
    if until is not None:
        payload["until"] = until
    return Schedule(key=_job(job, poll), job=job, due=ctx.now + after, payload=payload)


def _corrected(poll: records.Poll, replaces: str, message: Message) -> Say:
    return Say(room=poll.room_id, msgtype=TEXT, body=message.body, html=message.html, replaces=replaces)


def _job(job: str, poll: records.Poll) -> str:
    return f"{job}:{poll.id}"


def _running(poll: records.Poll) -> str:
    return f"poll:{poll.id}:count"


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
