"""What happens to notes by itself: reactions that keep, what was read in the room, what is taken away there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import waiting
from esnbot.commands.module import NAME as COMMANDS
from esnbot.commands.people import name_of
from esnbot.commands.reactions import chosen
from esnbot.commands.records import posted_as
from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Fetch, Say
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.engine.fetching import Fetched, Found, read
from esnbot.features import search, text
from esnbot.features.note import model, records, telling, wording
from esnbot.features.note.desk import ASKS, BETWEEN, READ, token_of
from esnbot.features.note.keeping import NAME, Keeping, key_of
from esnbot.features.note.model import Said, Written
from esnbot.features.note.records import Note
from esnbot.features.places import language_of
from esnbot.provisioning import wanted
from esnbot.speech import render
from esnbot.store import bindings

AGAIN: Final = "again"
"""The job that makes a note anew of what is left of its thread."""
MOST: Final = 200
"""Messages of a thread that are read."""
LONGEST_ID: Final = 255


def may_keep(event: Event) -> bool:
    """A cheap look: a reaction to something."""
    return bool(chosen(event)[1])


def is_redaction(event: Event) -> bool:
    """A cheap look: something was taken away."""
    return bool(event.redacts)


def is_ours(event: Event) -> bool:
    """A cheap look: nobody outside made it."""
    return event.is_internal


def is_judgement(event: Event) -> bool:
    """A cheap look: a reaction that says whether something holds."""
    return chosen(event)[1] in (model.HOLDS, model.LOOK)


class Handlers:
    """The feature at work."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._settings = keeping.settings
        self._speech = keeping.kit.speech

    # --- a reaction keeps a message ------------------------------------------------------------------------------

    async def reacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody keeps a message, or a thread by its first one: it is read first."""
        source, emoji = chosen(event)
        if event.sender == ctx.bot or not source.startswith("$") or len(source) > LONGEST_ID:
            return []
        own = await records.emoji_of(ctx.conn, event.sender)
        usual = model.proper_emoji(self._settings.emoji) or ""
        if not emoji or emoji != (usual if own is None else own):
            return []
        # What the bot says is nothing to keep: notes are kept already, answers come again.
        if await posted_as(ctx.conn, source) is not None:
            return []
        found = await self._keeping.keeper(ctx, event.sender, event.room_id)
        if found is None:
            return []
        known = await self._keeping.known(ctx, event.room_id, source)
        if known is not None:
            await records.add_keeper(ctx.conn, known.id, event.sender, event.event_id, event.ts)
            return []
        since = milliseconds(ctx.now) - DAY_MS
        if await records.started_since(ctx.conn, event.sender, since) >= self._settings.a_day:
            return []
        _, place = found
        now_ms = milliseconds(ctx.now)
        id = await records.ask(ctx.conn, place.key, event.room_id, source, records.MESSAGE, event.sender, now_ms)
        if id is None:
            return []
        await records.add_keeper(ctx.conn, id, event.sender, event.event_id, event.ts)
        return [Fetch(room=event.room_id, event=source, job=READ, thread=True, most=MOST, payload={"note": id})]

    async def read(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The words are here: the note is made, once, or nothing came of it."""
        fetched = read(event)
        id = fetched.payload.get("note")
        note = await records.get(ctx.conn, id) if isinstance(id, int) else None
        if note is None or note.state != records.ASKED:
            return []
        place = await wanted.get(ctx.conn, note.place)
        said = await self._said(ctx, note, fetched) if isinstance(place, Group) else []
        if not isinstance(place, Group) or not said or not await records.keepers(ctx.conn, note.id):
            await records.drop(ctx.conn, note.id)
            return await self._answer(ctx, note, None)
        title = self._title(ctx, fetched)
        written, author, way = await self._written(ctx, note, place, said, title, whole=fetched.whole)
        try:
            effects = await self._keeping.fill(ctx, note, place, written, author, way, module=NAME)
        except text.TooLong:
            await records.drop(ctx.conn, note.id)
            return await self._answer(ctx, note, None)
        await records.add_sources(ctx.conn, note.id, [(one.event_id, one.author) for one in said])
        return [*effects, *await self._answer(ctx, note, written)]

    def _title(self, ctx: Context, fetched: Fetched) -> str:
        try:
            title = ctx.unlock(fetched.payload.get("title", ""))
        except ValueError:
            return ""
        return title if isinstance(title, str) else ""

    async def _answer(self, ctx: Context, note: Note, written: Written | None) -> Sequence[Effect]:
        """Whoever asked with a command is answered."""
        awaited = await waiting.awaited(ctx.conn, token_of(note.id))
        if awaited is None:
            return []
        voice = self._speech.voice(await self._keeping.people.language(ctx.conn, note.keeper))
        if written is not None:
            return [awaited.say(wording.kept(voice, note.id, written.title, ""), key=f"kept:{note.id}")]
        nothing = voice.say(
            "I found nothing there that I could keep: messages that are gone, that I cannot read, or that are my own "
            "make no note."
        )
        return [awaited.say(nothing, key=f"nothing:{note.id}")]

    async def _said(self, ctx: Context, note: Note, fetched: Fetched, without: Sequence[str] = ()) -> list[Said]:
        """The messages that can be kept, oldest first."""
        gone = await records.taken_away(ctx.conn, note.id)
        found: list[Said] = []
        if fetched.root is not None and fetched.root.event.event_id not in gone:
            found += [said for said in [_said(ctx, fetched.root)] if said is not None]
        thread = sorted(fetched.thread, key=lambda one: one.event.ts)
        for one in thread if note.way == records.THREAD or fetched.thread else ():
            said = _said(ctx, one) if one.event.event_id not in gone else None
            if said is not None and not model.is_command(said.text):
                found.append(said)
        return [said for said in found if said.author not in without]

    async def _written(
        self, ctx: Context, note: Note, place: Group, said: Sequence[Said], title: str, *, whole: bool
    ) -> tuple[Written, str, str]:
        """The note as it will be: title, words and tags; its author; and whether it is of one message or a thread."""
        given = model.written(title) if title else None
        tags = [*(given.tags if given else ()), *model.tags_in("\n".join(one.text for one in said))]
        tags = list(model.usable_tags(dict.fromkeys(tags)))
        head = given.title if given else model.title_of(said[0].text)
        if len(said) == 1 and said[0].event_id == note.source:
            (one,), _ = model.fitting(said)
            # A line that is its own title is not said twice.
            words = "" if one.text in (head, f"{head}.") else one.text
            return Written(head, words, tuple(tags)), one.author, records.MESSAGE
        fits, all_of_it = model.fitting(said)
        names = {one.author: await name_of(ctx.conn, note.room_id, one.author) or one.author for one in fits}
        words = model.quotes(fits, names)
        if not (whole and all_of_it):
            voice = await self._keeping.voice(ctx.conn, place)
            words = f"{words}\n\n{wording.cut_short(voice)}"
        return Written(head, words, tuple(tags)), note.keeper, records.THREAD

    # --- what is taken away --------------------------------------------------------------------------------------

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A reaction that kept something, or a message of which something was made, is gone."""
        let_go = await records.let_go(ctx.conn, event.redacts)
        if let_go is not None:
            return await self._taken_back(ctx, event, *let_go)
        asked = await records.asked_in(ctx.conn, event.room_id)
        if asked:
            await records.mark_gone(ctx.conn, asked, event.redacts)
        effects: list[Effect] = []
        for id in await records.made_of(ctx.conn, event.redacts):
            note = await records.get(ctx.conn, id)
            if note is None or note.room_id != event.room_id or note.text is None:
                continue
            await records.mark_gone(ctx.conn, [id], event.redacts)
            kept = await text.get(ctx.conn, note.text)
            if kept is None or kept.gone or kept.current.number > 1:
                # Others have written on: what stands there now is theirs.
                continue
            if note.way == records.MESSAGE:
                effects += await self._keeping.remove(ctx, note, reason="")
            elif note.source is not None:
                effects.append(_again(note))
        return effects

    async def _taken_back(self, ctx: Context, event: Event, id: int, ts: int) -> Sequence[Effect]:
        note = await records.get(ctx.conn, id)
        if note is None or await records.keepers(ctx.conn, id):
            return []
        if note.state == records.ASKED:
            await records.drop(ctx.conn, id)
            return []
        in_time = event.ts - ts <= self._settings.take_back.total_seconds() * 1000
        kept = await text.get(ctx.conn, note.text) if note.text is not None else None
        if not in_time or note.source is None or kept is None or kept.current.number > 1:
            return []
        return await self._keeping.remove(ctx, note, reason="")

    async def again(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Part of a thread is gone: the note is made anew of what is left, so that no version has the rest."""
        fetched = read(event)
        id = fetched.payload.get("note")
        note = await records.get(ctx.conn, id) if isinstance(id, int) else None
        place = await wanted.get(ctx.conn, note.place) if note is not None else None
        if note is None or note.state != records.KEPT or note.text is None or not isinstance(place, Group):
            return []
        kept = await text.get(ctx.conn, note.text)
        if kept is None or kept.gone or kept.current.number > 1:
            return []
        without = fetched.payload.get("without", [])
        leaving = [one.event.event_id for one in fetched.thread if one.event.sender in without]
        if fetched.root is not None and fetched.root.event.sender in without:
            leaving.append(fetched.root.event.event_id)
        for event_id in leaving:
            await records.mark_gone(ctx.conn, [note.id], event_id)
        said = await self._said(ctx, note, fetched)
        if not said:
            return await self._keeping.remove(ctx, note, reason="")
        before = await text.opened(ctx, kept)
        # A title may be made of the first message: without that, it goes too.
        title = before.title if before is not None and said[0].event_id == note.source else ""
        written, _, _ = await self._written(ctx, note, place, said, title, whole=fetched.whole)
        effects = await text.withdraw(ctx, note.text, reason="")
        effects += await self._keeping.fill(ctx, note, place, written, note.keeper, records.THREAD, module=NAME)
        await records.add_sources(ctx.conn, note.id, [(one.event_id, one.author) for one in said])
        return effects

    # --- the kept text -------------------------------------------------------------------------------------------

    async def changed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Something happened to a note's message in its room."""
        id = event.content.get("text")
        note = await records.by_text(ctx.conn, id) if isinstance(id, int) else None
        if note is None or note.text is None or event.text("kind") != text.NOTE:
            return []
        if event.text("what") == "gone":
            await search.forget(ctx.conn, key_of(note.id))
            await records.take(ctx.conn, note.id)
        else:
            await self._keeping.index(ctx.conn, note.id, note.text)
        return []

    async def encrypted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A room is encrypted from now on: what is in it is not found by words any more."""
        place = await wanted.place_of(ctx.conn, event.room_id)
        if place is not None:
            for note in await records.latest(ctx.conn, [place.key], limit=100_000):
                await search.forget(ctx.conn, key_of(note.id))
                await records.tag(ctx.conn, note.id, ())
        return []

    # --- does it still hold? -------------------------------------------------------------------------------------

    async def judged(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A reader says by a reaction whether a note still holds."""
        target, emoji = chosen(event)
        key = await posted_as(ctx.conn, target, COMMANDS) if event.sender != ctx.bot else None
        about, thread, _ = (
            (key or "").removeprefix(f"{COMMANDS}/").split(BETWEEN, 2)
            if key and BETWEEN in key
            else (
                "",
                "",
                "",
            )
        )
        number = about.removeprefix(f"{ASKS}:")
        if not about.startswith(f"{ASKS}:") or not number.isdigit():
            return []
        done = await self.judge(ctx, int(number), event.sender, holds=emoji == model.HOLDS)
        if done is None:
            return []
        voice = self._speech.voice(await self._keeping.people.language(ctx.conn, event.sender))
        message = render(wording.thanks(voice, int(number), holds=emoji == model.HOLDS))
        return [*done, Say(room=event.room_id, body=message.body, html=message.html, thread=thread)]

    async def judge(self, ctx: Context, id: int, user: str, *, holds: bool) -> Sequence[Effect] | None:
        """Note whether a note holds, without who says so; None when that person may not read it."""
        note = await records.get(ctx.conn, id)
        community = self._keeping.kit.community
        person = await self._keeping.people.person(ctx.conn, user, "", None, ctx.bot, ctx.now, None)
        if note is None or person is None or note.state != records.KEPT or note.text is None:
            return None
        if note.place not in await search.readable_by(ctx.conn, community, person):
            return None
        now_ms = milliseconds(ctx.now)
        if holds:
            await records.good(ctx.conn, id, now_ms, checked=True)
            return []
        if not await records.doubt(ctx.conn, id, now_ms):
            return []
        kept = await text.get(ctx.conn, note.text)
        author = kept.current.author if kept is not None else ""
        if kept is None or not author or author == user:
            return []
        return await telling.tell(ctx, author, wording.needs_look(id, kept.current.title), about=f"{id}:{now_ms}")

    # --- the first notes of a group ------------------------------------------------------------------------------

    async def born(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group gets the notes of its template."""
        community = self._keeping.kit.community
        template = community.templates.get(event.text("template"))
        place = await wanted.get(ctx.conn, event.text("key"))
        if template is None or not template.notes or not isinstance(place, Group):
            return []
        language = event.text("language") or language_of(place, await wanted.spaces(ctx.conn), community)
        voice = self._speech.voice(language if language in community.languages else community.default_language)
        effects: list[Effect] = []
        for first in template.notes:
            title, words = _in(first.title, voice.language), _in(first.text, voice.language)
            if not title:
                continue
            written = Written(title, words, model.usable_tags(first.tags))
            effects += (await self._keeping.write(ctx, place, event.room_id, written, "", module=NAME, voice=voice))[1]
        return effects

    async def brought(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A note came in with an import of files."""
        place = await wanted.get(ctx.conn, event.text("place"))
        room_id = await bindings.room_of(ctx.conn, event.text("place"))
        tags = event.content.get("tags")
        if not isinstance(place, Group) or room_id is None:
            return []
        named = model.usable_tags([tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [])
        title, words = event.text("title")[: model.LONGEST_TITLE], event.text("words")[: model.LONGEST_TEXT]
        written = Written(title, words, named)
        return (await self._keeping.write(ctx, place, room_id, written, event.text("by"), module=NAME))[1]

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What a person kept, where they are quoted, and their emoji. What they wrote is among the kept texts."""
        return await records.of_person(conn, person)

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Notes made of threads are made anew without what they said, unless others have written on."""
        effects = [_again(note, [person]) for note in await records.quoting(ctx.conn, person)]
        await records.forget(ctx.conn, person)
        return effects


DAY_MS: Final = 24 * 3600 * 1000


def _again(note: Note, without: Sequence[str] = ()) -> Effect:
    payload: dict[str, Any] = {"note": note.id}
    if without:
        payload["without"] = list(without)
    return Fetch(room=note.room_id, event=note.source or "", job=AGAIN, thread=True, most=MOST, payload=payload)


def _said(ctx: Context, found: Found) -> Said | None:
    """What a message says, as its author last had it; None for what cannot be kept, or not be read."""
    event = ctx.open(found.event)
    if found.redacted or event is None or event.sender == ctx.bot or event.type != "m.room.message":
        return None
    edit = ctx.open(found.edit) if found.edit is not None else None
    said = model.text_of(model.edited(event.content, edit.content if edit is not None else None))
    return Said(event.event_id, event.sender, event.moment, said) if said else None


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or next(iter(texts.values()), "")
