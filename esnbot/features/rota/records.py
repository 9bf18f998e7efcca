"""The order of the animators, who took which week, who is away, handovers, and what they note of their own work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, Index, Integer, Table, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.person import UserID
from esnbot.engine.clock import milliseconds
from esnbot.features.rota.model import Absence, Crew, Rota
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.tables import Sequence as Number
from esnbot.store.upsert import insert_new, upsert

TAKE: Final = "take"
JOIN: Final = "join"

order = Table(
    "rota_order",
    metadata,
    Column("person", Text, primary_key=True),
    Column("crew", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    # The Monday of the first crew's first week, ISO 8601; the same in every row.
    Column("since", Text, nullable=False),
)

change = Table(
    "rota_change",
    metadata,
    # A Monday, ISO 8601.
    Column("week", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    # 'take': instead of whose turn it is; 'join': along with them.
    Column("what", Text, nullable=False),
)

absence = Table(
    "rota_absence",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False, index=True),
    Column("first", Text, nullable=False),
    Column("last", Text, nullable=False),
    sqlite_autoincrement=True,
)

handover = Table(
    "rota_handover",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # '' once forgotten.
    Column("person", Text, nullable=False, index=True),
    Column("written", Milliseconds, nullable=False),
    # An event id, or the outbox key of what the bot posted for somebody. The words stand in the room alone.
    Column("post", Text, nullable=False),
    sqlite_autoincrement=True,
)

announced = Table("rota_announced", metadata, Column("week", Text, primary_key=True))

work = Table(
    "rota_work",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),
    Column("done", Milliseconds, nullable=False),
    Column("what", Text, nullable=False),
    # Of 'time'; 0 for what is counted.
    Column("minutes", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("rota_work_person", work.c.person, work.c.done)


class Work(StrEnum):
    """What is noted of an animator's work, for themselves."""

    post = "post"
    review = "review"
    time = "time"


# --- who is on ---------------------------------------------------------------------------------------------------


async def rota(conn: AsyncConnection) -> Rota:
    """All that decides who is on."""
    crews: dict[int, list[UserID]] = {}
    since = date.min
    for row in await conn.execute(select(order).order_by(order.c.crew, order.c.position)):
        crews.setdefault(row.crew, []).append(row.person)
        since = date.fromisoformat(row.since)
    changes: dict[str, dict[date, Crew]] = {TAKE: {}, JOIN: {}}
    for row in await conn.execute(select(change).order_by(change.c.week, change.c.person)):
        weeks, week = changes[row.what], date.fromisoformat(row.week)
        weeks[week] = (*weeks.get(week, ()), row.person)
    absences = tuple(
        Absence(row.person, date.fromisoformat(row.first), date.fromisoformat(row.last))
        for row in await conn.execute(select(absence).order_by(absence.c.first, absence.c.id))
    )
    return Rota(tuple(map(tuple, crews.values())), since, changes[TAKE], changes[JOIN], absences)


async def keep_order(conn: AsyncConnection, crews: Sequence[Crew], since: date) -> None:
    """The animators take turns in this order from that Monday on; an empty one ends it."""
    await conn.execute(delete(order))
    rows = [
        {"person": person, "crew": number, "position": position, "since": since.isoformat()}
        for number, crew in enumerate(crews)
        for position, person in enumerate(crew)
    ]
    await upsert(conn, order, rows)


async def keep_change(conn: AsyncConnection, week: date, person: UserID, what: str) -> None:
    """Somebody takes a week, instead of whoever took it before, or comes along."""
    name = week.isoformat()
    if what == TAKE:
        await conn.execute(delete(change).where(change.c.week == name, change.c.what == TAKE))
    await upsert(conn, change, {"week": name, "person": person, "what": what})


async def drop_change(conn: AsyncConnection, week: date, person: UserID) -> bool:
    """Somebody neither takes a week nor comes along any more; whether they did."""
    gone = delete(change).where(change.c.week == week.isoformat(), change.c.person == person)
    return bool((await conn.execute(gone)).rowcount)


async def keep_absence(conn: AsyncConnection, away: Absence) -> None:
    """Somebody is away; what they said of days that overlap is replaced."""
    await drop_absences(conn, away.person, away.first, away.last)
    values = {"person": away.person, "first": away.first.isoformat(), "last": away.last.isoformat()}
    await conn.execute(absence.insert().values(values))


