"""The tables of pages: where each stands, the names that lead to it, what links to what, and what is not saved yet.

Words are in the index of kept texts alone (``esnbot.features.text``). Of encrypted groups neither names nor links are
kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, delete, func, select, text, update
from sqlalchemy import Text as Words
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.event import Event
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.tables import Sequence as Number
from esnbot.store.upsert import insert_new, upsert

AT_ONCE: Final = 500
OUTCOMES_KEPT_MS: Final = 3600 * 1000

page = Table(
    "page",
    metadata,
    # That of its kept text.
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("place", Words, nullable=False, index=True),
    # The page above it, 0 for none.
    Column("parent", Number, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
)
page_name = Table(
    "page_name",
    metadata,
    Column("place", Words, primary_key=True),
    Column("folded", Words, primary_key=True),
    Column("page", Number, nullable=False, index=True),
    # Not a name that it had before, which still leads to it.
    Column("current", Boolean, nullable=False),
)
page_link = Table(
    "page_link",
    metadata,
    Column("page", Number, primary_key=True),
    Column("target_group", Words, primary_key=True),
    Column("target", Words, primary_key=True),
)
Index("page_link_target", page_link.c.target)
page_draft = Table(
    "page_draft",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("person", Words, nullable=False, index=True),
    # 'chat' or 'board'.
    Column("way", Words, nullable=False),
    # 'open', 'asked' or 'conflict'.
    Column("state", Words, nullable=False),
    Column("place", Words, nullable=False),
    # 0: a page that is not there yet.
    Column("page", Number, nullable=False),
    Column("base", Integer, nullable=False),
    # Of a new page; '' for one of an encrypted group, whose name is in the command.
    Column("name", Words, nullable=False),
    Column("parent", Number, nullable=False),
    # What was written on the board.
    Column("words", Words),
    # What was written in a chat: messages as they came.
    Column("parts", Json, nullable=False),
    Column("touched", Milliseconds, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("expires", Milliseconds, nullable=False, index=True),
    sqlite_autoincrement=True,
)
page_outcome = Table(
    "page_outcome",
    metadata,
    Column("event_id", Words, primary_key=True),
    Column("outcome", Json, nullable=False),
    Column("moment", Milliseconds, nullable=False),
)

OPEN, ASKED, CONFLICT = "open", "asked", "conflict"
CHAT, BOARD = "chat", "board"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a page stands, without its words."""

    id: int
    place: str
    parent: int
    protected: bool
    hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """What somebody has written and not saved."""

    id: int = 0
    person: str
    way: str
    state: str
    place: str
    page: int
    base: int
    name: str
    parent: int = 0
    words: str | None = None
    parts: tuple[Event, ...] = ()
    touched: int
    """When its author last wrote something of it."""
    asked: int = 0
    expires: int

    @property
    def post(self) -> str:
        """The key of the last post that asks whether to save it."""
        return f"draft:{self.id}:{self.asked}"


def _stand(row: Row[Any]) -> Stand:
    return Stand(row.id, row.place, row.parent, row.protected, row.hidden)


# --- pages -------------------------------------------------------------------------------------------------------


async def get(conn: AsyncConnection, id: int) -> Stand | None:
    """Where a page stands."""
    row = (await conn.execute(select(page).where(page.c.id == id))).one_or_none()
    return None if row is None else _stand(row)


async def lock(conn: AsyncConnection, id: int) -> Stand | None:
    """The same, and nobody else changes the page until this transaction ends."""
    row = (await conn.execute(select(page).where(page.c.id == id).with_for_update())).one_or_none()
    return None if row is None else _stand(row)


async def lock_place(conn: AsyncConnection, place: str) -> None:
    """Keep others from changing which pages a place has, and how they stand, until this transaction ends."""
    if conn.dialect.name == "postgresql":
        await conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 1))"), {"what": f"page {place}"})


