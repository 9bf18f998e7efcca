"""Brings entries to their time: asks before, waits while a room does not bear them, posts each once in each room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, React, Redact, Say, Schedule, post, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import calm, rota, tempo
from esnbot.features.calendar import laying, records, wording
from esnbot.features.calendar.events import ENTRY_PUBLISHED
from esnbot.features.calendar.keeping import MOST_MISSED, NAME, Keeping, Worded, moment
from esnbot.features.calendar.model import Entry, State, What
from esnbot.features.calendar.records import Posted
from esnbot.provisioning import wanted
from esnbot.speech import Later, later, render
from esnbot.store import bindings, rooms

EXPIRE: Final = "expire"
YES: Final = "✅"
NO: Final = "🚫"
CHANGES: Final = "✏️"
LOOK_AGAIN: Final = timedelta(hours=1)
"""When an entry is looked at again whose room says no and not until when."""
SOON: Final = timedelta(seconds=30)
"""How long words are given that are on their way into their room."""
STRUCTURE: Final = "org.esnbot.entry"
"""The key in a message's content that says which entry it is."""
_OF_FILES: Final = ("url", "file", "info", "filename", "format", "formatted_body")


@dataclass(slots=True)
class _Round:
    """What one look at an occurrence finds."""

    effects: list[Effect] = field(default_factory=list)
    held: list[tuple[str, datetime, Later | str]] = field(default_factory=list)
    """Rooms that do not bear it now, until when, and why."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    """Rooms in which it cannot be posted at all, and what is so (a state of ``records``)."""


class Publishing:
    """The schedule's side of the calendar."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._settings = keeping.settings
        self._community = keeping.community

    # --- the time has come ------------------------------------------------------------------------------------------

    async def due(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """An entry is due, or somebody is to be asked about it."""
        payload = event.content.get("payload")
        payload = payload if isinstance(payload, Mapping) else {}
        id = payload.get("entry")
        entry = await records.get(ctx.conn, id, lock=True) if isinstance(id, int) else None
        if entry is None or entry.state is not State.scheduled or entry.due is None:
            return []
        if entry.next != payload.get("occurrence"):
            # It was moved meanwhile: its other job does it.
            return []
        if payload.get("asks"):
            return [*await self._ask(ctx, entry), self._keeping.job(entry, moment(entry.due), {})]
        due = event.content.get("due")
        late = ctx.now - moment(due if isinstance(due, int) else entry.due)
        if late > self._settings.grace:
            return await self._missed(ctx, entry, later("I was not running then."))
        if entry.ask and entry.confirmed != entry.next:
            return await self._unanswered(ctx, entry)
        worded = await self._keeping.worded(ctx, entry.id)
        if worded is None and await self._keeping.underway(ctx, entry.id):
            return [self._keeping.job(entry, ctx.now + SOON, {})]
        if worded is None:
            return await self._missed(ctx, entry, later("Its words were taken away."))
        if not self._keeping.fits(entry, worded):
            return await self._missed(ctx, entry, later("It is too long for one message."))
        return await self._publish(ctx, entry, told=bool(payload.get("told")))

    async def _publish(self, ctx: Context, entry: Entry, *, told: bool) -> Sequence[Effect]:
        done = {one.target for one in await records.occurrences(ctx.conn, entry.id, entry.next)}
        found = _Round()
        for target in entry.targets:
            if target not in done:
                await self._into(ctx, entry, target, found)
        effects = [*found.effects, *await self._tell_failed(ctx, entry, found.failed)]
        if not found.held:
            return [*effects, *await self.over(ctx, entry)]
        again = min(until for _, until, _ in found.held)
        if again >= await self._limit(ctx, entry):
            return [*effects, *await self._gave_up(ctx, entry, found.held)]
        if not told:
            effects += await self._tell_held(ctx, entry, found.held, again)
        return [*effects, self._keeping.job(entry, again, {"told": True})]

    async def _into(self, ctx: Context, entry: Entry, target: str, found: _Round) -> None:
        """Post it in one room, or find out why not."""
        conn, now = ctx.conn, ctx.now
        place, problem = await self._problem(ctx, entry, target)
        if problem or place is None:
            await records.settle(conn, entry.id, entry.next, target, problem, milliseconds(now))
            found.failed.append((target, problem))
            return
        promotional = entry.line in self._keeping.lines and self._keeping.lines[entry.line].promotional
        verdict = await tempo.may_post(conn, self._community, target, now, promotional=promotional)
        if not verdict.free:
            until = verdict.until or now + LOOK_AGAIN
            found.held.append((target, max(until, now + timedelta(minutes=1)), verdict.because))
            return
        voice = await self._keeping.voice(conn, place)
        worded = await self._keeping.worded(ctx, entry.id, voice.language)
        if worded is None:
            return
        new = await records.settle(
            conn, entry.id, entry.next, target, records.POSTED, milliseconds(now), language=worded.language
        )
        if not new:
            return
        posted = Posted(entry.id, entry.next, target, records.POSTED, 0, worded.language, 0, "")
        found.effects += await self.posts(ctx, entry, posted, worded)
        ref = f"{entry.id}:{entry.next}"
        await tempo.posted(conn, target, now, of=NAME, ref=ref, promotional=promotional, line=entry.line)

    async def _problem(self, ctx: Context, entry: Entry, target: str) -> tuple[Group | None, str]:
        """The group of a target, or what keeps an entry from ever being posted there."""
        place = await wanted.get(ctx.conn, target)
        room_id = await bindings.room_of(ctx.conn, target)
        if not isinstance(place, Group) or place.archived or room_id is None:
            return None, records.NO_ROOM
        if await rooms.membership(ctx.conn, room_id, ctx.bot) != "join":
            return None, records.NO_ROOM
        if await calm.is_silenced(ctx.conn, target, NAME):
            return place, records.SILENCED
        if await self._keeping.reaches_others(ctx.conn, entry, place):
            return place, records.OUTSIDE
        return place, ""

    async def posts(self, ctx: Context, entry: Entry, posted: Posted, worded: Worded) -> list[Effect]:
        """The messages of an entry in one room, and the event that says so."""
        message = self._keeping.post(entry, worded)
        about = {STRUCTURE: {"entry": entry.id, "occurrence": posted.occurrence, "target": posted.target}}
        place = room(posted.target)
        rouse = entry.rouse and await self._keeping.is_keeper(ctx, entry.author)
        effects: list[Effect] = [
            Say(
                key=posted.key,
                room=place,
                msgtype=TEXT,
                body=message.body,
                html=message.html,
                rouse=rouse,
                content=about,
            )
        ]
        for number, content in enumerate(await self._keeping.files(ctx, entry.id)):
            effects.append(file_of(content, place, f"{posted.key}:file:{number}"))
        room_id = await bindings.room_of(ctx.conn, posted.target) or ""
        day = posted.occurrence.partition("T")[0]
        content = {"entry": entry.id, "occurrence": day, "key": posted.target, "room": room_id}
        effects.append(Emit(key=f"published:{posted.key}", type=ENTRY_PUBLISHED, content=content))
        return effects

    async def _limit(self, ctx: Context, entry: Entry) -> datetime:
        """Until when an occurrence waits: not past the next one."""
        due = moment(entry.due or 0)
        after = await self._keeping.coming(ctx, entry, due + timedelta(minutes=1))
        return min([due + self._settings.longest_wait, *(one.due for one in after)])

    # --- an occurrence is over --------------------------------------------------------------------------------------

    async def over(self, ctx: Context, entry: Entry, what: What | None = None) -> list[Effect]:
        """The present occurrence is done with: note it, and plan the next one."""
        conn, now_ms = ctx.conn, milliseconds(ctx.now)
        done = await records.occurrences(conn, entry.id, entry.next)
        stands = [one.target for one in done if one.state == records.POSTED]
        state = records.DONE if stands else records.MISSED
        await records.finish(conn, entry.id, entry.next, state, now_ms)
        effects: list[Effect] = []
        if stands and (entry.expires_after is not None or entry.expires_at is not None):
            effects.append(self._end(ctx, entry))
        passed = entry.next
        # Without its time: what comes after one that waited, or was missed, has its own grace.
        ahead, planned = await self._keeping.plan(ctx, replace(entry, confirmed="", due=None))
        await laying.tell(self._keeping, ctx, ahead)
        if not ahead.next:
            posted = bool(await records.last_posted(conn, entry.id))
            # What did not come at all goes back to its author, who may move it.
            ahead = replace(ahead, state=State.published if posted else State.draft)
        what = what or (What.published if stands else What.missed)
        after = {"occurrence": passed, "targets": stands}
        await self._keeping.change(ctx, entry, ahead, what, "", after=after)
        return [*effects, *planned]

    def _end(self, ctx: Context, entry: Entry) -> Schedule:
        ends = [] if entry.expires_at is None else [moment(entry.expires_at)]
        if entry.expires_after is not None:
            ends.append(ctx.now + timedelta(seconds=entry.expires_after))
        payload = {"entry": entry.id, "occurrence": entry.next}
        return Schedule(key=f"over:{entry.id}:{entry.next}", job=EXPIRE, due=min(ends), payload=payload)

    async def expire(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """What was posted is over: it is struck through, or taken away."""
        payload = event.content.get("payload")
        payload = payload if isinstance(payload, Mapping) else {}
        id, name = payload.get("entry"), payload.get("occurrence")
        entry = await records.get(ctx.conn, id, lock=True) if isinstance(id, int) else None
        if entry is None or not isinstance(name, str):
            return []
        effects: list[Effect] = []
        for posted in await records.occurrences(ctx.conn, entry.id, name):
            if posted.state == records.POSTED:
                effects += await self._expired(ctx, entry, posted)
        if effects:
            await self._keeping.change(ctx, entry, entry, What.expired, "", after={"occurrence": name})
        return effects

    async def _expired(self, ctx: Context, entry: Entry, posted: Posted) -> list[Effect]:
        worded = await self._keeping.worded(ctx, entry.id, posted.language)
        if self._settings.when_over == "withdrawn" or worded is None:
            await records.become(ctx.conn, posted, records.TAKEN)
            return await self.redactions(ctx, posted)
        await records.become(ctx.conn, posted, records.STRUCK)
        voice = self._keeping.kit.speech.voice(worded.language)
        said = render(wording.struck(voice, worded.draft.title, worded.draft.words))
        return [
            Say(
                key=f"{posted.key}:over",
                room=room(posted.target),
                msgtype=TEXT,
                body=said.body,
                html=said.html,
                replaces=reference(posted),
            )
        ]

    async def redactions(self, ctx: Context, posted: Posted) -> list[Effect]:
        """What takes a post and its files away."""
        count = len(await records.files(ctx.conn, posted.entry))
        place = room(posted.target)
        files = (post(f"{posted.key}:file:{number}", of=NAME) for number in range(count))
        return [
            Redact(key=f"{posted.key}:redact", room=place, event=reference(posted)),
            *(Redact(room=place, event=one) for one in files),
        ]

    # --- ask before -------------------------------------------------------------------------------------------------

    async def _ask(self, ctx: Context, entry: Entry) -> list[Effect]:
        if entry.confirmed == entry.next:
            return []
        place = await self._keeping.room(ctx.conn)
        voice = await self._keeping.voice(ctx.conn, place)
        key = f"ask:{entry.id}:{entry.next}"
        said = wording.ask(
            voice,
            await self._keeping.title(ctx, entry.id),
            await self.names(ctx.conn, entry.targets),
            voice.moment(moment(entry.due or 0), self._keeping.zone(entry), ctx.now),
        )
        on = await rota.on_duty(ctx.conn, self._community, ctx.now)
        here = [one for one in on if await self._keeping.in_there(ctx.conn, one)]
        asked = await self._keeping.tell(ctx.conn, said, key, mentions=here)
        if not asked or place is None:
            return []
        return [*asked, *(React(room=room(place.key), to=post(key), emoji=emoji) for emoji in (YES, NO))]

    async def _unanswered(self, ctx: Context, entry: Entry) -> list[Effect]:
        voice = await self._keeping.voice(ctx.conn, await self._keeping.room(ctx.conn))
        title = await self._keeping.title(ctx, entry.id)
        effects = await self.over(ctx, entry, What.declined)
        again = await records.get(ctx.conn, entry.id)
        said = wording.unanswered(voice, entry.id, title, goes_on=again is not None and bool(again.next))
        return [*await self._keeping.tell(ctx.conn, said, f"unanswered:{entry.id}:{entry.next}"), *effects]

    # --- what is told to animators ----------------------------------------------------------------------------------

    async def names(self, conn: AsyncConnection, targets: Sequence[str]) -> list[str]:
        """The names of groups; the key of one that nobody knows any more."""
        known = await wanted.names(conn, targets)
        return [known.get(key, key) for key in targets]

    async def _tell_failed(self, ctx: Context, entry: Entry, failed: Sequence[tuple[str, str]]) -> list[Effect]:
        if not failed:
            return []
        voice = await self._keeping.voice(ctx.conn, await self._keeping.room(ctx.conn))
        names = await self.names(ctx.conn, [target for target, _ in failed])
        why = [state for _, state in failed]
        said = wording.failed(voice, await self._keeping.title(ctx, entry.id), list(zip(names, why, strict=True)))
        return await self._keeping.tell(ctx.conn, said, f"failed:{entry.id}:{entry.next}:{failed[0][0]}")

    async def _tell_held(
        self, ctx: Context, entry: Entry, held: Sequence[tuple[str, datetime, Later | str]], again: datetime
    ) -> list[Effect]:
        voice = await self._keeping.voice(ctx.conn, await self._keeping.room(ctx.conn))
        names = await self.names(ctx.conn, [target for target, _, _ in held])
        why = voice.plain(held[0][2])
        when = voice.moment(again, self._keeping.zone(entry), ctx.now)
        said = wording.held(voice, await self._keeping.title(ctx, entry.id), names, why, when)
        return await self._keeping.tell(ctx.conn, said, f"held:{entry.id}:{entry.next}")

    async def _gave_up(
        self, ctx: Context, entry: Entry, held: Sequence[tuple[str, datetime, Later | str]]
    ) -> list[Effect]:
        for target, _, _ in held:
            await records.settle(ctx.conn, entry.id, entry.next, target, records.MISSED, milliseconds(ctx.now))
        voice = await self._keeping.voice(ctx.conn, await self._keeping.room(ctx.conn))
        names = await self.names(ctx.conn, [target for target, _, _ in held])
        title = await self._keeping.title(ctx, entry.id)
        said = wording.gave_up(voice, entry.id, title, names, voice.plain(held[0][2]), recurs=entry.recurs)
        told = await self._keeping.tell(ctx.conn, said, f"gave-up:{entry.id}:{entry.next}")
        return [*told, *await self.over(ctx, entry)]

    async def _missed(self, ctx: Context, entry: Entry, why: Later) -> Sequence[Effect]:
        """It is too late: what passed meanwhile is left out, and animators know."""
        conn, zone = ctx.conn, self._keeping.zone(entry)
        passed = await self._keeping.coming(ctx, entry, moment(entry.due or 0), MOST_MISSED)
        still = ctx.now - self._settings.grace
        missed = [one for one in passed if one.due <= still and one.name != entry.next]
        voice = await self._keeping.voice(conn, await self._keeping.room(conn))
        dues = [moment(entry.due or 0), *(one.due for one in missed)]
        first, last = (voice.moment(one, zone, ctx.now) for one in (dues[0], dues[-1]))
        title = await self._keeping.title(ctx, entry.id)
        said = wording.missed(voice, entry.id, title, first, last, len(dues), voice.say(why), recurs=entry.recurs)
        told = await self._keeping.tell(conn, said, f"missed:{entry.id}:{entry.next}")
        return [*told, *await self.over(ctx, entry)]


def reference(posted: Posted) -> str:
    """A post in its room: by its event, or by the key of what sends it."""
    return posted.event_id or post(posted.key, of=NAME)


def file_of(content: Mapping[str, Any], place: str, key: str, *, thread: str = "", answers: str = "") -> Say:
    """The message that shows a file once more."""
    more = {name: content[name] for name in _OF_FILES if name in content}
    return Say(
        key=key,
        room=place,
        msgtype=str(content.get("msgtype", "m.file")),
        body=str(content.get("body", "")),
        content=more,
        thread=thread,
        answers=answers,
    )
