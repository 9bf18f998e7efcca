"""What all pages of the calendar begin with: who may come in, and how an entry is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.asked import Outcome
from esnbot.commands.reading import KEEPERS
from esnbot.engine.cipher import DeviceAway
from esnbot.engine.feature import Context
from esnbot.features.calendar import wording
from esnbot.features.calendar.keeping import Keeping, Worded
from esnbot.features.calendar.model import Entry, State
from esnbot.provisioning import wanted
from esnbot.speech import render
from esnbot.web.board import html
from esnbot.web.visit import Visit

ROOT: Final = "/calendar"
NO_LINE: Final = "#5b7083"


@dataclass(frozen=True, slots=True)
class Row:
    """An entry, or one of its times, as lists have it."""

    id: int
    title: str
    state: State
    state_name: str
    color: str
    line: str
    when: str
    """In words; '' while it has no time."""
    day: str
    """Its local day in words, for headings."""
    time: str
    groups: str
    """Names, as one says them."""
    moves: bool
    revision: int
    at: str
    """Local, as forms have it."""


class Showing:
    """Reads for pages."""

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping
        self.community = keeping.community
        self.lines = keeping.lines

    def let_in(self, visit: Visit) -> None:
        """Raise what says 'there is no such page' for whoever does not look after the community."""
        if not visit.person.roles & KEEPERS:
            raise visit.missing()

    def ctx(self, visit: Visit, conn: AsyncConnection) -> Context:
        """What reads; it opens nothing that is encrypted."""
        return Context(conn=conn, now=visit.now, bot=self.keeping.kit.bot)

    async def words(self, visit: Visit, conn: AsyncConnection, id: int, language: str = "") -> Worded | None:
        """The words of an entry; None when they are gone, or in an encrypted room alone."""
        try:
            return await self.keeping.worded(self.ctx(visit, conn), id, language)
        except (DeviceAway, ValueError):
            return None

    async def title(self, visit: Visit, conn: AsyncConnection, id: int) -> str:
        """What an entry is called, plain."""
        found = await self.words(visit, conn, id, visit.voice.language)
        return found.draft.title if found is not None else plain(visit.voice.say("Entry {number}", number=str(id)))

    async def names(self, conn: AsyncConnection, entries: Iterable[Entry]) -> Mapping[str, str]:
        """Key to name of the groups that entries go to."""
        return await wanted.names(conn, {key for entry in entries for key in entry.targets})

    async def row(
        self, visit: Visit, conn: AsyncConnection, entry: Entry, due: datetime | None, names: Mapping[str, str]
    ) -> Row:
        """An entry with the time at which it comes, aware, or none."""
        voice, zone = visit.voice, self.keeping.zone(entry)
        line = self.lines.get(entry.line)
        here, scheduled = self.local(due), entry.state is State.scheduled
        return Row(
            id=entry.id,
            title=await self.title(visit, conn, entry.id),
            state=entry.state,
            state_name=plain(voice.say(wording.STATES[entry.state])),
            color=line.color if line else NO_LINE,
            line=line.name(voice.language) if line else "",
            when=plain(wording.when(voice, entry, zone, visit.now, due)) if entry.at or scheduled else "",
            day=plain(voice.date(here.date(), visit.now.astimezone(self.community.zone).date())) if here else "",
            time=plain(voice.time(here)) if here else "",
            groups=plain(voice.list([names.get(key, key) for key in entry.targets])),
            # One day of a rule cannot be moved by itself.
            moves=not entry.recurs and entry.state in (State.idea, State.draft, State.review, State.scheduled),
            revision=entry.revision,
            at=entry.at,
        )

    def local(self, due: datetime | None) -> datetime | None:
        """An instant on the community's wall."""
        return due.astimezone(self.community.zone) if due is not None else None

    @property
    def zone(self) -> ZoneInfo:
        """The community's."""
        return self.community.zone


def plain(markdown: str) -> str:
    """A sentence without any marks."""
    return render(markdown).body


def said(outcome: Outcome) -> Markup:
    """What a command answered: it was made safe when it was rendered."""
    return Markup(outcome.html)


__all__ = ["NO_LINE", "ROOT", "Row", "Showing", "html", "plain", "said"]
