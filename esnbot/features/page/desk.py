"""What people can say about pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from esnbot.commands.addressing import in_full
from esnbot.commands.command import Call
from esnbot.community.group import Place
from esnbot.engine.effects import Effect
from esnbot.features import search, text
from esnbot.features.page import linking, records, shelf, wording
from esnbot.features.page.finding import may_not, refusing, unknown_place
from esnbot.features.page.keeping import Refused
from esnbot.features.page.names import fold
from esnbot.features.page.ordering import OrderDesk
from esnbot.features.page.shelf import Page, Reader
from esnbot.speech import Markdown, Quoted, Voice, beginning, bold, bullets, code, details, later, paragraphs
from esnbot.store import bindings

LISTED: Final = 200
VERSIONS: Final = 15


class Desk(OrderDesk):
    """The commands."""

    # --- write ---------------------------------------------------------------------------------------------------

    @refusing
    async def write(self, call: Call) -> Sequence[Effect]:
        """A new page, or a new text for one whose version is named."""
        place, name = await self.place_and_name(call)
        words, version = in_full(call.event, call.ctx.bot, call.args["text"]), call.args["version"]
        found = await shelf.named(call.ctx, place, name)
        if found is not None and fold(found.title or name) == fold(name):
            return await self._rewrite(call, place, found, words, version)
        parent = await self.parent(call, place)
        name = self.keeper.name(name)
        if not words:
            if not await shelf.may_write(call.ctx.conn, place, call.person.user):
                raise Refused(may_not(place))
            return await self.writing.begin(call, place, None, name=name, parent=parent)
        saved = await self.keeper.create(call.ctx, place, by=call.person.user, name=name, words=words, parent=parent)
        return await self.told(call, saved, name)

    async def _rewrite(
        self, call: Call, place: Place, found: Page, words: str, version: int | None
    ) -> Sequence[Effect]:
        if not words:
            return await self._edit(call, place, found)
        last = found.text.current
        if version is None and last.author != call.person.user:
            raise Refused(
                later(
                    "This is taken already: there is a page called {name}, in version {number}. `!esn page edit` "
                    "changes it, `!esn page add` adds to it; `--version {number}` lets your text take its place.",
                    name=Quoted(found.title),
                    number=found.number,
                )
            )
        saved = await self.keeper.save(
            call.ctx, found.id, by=call.person.user, base=version or found.number, words=words
        )
        return await self.told(call, saved, found.title, words, version or found.number)

    @refusing
    async def edit(self, call: Call) -> Sequence[Effect]:
        """Change a page at length, in the direct chat."""
        place, found = await self.found(call)
        return await self._edit(call, place, found)

    async def _edit(self, call: Call, place: Place, found: Page) -> Sequence[Effect]:
        if not await shelf.may_write(call.ctx.conn, place, call.person.user):
            raise Refused(may_not(place))
        return await self.writing.begin(call, place, found)

    @refusing
    async def add(self, call: Call) -> Sequence[Effect]:
        """Put something below a page."""
        _, found = await self.found(call)
        words = in_full(call.event, call.ctx.bot, call.args["text"])
        saved = await self.keeper.add(call.ctx, found.id, by=call.person.user, words=words)
        return await self.told(call, saved, found.title)

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
        place, found = await self.found(call)
        voice, number = call.voice, call.args["version"] or found.number
        said = found.draft if number == found.number else await self.keeper.version(call.ctx, found, number)
        if said is None:
            raise Refused(later("I can no longer read version {number} of this page.", number=number))
        known = await shelf.shelf(call.ctx, place)
        room_id = await bindings.room_of(call.ctx.conn, place.key) or ""
        words = (await linking.in_room(call.ctx, place.key, said.words))(said.words)
        shown = Markdown(beginning(words, wording.SHOWN))
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
        reader = await self.reader(call)
        if place is None:
            return [call.answer(await self._everywhere(call, reader))]
        if not reader.may_read(place):
            raise Refused(unknown_place(place))
        known = await shelf.shelf(call.ctx, place)
        contents = known.contents()
        before = await self._before(call, place, reader)
        if not contents:
            return [call.answer(paragraphs(wording.no_page(call.voice), *before))]
        head = call.voice.plural("**One page**", "**{n} pages**", len(contents))
        return [call.answer(paragraphs(head, await self._contents(call, known), *before))]

    async def _contents(self, call: Call, known: shelf.Shelf) -> Markdown:
        contents = known.contents()
        room_id = await bindings.room_of(call.ctx.conn, known.place.key) or ""
        lines = [
            f"{'  ' * depth}- {wording.page_link(found, room_id, self.server)}" for found, depth in contents[:LISTED]
        ]
        return Markdown("\n".join([*lines, *(["\n…"] if len(contents) > LISTED else [])]))

    async def _before(self, call: Call, place: Place, reader: Reader) -> list[Markdown]:
        """The pages of groups that became part of this one, which stay there, for those who may read them."""
        conn, shown = call.ctx.conn, list[Markdown]()
        aloud = None if call.is_direct else await self._aloud(call)
        for group in await text.came_with(conn, place.key, text.PAGE):
            known = await shelf.shelf(call.ctx, group)
            may = reader.may_read(group) if aloud is None else group.key in aloud
            if may and known.contents() and not await shelf.is_sealed(conn, group):
                head = call.voice.say("**{group}**, which became part of this group, keeps its own:", group=group.name)
                shown += [head, await self._contents(call, known)]
        return shown

    async def _aloud(self, call: Call) -> search.Readable:
        """What all who read in this room may read."""
        if call.place is None:
            return search.Readable.of()
        return await search.readable_in(call.ctx.conn, self.community, call.place, call.ctx.bot, call.ctx.now)

    async def _everywhere(self, call: Call, reader: Reader) -> Markdown:
        having = await records.pages_of_places(call.ctx.conn)
        names = [place.name for place in reader.readable() if place.key in having]
        if not names:
            return wording.no_page(call.voice)
        how = call.voice.say("`!esn page list --in` with a name shows the pages there.")
        return paragraphs(call.voice.say("**These have pages:**"), bullets(names[:LISTED]), how)

    @refusing
    async def history(self, call: Call) -> Sequence[Effect]:
        """The versions of a page."""
        place, found = await self.found(call)
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
        _, found = await self.found(call)
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
        place, found = await self.found(call)
        linking = await shelf.what_links_to(call.ctx.conn, found, place, await self.reader(call))
        if not linking:
            how = code(f"[[{found.title}]]")
            none = call.voice.say("No page links to {name}. In a text, {link} does.", name=found.title, link=how)
            return [call.answer(none)]
        lines = [one.title if at.key == place.key else f"{at.name}/{one.title}" for one, at in linking]
        return [call.answer(paragraphs(call.voice.say("**These link to {name}:**", name=found.title), bullets(lines)))]


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
