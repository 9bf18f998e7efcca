"""What all parts of the calendar need: the animators' room, the words of an entry, who may, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.commands.reading import KEEPERS
from esnbot.community.group import Group, Place
from esnbot.community.reach import reached_by
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Effect, Emit, PostRef, Say, Schedule, Unschedule, room
from esnbot.engine.feature import Context
from esnbot.features import rota, text
from esnbot.features.calendar import model, records, recurrence, wording
from esnbot.features.calendar.model import Entry, State, What
from esnbot.features.calendar.recurrence import Occurrence
from esnbot.features.calendar.settings import CalendarSettings
from esnbot.features.contract import Kit
from esnbot.features.places import language_of
from esnbot.features.status import coming
from esnbot.features.text import Draft
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Message, Voice, at_wall_clock, later, render
from esnbot.store import bindings, rooms

NAME: Final = "calendar"
CHANGED: Final = "org.esnbot.calendar_changed"
"""Of this feature alone: an entry was changed; content: ``entry``, ``acts`` (of ``REVIEW`` …),
``number``, ``undone`` and ``posts``."""
REVIEW: Final = "review"
CORRECT: Final = "correct"
REDACT: Final = "redact"
AGAIN: Final = "again"
UNRECAP: Final = "unrecap"
POST: Final = "post"
"""The job that brings an entry to its time: it asks before, and posts then."""
MOST_MISSED: Final = 400
"""Occurrences that are counted at most when they passed while the process was off."""


@dataclass(frozen=True, slots=True)
class Worded:
    """The words of an entry in one language."""

    language: str
    draft: Draft


class Keeping:
    """The calendar of one community."""

    def __init__(self, kit: Kit[CalendarSettings]) -> None:
        self.kit = kit
        self.settings = kit.settings
        self.community = kit.community
        self.lines = kit.settings.all_lines()
        self.people = People(kit.community, wanted)

    # --- the animators' room ----------------------------------------------------------------------------------------

    async def room(self, conn: AsyncConnection) -> Group | None:
        """The animators' room, where drafts stand; None when there is none."""
        key = self.community.animators_room
        place = await wanted.get(conn, key) if key is not None else None
        ready = isinstance(place, Group) and not place.archived
        return place if ready and isinstance(place, Group) else None

    async def voice(self, conn: AsyncConnection, place: Place | None) -> Voice:
        """Speaks the language of a place."""
        return self.kit.speech.voice(language_of(place, await wanted.spaces(conn), self.community))

    async def tell(
        self, conn: AsyncConnection, words: Markdown, key: str, *, mentions: Iterable[str] = (), thread: PostRef = ""
    ) -> list[Effect]:
        """Say something in the animators' room."""
        place = await self.room(conn)
        if place is None:
            return []
        said = render(words)
        return [
            Say(
                key=key,
                room=room(place.key),
                msgtype=TEXT,
                body=said.body,
                html=said.html,
                mentions=tuple(mentions),
                thread=thread,
            )
        ]

    async def in_there(self, conn: AsyncConnection, user: str) -> bool:
        """Whether somebody is in the animators' room."""
        place = await self.room(conn)
        room_id = await bindings.room_of(conn, place.key) if place is not None else None
        return room_id is not None and await rooms.membership(conn, room_id, user) == "join"

    async def is_keeper(self, ctx: Context, user: str) -> bool:
        """Whether somebody looks after the community."""
        person = await self.people.person(ctx.conn, user, "", None, ctx.bot, ctx.now, None)
        return person is not None and bool(person.roles & KEEPERS)

    async def asks_others(self, conn: AsyncConnection, entry: Entry) -> bool:
        """Whether somebody else looks at an entry before it is posted."""
        if self.settings.asks_others(entry.line, None):
            return True
        spaces = await wanted.spaces(conn) if self.settings.review_in else {}
        for key in entry.targets if self.settings.review_in else ():
            place = await wanted.get(conn, key)
            if isinstance(place, Group) and self.settings.asks_others(entry.line, place, _around(place, spaces)):
                return True
        return False

    async def reaches_others(self, conn: AsyncConnection, entry: Entry, place: Group) -> list[str]:
        """Audiences that read a place and for which an entry is not meant."""
        if not entry.audience:
            return []
        places = {**await wanted.spaces(conn), place.key: place}
        return model.outside(entry.audience, reached_by(place, places, self.community.audiences))

    # --- words ------------------------------------------------------------------------------------------------------

    async def worded(self, ctx: Context, id: int, language: str = "") -> Worded | None:
        """The words of an entry in a language, else those that it has; None when they are gone."""
        known = await records.texts(ctx.conn, id)
        order = [language] if language in known else []
        for one in (*order, *(other for other in known if other != language)):
            kept = await text.get(ctx.conn, known[one])
            draft = await text.opened(ctx, kept) if kept is not None else None
            if draft is not None:
                return Worded(one, draft)
        return None

    async def title(self, ctx: Context, id: int) -> Markdown:
        """What an entry is called in lists: its number and its title."""
        found = await self.worded(ctx, id)
        return wording.name(id, found.draft.title if found is not None else "")

    def post(self, entry: Entry, worded: Worded) -> Message:
        """What its readers see of an entry."""
        voice = self.kit.speech.voice(worded.language)
        draft = worded.draft
        return render(wording.post(voice, draft.title, draft.words, entry.link, entry.credit))

    async def files(self, ctx: Context, id: int) -> list[dict[str, Any]]:
        """The contents of the files of an entry that can be read."""
        found: list[dict[str, Any]] = []
        for _, kept in await records.files(ctx.conn, id):
            try:
                content = ctx.unlock(kept)
            except ValueError:
                continue
            if isinstance(content, dict):
                found.append(content)
        return found

    # --- time -------------------------------------------------------------------------------------------------------

    def zone(self, entry: Entry) -> ZoneInfo:
        """The zone of an entry's readers."""
        return ZoneInfo(entry.zone) if entry.zone else self.community.zone

    async def coming(
        self, ctx: Context, entry: Entry, since: datetime | None = None, most: int = 1
    ) -> list[Occurrence]:
        """The next occurrences of an entry that are not over, from an instant on, else from what is not too late."""
        first, conn, now = entry.first, ctx.conn, ctx.now
        since = since or self._waiting_since(ctx, entry) or now - self.settings.grace
        if first is None:
            return []
        zone = self.zone(entry)
        if entry.embargo is not None:
            since = max(since, moment(entry.embargo))
        begin = (since.astimezone(zone) - timedelta(days=2)).strftime(model.LOCAL)
        over = await records.over(conn, entry.id, begin, milliseconds(now))
        found = recurrence.occurrences(entry.rule, first, zone, since, excepts=entry.excepts)
        until = entry.expires_at
        left = (one for one in found if one.name not in over and (until is None or milliseconds(one.due) < until))
        return list(islice(left, most))

    async def plan(self, ctx: Context, entry: Entry) -> tuple[Entry, list[Effect]]:
        """Keep an entry with its next occurrence, and put that on the schedule; or take it off.

        What is due is on its way: a start does not move it.
        """
        job = f"entry:{entry.id}"
        found: list[Occurrence] = []
        if entry.state is State.scheduled and entry.targets:
            found = await self.coming(ctx, entry)
        if not found:
            entry = replace(entry, next="", due=None)
            await records.keep(ctx.conn, entry)
            return entry, [Unschedule(key=job)]
        entry = replace(entry, next=found[0].name, due=milliseconds(found[0].due))
        await records.keep(ctx.conn, entry)
        ask = found[0].due - self.settings.ask_before
        asks = entry.ask and entry.confirmed != entry.next
        # One that waits, and was not too late until now, does not become so by being looked at.
        due = max(found[0].due, ctx.now - self.settings.grace)
        return entry, [self.job(entry, ask if asks else due, {"asks": True} if asks else {})]

    def _waiting_since(self, ctx: Context, entry: Entry) -> datetime | None:
        """Since when an occurrence waits for its room to bear it: it is late, and comes all the same."""
        due = None if entry.due is None else moment(entry.due)
        waits = due is not None and due <= ctx.now - self.settings.grace < ctx.now < due + self.settings.longest_wait
        return due if waits else None

    def stands(self, ctx: Context, entry: Entry) -> bool:
        """Whether an entry is planned as it would be now, as far as can be told without asking the database."""
        first = model.local(entry.next)
        if first is None or entry.changed > milliseconds(ctx.now):
            # Changed in the future: the clock was ahead then.
            return False
        return entry.due == milliseconds(at_wall_clock(first.date(), first.time(), self.zone(entry)))

    async def underway(self, ctx: Context, id: int) -> bool:
        """Whether the words of an entry are on their way into an encrypted animators' room, and can be read soon."""
        for one in (await records.texts(ctx.conn, id)).values():
            kept = await text.get(ctx.conn, one)
            if kept is not None and kept.sealed and not kept.gone and kept.current.sealed is None:
                return True
        return False

    def fits(self, entry: Entry, worded: Worded) -> bool:
        """Whether the post of an entry fits into one message."""
        message = self.post(entry, worded)
        return len(message.body.encode()) + len(message.html.encode()) <= model.LONGEST_POST

    def job(self, entry: Entry, due: datetime, more: Mapping[str, Any]) -> Schedule:
        """What brings an entry to its time."""
        told = coming(later("an entry of the calendar"), entry.targets[0]) if entry.targets else {}
        payload = {"entry": entry.id, "occurrence": entry.next, **more, **told}
        return Schedule(key=f"entry:{entry.id}", job=POST, due=due, payload=payload)

    # --- changes ----------------------------------------------------------------------------------------------------

    async def change(
        self,
        ctx: Context,
        old: Entry,
        new: Entry,
        what: What,
        by: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> tuple[Entry, int]:
        """Keep a changed entry and what was done to it; returns it, and the number of the change."""
        was, now = model.difference(old, new)
        changed = replace(new, revision=old.revision + 1, changed=milliseconds(ctx.now))
        await records.keep(ctx.conn, changed)
        number = await records.log(
            ctx.conn, new.id, what, by, milliseconds(ctx.now), {**was, **(before or {})}, {**now, **(after or {})}
        )
        await _note_work(ctx, new, what, by)
        return changed, number


async def _note_work(ctx: Context, entry: Entry, what: What, by: str) -> None:
    """What animators find in their own work, and nobody else."""
    if what in (What.approved, What.returned) and by:
        await rota.worked(ctx.conn, by, "review", ctx.now)
    elif what is What.published and entry.author:
        await rota.worked(ctx.conn, entry.author, "post", ctx.now)


def changed(entry: Entry, *acts: str, posts: Sequence[tuple[str, str]] = (), number: int = 0, undone: int = 0) -> Emit:
    """Tell the feature that an entry was changed, and what is to be done about it in rooms.

    ``number`` is that of the change, ``undone`` that of the one that it took back.
    """
    content: dict[str, Any] = {"entry": entry.id, "acts": list(acts), "number": number, "undone": undone}
    if posts:
        content["posts"] = [list(post) for post in posts]
    return Emit(type=CHANGED, content=content)


def moment(ms: int) -> datetime:
    """Milliseconds as an instant."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def _around(place: Place, spaces: Mapping[str, Place]) -> tuple[str, ...]:
    """The spaces that a place stands in."""
    found: list[str] = []
    at: Place | None = place
    while at is not None and at.parent and at.parent not in found:
        found.append(at.parent)
        at = spaces.get(at.parent)
    return tuple(found)
