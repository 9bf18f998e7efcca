"""What people can say about notes: keep, show, list, change, take back, and with which emoji they keep."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from esnbot.commands import waiting
from esnbot.commands.addressing import as_edited, in_full, replied_to
from esnbot.commands.command import Call
from esnbot.commands.module import NAME as COMMANDS
from esnbot.community.group import Group, Place
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Fetch, React, post
from esnbot.features import search, text
from esnbot.features.note import model, records, wording
from esnbot.features.note.keeping import NAME, Keeping, Related, Shown, places_in
from esnbot.features.note.model import Problem, Unusable, Written
from esnbot.features.note.records import Note
from esnbot.features.places import called
from esnbot.features.search import Readable
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, bold, bullets, paragraphs
from esnbot.store import bindings, rooms

LISTED: Final = 15
READ: Final = "read"
"""The job that makes a note of what was read in the room."""
ASKS: Final = "holds"
"""What the answers are called that ask whether a note still holds."""
BETWEEN: Final = "|"


class Refusal(Exception):
    """What was asked cannot be done; the sentence says why and what to do."""

    def __init__(self, sentence: Markdown) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Where:
    """The group whose room gets a note."""

    place: Group
    room_id: str


class Desk:
    """The commands."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._kit = keeping.kit
        self._community = keeping.kit.community
        self._settings = keeping.settings

    # --- keep ----------------------------------------------------------------------------------------------------

    async def keep(self, call: Call) -> Sequence[Effect]:
        """Keep what is written; in a thread or as an answer, with a title alone or nothing, keep what is there."""
        said = in_full(call.event, call.ctx.bot, call.args["text"])
        about = replied_to(call.event)
        alone = "\n" not in said.strip()
        if alone and about:
            return await self._refusing(call, self._take(call, about, said, thread=False))
        if alone and call.in_thread and not call.is_direct:
            return await self._refusing(call, self._take(call, call.thread, said, thread=True))
        if not said.strip():
            return await self.listed(call)
        return await self._refusing(call, self._write(call, said))

    async def thread(self, call: Call) -> Sequence[Effect]:
        """Keep the whole thread."""
        said = in_full(call.event, call.ctx.bot, call.args["title"])
        about = call.thread if call.in_thread else replied_to(call.event)
        if not about or call.is_direct:
            how = call.voice.say("Write this in the thread, or as an answer to the message that it began with.")
            return [call.refuse(how)]
        return await self._refusing(call, self._take(call, about, said, thread=True))

    async def _refusing(self, call: Call, doing: Awaitable[Sequence[Effect]]) -> Sequence[Effect]:
        try:
            return await doing
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        except Unusable as error:
            return [call.refuse(wording.unusable(call.voice, error.problem))]
        except text.TooLong:
            return [call.refuse(wording.too_long(call.voice))]

    async def _write(self, call: Call, said: str) -> Sequence[Effect]:
        where = await self._where(call)
        written = model.written(said)
        await self._within_limits(call)
        id, effects = await self._keeping.write(
            call.ctx, where.place, where.room_id, written, call.person.user, module=COMMANDS, event=call.event.event_id
        )
        if where.room_id == call.event.room_id:
            # The note itself stands in the room: that is the answer.
            return effects
        return [*effects, call.answer(wording.kept(call.voice, id, written.title, ""))]

    async def _take(self, call: Call, source: str, title: str, *, thread: bool) -> Sequence[Effect]:
        """Make a note of what stands in the room; it is read first, and answered then."""
        where = await self._where(call)
        if where.room_id != call.event.room_id:
            raise Refusal(call.voice.say("Write this in the room of the group, as an answer to the message."))
        ctx, now_ms = call.ctx, milliseconds(call.ctx.now)
        title = " ".join(title.split())
        if title and len(model.tags_in(title)) > model.MOST_TAGS:
            raise Unusable(Problem.tags)
        if len(title) > model.LONGEST_TITLE:
            raise Unusable(Problem.title)
        known = await self._keeping.known(ctx, where.room_id, source)
        if known is not None:
            raise Refusal(await self._kept_already(call, known))
        await self._within_limits(call)
        way = records.THREAD if thread else records.MESSAGE
        user = call.person.user
        id = await records.ask(ctx.conn, where.place.key, where.room_id, source, way, user, now_ms)
        if id is None:
            raise Refusal(call.voice.say("This is being kept as a note just now."))
        await records.add_keeper(ctx.conn, id, user, call.event.event_id, now_ms)
        # A title of an encrypted room is not kept in the clear until then.
        kept = ctx.lock(title) if call.event.sealed is not None and title else title
        fetch = Fetch(
            room=where.room_id, event=source, job=READ, of=NAME, thread=thread, payload={"note": id, "title": kept}
        )
        return [fetch, *await waiting.later(call, token_of(id))]

    async def _kept_already(self, call: Call, known: Note) -> Markdown:
        if known.state == records.ASKED or known.text is None:
            return call.voice.say("This is being kept as a note just now.")
        kept = await text.get(call.ctx.conn, known.text)
        title = kept.current.title if kept is not None else ""
        url = self._url(known, kept)
        shown = wording.line(call.voice, known.id, title, url, ())
        return call.voice.say("This is a note already: {note}", note=shown)

    async def _where(self, call: Call) -> Where:
        """The group that gets the note. Raises Refusal."""
        place: Place | None = call.args.get("group") or call.place
        if place is None:
            raise Refusal(
                call.voice.say(
                    "Notes belong to a group. Write this in its room, or name it: `!esn note keep --group Photo "
                    "The title`, and the text on the lines below."
                )
            )
        if not isinstance(place, Group):
            raise Refusal(call.voice.say("Notes belong to a group, not to a space."))
        if place.archived:
            raise Refusal(call.voice.say("This group is archived: nothing new is kept there."))
        room_id = await bindings.room_of(call.ctx.conn, place.key)
        if room_id is None or not await self._keeping.may_write(call.ctx.conn, room_id, call.person.user):
            raise Refusal(call.voice.say("Notes are for those who may write in the group."))
        return Where(place, room_id)

    async def _within_limits(self, call: Call) -> None:
        since = milliseconds(call.ctx.now - timedelta(days=1))
        if await records.started_since(call.ctx.conn, call.person.user, since) >= self._settings.a_day:
            raise Refusal(
                call.voice.say(
                    "You have kept {count} notes since yesterday. That is enough for a day.",
                    count=self._settings.a_day,
                )
            )

    # --- read ----------------------------------------------------------------------------------------------------

    async def show(self, call: Call) -> Sequence[Effect]:
        """A note, with what is like it; an old one with the question whether it still holds."""
        try:
            readable = await self._readable(call)
            shown = await self._found(call, readable)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        voice, conn, now = call.voice, call.ctx.conn, call.ctx.now
        note, draft, zone = shown.note, shown.draft, self._community.zone
        url = self._url(note, shown.text)
        author = await called(conn, note.room_id, draft.author) if draft.author else None
        holds = model.holds_for(
            shown.place.kind if isinstance(shown.place, Group) else None,
            self._settings.holds_for,
            self._settings.holds_for_of,
        )
        good = datetime.fromtimestamp(note.good / 1000, UTC)
        asks = model.is_old(good, now, holds) and note.doubted is None
        related = await self._keeping.related(conn, shown, readable)
        answer = paragraphs(
            Markdown(f"📌 {bold(draft.title)}"),
            wording.whole(voice, draft, self._board(note.id) or url),
            wording.byline(voice, shown.text.current, draft.tags, author, zone),
            await self._origin(call, note, url, draft.author),
            wording.standing(voice, note, zone),
            wording.see_also(voice, [self._line(call, one) for one in related]),
            wording.question(voice, now - good) if asks else None,
        )
        if not asks:
            return [call.answer(answer)]
        thread = "" if call.is_direct and not call.in_thread else call.thread
        key = BETWEEN.join([f"{ASKS}:{note.id}", thread, call.event.event_id])
        buttons = [
            React(key=f"{key}{BETWEEN}{emoji}", room=call.event.room_id, to=post(key), emoji=emoji)
            for emoji in (model.HOLDS, model.PENCIL)
        ]
        return [call.answer(answer, key=key), *buttons]

    async def _origin(self, call: Call, note: Note, url: str, author: str) -> Markdown:
        """Where it stands, where it comes from, and who kept it."""
        parts = [wording.foot(call.voice, note.id, note.way, note.room_id, note.source, self._kit.server)]
        if note.keeper and note.way != records.WRITTEN and note.keeper != author:
            person = await called(call.ctx.conn, note.room_id, note.keeper)
            parts.append(call.voice.say("kept by {person}", person=person))
        if note.room_id != call.event.room_id:
            place = await wanted.get(call.ctx.conn, note.place)
            parts += [call.voice.plain(place.name)] if place is not None else []
        if url:
            parts.append(Markdown(f"[{call.voice.say('in the room')}](<{url}>)"))
        return Markdown(wording.BETWEEN.join(parts))

    async def listed(self, call: Call) -> Sequence[Effect]:
        """The notes of the room; in a direct chat, all that the person may read."""
        readable = await self._readable(call)
        asked = " ".join((call.args.get("about") or "").split())
        if not call.is_direct:
            readable = Readable.of(*([call.place.key] if call.place is not None else []))
        tag = asked.removeprefix("#") if asked.startswith("#") else ""
        places, voice, conn = places_in(readable), call.voice, call.ctx.conn
        if asked and not tag:
            hits = await search.find(conn, asked, readable, kinds=("note",), limit=LISTED)
            found = await self._keeping.named(conn, [int(hit.key.partition(":")[2]) for hit in hits])
            total = len(found)
        else:
            found = await self._keeping.named(conn, [one.id for one in await records.latest(conn, places, tag, LISTED)])
            total = await records.count(conn, places, tag)
        before = await self._before(call) if not asked else []
        if not found and not before:
            if asked:
                return [call.answer(voice.say("No note about {words}.", words=voice.quote(asked[:100])))]
            return [
                call.answer(
                    voice.say(
                        "There are no notes yet. `!esn note` with a title keeps one, its text on the lines below; so "
                        "does a reaction with {emoji} on a message.",
                        emoji=Markdown(self._settings.emoji or "📌"),
                    )
                )
            ]
        head = voice.plural("**One note**", "**{n} notes**", total) if found else None
        more = voice.say("These are the newest. `!esn note list` with a word or a #tag finds others.")
        lines = [await self._listed_line(call, one) for one in found]
        body = bullets(lines) if lines else None
        rest = more if total > len(found) else None
        board = f"{self._kit.board}/notes" if self._kit.board else ""
        link = Markdown(f"[{voice.say('All notes on the board')}](<{board}>)") if board else None
        return [call.answer(paragraphs(head, body, rest, *before, link))]

    async def _before(self, call: Call) -> list[Markdown]:
        """In a group's room: notes of groups that became part of it, which stay there, if all here may read them."""
        if call.is_direct or call.place is None:
            return []
        shown, readable = list[Markdown](), await self._readable(call)
        for group in await text.came_with(call.ctx.conn, call.place.key, text.NOTE):
            if group.key in readable:
                latest = await records.latest(call.ctx.conn, [group.key], "", LISTED)
                found = await self._keeping.named(call.ctx.conn, [one.id for one in latest])
                head = call.voice.say("**{group}**, which became part of this group, keeps its own:", group=group.name)
                shown += [head, bullets([self._line(call, one) for one in found])] if found else []
        return shown

    async def _listed_line(self, call: Call, one: Related) -> Markdown:
        if not one.sealed or one.note.room_id != call.event.room_id:
            return self._line(call, one)
        draft = await text.opened(call.ctx, one.text)
        if draft is None:
            return self._line(call, one)
        return wording.line(call.voice, one.note.id, draft.title, self._url(one.note, one.text), draft.tags)

    def _line(self, call: Call, one: Related) -> Markdown:
        more = [call.voice.say("⚠️ needs a look")] if one.note.doubted is not None else []
        return wording.line(call.voice, one.note.id, one.title, self._url(one.note, one.text), one.tags, more)

    async def history(self, call: Call) -> Sequence[Effect]:
        """The versions of a note."""
        try:
            shown = await self._found(call, await self._readable(call))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        voice, conn = call.voice, call.ctx.conn
        versions = await text.versions(conn, shown.text.id)
        authors = {one.author for one in versions if one.author}
        names = {author: await called(conn, shown.note.room_id, author) for author in authors}
        url = self._board(shown.note.id)
        return [
            call.answer(
                paragraphs(
                    voice.say("**Versions of note {number}**", number=Markdown(str(shown.note.id))),
                    wording.history(voice, versions, names, self._community.zone),
                    voice.say(
                        "`!esn note restore {number} VERSION` brings one back.", number=Markdown(str(shown.note.id))
                    ),
                    Markdown(f"[{voice.say('What changed from one to the next')}](<{url}/history>)") if url else None,
                )
            )
        ]

    # --- change --------------------------------------------------------------------------------------------------

    async def edit(self, call: Call) -> Sequence[Effect]:
        """A new version: another title, another text, or both."""
        return await self._refusing(call, self._edit(call))

    async def _edit(self, call: Call) -> Sequence[Effect]:
        shown = await self._for_writing(call)
        said = in_full(call.event, call.ctx.bot, call.args["text"])
        if not said.strip():
            raise Refusal(
                call.voice.say("Write the new text on the lines below the command; a new title goes on the same line.")
            )
        if _begins_below(call):
            written = model.proper(shown.draft.title, said)
        else:
            title, _, words = said.strip().partition("\n")
            written = model.proper(title, words if words.strip() else shown.draft.words)
        return await self._revised(call, shown, written)

    async def restore(self, call: Call) -> Sequence[Effect]:
        """An earlier version once more."""
        return await self._refusing(call, self._restore(call))

    async def _restore(self, call: Call) -> Sequence[Effect]:
        shown = await self._for_writing(call)
        number = call.args["version"]
        versions = await text.versions(call.ctx.conn, shown.text.id)
        version = next((one for one in versions if one.number == number), None)
        draft = await text.opened(call.ctx, shown.text, version) if version is not None else None
        if draft is None:
            raise Refusal(call.voice.say("There is no version {number} of this note.", number=number))
        return await self._revised(call, shown, Written(draft.title, draft.words, draft.tags))

    async def _revised(self, call: Call, shown: Shown, written: Written) -> Sequence[Effect]:
        number, effects = await self._keeping.revise(call.ctx, shown, written, call.person.user, module=COMMANDS)
        said = call.voice.say(
            "Note {id} has a new version: {number}.", id=Markdown(str(shown.note.id)), number=Markdown(str(number))
        )
        return [*effects, call.answer(said)]

    async def holds(self, call: Call) -> Sequence[Effect]:
        """A note is found to hold."""
        try:
            shown = await self._found(call, await self._readable(call))
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        await records.good(call.ctx.conn, shown.note.id, milliseconds(call.ctx.now), checked=True)
        return [call.answer(wording.thanks(call.voice, shown.note.id, holds=True))]

    async def confirm_removal(self, call: Call) -> str | None:
        """What is asked before a note goes; None when it is refused anyway."""
        try:
            shown = await self._for_removal(call)
        except Refusal:
            return None
        return call.voice.say(
            "Take away note {number}, {title}, with all its versions? That cannot be undone.",
            number=Markdown(str(shown.note.id)),
            title=bold(shown.draft.title),
        )

    async def remove(self, call: Call) -> Sequence[Effect]:
        """Take a note away."""
        try:
            shown = await self._for_removal(call)
        except Refusal as refusal:
            return [call.refuse(refusal.sentence)]
        effects = await self._keeping.remove(call.ctx, shown.note, reason="")
        return [*effects, call.answer(call.voice.say("The note is gone."))]

    # --- which one, and may they ---------------------------------------------------------------------------------

    async def _readable(self, call: Call) -> Readable:
        """What may be said here: in a room, what all who hear it may read."""
        if call.is_direct:
            return await search.readable_by(call.ctx.conn, self._community, call.person)
        if call.place is None:
            return Readable.of()
        return await search.readable_in(call.ctx.conn, self._community, call.place, call.ctx.bot, call.ctx.now)

    async def _found(self, call: Call, readable: Readable) -> Shown:
        """The note of that number. Raises Refusal, in the same words whatever is missing."""
        id = call.args["number"]
        shown = await self._keeping.shown(call.ctx, id, readable)
        elsewhere = shown is not None and shown.note.room_id != call.event.room_id
        if shown is not None and elsewhere and await self._keeping.is_sealed(call.ctx.conn, shown.note, shown.text):
            encrypted = await rooms.content(call.ctx.conn, call.event.room_id, "m.room.encryption") is not None
            if not (call.is_direct and encrypted):
                shown = None
        if shown is None:
            raise Refusal(wording.unknown(call.voice, id, is_direct=call.is_direct))
        return shown

    async def _for_writing(self, call: Call) -> Shown:
        shown = await self._found(call, await self._readable(call))
        if isinstance(shown.place, Group) and shown.place.archived:
            raise Refusal(call.voice.say("This group is archived: its notes stay as they are."))
        if not await self._keeping.may_write(call.ctx.conn, shown.note.room_id, call.person.user):
            raise Refusal(call.voice.say("Only those who may write in the group can change its notes."))
        return shown

    async def _for_removal(self, call: Call) -> Shown:
        shown = await self._found(call, await self._readable(call))
        first = (await text.versions(call.ctx.conn, shown.text.id))[0]
        if not await self._keeping.may_remove(call.ctx.conn, shown.note, first.author, call.person.user):
            raise Refusal(
                call.voice.say("Only its author, who kept it, and the owners of the group can take a note away.")
            )
        return shown

    # --- emoji ---------------------------------------------------------------------------------------------------

    async def emoji(self, call: Call) -> Sequence[Effect]:
        """With which emoji somebody keeps messages."""
        chosen, conn, user = call.args["emoji"], call.ctx.conn, call.person.user
        if chosen is not None:
            if chosen.casefold() in _OFF:
                await records.choose_emoji(conn, user, "")
            elif (emoji := model.proper_emoji(chosen)) is not None:
                await records.choose_emoji(conn, user, emoji)
            else:
                return [
                    call.refuse(
                        call.voice.say(
                            "I need one emoji here that is not one of my buttons, for example 🔖: not {text}.",
                            text=call.voice.quote(chosen[:40]),
                        )
                    )
                ]
        return [call.answer(wording.emoji(call.voice, await records.emoji_of(conn, user), self._settings.emoji))]

    # --- addresses -----------------------------------------------------------------------------------------------

    def _url(self, note: Note, kept: text.Text | None) -> str:
        if kept is None or not kept.root:
            return ""
        return wording.permalink(note.room_id, kept.root, self._kit.server)

    def _board(self, id: int) -> str:
        return f"{self._kit.board}/notes/{id}" if self._kit.board else ""


_OFF: Final = frozenset(["off", "none", "no", "aucun", "aucune", "non", "désactiver"])


def token_of(id: int) -> str:
    """What somebody waits for who asked to keep a message (``esnbot.commands.waiting``)."""
    return f"{NAME}:{id}"


def _begins_below(call: Call) -> bool:
    """Whether the text of an edit begins on the line below the command."""
    first = as_edited(call.event).text("body").strip().split("\n", 1)[0]
    return bool(re.search(rf"(?<!\d){call.args['number']}\s*$", first))
