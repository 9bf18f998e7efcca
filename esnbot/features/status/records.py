"""The pause, what drifted, and a look at what the engine has before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Index, Integer, Table, Text, cast, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.tables import State, dead_letter, inbox, outbox, schedule
from esnbot.speech import Later
from esnbot.store.tables import Milliseconds, Sequence, metadata
from esnbot.store.upsert import insert_new

PAUSED: Final = "org.esnbot.paused"
"""Domain event: the bot says nothing unasked from now on."""
RESUMED: Final = "org.esnbot.resumed"
"""Domain event: it speaks again."""

_COMING: Final = "coming"

pause = Table(
    "status_pause",
    metadata,
    # One row, number 1, while the bot is paused.
    Column("id", Integer, primary_key=True),
    Column("since", Milliseconds, nullable=False),
    Column("person", Text, nullable=False),
)

drift = Table(
    "status_drift",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("seen", Milliseconds, nullable=False),
)
Index("status_drift_seen", drift.c.seen)


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when, and who asked for it ('' when forgotten)."""

    since: int
    person: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that somebody changed by hand."""

    key: str
    what: str
    person: str
    seen: int


@dataclass(frozen=True, slots=True)
class Coming:
    """Something on the schedule that people would call an event, and when it is due (milliseconds)."""

    what: str
    """English id of a sentence, such as 'a prompt'."""
    place: str
    """Natural key."""
    due: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits, and since when the oldest does (milliseconds; None when nothing waits)."""

    count: int
    oldest: int | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, without what was in it."""

    module: str
    error: str
    died: int


async def is_paused(conn: AsyncConnection) -> bool:
    """Whether the bot says nothing unasked at present. Features ask this before they speak by themselves."""
    return await pause_of(conn) is not None


async def pause_of(conn: AsyncConnection) -> Pause | None:
    """The pause, while there is one."""
    row = (await conn.execute(select(pause.c.since, pause.c.person))).one_or_none()
    return None if row is None else Pause(row.since, row.person)


async def begin_pause(conn: AsyncConnection, person: str, now: int) -> bool:
    """Pause; False when it was paused already."""
    return await insert_new(conn, pause, {"id": 1, "since": now, "person": person})


async def end_pause(conn: AsyncConnection) -> bool:
    """Resume; False when nothing was paused."""
    return (await conn.execute(delete(pause))).rowcount > 0


async def note_drift(conn: AsyncConnection, seen: Drift, keep_since: int) -> None:
    """Remember a drift, and forget what is older than ``keep_since``."""
    values = {"key": seen.key, "what": seen.what, "person": seen.person, "seen": seen.seen}
    await conn.execute(drift.insert().values(values))
    await conn.execute(delete(drift).where(drift.c.seen < keep_since))


async def drifts(conn: AsyncConnection, since: int) -> list[Drift]:
    """What drifted since then, newest first."""
    query = select(drift.c.key, drift.c.what, drift.c.person, drift.c.seen)
    rows = await conn.execute(query.where(drift.c.seen >= since).order_by(drift.c.id.desc()))
    return [Drift(*row) for row in rows]


def coming(what: Later, place: str) -> dict[str, Any]:
    """A part of a job's payload that makes animators see it in the status: ``payload={…, **coming(later("…"), key)}``.

    Jobs without it are housekeeping, which is nobody's business.
    """
    return {_COMING: {"what": what.text, "place": place}}


async def what_comes(conn: AsyncConnection, most: int) -> tuple[list[Coming], int]:
    """What is due next, and how much in all."""
    # Payloads are JSON as text, written in one way on every database.
    told = cast(schedule.c.payload, Text).contains(f'"{_COMING}":{{')
    query = select(schedule.c.payload, schedule.c.due).where(told).order_by(schedule.c.due, schedule.c.key).limit(most)
    count = (await conn.execute(select(func.count()).select_from(schedule).where(told))).scalar_one()
    found = [(payload.get(_COMING), due) for payload, due in await conn.execute(query) if isinstance(payload, dict)]
    return [Coming(told["what"], told["place"], due) for told, due in found if isinstance(told, dict)], int(count)


async def waiting_in(conn: AsyncConnection, besides: str) -> Waiting:
    """What waits in the inbox, besides the event that is being handled."""
    query = select(func.count(), func.min(inbox.c.arrived)).where(
        inbox.c.state == State.waiting, inbox.c.event_id != besides
    )
    return Waiting(*(await conn.execute(query)).one())


async def waiting_out(conn: AsyncConnection) -> Waiting:
    """What waits in the outbox."""
    query = select(func.count(), func.min(outbox.c.made)).where(outbox.c.state == State.waiting)
    return Waiting(*(await conn.execute(query)).one())


async def letters(conn: AsyncConnection) -> tuple[int, Letter | None]:
    """How many dead letters there are, and the newest."""
    count = int((await conn.execute(select(func.count()).select_from(dead_letter))).scalar_one())
    query = select(dead_letter.c.module, dead_letter.c.error, dead_letter.c.died)
    row = (await conn.execute(query.order_by(dead_letter.c.id.desc()).limit(1))).one_or_none()
    return count, None if row is None else Letter(*row)


async def of_person(conn: AsyncConnection, person: str) -> dict[str, Any]:
    """All that is kept about a person, as JSON values."""
    query = select(drift.c.key, drift.c.what, drift.c.seen).where(drift.c.person == person).order_by(drift.c.id)
    kept: dict[str, Any] = {"changes_by_hand": [dict(row._mapping) for row in await conn.execute(query)]}
    paused = await pause_of(conn)
    if paused is not None and paused.person == person:
        kept["paused_since"] = paused.since
    return kept


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget who it was; that it happened stays."""
    await conn.execute(update(drift).where(drift.c.person == person).values(person=""))
    await conn.execute(update(pause).where(pause.c.person == person).values(person=""))
