"""Changing pages: begin, save, name, move, protect, put away. Commands and the board enter here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from esnbot.commands.people import name_of
from esnbot.community.group import Place
from esnbot.community.model import Community
from esnbot.engine.effects import Effect, Say, room
from esnbot.engine.feature import Context
from esnbot.features import text
from esnbot.features.page import indexing, records, shelf
from esnbot.features.page.names import BadName, fold, too_deep, would_loop
from esnbot.features.page.names import name_of as checked_name
from esnbot.features.page.records import Stand
from esnbot.features.page.settings import PageSettings
from esnbot.features.page.shelf import Page
from esnbot.features.places import language_of
from esnbot.features.text import PAGE, Draft, Merged, TooLong, merge
from esnbot.provisioning import wanted
from esnbot.speech import Later, Quoted, Speech, Voice, clean, later, mention, paragraphs, render
from esnbot.store import bindings
from esnbot.store.database import savepoint

_NOT_HERE: Final = later("This page is not there any more.")


class What(StrEnum):
    """What became of it."""

    created = "created"
    saved = "saved"
    merged = "merged"
    """Saved together with what somebody else had saved meanwhile."""
    unchanged = "unchanged"
    conflict = "conflict"
    """Nothing was saved: somebody else changed the same words."""


class Refused(Exception):
    """It cannot be done; the sentence says why and what to do."""

    def __init__(self, sentence: Later) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a change."""

    what: What
    page: int = 0
    number: int = 0
    effects: list[Effect] = field(default_factory=list)
    merged: Merged | None = None
    """Of a conflict: both versions, stretch by stretch."""
    others: tuple[str, ...] = ()
    """Who saved what it was put together with, or what it contradicts."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Changes pages, as whoever asks may. ``module`` is whose effects these will be."""

    community: Community
    settings: PageSettings
    speech: Speech
    module: str

    async def create(
        self, ctx: Context, place: Place, *, by: str, name: str, words: str, parent: int = 0, tags: Sequence[str] = ()
    ) -> Saved:
        """A new page. ``by`` '' is nobody: a template, or an import. Raises ``Refused``."""
        conn = ctx.conn
        await self._allowed(ctx, place, by)
        title, words = self.name(name), self.words(words)
        await records.lock_place(conn, place.key)
        await self._free(ctx, place, title)
        stands = {stand.id: stand.parent for stand in await records.of_place(conn, place.key, hidden=True)}
        if len(stands) >= self.settings.most:
            raise Refused(
                later("There are {most} pages here, and no more fit. Put some together.", most=self.settings.most)
            )
        if parent and (parent not in stands or too_deep(0, parent, stands)):
            raise Refused(_deep() if parent in stands else _NOT_HERE)
        draft = Draft(title=title, words=words, author=by, tags=tuple(tags))
        voice = await self.voice(ctx, place)
        try:
            async with savepoint(conn):
                id, effects = await text.keep(ctx, PAGE, place, draft, voice=voice, module=self.module)
        except TooLong as error:
            raise Refused(_too_long_here()) from error
        await records.add(conn, Stand(id, place.key, parent, False, False))
        if not await shelf.is_sealed(conn, place):
            await records.name(conn, id, place.key, fold(title))
        await indexing.index(conn, id)
        return Saved(What.created, id, 1, effects)

    async def save(self, ctx: Context, id: int, *, by: str, base: int, words: str) -> Saved:
        """Save what somebody made of version ``base``. What others saved meanwhile stays: it is put together."""
        found, place = await self._locked(ctx, id, by)
        words = self.words(words)
        if found.draft is None:
            raise Refused(later("I cannot read this page just now, so nothing was saved. Please try again later."))
        if words == found.words:
            return Saved(What.unchanged, id, found.number)
        if base == found.number:
            return await self._revise(ctx, found, place, replace(found.draft, words=words, author=by))
        before, others = await self._since(ctx, found, base)
        merged = merge(before, found.words, words)
        others = tuple(other for other in others if other != by)
        if not merged.clean:
            return Saved(What.conflict, id, found.number, merged=merged, others=others)
        if merged.text == found.words:
            return Saved(What.unchanged, id, found.number, others=others)
        if len(merged.text) > self.settings.longest:
            raise Refused(self._too_long(len(merged.text)))
        saved = await self._revise(ctx, found, place, replace(found.draft, words=merged.text, author=by))
        told = await self._tell(ctx, found, place, by, others) if others else []
        return replace(saved, what=What.merged, effects=[*saved.effects, *told], others=others)

    async def add(self, ctx: Context, id: int, *, by: str, words: str) -> Saved:
        """Put something below what a page says."""
        found, place = await self._locked(ctx, id, by)
        if found.draft is None:
            raise Refused(later("I cannot read this page just now, so nothing was saved. Please try again later."))
        more = self.words(f"{found.words.rstrip()}\n\n{words.strip()}\n".lstrip("\n"))
        return await self._revise(ctx, found, place, replace(found.draft, words=more, author=by))

    async def restore(self, ctx: Context, id: int, number: int, *, by: str) -> Saved:
        """Let a page say again what an earlier version said; the versions between stay in its history."""
        found, place = await self._locked(ctx, id, by)
        old = await self.version(ctx, found, number)
        if old is None or found.draft is None:
            raise Refused(later("There is no version {number} of this page that I could bring back.", number=number))
        if old.words == found.words and not found.stand.hidden:
            return Saved(What.unchanged, id, found.number)
        return await self._revise(ctx, found, place, replace(found.draft, words=old.words, author=by))

    async def rename(self, ctx: Context, id: int, name: str, *, by: str) -> Saved:
        """Give a page another name; the one it had still leads to it."""
        found, place = await self._locked(ctx, id, by)
        title = self.name(name)
        if found.draft is None:
            raise Refused(_NOT_HERE)
        if title == found.title:
            return Saved(What.unchanged, id, found.number)
        await records.lock_place(ctx.conn, place.key)
        await self._free(ctx, place, title, besides=id)
        if not found.text.sealed:
            await records.name(ctx.conn, id, place.key, fold(title))
        return await self._revise(ctx, found, place, replace(found.draft, title=title, author=by))

    async def move(self, ctx: Context, id: int, parent: int, *, by: str) -> Saved:
        """Let a page stand below another one of the same place, or (0) at the top."""
        found, place = await self._locked(ctx, id, by)
        await records.lock_place(ctx.conn, place.key)
        parents = {one.id: one.parent for one in await records.of_place(ctx.conn, place.key, hidden=True)}
        if parent and parent not in parents:
            raise Refused(_NOT_HERE)
        if parent and would_loop(id, parent, parents):
            raise Refused(later("A page cannot stand below itself. Choose another page for it to stand below."))
        if too_deep(id, parent, parents):
            raise Refused(_deep())
        await records.change(ctx.conn, id, parent=parent)
        return Saved(What.saved if found.stand.parent != parent else What.unchanged, id, found.number)

    async def protect(self, ctx: Context, id: int, *, by: str, protected: bool) -> Saved:
        """Let only owners change a page, or everybody again."""
        stand = await records.lock(ctx.conn, id)
        place = await wanted.get(ctx.conn, stand.place) if stand is not None else None
        if stand is None or place is None:
            raise Refused(_NOT_HERE)
        if not await shelf.may_protect(ctx.conn, place, by, self.community):
            raise Refused(later("Only the owners of this group and the animators in it can protect a page."))
        await records.change(ctx.conn, id, protected=protected)
        return Saved(What.saved if stand.protected is not protected else What.unchanged, id)

    async def hide(self, ctx: Context, id: int, *, by: str, hidden: bool) -> Saved:
        """Put a page away, or bring it back; nothing of it is lost."""
        found, _ = await self._locked(ctx, id, by)
        if found.stand.hidden is hidden:
            return Saved(What.unchanged, id, found.number)
        await records.change(ctx.conn, id, hidden=hidden)
        if hidden:
            await records.lift(ctx.conn, id, found.stand.parent)
        await indexing.index(ctx.conn, id)
        return Saved(What.saved, id, found.number)

    # --- what they share -----------------------------------------------------------------------------------------

    async def version(self, ctx: Context, found: Page, number: int) -> Draft | None:
        """What a version said; None when there is none, or its words are gone."""
        for version in await text.versions(ctx.conn, found.id):
            if version.number == number:
                return await text.opened(ctx, found.text, version)
        return None

    def name(self, name: str) -> str:
        """The name, as it can be kept. Raises ``Refused``."""
        try:
            return checked_name(name)
        except BadName as error:
            raise Refused(error.sentence) from error

    def words(self, words: str) -> str:
        """The text, as it can be kept. Raises ``Refused``."""
        cleaned = clean(words.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        if not cleaned.strip():
            raise Refused(later("A page needs some text. To put a page away, there is `!esn page remove`."))
        if len(cleaned) > self.settings.longest:
            raise Refused(self._too_long(len(cleaned)))
        return cleaned

    async def voice(self, ctx: Context, place: Place) -> Voice:
        """The voice of a place."""
        places = await wanted.spaces(ctx.conn)
        return self.speech.voice(language_of(place, {**places, place.key: place}, self.community))

    async def _allowed(self, ctx: Context, place: Place, by: str) -> None:
        if by and not await shelf.may_write(ctx.conn, place, by):
            raise Refused(
                later(
                    "Only those who are in {place} and may post there can change its pages.", place=Quoted(place.name)
                )
            )

    async def _locked(self, ctx: Context, id: int, by: str) -> tuple[Page, Place]:
        """The page, which nobody else changes until this is done. Raises ``Refused``."""
        stand = await records.lock(ctx.conn, id)
        found = await shelf.page(ctx, id) if stand is not None else None
        place = await wanted.get(ctx.conn, stand.place) if stand is not None else None
        if found is None or place is None:
            raise Refused(_NOT_HERE)
        await self._allowed(ctx, place, by)
        if found.stand.protected and by and not await shelf.may_protect(ctx.conn, place, by, self.community):
            raise Refused(
                later(
                    "This page is protected: only the owners of the group can change it. You can write in its thread."
                )
            )
        return found, place

    async def _free(self, ctx: Context, place: Place, title: str, besides: int = 0) -> None:
        """Whether no other page has this name now; that one had it before does not count. Raises ``Refused``."""
        found = await shelf.named(ctx, place, title, hidden=True)
        if found is None or found.id == besides or (found.title and fold(found.title) != fold(title)):
            return
        if found.stand.hidden:
            raise Refused(
                later(
                    "A page called {name} was put away. `!esn page restore` brings it back, or choose another name.",
                    name=Quoted(title),
                )
            )
        raise Refused(_taken(title))

    async def _since(self, ctx: Context, found: Page, base: int) -> tuple[str, tuple[str, ...]]:
        """What version ``base`` said ('' when that is gone), and who has saved later ones."""
        before = await self.version(ctx, found, base)
        later_ones = [one for one in await text.versions(ctx.conn, found.id) if one.number > base]
        return before.words if before is not None else "", tuple(dict.fromkeys(one.author for one in later_ones))

    async def _revise(self, ctx: Context, found: Page, place: Place, draft: Draft) -> Saved:
        voice = await self.voice(ctx, place)
        try:
            number, effects = await text.revise(ctx, found.id, draft, voice=voice, module=self.module)
        except TooLong as error:
            raise Refused(_too_long_here()) from error
        await indexing.index(ctx.conn, found.id)
        return Saved(What.saved, found.id, number, effects)

    async def _tell(self, ctx: Context, found: Page, place: Place, by: str, others: Sequence[str]) -> list[Effect]:
        """In the page's thread, tell those who wrote at the same time that both changes stand."""
        voice, conn = await self.voice(ctx, place), ctx.conn
        room_id = await bindings.room_of(conn, place.key) or ""
        people = [other for other in dict.fromkeys([by, *others]) if other]
        if len(people) < 2:
            return []
        names = [mention(person, await name_of(conn, room_id, person)) for person in people]
        said = voice.say(
            "{people} changed this page at the same time. Both changes stand together; the history shows each.",
            people=voice.list(names),
        )
        message = render(paragraphs(said))
        return [
            Say(
                room=room(place.key),
                body=message.body,
                html=message.html,
                thread=text.thread(found.text),
                mentions=tuple(others),
            )
        ]

    def _too_long(self, length: int) -> Later:
        return later(
            "This text has {n} characters, and a page can have {most}. Make two pages of it.",
            n=length,
            most=self.settings.longest,
        )


def _taken(title: str) -> Later:
    return later("There is a page called {name} already. Choose another name.", name=Quoted(title))


def _deep() -> Later:
    return later("Pages would stand too deep below one another. Choose a page nearer to the top.")


def _too_long_here() -> Later:
    return later("This group is encrypted, and this text is too long for one message there. Make two pages of it.")
