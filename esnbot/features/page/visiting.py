"""Where a visitor of the board is: the place and the page that the address names, and what they may there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Place
from esnbot.features.contract import Kit
from esnbot.features.page import records, shelf
from esnbot.features.page.acts import ACT
from esnbot.features.page.settings import PageSettings
from esnbot.features.page.shelf import Page, Reader, Shelf
from esnbot.speech import render
from esnbot.store import bindings
from esnbot.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Here:
    """Where a visitor is."""

    place: Place
    reader: Reader
    known: Shelf
    page: Page | None
    may_write: bool
    """In this place; a protected page only owners change."""
    owns: bool
    room_id: str

    @property
    def may_change(self) -> bool:
        """Whether they may change this page."""
        return self.may_write and (self.owns or self.page is None or not self.page.stand.protected)

    @property
    def found(self) -> Page:
        """The page that the address names."""
        if self.page is None:
            raise ValueError("no page here")
        return self.page


class Visiting:
    """What all pages of the board begin with."""

    def __init__(self, kit: Kit[PageSettings]) -> None:
        self.kit = kit

    async def reader(self, visit: Visit, conn: AsyncConnection) -> Reader:
        """What the visitor may read."""
        today = visit.now.astimezone(self.kit.community.zone).date()
        return await shelf.reader(conn, visit.person.user, self.kit.community, today)

    async def place(self, visit: Visit, conn: AsyncConnection, *, hidden: bool = False) -> Here:
        """The place that the address names. What one may not read is not there."""
        reader = await self.reader(visit, conn)
        place = reader.places.get(visit.request.match_info["place"])
        if place is None or not reader.may_read(place) or await shelf.is_sealed(conn, place):
            raise visit.missing()
        known = await shelf.shelf(conn, place, hidden=hidden)
        user = visit.person.user
        may = await shelf.may_write(conn, place, user)
        owns = await shelf.may_protect(conn, place, user, self.kit.community)
        return Here(place, reader, known, None, may, owns, await bindings.room_of(conn, place.key) or "")

    async def at_page(self, visit: Visit, conn: AsyncConnection, *, hidden: bool = False) -> Here:
        here = await self.place(visit, conn, hidden=hidden)
        name = visit.request.match_info["page"]
        found = await shelf.named(conn, here.place, name, hidden=hidden)
        if found is None or found.draft is None:
            raise visit.missing()
        return Here(here.place, here.reader, here.known, found, here.may_write, here.owns, here.room_id)

    async def act(self, visit: Visit, place: str, do: str, **content: Any) -> Mapping[str, Any]:
        """Have something done, and what became of it."""
        event = await visit.act(
            ACT, {"do": do, "language": visit.voice.language, "place": place, **content}, queue=f"page:{place}"
        )
        async with visit.read() as conn:
            return await records.outcome_of(conn, event)


def plain(markdown: str) -> str:
    """A sentence as a heading: plain text."""
    return render(markdown).body


def number_in(text: str) -> int:
    """The number that somebody's browser sent; 0 for everything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def at(ms: int) -> datetime:
    """An instant."""
    return datetime.fromtimestamp(ms / 1000, UTC)