async def of_place(conn: AsyncConnection, place: str, *, hidden: bool = False) -> list[Stand]:
    """The pages of a place; with ``hidden`` those too that were put away."""
    query = select(page).where(page.c.place == place).order_by(page.c.id)
    return [_stand(row) for row in await conn.execute(query if hidden else query.where(page.c.hidden.is_(False)))]


async def pages_of_places(conn: AsyncConnection) -> dict[str, int]:
    """The keys of the places that have pages, with how many."""
    query = select(page.c.place, func.count()).where(page.c.hidden.is_(False)).group_by(page.c.place)
    return {row[0]: int(row[1]) for row in await conn.execute(query)}


async def add(conn: AsyncConnection, stand: Stand) -> None:
    """A new page."""
    row = {field: getattr(stand, field) for field in ("id", "place", "parent", "protected", "hidden")}
    await conn.execute(page.insert().values(row))


async def change(conn: AsyncConnection, id: int, **values: Any) -> None:
    """Let a page stand in another way."""
    await conn.execute(update(page).where(page.c.id == id).values(values))


async def lift(conn: AsyncConnection, id: int, to: int) -> None:
    """What stood below a page stands below another one from now on."""
    await conn.execute(update(page).where(page.c.parent == id).values(parent=to))


async def forget(conn: AsyncConnection, id: int) -> None:
    """Forget a page whose text was taken away; its names are free. What people have not saved of it stays theirs."""
    await conn.execute(delete(page).where(page.c.id == id))
    await conn.execute(delete(page_name).where(page_name.c.page == id))
    await conn.execute(delete(page_link).where(page_link.c.page == id))


async def count(conn: AsyncConnection, place: str) -> int:
    """How many pages a place has, with those that were put away."""
    return int((await conn.execute(select(func.count()).where(page.c.place == place))).scalar_one())


# --- names -------------------------------------------------------------------------------------------------------


async def named(conn: AsyncConnection, place: str, folded: str) -> int | None:
    """The page that a name leads to, also one that it had before."""
    query = select(page_name.c.page).where(page_name.c.place == place, page_name.c.folded == folded)
    return (await conn.execute(query)).scalar_one_or_none()


async def led_to(conn: AsyncConnection, place: str, folded: Iterable[str]) -> dict[str, int]:
    """Names to the pages of a place that they lead to, but for those that were put away."""
    names, found = list(folded), dict[str, int]()
    for start in range(0, len(names), AT_ONCE):
        query = (
            select(page_name.c.folded, page_name.c.page)
            .join(page, page.c.id == page_name.c.page)
            .where(page_name.c.place == place, page_name.c.folded.in_(names[start : start + AT_ONCE]))
            .where(page.c.hidden.is_(False))
        )
        found |= {row.folded: row.page for row in await conn.execute(query)}
    return found


async def called(conn: AsyncConnection, folded: str, places: Iterable[str]) -> list[tuple[str, int]]:
    """The pages of that name in some places: place and page."""
    keys, found = list(places), list[tuple[str, int]]()
    for start in range(0, len(keys), AT_ONCE):
        query = select(page_name.c.place, page_name.c.page).where(
            page_name.c.folded == folded, page_name.c.place.in_(keys[start : start + AT_ONCE])
        )
        found += [(row.place, row.page) for row in await conn.execute(query)]
    return found


async def name(conn: AsyncConnection, id: int, place: str, folded: str) -> bool:
    """Give a page its name; False when another one has it now. An older name of another page gives way."""
    row = {"place": place, "folded": folded, "page": id, "current": True}
    mine = (page_name.c.place == place) & (page_name.c.folded == folded)
    if not await insert_new(conn, page_name, row):
        other = (await conn.execute(select(page_name).where(mine))).one()
        if other.page != id and other.current:
            return False
        await conn.execute(update(page_name).where(mine).values(page=id, current=True))
    others = (page_name.c.page == id) & (page_name.c.folded != folded)
    await conn.execute(update(page_name).where(others).values(current=False))
    return True


async def names_of(conn: AsyncConnection, id: int) -> set[str]:
    """All names that lead to a page."""
    return set((await conn.execute(select(page_name.c.folded).where(page_name.c.page == id))).scalars())


