"""The sources, and what they brought: what waits, what was shown, what was decided about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, Text, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.tables import schedule
from esnbot.features.watch.model import Filter, Queued, State
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.tables import Sequence as Number
from esnbot.store.upsert import insert_new

FILE: Final = "file"
CHAT: Final = "chat"
"""Where a source is declared."""
MOST_COMPARED: Final = 3_000
_UNDECIDED: Final = (State.waiting.value, State.shown.value, State.later.value)

source = Table(
    "watch_source",
    metadata,
    # The number that people call it by.
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("url", Text, nullable=False, index=True),
    # '' for none.
    Column("line", Text, nullable=False),
    # '': as the feed calls itself.
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("take", Json, nullable=False),
    Column("leave", Json, nullable=False),
    Column("origin", Text, nullable=False),
    # Who added it in chat; '' for the file, or once forgotten.
    Column("person", Text, nullable=False, index=True),
    Column("added", Milliseconds, nullable=False),
    Column("paused", Boolean, nullable=False),
    # Where whoever added it is told how the first look went, and in which language; no room once that is done.
    Column("asked_room", Text, nullable=False),
    Column("asked_thread", Text, nullable=False),
    Column("asked_language", Text, nullable=False),
    # What is to be told with the next finds; '' for nothing.
    Column("trouble", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("watch_source_once", source.c.url, source.c.line, unique=True)

find = Table(
    "watch_find",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("source", Number, nullable=False, index=True),
    Column("line", Text, nullable=False),
    Column("language", Text, nullable=False),
    # Public words of the source's; '' when long decided.
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("link", Text, nullable=False),
    # What of link and title is the same in every source; '' for nothing.
    Column("alike", Text, nullable=False, index=True),
    Column("gist", Text, nullable=False),
    Column("published", Milliseconds),
    Column("found", Milliseconds, nullable=False, index=True),
    Column("state", Text, nullable=False),
    # How often it was shown: the key of its post has it.
    Column("round", Integer, nullable=False),
    # When it was shown last, and when it comes back where it was put off.
    Column("shown", Milliseconds),
    Column("due", Milliseconds),
    # Who decided about it; '' for nobody, or once forgotten.
    Column("person", Text, nullable=False, index=True),
    # Numbers of the other sources that brought it too.
    Column("also", Json, nullable=False),
    sqlite_autoincrement=True,
)
Index("watch_find_state", find.c.state, find.c.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source of one line, as the table has it."""

    id: int = 0
    url: str
    line: str = ""
    name: str = ""
    language: str = ""
    take: Sequence[str] = ()
    leave: Sequence[str] = ()
    origin: str = CHAT
    person: str = ""
    added: int = 0
    paused: bool = False
    asked_room: str = ""
    asked_thread: str = ""
    asked_language: str = ""
    trouble: str = ""

    @property
    def filter(self) -> Filter:
        """Its own words."""
        return Filter(tuple(self.take), tuple(self.leave))


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Something that a source brought."""

    id: int = 0
    source: int
    line: str
    language: str
    title: str
    summary: str
    link: str
    alike: str
    gist: str
    published: int | None
    found: int
    state: str = State.waiting.value
    round: int = 0
    shown: int | None = None
    due: int | None = None
    person: str = ""
    also: Sequence[int] = ()

    @property
    def post(self) -> str:
        """Key of the effect that showed it last."""
        return f"find:{self.id}:{self.round}"


def _values(one: Source | Find) -> dict[str, object]:
    values = {name: getattr(one, name) for name in type(one).__slots__ if name != "id"}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


# --- sources -----------------------------------------------------------------------------------------------------


def _source(row: Row[Any]) -> Source:
    return Source(**row._mapping)


async def sources(conn: AsyncConnection) -> list[Source]:
    """All sources, by line and number."""
    rows = await conn.execute(select(source).order_by(source.c.line, source.c.id))
    return [_source(row) for row in rows]


async def sources_of(conn: AsyncConnection, url: str) -> list[Source]:
    """The sources behind an address, oldest first: one for each line."""
    rows = await conn.execute(select(source).where(source.c.url == url).order_by(source.c.id))
    return [_source(row) for row in rows]


async def source_of(conn: AsyncConnection, id: int) -> Source | None:
    """The source of a number."""
    row = (await conn.execute(select(source).where(source.c.id == id))).one_or_none()
    return None if row is None else _source(row)


async def add(conn: AsyncConnection, new: Source) -> Source | None:
    """Keep a new source; None when the address is watched for that line already."""
    if not await insert_new(conn, source, _values(new)):
        return None
    query = select(source).where(source.c.url == new.url, source.c.line == new.line)
    return _source((await conn.execute(query)).one())


async def change(conn: AsyncConnection, id: int, **values: object) -> None:
    """Change a source."""
    await conn.execute(update(source).where(source.c.id == id).values(values))


async def remove(conn: AsyncConnection, id: int) -> None:
    """Take a source away, and what waits of it; what is decided is remembered."""
    waits = and_(find.c.source == id, find.c.state == State.waiting.value)
    await conn.execute(delete(find).where(waits))
    await conn.execute(delete(source).where(source.c.id == id))


async def followed(conn: AsyncConnection) -> set[str]:
    """The addresses that are to be asked."""
    return set((await conn.execute(select(source.c.url).where(source.c.paused.is_(False)))).scalars())


# --- finds -------------------------------------------------------------------------------------------------------


def _find(row: Row[Any]) -> Find:
    return Find(**row._mapping)


async def keep(conn: AsyncConnection, new: Find) -> int:
    """Keep a find; returns its number."""
    return int((await conn.execute(find.insert().values(_values(new)).returning(find.c.id))).scalar_one())


async def get(conn: AsyncConnection, id: int) -> Find | None:
    """The find of a number."""
    row = (await conn.execute(select(find).where(find.c.id == id))).one_or_none()
    return None if row is None else _find(row)


async def with_link(conn: AsyncConnection, alike: str) -> list[Find]:
    """The finds that have the same link, whatever became of them."""
    if not alike:
        return []
    rows = await conn.execute(select(find).where(find.c.alike == alike).order_by(find.c.id).limit(20))
    return [_find(row) for row in rows]


async def titles_since(conn: AsyncConnection, since_ms: int) -> list[tuple[int, str]]:
    """What is compared of the titles of the finds since then, newest first, with their numbers."""
    query = select(find.c.id, find.c.gist).where(find.c.found >= since_ms, find.c.gist != "")
    rows = await conn.execute(query.order_by(find.c.id.desc()).limit(MOST_COMPARED))
    return [(row.id, row.gist) for row in rows]


async def note_also(conn: AsyncConnection, id: int, source_id: int) -> None:
    """Another source brought it too."""
    known = await get(conn, id)
    if known is not None and source_id != known.source and source_id not in known.also:
        await conn.execute(update(find).where(find.c.id == id).values(also=[*known.also, source_id]))


async def queue(conn: AsyncConnection, now_ms: int) -> list[Queued]:
    """What waits to be shown, and what comes back now."""
    back = and_(find.c.state == State.later.value, find.c.due <= now_ms)
    query = select(find.c.id, find.c.source, find.c.state, find.c.due, find.c.published, find.c.found)
    rows = await conn.execute(query.where(or_(find.c.state == State.waiting.value, back)).order_by(find.c.id))
    queued = []
    for row in rows:
        is_back = row.state == State.later.value
        # A date in the future is none.
        moment = row.due if is_back else min(row.published or row.found, row.found)
        queued.append(Queued(row.id, row.source, moment, is_back))
    return queued


async def waiting(conn: AsyncConnection, source_id: int | None = None) -> int:
    """How many finds have not been shown yet, of one source or of all."""
    query = select(func.count()).select_from(find).where(find.c.state == State.waiting.value)
    if source_id is not None:
        query = query.where(find.c.source == source_id)
    return int((await conn.execute(query)).scalar_one())


async def undecided(conn: AsyncConnection, most: int) -> list[Find]:
    """What waits for somebody to decide about it, the newest first."""
    query = select(find).where(find.c.state.in_([State.waiting.value, State.shown.value]))
    rows = await conn.execute(query.order_by(find.c.found.desc(), find.c.id.desc()).limit(most))
    return [_find(row) for row in rows]


async def show(conn: AsyncConnection, id: int, now_ms: int) -> Find:
    """A find is shown, once more perhaps."""
    values = {"state": State.shown.value, "round": find.c.round + 1, "shown": now_ms, "due": None, "person": ""}
    await conn.execute(update(find).where(find.c.id == id).values(values))
    return _find((await conn.execute(select(find).where(find.c.id == id))).one())


async def decide(
    conn: AsyncConnection, id: int, state: State, person: str, before: Collection[str], due: int | None = None
) -> bool:
    """Write down what was decided; False when somebody else was quicker."""
    values = {"state": state.value, "person": person, "due": due}
    decided = update(find).where(find.c.id == id, find.c.state.in_(sorted(before))).values(values)
    return (await conn.execute(decided)).rowcount == 1


async def expire(conn: AsyncConnection, before_ms: int) -> None:
    """Set aside what has waited, or was shown and not decided about, since before then; what was put off comes back."""
    waits = and_(find.c.state == State.waiting.value, find.c.found < before_ms)
    shown = and_(find.c.state == State.shown.value, find.c.shown < before_ms)
    await conn.execute(update(find).where(or_(waits, shown)).values(state=State.expired.value))


async def tidy(conn: AsyncConnection, words_before_ms: int, all_before_ms: int) -> None:
    """Forget the words of what was decided long ago, and after longer that it ever was."""
    decided = find.c.state.notin_(_UNDECIDED)
    bare = {"title": "", "summary": "", "link": "", "gist": ""}
    worded = and_(decided, find.c.found < words_before_ms, find.c.title + find.c.summary + find.c.link != "")
    await conn.execute(update(find).where(worded).values(bare))
    await conn.execute(delete(find).where(decided, find.c.found < all_before_ms))


# --- the schedule ------------------------------------------------------------------------------------------------


async def due_of(conn: AsyncConnection, module: str, key: str) -> int | None:
    """When a job of ours is due."""
    query = select(schedule.c.due).where(schedule.c.module == module, schedule.c.key == key)
    return (await conn.execute(query)).scalar_one_or_none()


# --- one person --------------------------------------------------------------------------------------------------


async def of_person(conn: AsyncConnection, person: str) -> Mapping[str, Any]:
    """What is kept about a person: sources that they added, finds that they decided about."""
    added = select(source.c.id, source.c.url, source.c.line, source.c.added).where(source.c.person == person)
    decided = select(find.c.id, find.c.title, find.c.link, find.c.state).where(find.c.person == person)
    return {
        "sources": [dict(row._mapping) for row in await conn.execute(added.order_by(source.c.id))],
        "decided": [dict(row._mapping) for row in await conn.execute(decided.order_by(find.c.id))],
    }


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget who it was; sources and decisions stay."""
    await conn.execute(update(source).where(source.c.person == person).values(person=""))
    await conn.execute(update(find).where(find.c.person == person).values(person=""))
