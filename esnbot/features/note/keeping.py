"""Keeping notes: from a text, from messages; changing them, taking them away; who may. Each gives effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import OWNER_POWER, People
from esnbot.commands.reading import Person
from esnbot.community.group import Group, Place
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Say, room
from esnbot.engine.feature import Context
from esnbot.features import search, text
from esnbot.features.contract import Kit
from esnbot.features.note import records, wording
from esnbot.features.note.model import Written
from esnbot.features.note.records import Note
from esnbot.features.note.settings import NoteSettings
from esnbot.features.places import called, language_of
from esnbot.features.search import Document, Readable
from esnbot.features.text import Draft, Text, Version
from esnbot.provisioning import wanted
from esnbot.speech import Voice, render
from esnbot.store import rooms
from esnbot.store.database import savepoint

NAME: Final = "note"


@dataclass(frozen=True, slots=True)
class Shown:
    """A note with its words, for somebody who may read it."""

    note: Note
    text: Text
    draft: Draft
    place: Place


class Keeping:
    """The notes of one community."""

    def __init__(self, kit: Kit[NoteSettings]) -> None:
        self.kit = kit
        self.settings = kit.settings
        self.people = People(kit.community, wanted)

    # --- who may -------------------------------------------------------------------------------------------------

    async def may_write(self, conn: AsyncConnection, room_id: str, user: str) -> bool:
        """Whether somebody may write in a room."""
        if await rooms.membership(conn, room_id, user) != "join":
            return False
        levels = await rooms.content(conn, room_id, "m.room.power_levels") or {}
        events = levels.get("events")
        needed = events.get("m.room.message") if isinstance(events, Mapping) else None
        needed = levels.get("events_default", 0) if needed is None else needed
        return await rooms.power_of(conn, room_id, user) >= (needed if isinstance(needed, int) else 0)

    async def may_remove(self, conn: AsyncConnection, note: Note, author: str, user: str) -> bool:
        """Whether somebody may take a note away: its author, who kept it, and who owns the group."""
        if user in (author, note.keeper):
            return True
        here = await rooms.membership(conn, note.room_id, user) == "join"
        return here and await rooms.power_of(conn, note.room_id, user) >= OWNER_POWER

    async def keeper(self, ctx: Context, user: str, room_id: str) -> tuple[Person, Group] | None:
        """Somebody who may keep something in a room, and the group that it is."""
        place = await wanted.place_of(ctx.conn, room_id)
        if not isinstance(place, Group) or place.archived:
            return None
        person = await self.people.person(ctx.conn, user, room_id, place, ctx.bot, ctx.now, None)
        if person is None or not await self.may_write(ctx.conn, room_id, user):
            return None
        return person, place

    async def known(self, ctx: Context, room_id: str, source: str) -> Note | None:
        """The note that there is of a message; one that was asked for long ago and never came is forgotten."""
        found = await records.of_source(ctx.conn, room_id, source)
        if found is None or found.state != records.ASKED or milliseconds(ctx.now) - found.created < GIVEN_UP_MS:
            return found
        await records.drop(ctx.conn, found.id)
        return None

    # --- keep ----------------------------------------------------------------------------------------------------

    async def voice(self, conn: AsyncConnection, place: Place) -> Voice:
        """Speaks the language of a place."""
        spaces = await wanted.spaces(conn)
        return self.kit.speech.voice(language_of(place, spaces, self.kit.community))

    async def write(
        self,
        ctx: Context,
        place: Group,
        room_id: str,
        written: Written,
        author: str,
        *,
        module: str,
        event: str = "",
        voice: Voice | None = None,
    ) -> tuple[int, list[Effect]]:
        """Keep what somebody wrote; returns the note's number. Raises ``text.TooLong``."""
        now_ms = milliseconds(ctx.now)
        async with savepoint(ctx.conn):
            id = await records.ask(ctx.conn, place.key, room_id, None, records.WRITTEN, author, now_ms)
            note = await records.get(ctx.conn, id) if id is not None else None
            if note is None:
                raise KeyError(id)
            if event:
                await records.add_keeper(ctx.conn, note.id, author, event, now_ms)
            way = records.WRITTEN
            effects = await self.fill(ctx, note, place, written, author, way, module=module, voice=voice)
        return note.id, effects

    async def fill(
        self,
        ctx: Context,
        note: Note,
        place: Place,
        written: Written,
        author: str,
        way: str,
        *,
        module: str,
        voice: Voice | None = None,
    ) -> list[Effect]:
        """Give a note its words. Raises ``text.TooLong``."""
        voice = voice or await self.voice(ctx.conn, place)
        foot = str(wording.foot(voice, note.id, way, note.room_id, note.source, self.kit.server))
        draft = Draft(title=written.title, words=written.words, author=author, tags=written.tags, foot=foot)
        async with savepoint(ctx.conn):
            id, effects = await text.keep(ctx, text.NOTE, place, draft, voice=voice, module=module)
        await records.keep(ctx.conn, note.id, id, way)
        await self.index(ctx.conn, note.id, id)
        return effects

    async def revise(
        self, ctx: Context, shown: Shown, written: Written, author: str, *, module: str, keeping_tags: bool = True
    ) -> tuple[int, list[Effect]]:
        """Keep a new version; returns its number. Without tags it has those it had.

        Raises ``text.TooLong``, and ``KeyError`` for what is gone."""
        tags = written.tags or (shown.draft.tags if keeping_tags else ())
        draft = replace(shown.draft, title=written.title, words=written.words, author=author, tags=tags)
        voice = self.kit.speech.voice(shown.text.language)
        async with savepoint(ctx.conn):
            number, effects = await text.revise(ctx, shown.text.id, draft, voice=voice, module=module)
        await records.good(ctx.conn, shown.note.id, milliseconds(ctx.now), checked=False)
        await self.index(ctx.conn, shown.note.id, shown.text.id)
        return number, effects

    async def tell_both(
        self, ctx: Context, shown: Shown, by: str, versions: Sequence[Version], base: int
    ) -> list[Effect]:
        """In the note's thread, tell those who wrote at the same time that both changes stand."""
        others = [one.author for one in versions if one.number > base and one.author not in ("", by)]
        if not others:
            return []
        others = list(dict.fromkeys(others))
        voice = self.kit.speech.voice(shown.text.language)
        names = [await called(ctx.conn, shown.note.room_id, person) for person in (by, *others)]
        message = render(wording.both_stand(voice, names))
        thread = text.thread(shown.text)
        return [
            Say(room=room(shown.place.key), body=message.body, html=message.html, thread=thread, mentions=tuple(others))
        ]

    async def remove(self, ctx: Context, note: Note, *, reason: str) -> list[Effect]:
        """Take a note away, in its room and here."""
        await search.forget(ctx.conn, key_of(note.id))
        await records.take(ctx.conn, note.id)
        return await text.withdraw(ctx, note.text, reason=reason) if note.text is not None else []

    async def index(self, conn: AsyncConnection, id: int, text_id: int) -> None:
        """Have a note found by its words and tags as they stand; one of an encrypted room by neither."""
        found = await text.get(conn, text_id)
        if found is None or found.gone or found.sealed or found.current.words is None:
            await search.forget(conn, key_of(id))
            await records.tag(conn, id, ())
            return
        current = found.current
        await records.tag(conn, id, current.tags)
        document = Document(
            key=key_of(id),
            kind="note",
            place=found.place,
            title=current.title,
            text=current.words or "",
            tags=current.tags,
            moment=current.moment,
            path=f"/notes/{id}",
            event=found.root,
        )
        await search.put(conn, document)

    # --- read ----------------------------------------------------------------------------------------------------

    async def shown(self, ctx: Context, id: int, readable: Readable) -> Shown | None:
        """A note that stands, where it is readable; None for any other, whatever the reason.

        Raises ``DeviceAway`` for one of an encrypted room.
        """
        note = await records.get(ctx.conn, id)
        if note is None or note.state != records.KEPT or note.text is None or note.place not in readable:
            return None
        found = await text.get(ctx.conn, note.text)
        place = await wanted.get(ctx.conn, note.place)
        draft = await text.opened(ctx, found) if found is not None and not found.gone else None
        if found is None or draft is None or place is None:
            return None
        return Shown(note, found, draft, place)

    async def related(self, conn: AsyncConnection, shown: Shown, readable: Readable, limit: int = 3) -> list[Related]:
        """Notes that have the same tags, or are about the same, of what is readable."""
        if shown.text.sealed:
            return []
        ids = await records.alike(conn, shown.note.id, places_in(readable), limit)
        words = f"{shown.draft.title}\n{shown.draft.words}"
        if len(ids) < limit:
            hits = await search.similar(conn, words, readable, kinds=("note",), besides=key_of(shown.note.id))
            near = [number_of(hit.key) for hit in hits if hit.likeness >= LIKE_ENOUGH]
            ids += [id for id in near if id not in ids and id != shown.note.id]
        return await self.named(conn, ids[:limit])

    async def named(self, conn: AsyncConnection, ids: Sequence[int]) -> list[Related]:
        """Notes that stand, with their titles, in this order; those of encrypted rooms have none here."""
        notes = await records.some(conn, ids)
        texts = await text.some(conn, [note.text for note in notes.values() if note.text is not None])
        among = {note.room_id for note in notes.values()}
        encrypted = await rooms.contents(conn, "m.room.encryption", among)
        found = []
        for id in ids:
            note = notes.get(id)
            kept = texts.get(note.text) if note is not None and note.text is not None else None
            if note is not None and kept is not None and not kept.gone:
                found.append(Related(note, kept, kept.sealed or note.room_id in encrypted))
        return found

    async def is_sealed(self, conn: AsyncConnection, note: Note, kept: Text) -> bool:
        """Whether the words of a note are for its room alone: it is encrypted, perhaps only since the note was kept."""
        return kept.sealed or await rooms.content(conn, note.room_id, "m.room.encryption") is not None


@dataclass(frozen=True, slots=True)
class Related:
    """A note among others."""

    note: Note
    text: Text
    sealed: bool
    """It belongs to an encrypted room."""

    @property
    def title(self) -> str:
        """'' in an encrypted room."""
        return "" if self.sealed else self.text.current.title

    @property
    def tags(self) -> tuple[str, ...]:
        """None in an encrypted room."""
        return () if self.sealed else self.text.current.tags


GIVEN_UP_MS: Final = 24 * 3600 * 1000
"""After which a message that was to be read is not waited for any more."""
SEEN: Final = "seen:"
LIKE_ENOUGH: Final = 0.25
"""From which likeness on a note is shown beside another."""


def key_of(id: int) -> str:
    """What a note is called in the search index."""
    return f"note:{id}"


def number_of(key: str) -> int:
    """The number of a note by what it is called in the search index."""
    return int(key.removeprefix("note:"))


def places_in(readable: Readable) -> list[str]:
    """The keys of the places that are readable."""
    return [key for key in readable.own.keys | readable.open.keys if not key.startswith(SEEN)]
