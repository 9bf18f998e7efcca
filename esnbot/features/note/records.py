"""The notes' tables: what is a note, which messages it was made of, who kept it. Their words are kept texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Row, Table, delete, func, select, update
from sqlalchemy import Text as Words
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.words import fold
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.tables import Sequence as Number
from esnbot.store.upsert import insert_new, upsert

WRITTEN: Final = "written"
MESSAGE: Final = "message"
THREAD: Final = "thread"
ASKED, KEPT, GONE = "asked", "kept", "gone"

note = Table(
    "note",
    metadata,
    # What people call it by.
    Column("id", Number, primary_key=True, autoincrement=True),
    # The kept text; empty until it is read.
    Column("text", Number, unique=True),
    Column("place", Words, nullable=False),
    Column("room_id", Words, nullable=False),
    # The message that it was made of, or the root of the thread: one note a message. Empty for what was written.
    Column("source", Words),
    # 'written', 'message', 'thread'.
    Column("way", Words, nullable=False),
    # Who kept it first; '' for nobody.
    Column("keeper", Words, nullable=False, index=True),
    # 'asked' until its words are read, 'kept', 'gone'.
    Column("state", Words, nullable=False),
    Column("created", Milliseconds, nullable=False),
    # When it was last known to hold: written, changed, or found to hold.
    Column("good", Milliseconds, nullable=False),
    # When somebody last found that it holds, and that it needs a look; nobody's name.
    Column("checked", Milliseconds),
    Column("doubted", Milliseconds),
    # A number is not given again.
    sqlite_autoincrement=True,
)
Index("note_place", note.c.place, note.c.state)
Index("note_of", note.c.room_id, note.c.source, unique=True)

note_source = Table(
    "note_source",
    metadata,
    Column("note", Number, primary_key=True),
    Column("event_id", Words, primary_key=True),
    Column("author", Words, nullable=False, index=True),
    # Taken away in the room, perhaps before the note was made of it.
    Column("gone", Boolean, nullable=False),
)
Index("note_source_event", note_source.c.event_id)

note_keeper = Table(
    "note_keeper",
    metadata,
    Column("note", Number, primary_key=True),
    Column("person", Words, primary_key=True),
    # The event id of the reaction, or of the command.
    Column("reaction", Words, nullable=False, index=True),
    Column("ts", Milliseconds, nullable=False),
    # Taken back, or its note is gone: it counts among those of its day all the same, and is forgotten then.
    Column("gone", Boolean, nullable=False),
)
Index("note_keeper_person", note_keeper.c.person, note_keeper.c.ts)

note_tag = Table(
    "note_tag",
    metadata,
    Column("note", Number, primary_key=True),
    # Folded. Of encrypted rooms there are none here.
    Column("tag", Words, primary_key=True),
    # As somebody wrote it.
    Column("shown", Words, nullable=False),
)
Index("note_tag_tag", note_tag.c.tag)

note_emoji = Table(
    "note_emoji",
    metadata,
    Column("person", Words, primary_key=True),
    # '' for none.
    Column("emoji", Words, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Note:
    """A note, without its words."""

    id: int
    text: int | None
    place: str
    room_id: str
    source: str | None
    way: str
    keeper: str
    state: str
    created: int
    good: int
    checked: int | None
    doubted: int | None


def _note(row: Row[Any]) -> Note:
    return Note(**row._mapping)


async def get(conn: AsyncConnection, id: int) -> Note | None:
    """The note of a number, whatever its state."""
    row = (await conn.execute(select(note).where(note.c.id == id))).one_or_none()
    return None if row is None else _note(row)


async def by_text(conn: AsyncConnection, text: int) -> Note | None:
    """The note whose words a kept text is."""
    row = (await conn.execute(select(note).where(note.c.text == text))).one_or_none()
    return None if row is None else _note(row)


async def by_texts(conn: AsyncConnection, texts: Collection[int]) -> dict[int, Note]:
    """Kept text to note."""
    rows = await conn.execute(select(note).where(note.c.text.in_(list(texts))))
    return {row.text: _note(row) for row in rows}


async def of_source(conn: AsyncConnection, room_id: str, source: str) -> Note | None:
    """The note that was made, or is being made, of a message or thread."""
    query = select(note).where(note.c.room_id == room_id, note.c.source == source)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _note(row)


async def some(conn: AsyncConnection, ids: Iterable[int]) -> dict[int, Note]:
    """The notes of these numbers that stand."""
    query = select(note).where(note.c.id.in_(list(ids)), note.c.state == KEPT)
    return {row.id: _note(row) for row in await conn.execute(query)}


async def latest(
    conn: AsyncConnection, places: Collection[str], tag: str = "", limit: int = 20, offset: int = 0
) -> list[Note]:
    """The newest notes of these places that stand, of one tag if it is given."""
    query = select(note).where(note.c.place.in_(list(places)), note.c.state == KEPT)
    if tag:
        query = query.where(note.c.id.in_(select(note_tag.c.note).where(note_tag.c.tag == fold(tag))))
    rows = await conn.execute(query.order_by(note.c.id.desc()).limit(limit).offset(offset))
    return [_note(row) for row in rows]


async def count(conn: AsyncConnection, places: Collection[str], tag: str = "") -> int:
    """How many there are."""
    query = select(func.count()).select_from(note).where(note.c.place.in_(list(places)), note.c.state == KEPT)
    if tag:
        query = query.where(note.c.id.in_(select(note_tag.c.note).where(note_tag.c.tag == fold(tag))))
    return int((await conn.execute(query)).scalar_one())


async def places_with(conn: AsyncConnection, places: Collection[str]) -> set[str]:
    """Those of some places that have notes."""
    query = select(note.c.place).where(note.c.place.in_(list(places)), note.c.state == KEPT).distinct()
    return set((await conn.execute(query)).scalars())


async def tags_of(conn: AsyncConnection, places: Collection[str], limit: int = 40) -> list[tuple[str, int]]:
    """The tags that notes of these places have most, with how many."""
    query = (
        select(func.max(note_tag.c.shown).label("shown"), func.count().label("n"))
        .join(note, note.c.id == note_tag.c.note)
        .where(note.c.place.in_(list(places)), note.c.state == KEPT)
        .group_by(note_tag.c.tag)
        .order_by(func.count().desc(), note_tag.c.tag)
        .limit(limit)
    )
    return [(row.shown, row.n) for row in await conn.execute(query)]


async def alike(conn: AsyncConnection, id: int, places: Collection[str], limit: int) -> list[int]:
    """Numbers of notes that share most tags with one, newest first among equals."""
    own = select(note_tag.c.tag).where(note_tag.c.note == id)
    query = (
        select(note_tag.c.note)
        .join(note, note.c.id == note_tag.c.note)
        .where(note_tag.c.tag.in_(own), note.c.id != id, note.c.state == KEPT, note.c.place.in_(list(places)))
        .group_by(note_tag.c.note)
        .order_by(func.count().desc(), note_tag.c.note.desc())
        .limit(limit)
    )
    return [int(one) for one in (await conn.execute(query)).scalars()]


# --- keep --------------------------------------------------------------------------------------------------------


async def ask(
    conn: AsyncConnection, place: str, room_id: str, source: str | None, way: str, keeper: str, now_ms: int
) -> int | None:
    """The number of a new note, whose words are not read yet; None when its message has a note already."""
    row = {
        "text": None,
        "place": place,
        "room_id": room_id,
        "source": source,
        "way": way,
        "keeper": keeper,
        "state": ASKED,
        "created": now_ms,
        "good": now_ms,
        "checked": None,
        "doubted": None,
    }
    if source is None:
        return int((await conn.execute(note.insert().values(row).returning(note.c.id))).scalar_one())
    if not await insert_new(conn, note, row):
        return None
    made = await of_source(conn, room_id, source)
    return made.id if made is not None else None


async def keep(conn: AsyncConnection, id: int, text: int, way: str) -> None:
    """The note has its words, or has other ones from now on."""
    await conn.execute(update(note).where(note.c.id == id).values(text=text, way=way, state=KEPT))


async def drop(conn: AsyncConnection, id: int) -> None:
    """Forget a note that came to nothing."""
    await _empty(conn, id)
    await conn.execute(delete(note).where(note.c.id == id))


async def _empty(conn: AsyncConnection, id: int) -> None:
    for table in (note_source, note_tag):
        await conn.execute(delete(table).where(table.c.note == id))
    await conn.execute(update(note_keeper).where(note_keeper.c.note == id).values(gone=True, reaction=""))


async def take(conn: AsyncConnection, id: int) -> None:
    """The note is gone; its message may become one again."""
    await _empty(conn, id)
    await conn.execute(update(note).where(note.c.id == id).values(state=GONE, source=None, keeper=""))


async def tag(conn: AsyncConnection, id: int, tags: Iterable[str]) -> None:
    """Note which tags it has now."""
    await conn.execute(delete(note_tag).where(note_tag.c.note == id))
    by_fold = {fold(one): one for one in reversed(list(tags)) if fold(one)}
    await upsert(conn, note_tag, [{"note": id, "tag": tag, "shown": shown} for tag, shown in by_fold.items()])


async def good(conn: AsyncConnection, id: int, now_ms: int, *, checked: bool) -> None:
    """The note holds: somebody changed it, or (``checked``) found that it does."""
    values: dict[str, Any] = {"good": now_ms, "doubted": None}
    if checked:
        values["checked"] = now_ms
    await conn.execute(update(note).where(note.c.id == id).values(values))


async def doubt(conn: AsyncConnection, id: int, now_ms: int) -> bool:
    """Somebody found that a note needs a look; whether that is news."""
    news = update(note).where(note.c.id == id, note.c.doubted.is_(None)).values(doubted=now_ms)
    return (await conn.execute(news)).rowcount == 1


async def started_since(conn: AsyncConnection, person: str, since_ms: int) -> int:
    """How many notes a person has kept since then, also those that they took back."""
    await conn.execute(delete(note_keeper).where(note_keeper.c.gone.is_(True), note_keeper.c.ts < since_ms))
    mine = select(func.count()).where(note_keeper.c.person == person, note_keeper.c.ts >= since_ms)
    return int((await conn.execute(mine)).scalar_one())


# --- who kept it, of what -----------------------------------------------------------------------------------------


async def add_keeper(conn: AsyncConnection, id: int, person: str, reaction: str, ts: int) -> None:
    """Somebody keeps it, from their first reaction on."""
    row = {"note": id, "person": person, "reaction": reaction, "ts": ts, "gone": False}
    if person not in await keepers(conn, id):
        await upsert(conn, note_keeper, row)


async def keepers(conn: AsyncConnection, id: int) -> list[str]:
    """Who keeps it, in the order in which they began to."""
    query = select(note_keeper.c.person).where(note_keeper.c.note == id, note_keeper.c.gone.is_(False))
    return list((await conn.execute(query.order_by(note_keeper.c.ts, note_keeper.c.person))).scalars())


async def let_go(conn: AsyncConnection, reaction: str) -> tuple[int, int] | None:
    """Somebody took their reaction back; the note and when they had reacted, None when it kept none."""
    theirs = (note_keeper.c.reaction == reaction) & note_keeper.c.gone.is_(False)
    taken = update(note_keeper).where(theirs).values(gone=True, reaction="")
    row = (await conn.execute(taken.returning(note_keeper.c.note, note_keeper.c.ts))).one_or_none()
    return None if row is None else (int(row.note), int(row.ts))


async def add_sources(conn: AsyncConnection, id: int, sources: Iterable[tuple[str, str]]) -> None:
    """The messages (event id, author) that it was made of, in place of those that were noted before."""
    await conn.execute(delete(note_source).where(note_source.c.note == id, note_source.c.gone.is_(False)))
    rows = [{"note": id, "event_id": event, "author": author, "gone": False} for event, author in sources]
    await upsert(conn, note_source, rows)


async def sources(conn: AsyncConnection, id: int) -> list[str]:
    """The event ids of the messages that it was made of."""
    query = select(note_source.c.event_id).where(note_source.c.note == id, note_source.c.gone.is_(False))
    return list((await conn.execute(query)).scalars())


async def taken_away(conn: AsyncConnection, id: int) -> set[str]:
    """Messages that were taken away since the note was asked for."""
    query = select(note_source.c.event_id).where(note_source.c.note == id, note_source.c.gone.is_(True))
    return set((await conn.execute(query)).scalars())


async def made_of(conn: AsyncConnection, event_id: str) -> list[int]:
    """Notes that were made of a message, with others or alone."""
    query = select(note_source.c.note).where(note_source.c.event_id == event_id, note_source.c.gone.is_(False))
    return [int(one) for one in (await conn.execute(query)).scalars()]


async def asked_in(conn: AsyncConnection, room_id: str) -> list[int]:
    """Notes of a room whose words are being read."""
    query = select(note.c.id).where(note.c.room_id == room_id, note.c.source.is_not(None), note.c.state == ASKED)
    return [int(one) for one in (await conn.execute(query)).scalars()]


async def mark_gone(conn: AsyncConnection, ids: Sequence[int], event_id: str) -> None:
    """A message of these notes was taken away in the room."""
    rows = [{"note": id, "event_id": event_id, "author": "", "gone": True} for id in ids]
    await upsert(conn, note_source, rows)


# --- emoji, and one person -----------------------------------------------------------------------------------------


async def emoji_of(conn: AsyncConnection, person: str) -> str | None:
    """The emoji that somebody keeps with; '' for none, None when they chose none."""
    query = select(note_emoji.c.emoji).where(note_emoji.c.person == person)
    return (await conn.execute(query)).scalar_one_or_none()


async def choose_emoji(conn: AsyncConnection, person: str, emoji: str) -> None:
    """Somebody keeps with that emoji from now on."""
    await upsert(conn, note_emoji, {"person": person, "emoji": emoji})


async def of_person(conn: AsyncConnection, person: str) -> dict[str, Any]:
    """All that is kept about a person here, as JSON values."""
    kept = (
        select(note_keeper.c.note, note.c.place, note_keeper.c.ts)
        .join(note, note.c.id == note_keeper.c.note)
        .where(note_keeper.c.person == person, note_keeper.c.gone.is_(False))
        .order_by(note_keeper.c.ts)
    )
    quoted = select(note_source.c.note, note_source.c.event_id).where(note_source.c.author == person)
    return {
        "emoji": await emoji_of(conn, person),
        "kept": [dict(row._mapping) for row in await conn.execute(kept)],
        "quoted": [dict(row._mapping) for row in await conn.execute(quoted.order_by(note_source.c.note))],
    }


async def quoting(conn: AsyncConnection, person: str) -> list[Note]:
    """Notes made of threads in which a person said something."""
    theirs = select(note_source.c.note).where(note_source.c.author == person)
    query = select(note).where(note.c.id.in_(theirs), note.c.way == THREAD, note.c.state == KEPT)
    return [_note(row) for row in await conn.execute(query.order_by(note.c.id))]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget who kept what, and with which emoji."""
    await conn.execute(delete(note_emoji).where(note_emoji.c.person == person))
    await conn.execute(delete(note_keeper).where(note_keeper.c.person == person))
    await conn.execute(update(note).where(note.c.keeper == person).values(keeper=""))
    await conn.execute(update(note_source).where(note_source.c.author == person).values(author=""))