# --- links -------------------------------------------------------------------------------------------------------


async def link(conn: AsyncConnection, id: int, targets: Iterable[tuple[str, str]]) -> None:
    """What a page links to: folded names of group ('' for its own) and page."""
    await conn.execute(delete(page_link).where(page_link.c.page == id))
    rows = [{"page": id, "target_group": group, "target": target} for group, target in dict.fromkeys(targets)]
    await upsert(conn, page_link, rows)


async def linking(conn: AsyncConnection, targets: Iterable[str]) -> list[tuple[int, str]]:
    """Pages that link to one of these names, each with the group that it names."""
    query = select(page_link.c.page, page_link.c.target_group).where(page_link.c.target.in_(list(targets)))
    return [(row.page, row.target_group) for row in await conn.execute(query.distinct().limit(5 * AT_ONCE))]


# --- drafts ------------------------------------------------------------------------------------------------------


def _draft(row: Row[Any]) -> DraftRow:
    values = {**row._mapping, "parts": tuple(msgspec.convert(part, type=Event) for part in row.parts)}
    return DraftRow(**values)


async def put_draft(conn: AsyncConnection, draft: DraftRow) -> int:
    """Keep a draft; returns its id."""
    values = {field: getattr(draft, field) for field in page_draft.c.keys() if field not in ("id", "parts")}  # noqa: SIM118
    values["parts"] = [msgspec.to_builtins(part.kept()) for part in draft.parts]
    if draft.id:
        await conn.execute(update(page_draft).where(page_draft.c.id == draft.id).values(values))
        return draft.id
    return int((await conn.execute(page_draft.insert().values(values).returning(page_draft.c.id))).scalar_one())


async def draft(conn: AsyncConnection, id: int, person: str) -> DraftRow | None:
    """Somebody's draft."""
    mine = (page_draft.c.id == id) & (page_draft.c.person == person)
    row = (await conn.execute(select(page_draft).where(mine))).one_or_none()
    return None if row is None else _draft(row)


async def drafts_of(conn: AsyncConnection, person: str, way: str = "") -> list[DraftRow]:
    """Somebody's drafts, newest first."""
    query = select(page_draft).where(page_draft.c.person == person).order_by(page_draft.c.id.desc())
    return [_draft(row) for row in await conn.execute(query if not way else query.where(page_draft.c.way == way))]


async def drop_draft(conn: AsyncConnection, id: int) -> None:
    """A draft was saved or is not wanted."""
    await conn.execute(delete(page_draft).where(page_draft.c.id == id))


async def expired(conn: AsyncConnection, now_ms: int) -> Sequence[DraftRow]:
    """The drafts whose time is over, which are forgotten."""
    rows = await conn.execute(delete(page_draft).where(page_draft.c.expires <= now_ms).returning(page_draft))
    return [_draft(row) for row in rows]


# --- what became of what was asked on the board ------------------------------------------------------------------


async def note_outcome(conn: AsyncConnection, event_id: str, outcome: dict[str, Any], now_ms: int) -> None:
    """Keep what became of it for as long as somebody waits for the page that shows it."""
    await conn.execute(delete(page_outcome).where(page_outcome.c.moment < now_ms - OUTCOMES_KEPT_MS))
    await upsert(conn, page_outcome, {"event_id": event_id, "outcome": outcome, "moment": now_ms})


async def outcome_of(conn: AsyncConnection, event_id: str) -> dict[str, Any]:
    """What became of it; empty when nothing is known."""
    query = select(page_outcome.c.outcome).where(page_outcome.c.event_id == event_id)
    found = (await conn.execute(query)).scalar_one_or_none()
    return found if isinstance(found, dict) else {}


# --- one person --------------------------------------------------------------------------------------------------


async def forget_person(conn: AsyncConnection, person: str) -> None:
    """Forget what somebody has not saved."""
    await conn.execute(delete(page_draft).where(page_draft.c.person == person))
