"""A small feature with pages, and a board that shows it to two people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.model import Community
from esnbot.community.person import Role
from esnbot.discovery import Discovery
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener, Module
from esnbot.features.contract import Feature
from esnbot.speech import Speech, later
from esnbot.stored import migrated
from esnbot.testing import ManualClock
from esnbot.testing.board import BoardOnHouse, OpenBoard
from esnbot.web.visit import BoardPage, Visit
from tests.features.house import BOT, a_community

WRITTEN = "org.esnbot.test_written"
FAILS = "boom"


@dataclass
class Book:
    """Lines that people wrote, by the engine's way."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    async def write(self, _ctx: Context, event: Event) -> Sequence[Effect]:
        if event.text("line") == FAILS:
            raise RuntimeError("no ink")
        self.lines.append((event.text("by"), event.text("line")))
        return []

    async def show(self, visit: Visit) -> web.StreamResponse:
        wanted = visit.request.query.get("find", "")
        lines = [f"{who}: {line}" for who, line in self.lines if wanted in line]
        return visit.show("book/show.html", "Guest book", lines=lines)

    async def post(self, visit: Visit) -> web.StreamResponse:
        form = await visit.form()
        await visit.act(WRITTEN, {"line": form.get("line", "")})
        return visit.go("/book/page/1")

    async def page(self, visit: Visit) -> web.StreamResponse:
        if visit.request.match_info["number"] != "1":
            raise visit.missing()
        return await self.show(visit)

    def feature(self) -> Feature:
        return Feature(
            Module("book", (Listener(frozenset({WRITTEN}), self.write),)),
            pages=(
                BoardPage("/book", self.show, menu=later("What you can do here.")),
                BoardPage("/book", self.post, "POST"),
                BoardPage("/book/page/{number}", self.page),
                BoardPage("/book/ink", self.show, menu=later("Ask the bot"), menu_for=frozenset({Role.animator})),
            ),
        )


@dataclass
class Place:
    """The board, and what stands behind it."""

    board: OpenBoard
    book: Book
    clock: ManualClock
    house: BoardOnHouse


@asynccontextmanager
async def a_board(url: str, community: Community | None = None) -> AsyncIterator[Place]:
    """A board with the guest book."""
    community = community or a_community()
    clock, book = ManualClock(), Book()
    async with migrated(url, Discovery()) as database:
        house = BoardOnHouse(
            database=database,
            community=community,
            speech=Speech(languages=("fr", "en"), default="fr"),
            features={"book": book.feature()},
            templates={"book": Path(__file__).parent / "book"},
            assets={"book": Path(__file__).parent / "book"},
            clock=clock,
            bot=BOT,
        )
        async with house.open() as board:
            yield Place(board, book, clock, house)


def without_staff() -> Community:
    """A community to which Zoé does not belong any more."""
    found = a_community()
    nobody = Audience("staff", "Salariés", Perimeter())
    return replace(found, audiences={**found.audiences, "staff": nobody})