async def drop_absences(conn: AsyncConnection, person: UserID, first: date, last: date = date.max) -> int:
    """Forget absences that touch these days; how many there were."""
    gone = delete(absence).where(
        absence.c.person == person, absence.c.first <= last.isoformat(), absence.c.last >= first.isoformat()
    )
    return int((await conn.execute(gone)).rowcount)


# --- handing over ------------------------------------------------------------------------------------------------


async def keep_handover(conn: AsyncConnection, person: UserID, post: str, now: datetime) -> None:
    """Somebody left word for the next ones."""
    await conn.execute(handover.insert().values(person=person, written=milliseconds(now), post=post))


async def handovers(conn: AsyncConnection, since: datetime) -> list[tuple[UserID, str]]:
    """Who left word since then, and where it stands; the oldest first."""
    query = select(handover.c.person, handover.c.post).where(handover.c.written >= milliseconds(since))
    return [(row.person, row.post) for row in await conn.execute(query.order_by(handover.c.id))]


async def announce(conn: AsyncConnection, week: date) -> bool:
    """Write down that a week was announced; whether it was not."""
    return await insert_new(conn, announced, {"week": week.isoformat()})


async def is_announced(conn: AsyncConnection, week: date) -> bool:
    """Whether a week was announced."""
    return (await conn.execute(select(announced).where(announced.c.week == week.isoformat()))).first() is not None


# --- one's own work ----------------------------------------------------------------------------------------------


async def worked(conn: AsyncConnection, person: UserID, what: Work | str, now: datetime, minutes: int = 0) -> None:
    """Note what an animator did, for themselves: a 'post', a 'review', or 'time' in minutes."""
    values = {"person": person, "done": milliseconds(now), "what": Work(what).value, "minutes": minutes}
    await conn.execute(work.insert().values(values))


@dataclass(frozen=True, slots=True)
class Done:
    """What one animator did in a span of time."""

    posts: int
    reviews: int
    minutes: int


async def done_by(conn: AsyncConnection, person: UserID, since: datetime) -> Done:
    """What somebody noted, or had noted for them, since then."""
    query = (
        select(work.c.what, func.count().label("n"), func.sum(work.c.minutes).label("minutes"))
        .where(work.c.person == person, work.c.done >= milliseconds(since))
        .group_by(work.c.what)
    )
    rows = {row.what: row for row in await conn.execute(query)}
    posts, reviews = (int(rows[one].n) if one in rows else 0 for one in (Work.post, Work.review))
    return Done(posts, reviews, int(rows[Work.time].minutes) if Work.time in rows else 0)


async def take_back_time(conn: AsyncConnection, person: UserID) -> int | None:
    """Forget the last time that somebody noted; how many minutes it was."""
    last = select(work.c.id, work.c.minutes).where(work.c.person == person, work.c.what == Work.time)
    found = (await conn.execute(last.order_by(work.c.id.desc()).limit(1))).first()
    if found is None:
        return None
    await conn.execute(delete(work).where(work.c.id == found.id))
    return int(found.minutes)


async def tidy(conn: AsyncConnection, today: date, oldest_work: datetime, oldest_word: datetime) -> None:
    """Forget what is over."""
    await conn.execute(delete(absence).where(absence.c.last < today.isoformat()))
    for table in (change, announced):
        week = date.fromordinal(today.toordinal() - 28).isoformat()
        await conn.execute(delete(table).where(table.c.week < week))
    await conn.execute(delete(work).where(work.c.done < milliseconds(oldest_work)))
    await conn.execute(delete(handover).where(handover.c.written < milliseconds(oldest_word)))


# --- one person --------------------------------------------------------------------------------------------------


async def of_person(conn: AsyncConnection, person: UserID) -> Mapping[str, Any]:
    """All that is kept about a person."""
    kept: dict[str, Any] = {}
    for name, table in (
        ("order", order),
        ("weeks", change),
        ("away", absence),
        ("handovers", handover),
        ("work", work),
    ):
        rows = (await conn.execute(select(table).where(table.c.person == person))).mappings()
        kept[name] = [{key: value for key, value in row.items() if key not in ("id", "person")} for row in rows]
    return kept


async def forget(conn: AsyncConnection, person: UserID) -> None:
    """Erase what is kept about a person; the others keep their turns."""
    for table in (order, change, absence, handover, work):
        await conn.execute(delete(table).where(table.c.person == person))
