"""The board's pages of notes: find them, read one, change it, see what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import name_of
from esnbot.commands.words import fold
from esnbot.community.group import Group, Place
from esnbot.features import search, text
from esnbot.features.note import acts, model, records, wording
from esnbot.features.note.combining import combined, is_in, standing_before
from esnbot.features.note.keeping import Keeping, Related, Shown, number_of, places_in
from esnbot.features.note.model import Unusable
from esnbot.features.page import compared, in_lines
from esnbot.features.search import Readable
from esnbot.features.text import Version
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, cut, later, render
from esnbot.speech.markup import visible
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

PAGE: Final = 20
LONGEST_QUERY: Final = 200


@dataclass(frozen=True, slots=True)
class _Seen:
    """A note that the visitor may read; without words where its room alone has them."""

    note: records.Note
    text: text.Text
    place: Place
    readable: Readable
    sealed: bool
    """Its words are for its room alone."""

    @property
    def shown(self) -> Shown:
        return Shown(self.note, self.text, self.text.current.draft, self.place)


class Pages:
    """The pages."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._community = keeping.kit.community
        self._settings = keeping.settings

    def all(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        return (
            BoardPage("/notes", self.listed, menu=later("Notes")),
            BoardPage("/notes/{id}", self.one),
            BoardPage("/notes/{id}", self.judge, "POST"),
            BoardPage("/notes/{id}/edit", self.editor),
            BoardPage("/notes/{id}/edit", self.edit, "POST"),
            BoardPage("/notes/{id}/history", self.history),
            BoardPage("/notes/{id}/history", self.restore, "POST"),
            BoardPage("/notes/{id}/remove", self.removal),
            BoardPage("/notes/{id}/remove", self.remove, "POST"),
        )

    # --- find ----------------------------------------------------------------------------------------------------

    async def listed(self, visit: Visit) -> web.StreamResponse:
        """The notes that the visitor looks for, of what they may read."""
        asked = {name: visible(value) for name, value in visit.request.query.items()}
        words = " ".join(asked.get("q", "")[:LONGEST_QUERY].split())
        tag = asked.get("tag", "")[: model.LONGEST_TAG].strip().lstrip("#")
        group, page = asked.get("group", "")[:LONGEST_QUERY], _number(asked.get("page", "1"), 1)
        async with visit.read() as conn:
            readable = await self._readable(conn, visit)
            mine = places_in(readable)
            with_notes = await records.places_with(conn, mine)
            places = {one.key: one for one in await wanted.all_places(conn) if one.key in with_notes}
            within = [group] if group in places else (list(places) if not group else [])
            if words:
                scope = Readable.of(*within) if group else readable
                hits = await search.find(conn, words, scope, kinds=("note",), limit=PAGE + 1, offset=(page - 1) * PAGE)
                ids = [number_of(hit.key) for hit in hits]
                excerpts = {number_of(hit.key): hit.excerpt for hit in hits}
            else:
                latest = await records.latest(conn, within, tag, PAGE + 1, (page - 1) * PAGE)
                ids, excerpts = [one.id for one in latest], {}
            found = await self._keeping.named(conn, ids[:PAGE])
            if words and tag:
                found = [one for one in found if fold(tag) in map(fold, one.tags)]
            tags = await records.tags_of(conn, within)
        chosen = {key: value for key, value in (("q", words), ("tag", tag), ("group", group)) if value}
        return visit.show(
            "note/list.html",
            _plain(visit.voice.say(later("Notes"))),
            words=words,
            tag=tag,
            group=group,
            groups=sorted(((key, one.name) for key, one in places.items()), key=lambda pair: pair[1].casefold()),
            tags=[{"tag": one, "n": n, "query": urlencode({**chosen, "tag": one})} for one, n in tags],
            notes=[self._entry(visit, one, places, excerpts) for one in found],
            filtered=bool(chosen),
            before=urlencode({**chosen, "page": page - 1}) if page > 1 else "",
            after=urlencode({**chosen, "page": page + 1}) if len(ids) > PAGE else "",
        )

    def _entry(
        self, visit: Visit, one: Related, places: dict[str, Place], excerpts: dict[int, str]
    ) -> dict[str, object]:
        current, place = one.text.current, places.get(one.note.place)
        plain = "" if one.sealed else _line(current.words or "")
        return {
            "id": one.note.id,
            "title": one.title or _plain(visit.voice.say("a note of an encrypted room")),
            "excerpt": excerpts.get(one.note.id) or cut(plain, 180),
            "place": place.name if place is not None else "",
            "date": self._date(visit.voice, current.moment),
            "tags": one.tags,
            "doubted": one.note.doubted is not None,
        }

    # --- read ----------------------------------------------------------------------------------------------------

    async def one(self, visit: Visit) -> web.StreamResponse:
        """One note; the answer to a number of one that may not be read is that of one that does not exist."""
        return await self._one(visit)

    async def _one(self, visit: Visit) -> web.Response:
        voice = visit.voice
        async with visit.read() as conn:
            seen = await self._seen(conn, visit)
            note, current = seen.note, seen.text.current
            related = await self._keeping.related(conn, seen.shown, seen.readable) if not seen.sealed else []
            author = await self._name(conn, note, current.author)
            first = (await text.versions(conn, seen.text.id))[0].author
            keeper = await self._name(conn, note, note.keeper) if _tells_keeper(note, first) else ""
            may_write = await self._may_write(conn, visit, seen)
            may_remove = await self._keeping.may_remove(conn, note, first, visit.person.user)
        holds = model.holds_for(
            seen.place.kind if isinstance(seen.place, Group) else None,
            self._settings.holds_for,
            self._settings.holds_for_of,
        )
        good = datetime.fromtimestamp(note.good / 1000, UTC)
        standing = wording.standing(voice, note, self._community.zone)
        title = "" if seen.sealed else current.title
        title = title or _plain(voice.say("a note of an encrypted room"))
        return visit.show(
            "note/show.html",
            title,
            note=note,
            sealed=seen.sealed,
            place=seen.place.name,
            words=html(current.words or "") if not seen.sealed else "",
            tags=() if seen.sealed else current.tags,
            author=author,
            keeper=keeper,
            date=self._date(voice, current.moment),
            version=current.number,
            standing=html(standing) if standing is not None else None,
            together="together" in visit.request.query,
            asks=model.is_old(good, visit.now, holds) and note.doubted is None and not seen.sealed,
            room=wording.permalink(note.room_id, seen.text.root, self._keeping.kit.server) if seen.text.root else "",
            source=wording.permalink(note.room_id, note.source, self._keeping.kit.server) if note.source else "",
            way=note.way,
            related=[{"id": one.note.id, "title": one.title} for one in related],
            may_write=may_write,
            may_remove=may_remove,
        )

    async def judge(self, visit: Visit) -> web.StreamResponse:
        """The visitor says whether it still holds."""
        async with visit.read() as conn:
            seen = await self._seen(conn, visit)
        holds = (await visit.form()).get("holds", "")
        if holds in ("yes", "no"):
            content = {"note": seen.note.id, "holds": holds == "yes"}
            await visit.act(acts.JUDGE, content, queue=_queue(seen.note.id))
        return visit.go(f"/notes/{seen.note.id}")

    # --- change --------------------------------------------------------------------------------------------------

    async def editor(self, visit: Visit) -> web.StreamResponse:
        """The form to change it with."""
        async with visit.read() as conn:
            seen = await self._writable(conn, visit)
        current = seen.text.current
        return self._form(visit, seen, current.title, current.words or "", _tags(current.tags))

    def _form(
        self,
        visit: Visit,
        seen: _Seen,
        title: str,
        words: str,
        tags: str,
        mistake: Markdown | None = None,
        theirs: Version | None = None,
        them: str = "",
    ) -> web.Response:
        response = visit.show(
            "note/edit.html",
            _plain(visit.voice.say("Change note {number}", number=Markdown(str(seen.note.id)))),
            note=seen.note,
            base=seen.text.current.number,
            fields={"title": title, "words": words, "tags": tags},
            longest={"title": model.LONGEST_TITLE, "words": model.LONGEST_TEXT},
            mistake=html(mistake) if mistake is not None else None,
            theirs=theirs,
            them=them,
        )
        if mistake is not None or theirs is not None:
            response.set_status(400 if theirs is None else 409)
        return response

    async def edit(self, visit: Visit) -> web.StreamResponse:
        """Save it, unless somebody else has saved meanwhile: then both are shown, and no word is lost."""
        form = await visit.form()
        title, words, tags = form.get("title", ""), form.get("words", ""), form.get("tags", "")
        async with visit.read() as conn:
            seen = await self._writable(conn, visit)
        try:
            written = acts.with_tags(title, words, tags)
        except Unusable as error:
            return self._form(visit, seen, title, words, tags, wording.unusable(visit.voice, error.problem))
        base = _number(form.get("base", ""), 0)
        content = {
            "note": seen.note.id,
            "base": base,
            "title": title,
            "words": words,
            "tags": tags,
        }
        await visit.act(acts.EDIT, content, queue=_queue(seen.note.id))
        async with visit.read() as conn:
            after = await self._writable(conn, visit)
            them = await self._name(conn, after.note, after.text.current.author)
            versions = await text.versions(conn, after.text.id)
        saved, together = is_in(versions, base, written, visit.person.user)
        if saved:
            return visit.go(f"/notes/{seen.note.id}{'?together=1' if together else ''}")
        current = after.text.current
        both = combined(standing_before(versions, base), current, written).written
        return self._form(visit, after, title, both.words, _tags(both.tags), theirs=current, them=them)

    async def history(self, visit: Visit) -> web.StreamResponse:
        """Its versions, and what changed from each to the next."""
        async with visit.read() as conn:
            seen = await self._seen(conn, visit)
            if seen.sealed:
                raise visit.missing()
            versions = await text.versions(conn, seen.text.id)
            names = {one.author: await self._name(conn, seen.note, one.author) for one in versions}
            may_write = await self._may_write(conn, visit, seen)
        rows: list[dict[str, Any]] = []
        before: Version | None = None
        for version in versions:
            rows.append(
                {
                    "version": version,
                    "author": names.get(version.author, ""),
                    "date": self._date(visit.voice, version.moment),
                    "lines": _changes(before, version),
                }
            )
            before = version if not version.gone else before
        return visit.show(
            "note/history.html",
            _plain(visit.voice.say("Versions of note {number}", number=Markdown(str(seen.note.id)))),
            note=seen.note,
            title_of_note=seen.text.current.title,
            current=seen.text.current.number,
            rows=rows[::-1],
            may_write=may_write,
        )

    async def restore(self, visit: Visit) -> web.StreamResponse:
        """Bring a version back."""
        form = await visit.form()
        async with visit.read() as conn:
            seen = await self._writable(conn, visit)
        content = {
            "note": seen.note.id,
            "version": _number(form.get("version", ""), 0),
            "base": _number(form.get("base", ""), 0),
        }
        await visit.act(acts.RESTORE, content, queue=_queue(seen.note.id))
        return visit.go(f"/notes/{seen.note.id}/history")

    async def removal(self, visit: Visit) -> web.StreamResponse:
        """The question before it goes."""
        async with visit.read() as conn:
            seen = await self._removable(conn, visit)
        title = _plain(visit.voice.say("Take away note {number}", number=Markdown(str(seen.note.id))))
        return visit.show("note/remove.html", title, note=seen.note, title_of_note=seen.text.current.title)

    async def remove(self, visit: Visit) -> web.StreamResponse:
        """It goes."""
        async with visit.read() as conn:
            seen = await self._removable(conn, visit)
        await visit.act(acts.REMOVE, {"note": seen.note.id}, queue=_queue(seen.note.id))
        return visit.go("/notes")

    # --- which one, and may they ---------------------------------------------------------------------------------

    async def _readable(self, conn: AsyncConnection, visit: Visit) -> Readable:
        return await search.readable_by(conn, self._community, visit.person)

    async def _seen(self, conn: AsyncConnection, visit: Visit) -> _Seen:
        """The note of the address. Raises what is raised for what does not exist, whatever the reason."""
        id = _number(visit.request.match_info["id"], 0)
        note = await records.get(conn, id)
        readable = await self._readable(conn, visit)
        if note is None or note.state != records.KEPT or note.text is None or note.place not in readable:
            raise visit.missing()
        kept, place = await text.get(conn, note.text), await wanted.get(conn, note.place)
        if kept is None or kept.gone or place is None:
            raise visit.missing()
        return _Seen(note, kept, place, readable, await self._keeping.is_sealed(conn, note, kept))

    async def _may_write(self, conn: AsyncConnection, visit: Visit, seen: _Seen) -> bool:
        if seen.sealed or (isinstance(seen.place, Group) and seen.place.archived):
            return False
        return await self._keeping.may_write(conn, seen.note.room_id, visit.person.user)

    async def _writable(self, conn: AsyncConnection, visit: Visit) -> _Seen:
        seen = await self._seen(conn, visit)
        if not await self._may_write(conn, visit, seen):
            raise visit.missing()
        return seen

    async def _removable(self, conn: AsyncConnection, visit: Visit) -> _Seen:
        seen = await self._seen(conn, visit)
        if seen.sealed:
            raise visit.missing()
        first = (await text.versions(conn, seen.text.id))[0].author
        if not await self._keeping.may_remove(conn, seen.note, first, visit.person.user):
            raise visit.missing()
        return seen

    async def _name(self, conn: AsyncConnection, note: records.Note, user: str) -> str:
        return (await name_of(conn, note.room_id, user) or user) if user else ""

    def _date(self, voice: Voice, moment: int) -> str:
        day = datetime.fromtimestamp(moment / 1000, UTC).astimezone(self._community.zone).date()
        return _plain(voice.date(day, weekday=False))


def _changes(before: Version | None, after: Version) -> Sequence[object]:
    if after.gone:
        return []
    old = f"{before.title}\n{before.words or ''}" if before is not None else ""
    return in_lines(compared(old, f"{after.title}\n{after.words or ''}"))


def _tells_keeper(note: records.Note, author: str) -> bool:
    """Whether it is somebody else who kept what the author had said."""
    return note.way != records.WRITTEN and note.keeper != author


def _line(words: str) -> str:
    """The beginning of a note on one line, without marks."""
    body = render(words[:1_000]).body
    return " ".join(line.lstrip("> ") for line in body.split("\n") if line.strip("> "))


def _plain(markdown: Markdown) -> str:
    return render(markdown).body


def _tags(tags: Sequence[str]) -> str:
    return " ".join(f"#{tag}" for tag in tags)


def _number(asked: str, otherwise: int) -> int:
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 and int(asked) > 0 else otherwise


def _queue(id: int) -> str:
    return f"note:{id}"
