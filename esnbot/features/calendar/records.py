"""The index of entries, their occurrences in rooms, and what was done to them. Their words are in rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, Text, cast, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.calendar.model import FIELDS, Change, Entry, State, What
from esnbot.store.tables import Json, Milliseconds, Sequence, metadata
from esnbot.store.upsert import insert_new, upsert

OVER: Final = ""
"""The target of the row that says that an occurrence is over, whatever became of it in which room."""
POSTED: Final = "posted"
STRUCK: Final = "struck"
"""It stands there struck through: it is over."""
TAKEN: Final = "taken"
"""It was taken away: withdrawn, over, or by somebody in the room."""
MISSED: Final = "missed"
DECLINED: Final = "declined"
NO_ROOM: Final = "no_room"
SILENCED: Final = "silenced"
OUTSIDE: Final = "outside"
"""The place reaches people for whom it is not meant."""
DONE: Final = "done"

entry = Table(
    "calendar_entry",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("author", Text, nullable=False, index=True),
    Column("reviewer", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("audience", Json, nullable=False),
    Column("targets", Json, nullable=False),
    Column("at", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("excepts", Json, nullable=False),
    Column("embargo", Milliseconds),
    Column("expires_at", Milliseconds),
    Column("expires_after", Integer),
    Column("ask", Boolean, nullable=False),
    Column("rouse", Boolean, nullable=False),
    Column("link", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("source", Text, nullable=False),
    # The occurrence that is on the schedule, and when it is due.
    Column("next", Text, nullable=False),
    Column("due", Milliseconds),
    Column("confirmed", Text, nullable=False),
    Column("created", Milliseconds, nullable=False),
    Column("changed", Milliseconds, nullable=False),
    # A number that was forgotten is not given again: effects have it in their keys.
    sqlite_autoincrement=True,
)
Index("calendar_entry_due", entry.c.state, entry.c.due)

words = Table(
    "calendar_words",
    metadata,
    Column("entry", Sequence, primary_key=True),
    Column("language", Text, primary_key=True),
    # The kept text (esnbot.features.text).
    Column("text", Sequence, nullable=False, unique=True),
    Column("number", Integer, nullable=False),
)

file = Table(
    "calendar_file",
    metadata,
    Column("entry", Sequence, primary_key=True),
    # The number of the change that attached it.
    Column("change", Integer, primary_key=True),
    # The content of the message that it was taken from; locked, where that was encrypted.
    Column("content", Json, nullable=False),
)

occurrence = Table(
    "calendar_occurrence",
    metadata,
    Column("entry", Sequence, primary_key=True),
    # The local time, without a zone.
    Column("occurrence", Text, primary_key=True),
    # The key of a group; '' for the occurrence as a whole.
    Column("target", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", Milliseconds, nullable=False),
    Column("language", Text, nullable=False),
    # How often it was posted anew after it was withdrawn.
    Column("copy", Integer, nullable=False),
    Column("event_id", Text, nullable=False, index=True),
)
Index("calendar_occurrence_at", occurrence.c.at)

change = Table(
    "calendar_change",
    metadata,
    Column("entry", Sequence, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Milliseconds, nullable=False),
    Column("person", Text, nullable=False, index=True),
    Column("what", Text, nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),
    Column("undone", Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of an occurrence in a room."""

    entry: int
    occurrence: str
    target: str
    state: str
    at: int
    """Milliseconds."""
    language: str
    copy: int
    event_id: str
    """'' until the room has it."""

    @property
    def key(self) -> str:
        """What the effect is called that posts it."""
        again = f":{self.copy}" if self.copy else ""
        return f"entry:{self.entry}:{self.occurrence}:{self.target}{again}"


_PLAIN: Final = [column.name for column in entry.c if column.name not in ("state", "audience", "targets", "excepts")]


