"""Putting pages in order: earlier versions, names, places, protection; and taking them away as files."""

from __future__ import annotations

from collections.abc import Sequence

from esnbot.commands.command import Call
from esnbot.engine.effects import Attach, Effect, direct
from esnbot.features.page import shelf, wording
from esnbot.features.page.archive import file_name
from esnbot.features.page.carrying import changes, standing
from esnbot.features.page.finding import Finder, refusing, unknown_place
from esnbot.features.page.indexing import address
from esnbot.features.page.keeping import Refused, What
from esnbot.speech import bold, code, later, link
from esnbot.store import bindings, rooms


class OrderDesk(Finder):
    """The commands that put pages in order."""

    @refusing
    async def restore(self, call: Call) -> Sequence[Effect]:
        """An earlier version, or a page that was put away."""
        _, found = await self.found(call, hidden=True)
        number, by = call.args["version"], call.person.user
        if found.stand.hidden:
            await self.keeper.hide(call.ctx, found.id, by=by, hidden=False)
            if number is None:
                return [call.answer(call.voice.say("The page {name} is back.", name=bold(found.title)))]
        if number is None:
            raise Refused(later("Which version? `!esn page history` shows them; then add its number."))
        saved = await self.keeper.restore(call.ctx, found.id, number, by=by)
        return await self.told(call, saved, found.title)

    @refusing
    async def rename(self, call: Call) -> Sequence[Effect]:
        """Another name; links keep working."""
        _, found = await self.found(call)
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
        place, found = await self.found(call)
        parent = await self.parent(call, place)
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

        async def handle(desk: Finder, call: Call) -> Sequence[Effect]:
            _, found = await desk.found(call)
            await desk.keeper.protect(call.ctx, found.id, by=call.person.user, protected=protected)
            return [call.answer(call.voice.say(said, name=bold(found.title)))]

        return await refusing(handle)(self, call)

    @refusing
    async def remove(self, call: Call) -> Sequence[Effect]:
        """Put a page away; nothing is lost."""
        _, found = await self.found(call)
        await self.keeper.hide(call.ctx, found.id, by=call.person.user, hidden=True)
        said = call.voice.say(
            "{name} is put away: nobody finds it any more. `!esn page restore {text}` brings it back as it is.",
            name=bold(found.title),
            text=code(f'"{found.title}"'),
        )
        return [call.answer(said)]

    @refusing
    async def export(self, call: Call) -> Sequence[Effect]:
        """Where to take the notes and pages of a place away as files; without a board, as one file."""
        place, reader = call.args["where"] or call.place, await self.reader(call)
        if place is None:
            raise Refused(later("In which group? Add `--in` and its name."))
        if not reader.may_read(place):
            raise Refused(unknown_place(place))
        if await shelf.is_sealed(call.ctx.conn, place):
            raise Refused(
                later("This group is encrypted: what it knows stays in its chat, and is not made into files.")
            )
        every = await changes(call.ctx.conn, place)
        if not every:
            return [call.answer(wording.no_page(call.voice))]
        if self.board:
            to = link(
                call.voice.say("Files of {place}", place=place.name),
                f"{self.board}{address(place.key, action='-/files')}",
            )
            return [call.answer(call.voice.say("Take them from the board: {link}.", link=to))]
        whole = "\n\n".join(f"# {leaf.title}\n\n{leaf.words}" for leaf in standing(every))
        chat = direct(call.person.user)
        room = call.event.room_id if call.is_direct else await bindings.room_of(call.ctx.conn, chat)
        if room is None or await rooms.content(call.ctx.conn, room, "m.room.encryption") is not None:
            raise Refused(
                later(
                    "I can only send a file into a direct chat that is not encrypted. An administrator can use "
                    "`esnbot export`."
                )
            )
        name = f"{file_name(place.name)}.md"
        sent = Attach(key=f"export:{call.event.event_id}", room=room, name=name, text=whole)
        return [sent, call.answer(call.voice.say("The file is in our direct chat."))]
