"""What people can say about pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Final

from esnbot.commands.command import Call
from esnbot.commands.words import near
from esnbot.community.group import Group, Place
from esnbot.community.model import Community
from esnbot.engine.effects import Effect
from esnbot.features import text
from esnbot.features.page import records, shelf, wording
from esnbot.features.page.keeping import Keeper, Refused, Saved, What
from esnbot.features.page.links import Link, replaced
from esnbot.features.page.names import fold
from esnbot.features.page.shelf import Page, Reader
from esnbot.features.page.writing import Writing
from esnbot.speech import Later, Markdown, Quoted, Voice, bold, bullets, code, details, later, paragraphs
from esnbot.store import bindings
from esnbot.store.database import savepoint

LISTED: Final = 200
VERSIONS: Final = 15
Handler = Callable[["Desk", Call], Awaitable[Sequence[Effect]]]


def refusing(handle: Handler) -> Handler:
    """What cannot be done is answered with its sentence, and nothing of it is left."""

    @wraps(handle)
    async def answer(desk: Desk, call: Call) -> Sequence[Effect]:
        try:
            async with savepoint(call.ctx.conn):
                return await handle(desk, call)
        except Refused as refusal:
            return [call.refuse(call.voice.say(refusal.sentence))]

    return answer


@dataclass(frozen=True, slots=True)
class Desk:
    """The commands."""

    community: Community
    server: str
    keeper: Keeper
    writing: Writing

    # --- write ---------------------------------------------------------------------------------------------------

    @refusing
    async def write(self, call: Call) -> Sequence[Effect]:
        """A new page, or a new text for one whose version is named."""
        place, name = await self._place_and_name(call)
        words, version = call.args["text"], call.args["version"]
        found = await shelf.named(call.ctx, place, name)
        if found is not None and fold(found.title or name) == fold(name):
            return await self._rewrite(call, place, found, words, version)
        parent = await self._parent(call, place)
        name = self.keeper.name(name)
        if not words:
            if not await shelf.may_write(call.ctx.conn, place, call.person.user):
                raise Refused(_may_not(place))
            return await self.writing.begin(call, place, None, name=name, parent=parent)
        saved = await self.keeper.create(call.ctx, place, by=call.person.user, name=name, words=words, parent=parent)
        return await self._told(call, saved, name)

    async def _rewrite(
        self, call: Call, place: Place, found: Page, words: str | None, version: int | None
    ) -> Sequence[Effect]:
        if not words:
            return await self._edit(call, place, found)
        last = found.text.current
        if version is None and last.author != call.person.user:
            raise Refused(
                later(
                    "There is a page called {name} already, in version {number}. `!esn page add` puts something below "
                    "it, `!esn page edit` lets you change it, and `--version {number}` with this command gives it your "
                    "text instead.",
                    name=Quoted(found.title),
                    number=found.number,
                )
            )
        saved = await self.keeper.save(
            call.ctx, found.id, by=call.person.user, base=version or found.number, words=words
        )
        return await self._told(call, saved, found.title, words, version or found.number)

    @refusing
    async def edit(self, call: Call) -> Sequence[Effect]:
        """Change a page at length, in the direct chat."""
        place, found = await self._found(call)
        return await self._edit(call, place, found)

    async def _edit(self, call: Call, place: Place, found: Page) -> Sequence[Effect]:
        if not await shelf.may_write(call.ctx.conn, place, call.person.user):
            raise Refused(_may_not(place))
        return await self.writing.begin(call, place, found)

    @refusing
    async def add(self, call: Call) -> Sequence[Effect]:
        """Put something below a page."""
        _, found = await self._found(call)
        saved = await self.keeper.add(call.ctx, found.id, by=call.person.user, words=call.args["text"])
        return await self._told(call, saved, found.title)

    async def draft(self, call: Call) -> Sequence[Effect]:
        """What somebody has not saved."""
        if not call.is_direct:
            return [call.refuse(call.voice.say("Write this to me directly: drafts are yours alone."))]
        resumed = await self.writing.resume(call)
        if resumed is not None:
            return resumed
        return [call.answer(call.voice.say("There is nothing that you have written and not saved."))]

    # --- read ----------------------------------------------------------------------------------------------------

    @refusing
    async def show(self, call: Call) -> Sequence[Effect]:
        """A page, or one of its versions."""
        place, found = await self._found(call)
        voice, number = call.voice, call.args["version"] or found.number
        said = found.draft if number == found.number else await self.keeper.version(call.ctx, found, number)
        if said is None:
            raise Refused(later("I can no longer read version {number} of this page.", number=number))
        known = await shelf.shelf(call.ctx, place)
        room_id = await bindings.room_of(call.ctx.conn, place.key) or ""
        words = replaced(said.words, lambda link: self._link(link, known, room_id))
        shown = words if len(words) <= wording.SHOWN else Markdown(words[: wording.SHOWN].rsplit("\n", 1)[0] + "\n\n…")
        above = [wording.page_link(one, room_id, self.server) for one in known.above(found)]
        return [
            call.answer(
                paragraphs(
                    Markdown(" › ".join([*above, bold(wording.page_link(found, room_id, self.server))])),
                    details(voice.say("Version {number}", number=number), shown) if len(shown) > 1500 else shown,
                    self._below(voice, [wording.page_link(one, room_id, self.server) for one in known.children(found)]),
                    await self._foot(call, place, found, number),
                )
            )
        ]

    def _link(self, link: Link, known: shelf.Shelf, room_id: str) -> str:
        other = known.called(link.name) if not link.group else None
        if other is not None and other.text.root:
            target = f"https://matrix.to/#/{room_id}/{other.text.root}?via={self.server}"
            return f"[{Markdown(_plain(link.text))}](<{target}>)"
        return f"*{_plain(link.text)}*"

    def _below(self, voice: Voice, children: Sequence[Markdown]) -> Markdown | None:
        return voice.say("Below it: {pages}", pages=voice.list(children)) if children else None

    async def _foot(self, call: Call, place: Place, found: Page, number: int) -> Markdown:
        voice, version = call.voice, found.text.current
        author = await wording.name_in(call.ctx, place.key, version.author)
        moment = voice.moment(_moment(version.moment), self.community.zone, call.ctx.now)
        said = (
            voice.say("Version {number}, by {person}, {moment}.", number=number, person=author, moment=moment)
            if author is not None and number == found.number
            else voice.say("Version {number}.", number=number)
        )
        talk = voice.say("People talk about it in the thread of its message.")
        protected = voice.say("It is protected.") if found.stand.protected else Markdown("")
        return Markdown(" ".join(part for part in (f"*{said}*", talk, protected) if part))

    @refusing
    async def listed(self, call: Call) -> Sequence[Effect]:
        """The pages of a place; in a direct chat without a name, the places that have some."""
        place = call.args["where"] or call.place
        reader = await self._reader(call)
        if place is None:
            return [call.answer(await self._everywhere(call, reader))]
        if not reader.may_read(place):
            raise Refused(_unknown_place(place))
        known = await shelf.shelf(call.ctx, place)
        contents = known.contents()
        if not contents:
            return [call.answer(self._none(call.voice))]
        room_id = await bindings.room_of(call.ctx.conn, place.key) or ""
        lines = [
            f"{'  ' * depth}- {wording.page_link(found, room_id, self.server)}" for found, depth in contents[:LISTED]
        ]
        head = call.voice.plural("**One page**", "**{n} pages**", len(contents))
        more = Markdown("…") if len(contents) > LISTED else None
        return [call.answer(paragraphs(head, Markdown("\n".join(lines)), more))]

    def _none(self, voice: Voice) -> Markdown:
        return voice.say('There is no page here yet. `!esn page write "Name"` with a text below begins one.')

    async def _everywhere(self, call: Call, reader: Reader) -> Markdown:
        having = await records.places_with_pages(call.ctx.conn)
        names = [place.name for place in reader.readable() if place.key in having]
        if not names:
            return self._none(call.voice)
        how = call.voice.say("`!esn page list --in` with a name shows the pages there.")
        return paragraphs(call.voice.say("**These have pages:**"), bullets(names[:LISTED]), how)

    @refusing
    async def history(self, call: Call) -> Sequence[Effect]:
        """The versions of a page."""
        place, found = await self._found(call)
        voice = call.voice
        lines = []
        for version in reversed((await text.versions(call.ctx.conn, found.id))[-VERSIONS:]):
            author = await wording.name_in(call.ctx, place.key, version.author)
            moment = voice.moment(_moment(version.moment), self.community.zone, call.ctx.now)
            gone = voice.say("(taken away)") if version.gone else Markdown("")
            person = author or voice.say("nobody")
            said = voice.say(
                "Version {number}: {person}, {moment}", number=version.number, person=person, moment=moment
            )
            lines.append(Markdown(f"{said} {gone}".strip()))
        how = voice.say("`!esn page compare` shows what changed, `!esn page restore` with a number brings one back.")
        return [call.answer(paragraphs(voice.say("**History of {name}**", name=found.title), bullets(lines), how))]

    @refusing
    async def compare(self, call: Call) -> Sequence[Effect]:
        """What changed from one version to the next."""
        _, found = await self._found(call)
        number = call.args["version"] or found.number
        versions = [one.number for one in await text.versions(call.ctx.conn, found.id) if not one.gone]
        since = call.args["since"] or max((one for one in versions if one < number), default=0)
        after = await self.keeper.version(call.ctx, found, number)
        before = await self.keeper.version(call.ctx, found, since) if since else None
        if after is None or (since and before is None):
            raise Refused(later("I can no longer read version {number} of this page.", number=since or number))
        head = (
            call.voice.say("**{name}**, from version {since} to {number}", name=found.title, since=since, number=number)
            if since
            else call.voice.say("**{name}**, the first version", name=found.title)
        )
        return [call.answer(paragraphs(head, wording.changes(call.voice, before.words if before else "", after.words)))]

    @refusing
    async def links(self, call: Call) -> Sequence[Effect]:
        """What links to a page."""
        place, found = await self._found(call)
        linking = await shelf.what_links_to(call.ctx.conn, found, place, await self._reader(call))
        if not linking:
            how = code(f"[[{found.title}]]")
            none = call.voice.say("No page links to {name}. In a text, {link} does.", name=found.title, link=how)
            return [call.answer(none)]
        lines = [one.title if at.key == place.key else f"{at.name}/{one.title}" for one, at in linking]
        return [call.answer(paragraphs(call.voice.say("**These link to {name}:**", name=found.title), bullets(lines)))]

    # --- put in order --------------------------------------------------------------------------------------------

    @refusing
    async def restore(self, call: Call) -> Sequence[Effect]:
        """An earlier version, or a page that was put away."""
        _, found = await self._found(call, hidden=True)
        number, by = call.args["version"], call.person.user
        if found.stand.hidden:
            await self.keeper.hide(call.ctx, found.id, by=by, hidden=False)
            if number is None:
                return [call.answer(call.voice.say("The page {name} is back.", name=bold(found.title)))]
        if number is None:
            raise Refused(later("Which version? `!esn page history` shows them; then add its number."))
        saved = await self.keeper.restore(call.ctx, found.id, number, by=by)
        return await self._told(call, saved, found.title)

    @refusing
    async def rename(self, call: Call) -> Sequence[Effect]:
        """Another name; links keep working."""
        _, found = await self._found(call)
        saved = await self.keeper.rename(call.ctx, found.id, call.args["new"], by=call.person.user)
        if saved.what is What.unchanged:
            return [call.answer(call.voice.say("The page is called {name} already.", name=bold(found.title)))]
        said = call.voice.say(
            "{old} is called {new} now. The old name still leads to it.",
            old=call.voice.quote(found.title),
            new=bold(self.keeper.name(call.args["new"])),
        )
        return [*saved.effects, call.answer(said)]

    @refusing
    async def move(self, call: Call) -> Sequence[Effect]:
        """Below another page, or to the top."""
        place, found = await self._found(call)
        parent = await self._parent(call, place)
        await self.keeper.move(call.ctx, found.id, parent, by=call.person.user)
        above = await shelf.page(call.ctx, parent) if parent else None
        said = (
            call.voice.say("{name} stands below {parent} now.", name=bold(found.title), parent=bold(above.title))
            if above is not None
            else call.voice.say("{name} stands at the top now.", name=bold(found.title))
        )
        return [call.answer(said)]

    async def protect(self, call: Call) -> Sequence[Effect]:
        """Only owners change it."""
        return await self._protect(call, protected=True)

    async def unprotect(self, call: Call) -> Sequence[Effect]:
        """Everybody may change it again."""
        return await self._protect(call, protected=False)

    async def _protect(self, call: Call, *, protected: bool) -> Sequence[Effect]:
        said = (
            later("Only the owners can change {name} now.")
            if protected
            else later("All who may post here can change {name} again.")
        )

        async def handle(desk: Desk, call: Call) -> Sequence[Effect]:
            _, found = await desk._found(call)
            await desk.keeper.protect(call.ctx, found.id, by=call.person.user, protected=protected)
            return [call.answer(call.voice.say(said, name=bold(found.title)))]

        return await refusing(handle)(self, call)

    @refusing
    async def remove(self, call: Call) -> Sequence[Effect]:
        """Put a page away; nothing is lost."""
        _, found = await self._found(call)
        await self.keeper.hide(call.ctx, found.id, by=call.person.user, hidden=True)
        said = call.voice.say(
            "{name} is put away: nobody finds it any more. `!esn page restore {text}` brings it back as it is.",
            name=bold(found.title),
            text=code(f'"{found.title}"'),
        )
        return [call.answer(said)]

    # --- which one -----------------------------------------------------------------------------------------------

    async def _told(self, call: Call, saved: Saved, name: str, words: str = "", base: int = 0) -> Sequence[Effect]:
        if saved.what is What.conflict:
            return await self._contradicted(call, saved, name, words, base)
        return [*saved.effects, call.answer(await wording.told(call.ctx, call.voice, saved, name))]

    async def _contradicted(self, call: Call, saved: Saved, name: str, words: str, base: int) -> Sequence[Effect]:
        """Show both versions, and keep the words; those of encrypted groups stand in the message alone."""
        if saved.merged is None:
            raise ValueError("a conflict without its versions")
        found = await shelf.page(call.ctx, saved.page)
        place = found.stand.place if found is not None else ""
        if found is not None and not found.text.sealed:
            await self.writing.keep(call, found, words, base)
        other = await wording.name_in(call.ctx, place, found.text.current.author if found is not None else "")
        return [call.refuse(wording.contradicted(call.voice, name, saved.merged, other, saved.number))]

    async def _reader(self, call: Call) -> Reader:
        today = call.ctx.now.astimezone(self.community.zone).date()
        return await shelf.reader(call.ctx.conn, call.person.user, self.community, today)

    async def _place_and_name(self, call: Call) -> tuple[Place, str]:
        """Where a page is or is to be, and its name. Raises ``Refused``."""
        name, place = call.args["name"], call.args["where"] or call.place
        group, slash, rest = name.partition("/")
        reader = await self._reader(call)
        if slash and group.strip() and rest.strip() and call.args["where"] is None:
            named = reader.called(group)
            if len(named) == 1:
                place, name = named[0], rest.strip()
        if place is None:
            place = await self._only(call, reader, name)
        if not reader.may_read(place):
            raise Refused(_unknown_place(place))
        return place, name

    async def _only(self, call: Call, reader: Reader, name: str) -> Place:
        """In a direct chat: the one place that has a page of that name, or the one that somebody is in."""
        readable = {place.key: place for place in reader.readable()}
        found = [readable[place] for place, _ in await records.called(call.ctx.conn, fold(name), readable)]
        if len(found) == 1:
            return found[0]
        joined = [place for place in reader.joined() if isinstance(place, Group)]
        if not found and len(joined) == 1:
            return joined[0]
        if found:
            raise Refused(
                later(
                    "There is a page of that name in {places}. Add `--in` and the name of the one you mean.",
                    places=call.voice.list([place.name for place in found[:5]]),
                )
            )
        raise Refused(later("In which group? Add `--in` and its name."))

    async def _found(self, call: Call, *, hidden: bool = False) -> tuple[Place, Page]:
        """The page that is meant. Raises ``Refused``, with names that are near."""
        place, name = await self._place_and_name(call)
        found = await shelf.named(call.ctx, place, name, hidden=hidden)
        if found is not None and found.draft is not None:
            return place, found
        known = (await shelf.shelf(call.ctx, place)).titled().values()
        close = near(name, known)
        if close:
            raise Refused(
                later(
                    "There is no page called {name} here. Did you mean {near}?",
                    name=Quoted(name[:100]),
                    near=call.voice.list([code(one) for one in close], either=True),
                )
            )
        raise Refused(
            later(
                "There is no page called {name} here. `!esn page list` shows those that there are.",
                name=Quoted(name[:100]),
            )
        )

    async def _parent(self, call: Call, place: Place) -> int:
        if not call.args["under"]:
            return 0
        above = await shelf.named(call.ctx, place, call.args["under"])
        if above is None:
            raise Refused(
                later("There is no page called {name} here to stand below.", name=Quoted(call.args["under"][:100]))
            )
        return above.id


def _plain(words: str) -> str:
    return Markdown(paragraphs(words))


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _may_not(place: Place) -> Later:
    return later("Only those who are in {place} and may post there can change its pages.", place=Quoted(place.name))


def _unknown_place(place: Place) -> Later:
    return later("I do not know any group called {text}.", text=Quoted(place.name[:100]))
