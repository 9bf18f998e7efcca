"""What was posted unasked in which room, what features wish to post, how lines are weighed, and where people talk.

Nothing about persons: not who spoke, not who wished for what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, Text, delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.clock import milliseconds
from esnbot.features.tempo.model import Post, Talk
from esnbot.features.tempo.planner import Wish
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.tables import Sequence as Number
from esnbot.store.upsert import insert_new, upsert

KEPT: Final = timedelta(days=60)
"""What a room had is kept for so long, and its last post until the next one, however long that takes."""
OVERDUE: Final = timedelta(days=30)
"""A wish whose date has passed for so long, and that nobody took back, is given up."""

ledger = Table(
    "tempo_posted",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),
    Column("at", Milliseconds, nullable=False),
    # Which feature, and what of it.
    Column("of", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("promotional", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
Index("tempo_posted_once", ledger.c.key, ledger.c.of, ledger.c.ref, unique=True)
Index("tempo_posted_when", ledger.c.key, ledger.c.at)

wishes = Table(
    "tempo_wish",
    metadata,
    Column("of", Text, primary_key=True),
    Column("ref", Text, primary_key=True),
    # One row a room.
    Column("key", Text, primary_key=True),
    Column("at", Milliseconds),
    # Local days, as ISO dates.
    Column("day", Text),
    Column("begin", Text),
    Column("end", Text),
    Column("expires", Milliseconds),
    Column("line", Text, nullable=False),
    Column("promotional", Boolean, nullable=False),
    Column("weight", Integer, nullable=False),
)
Index("tempo_wish_room", wishes.c.key)

weights = Table(
    "tempo_line",
    metadata,
    Column("line", Text, primary_key=True),
    Column("weight", Integer, nullable=False),
)

talks = Table(
    "tempo_talk",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("begun", Milliseconds, nullable=False),
    Column("last", Milliseconds, nullable=False),
)


async def take_turn(conn: AsyncConnection, key: str) -> None:
    """Have nobody else ask about a room before this transaction is over; on SQLite one writes at a time anyway."""
    if conn.dialect.name == "postgresql":
        await conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 1))"), {"what": f"tempo {key}"})


# --- what was posted -----------------------------------------------------------------------------------------------


async def put_posted(conn: AsyncConnection, key: str, post: Post, of: str, ref: str) -> bool:
    """Note a post, and forget what is old in its room; False when it was noted before."""
    at = milliseconds(post.at)
    row: dict[str, Any] = {"key": key, "at": at, "of": of, "ref": ref}
    row |= {"line": post.line, "promotional": post.promotional}
    if not await insert_new(conn, ledger, row):
        return False
    await conn.execute(delete(ledger).where(ledger.c.key == key, ledger.c.at < at - _ms(KEPT)))
    return True


async def posts(conn: AsyncConnection, key: str, since: datetime) -> list[Post]:
    """What a room had since then, and the last before it, in order."""
    known = select(ledger.c.at, ledger.c.promotional, ledger.c.line).where(ledger.c.key == key)
    rows = list(await conn.execute(known.where(ledger.c.at >= milliseconds(since)).order_by(ledger.c.at)))
    before = known.where(ledger.c.at < milliseconds(since)).order_by(ledger.c.at.desc()).limit(1)
    return [_post(row) for row in (*(await conn.execute(before)), *rows)]


@dataclass(frozen=True, slots=True)
class Noted:
    """A post as it was noted: when, by which feature, what of it."""

    at: datetime
    of: str
    ref: str


async def noted(conn: AsyncConnection, key: str, since: datetime) -> list[Noted]:
    """What a room had since then, and from whom, in order."""
    query = select(ledger.c.at, ledger.c.of, ledger.c.ref).where(
        ledger.c.key == key, ledger.c.at >= milliseconds(since)
    )
    return [Noted(_moment(row.at), row.of, row.ref) for row in await conn.execute(query.order_by(ledger.c.at))]


async def all_posts(conn: AsyncConnection, keys: Iterable[str], since: datetime) -> dict[str, list[Post]]:
    """What each of these rooms had since then, and the last before it, in order."""
    found: dict[str, list[Post]] = {}
    for some in _batches(sorted(set(keys))):
        last = select(ledger.c.key, func.max(ledger.c.at).label("at")).where(ledger.c.key.in_(some))
        newest = last.group_by(ledger.c.key).subquery()
        query = select(ledger.c.key, ledger.c.at, ledger.c.promotional, ledger.c.line)
        query = query.join(newest, newest.c.key == ledger.c.key)
        query = query.where(or_(ledger.c.at >= milliseconds(since), ledger.c.at == newest.c.at))
        for row in await conn.execute(query.order_by(ledger.c.key, ledger.c.at)):
            found.setdefault(row.key, []).append(_post(row))
    return found


async def clear(conn: AsyncConnection, now: datetime) -> None:
    """Forget what is of no use any more: rooms that had nothing for a year, wishes long overdue, old conversations."""
    long_ago = milliseconds(now - timedelta(days=366))
    await conn.execute(delete(ledger).where(ledger.c.at < long_ago))
    overdue = now - OVERDUE
    await conn.execute(
        delete(wishes).where(
            or_(
                wishes.c.at < milliseconds(overdue),
                wishes.c.expires < milliseconds(overdue),
                wishes.c.day < overdue.date().isoformat(),
                wishes.c.end < overdue.date().isoformat(),
            )
        )
    )
    await conn.execute(delete(talks).where(talks.c.last < milliseconds(now - timedelta(days=1))))


def _post(row: Any) -> Post:
    return Post(_moment(row.at), row.promotional, row.line)


# --- what is wished ------------------------------------------------------------------------------------------------


async def put_wish(conn: AsyncConnection, wish: Wish) -> None:
    """Keep a wish instead of what was wished under its name before."""
    await drop_wish(conn, wish.of, wish.ref)
    rows = [
        {
            "of": wish.of,
            "ref": wish.ref,
            "key": key,
            "at": _optional(wish.at),
            "day": _iso(wish.day),
            "begin": _iso(wish.begin),
            "end": _iso(wish.end),
            "expires": _optional(wish.expires),
            "line": wish.line,
            "promotional": wish.promotional,
            "weight": wish.weight,
        }
        for key in dict.fromkeys(wish.targets)
    ]
    if rows:
        await conn.execute(wishes.insert(), rows)


async def drop_wish(conn: AsyncConnection, of: str, ref: str, key: str | None = None) -> None:
    """Forget a wish, or only for one room."""
    statement = delete(wishes).where(wishes.c.of == of, wishes.c.ref == ref)
    await conn.execute(statement if key is None else statement.where(wishes.c.key == key))


async def drop_wishes_under(conn: AsyncConnection, of: str, beginning: str) -> None:
    """Forget the wishes of a feature whose name begins so."""
    await conn.execute(delete(wishes).where(wishes.c.of == of, wishes.c.ref.startswith(beginning, autoescape=True)))


async def line_of(conn: AsyncConnection, of: str, ref: str, key: str) -> str:
    """The line of a wish; '' where there is none."""
    query = select(wishes.c.line).where(wishes.c.of == of, wishes.c.ref == ref, wishes.c.key == key)
    return (await conn.execute(query)).scalar_one_or_none() or ""


async def wished(conn: AsyncConnection, key: str | None = None, of: str | None = None) -> list[Wish]:
    """What is wished, one wish a room; of one room or of one feature, or all of it."""
    query = select(wishes).order_by(wishes.c.key, wishes.c.of, wishes.c.ref)
    if key is not None:
        query = query.where(wishes.c.key == key)
    if of is not None:
        query = query.where(wishes.c.of == of)
    return [_wish(row) for row in await conn.execute(query)]


def _wish(row: Row[Any]) -> Wish:
    return Wish(
        of=row.of,
        ref=row.ref,
        targets=(row.key,),
        at=None if row.at is None else _moment(row.at),
        day=_date(row.day),
        begin=_date(row.begin),
        end=_date(row.end),
        expires=None if row.expires is None else _moment(row.expires),
        line=row.line,
        promotional=row.promotional,
        weight=row.weight,
    )


async def put_weights(conn: AsyncConnection, lines: Mapping[str, int]) -> None:
    """Keep how lines are weighed, instead of all that was known of it."""
    await conn.execute(delete(weights))
    await upsert(conn, weights, [{"line": line, "weight": weight} for line, weight in sorted(lines.items())])


async def line_weights(conn: AsyncConnection) -> dict[str, int]:
    """How lines are weighed."""
    return {row.line: row.weight for row in await conn.execute(select(weights).order_by(weights.c.line))}


# --- where people talk ---------------------------------------------------------------------------------------------


async def put_talk(conn: AsyncConnection, room_id: str, talk: Talk) -> None:
    """Note a lively conversation."""
    row = {"room_id": room_id, "begun": milliseconds(talk.begun), "last": milliseconds(talk.last)}
    await upsert(conn, talks, row)


async def talk_in(conn: AsyncConnection, room_id: str) -> Talk | None:
    """The last lively conversation of a room, whether it is over or not."""
    row = (await conn.execute(select(talks).where(talks.c.room_id == room_id))).one_or_none()
    return None if row is None else Talk(_moment(row.begun), _moment(row.last))


# --- values --------------------------------------------------------------------------------------------------------


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _optional(instant: datetime | None) -> int | None:
    return None if instant is None else milliseconds(instant)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _date(iso: str | None) -> date | None:
    return None if iso is None else date.fromisoformat(iso)


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def _batches(keys: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
