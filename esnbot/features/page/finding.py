"""Which page somebody means, and how what cannot be done is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from esnbot.commands.command import Call
from esnbot.commands.words import near
from esnbot.community.group import Group, Place
from esnbot.community.model import Community
from esnbot.engine.effects import Effect
from esnbot.features.page import records, shelf, wording
from esnbot.features.page.keeping import Keeper, Refused, Saved, What
from esnbot.features.page.names import fold
from esnbot.features.page.shelf import Page, Reader
from esnbot.features.page.writing import Writing
from esnbot.speech import Later, Quoted, code, later
from esnbot.store.database import savepoint

Handler = Callable[[Any, Call], Awaitable[Sequence[Effect]]]


def refusing(handle: Handler) -> Handler:
    """What cannot be done is answered with its sentence, and nothing of it is left."""

    @wraps(handle)
    async def answer(desk: Any, call: Call) -> Sequence[Effect]:
        try:
            async with savepoint(call.ctx.conn):
                return await handle(desk, call)
        except Refused as refusal:
            return [call.refuse(call.voice.say(refusal.sentence))]

    return answer


@dataclass(frozen=True, slots=True)
class Finder:
    """What all commands about pages begin with."""

    community: Community
    server: str
    keeper: Keeper
    writing: Writing
    board: str = ""
    """How people reach the board; '' where there is none."""

    async def told(self, call: Call, saved: Saved, name: str, words: str = "", base: int = 0) -> Sequence[Effect]:
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

    async def reader(self, call: Call) -> Reader:
        today = call.ctx.now.astimezone(self.community.zone).date()
        return await shelf.reader(call.ctx.conn, call.person.user, self.community, today)

    async def place_and_name(self, call: Call) -> tuple[Place, str]:
        """Where a page is or is to be, and its name. Raises ``Refused``."""
        name, place = call.args["name"], call.args["where"] or call.place
        group, slash, rest = name.partition("/")
        reader = await self.reader(call)
        if slash and group.strip() and rest.strip() and call.args["where"] is None:
            named = reader.called(group)
            if len(named) == 1:
                place, name = named[0], rest.strip()
        if place is None:
            place = await self._only(call, reader, name)
        if not reader.may_read(place):
            raise Refused(unknown_place(place))
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

    async def found(self, call: Call, *, hidden: bool = False) -> tuple[Place, Page]:
        """The page that is meant. Raises ``Refused``, with names that are near."""
        place, name = await self.place_and_name(call)
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

    async def parent(self, call: Call, place: Place) -> int:
        if not call.args["under"]:
            return 0
        above = await shelf.named(call.ctx, place, call.args["under"])
        if above is None:
            raise Refused(
                later("There is no page called {name} here to stand below.", name=Quoted(call.args["under"][:100]))
            )
        return above.id


def may_not(place: Place) -> Later:
    return later("Only those who are in {place} and may post there can change its pages.", place=Quoted(place.name))


def unknown_place(place: Place) -> Later:
    return later("I do not know any group called {text}.", text=Quoted(place.name[:100]))