def _entry(row: Row[Any]) -> Entry:
    values = {name: getattr(row, name) for name in _PLAIN}
    return Entry(
        **values,
        state=State(row.state),
        audience=tuple(row.audience),
        targets=tuple(row.targets),
        excepts=tuple(row.excepts),
    )


def _row(one: Entry) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _PLAIN if name != "id"}
    lists = {name: list(getattr(one, name)) for name in ("audience", "targets", "excepts")}
    return values | lists | {"state": str(one.state)}


# --- entries ------------------------------------------------------------------------------------------------------


async def add(conn: AsyncConnection, new: Entry) -> Entry:
    """Keep a new entry; returns it with its number."""
    id = (await conn.execute(entry.insert().values(_row(new)).returning(entry.c.id))).scalar_one()
    return replace(new, id=int(id))


async def get(conn: AsyncConnection, id: int, *, lock: bool = False) -> Entry | None:
    """An entry by its number; with ``lock`` nobody else changes it until this transaction ends."""
    query = select(entry).where(entry.c.id == id)
    row = (await conn.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else _entry(row)


async def newest_of(conn: AsyncConnection, author: str) -> int:
    """The number of the entry that somebody wrote last; 0 for none."""
    return int((await conn.execute(select(func.max(entry.c.id)).where(entry.c.author == author))).scalar_one() or 0)


async def keep(conn: AsyncConnection, one: Entry) -> None:
    """Keep an entry as it is now."""
    await conn.execute(update(entry).where(entry.c.id == one.id).values(_row(one)))


async def standing(
    conn: AsyncConnection,
    states: Collection[State],
    *,
    line: str | None = None,
    until: int | None = None,
    limit: int | None = None,
) -> list[Entry]:
    """Entries in these states, what is due first before what has no date; ``until``: only those due before (ms)."""
    query = select(entry).where(entry.c.state.in_([str(state) for state in states]))
    if line is not None:
        query = query.where(entry.c.line == line)
    if until is not None:
        query = query.where(entry.c.due.is_not(None), entry.c.due < until)
    query = query.order_by(entry.c.due.is_(None), entry.c.due, entry.c.id)
    return [_entry(row) for row in await conn.execute(query.limit(limit) if limit else query)]


async def published_between(conn: AsyncConnection, since: int, until: int) -> list[Posted]:
    """What was posted in that time (ms), oldest first."""
    query = select(occurrence).where(occurrence.c.at >= since, occurrence.c.at < until, occurrence.c.target != OVER)
    query = query.where(occurrence.c.state.in_([POSTED, STRUCK]))
    rows = await conn.execute(query.order_by(occurrence.c.at, occurrence.c.entry, occurrence.c.target))
    return [Posted(**row._mapping) for row in rows]


# --- words and files ----------------------------------------------------------------------------------------------


async def texts(conn: AsyncConnection, id: int) -> dict[str, int]:
    """The kept texts of an entry by language, the first one first."""
    query = select(words.c.language, words.c.text).where(words.c.entry == id).order_by(words.c.number)
    return {row.language: int(row.text) for row in await conn.execute(query)}


async def first_texts(conn: AsyncConnection, ids: Collection[int]) -> dict[int, dict[str, int]]:
    """The same for several entries."""
    query = select(words).where(words.c.entry.in_(list(ids))).order_by(words.c.entry, words.c.number)
    found: dict[int, dict[str, int]] = {}
    for row in await conn.execute(query):
        found.setdefault(int(row.entry), {})[row.language] = int(row.text)
    return found


async def of_text(conn: AsyncConnection, text: int) -> tuple[int, str] | None:
    """The entry and the language that a kept text is."""
    row = (await conn.execute(select(words.c.entry, words.c.language).where(words.c.text == text))).one_or_none()
    return None if row is None else (int(row.entry), row.language)


async def put_text(conn: AsyncConnection, id: int, language: str, text: int) -> None:
    """Keep which text has the words in a language."""
    number = len(await texts(conn, id))
    await upsert(conn, words, {"entry": id, "language": language, "text": text, "number": number})


async def drop_text(conn: AsyncConnection, id: int, language: str) -> None:
    """The entry has no words in that language any more."""
    await conn.execute(delete(words).where(words.c.entry == id, words.c.language == language))


async def files(conn: AsyncConnection, id: int) -> list[tuple[int, Any]]:
    """The files of an entry: the number of the change that attached it, and its content, perhaps locked."""
    query = select(file.c.change, file.c.content).where(file.c.entry == id).order_by(file.c.change)
    return [(int(row.change), row.content) for row in await conn.execute(query)]


async def add_file(conn: AsyncConnection, id: int, number: int, content: Any) -> None:
    """Attach a file."""
    await upsert(conn, file, {"entry": id, "change": number, "content": content})


async def drop_file(conn: AsyncConnection, id: int, number: int) -> None:
    """Take a file off again."""
    await conn.execute(delete(file).where(file.c.entry == id, file.c.change == number))


# --- occurrences --------------------------------------------------------------------------------------------------


async def settle(
    conn: AsyncConnection, id: int, name: str, target: str, state: str, now_ms: int, *, language: str = ""
) -> bool:
    """Note once what became of an occurrence in a room; False when that is known already."""
    row = {
        "entry": id,
        "occurrence": name,
        "target": target,
        "state": state,
        "at": now_ms,
        "language": language,
        "copy": 0,
        "event_id": "",
    }
    return await insert_new(conn, occurrence, row)


async def finish(conn: AsyncConnection, id: int, name: str, state: str, now_ms: int) -> None:
    """An occurrence is over."""
    row = {"entry": id, "occurrence": name, "target": OVER, "state": state, "at": now_ms}
    await upsert(conn, occurrence, row | {"language": "", "copy": 0, "event_id": ""})


async def over(conn: AsyncConnection, id: int, since: str, now_ms: int) -> set[str]:
    """Names of the occurrences from a local time on that are over.

    What a clock that was ahead found too late is not: the right one may still see it come.
    """
    query = select(occurrence.c.occurrence).where(
        occurrence.c.entry == id,
        occurrence.c.target == OVER,
        occurrence.c.occurrence >= since,
        or_(occurrence.c.state != MISSED, occurrence.c.at <= now_ms),
    )
    return set((await conn.execute(query)).scalars())


async def occurrences(conn: AsyncConnection, id: int, name: str | None = None) -> list[Posted]:
    """What became of an entry in rooms, oldest first; of one occurrence alone with its ``name``."""
    query = select(occurrence).where(occurrence.c.entry == id, occurrence.c.target != OVER)
    if name is not None:
        query = query.where(occurrence.c.occurrence == name)
    rows = await conn.execute(query.order_by(occurrence.c.occurrence, occurrence.c.target))
    return [Posted(**row._mapping) for row in rows]


async def last_posted(conn: AsyncConnection, id: int, *states: str) -> list[Posted]:
    """The rooms in which the last occurrence stands that stands in any."""
    wanted = states or (POSTED, STRUCK)
    last = select(func.max(occurrence.c.occurrence)).where(
        occurrence.c.entry == id, occurrence.c.target != OVER, occurrence.c.state.in_(wanted)
    )
    name = (await conn.execute(last)).scalar_one_or_none()
    if name is None:
        return []
    return [one for one in await occurrences(conn, id, name) if one.state in wanted]


async def become(conn: AsyncConnection, one: Posted, state: str, *, copy: int | None = None) -> None:
    """Note that something changed in a room; ``copy`` when it is posted anew."""
    values: dict[str, Any] = {"state": state}
    if copy is not None:
        values |= {"copy": copy, "event_id": ""}
    await conn.execute(update(occurrence).where(_is(one)).values(values))


async def arrived(conn: AsyncConnection, id: int, name: str, target: str, event_id: str) -> None:
    """A post of ours is in its room."""
    at = (occurrence.c.entry == id) & (occurrence.c.occurrence == name) & (occurrence.c.target == target)
    await conn.execute(update(occurrence).where(at).values(event_id=event_id))


async def posted_as(conn: AsyncConnection, event_id: str) -> Posted | None:
    """What a message in a room is."""
    row = (await conn.execute(select(occurrence).where(occurrence.c.event_id == event_id))).first()
    return None if row is None else Posted(**row._mapping)


def _is(one: Posted) -> Any:
    return (
        (occurrence.c.entry == one.entry)
        & (occurrence.c.occurrence == one.occurrence)
        & (occurrence.c.target == one.target)
    )


# --- changes ------------------------------------------------------------------------------------------------------


async def log(
    conn: AsyncConnection,
    id: int,
    what: What,
    by: str,
    now_ms: int,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> int:
    """Keep what was done to an entry, in whose transaction nobody else changes it; returns the change's number."""
    query = select(func.max(change.c.number)).where(change.c.entry == id)
    number = int((await conn.execute(query)).scalar_one_or_none() or 0) + 1
    row = {
        "entry": id,
        "number": number,
        "at": now_ms,
        "person": by,
        "what": str(what),
        "before": dict(before),
        "after": dict(after),
        "undone": False,
    }
    await conn.execute(change.insert().values(row))
    return number


async def changes(conn: AsyncConnection, id: int) -> list[Change]:
    """All that was done to an entry, oldest first."""
    rows = await conn.execute(select(change).where(change.c.entry == id).order_by(change.c.number))
    return [
        Change(
            number=row.number,
            entry=row.entry,
            at=row.at,
            by=row.person,
            what=What(row.what),
            before=row.before,
            after=row.after,
            undone=row.undone,
        )
        for row in rows
    ]


async def mark_undone(conn: AsyncConnection, id: int, number: int) -> None:
    """A change does not count any more."""
    await conn.execute(update(change).where(change.c.entry == id, change.c.number == number).values(undone=True))


# --- one person ---------------------------------------------------------------------------------------------------


async def of_person(conn: AsyncConnection, person: str) -> dict[str, Any]:
    """All that is kept about a person, as JSON values."""
    own = or_(entry.c.author == person, entry.c.reviewer == person, entry.c.approved_by == person)
    columns = [entry.c[name] for name in ("id", "state", "at", "author", "reviewer", "approved_by")]
    done = select(change.c.entry, change.c.number, change.c.at, change.c.what).where(change.c.person == person)
    return {
        "entries": [dict(row._mapping) for row in await conn.execute(select(*columns).where(own).order_by(entry.c.id))],
        "changes": [dict(row._mapping) for row in await conn.execute(done.order_by(change.c.entry, change.c.number))],
    }


async def reviewed_by(conn: AsyncConnection, person: str) -> list[Entry]:
    """Entries that wait for a person to look at them."""
    query = select(entry).where(entry.c.reviewer == person, entry.c.state == str(State.review)).order_by(entry.c.id)
    return [_entry(row) for row in await conn.execute(query)]


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget who it was; that it happened stays."""
    for column in ("author", "reviewer", "approved_by"):
        await conn.execute(update(entry).where(entry.c[column] == person).values({column: ""}))
    await conn.execute(update(change).where(change.c.person == person).values(person=""))
    named = or_(*(cast(side, Text).contains(person) for side in (change.c.before, change.c.after)))
    for row in (await conn.execute(select(change).where(named))).all():
        cleaned = {side: _without(getattr(row, side), person) for side in ("before", "after")}
        if cleaned["before"] != row.before or cleaned["after"] != row.after:
            at = (change.c.entry == row.entry) & (change.c.number == row.number)
            await conn.execute(update(change).where(at).values(cleaned))


def _without(values: Any, person: str) -> Any:
    if not isinstance(values, dict):
        return values
    return {key: "" if key in FIELDS and value == person else value for key, value in values.items()}
