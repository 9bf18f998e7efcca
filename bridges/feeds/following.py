"""Which feeds are followed, what their servers said last, how each is doing, and which items are known already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.tables import Sequence as Number
from esnbot.store.upsert import insert_new, upsert

KEPT_MS: Final = 90 * 24 * 3600 * 1000
"""So long it is known which items a feed had, after they left it, and what is known of a feed that nobody follows."""
_AT_ONCE: Final = 200

feed = Table(
    "feed",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # The address under which it is wanted.
    Column("url", Text, nullable=False, unique=True),
    # Where it is asked for: it moved for good, or a web page named it.
    Column("at", Text, nullable=False),
    Column("followed", Boolean, nullable=False),
    Column("due", Milliseconds, nullable=False),
    Column("etag", Text, nullable=False),
    Column("modified", Text, nullable=False),
    # Of the body that was read last.
    Column("digest", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("tried", Milliseconds),
    # When it was last read, and when it last had something new.
    Column("fine", Milliseconds),
    Column("fresh", Milliseconds),
    Column("failures", Integer, nullable=False),
    Column("failing", Milliseconds),
    Column("trouble", Text, nullable=False),
    # Whether that was told.
    Column("told", Boolean, nullable=False),
    # How often it was told about: events have it in their ids.
    Column("serial", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("feed_due", feed.c.followed, feed.c.due)

known = Table(
    "feed_known",
    metadata,
    Column("feed", Number, primary_key=True, autoincrement=False),
    # Digest of what tells an item from the others: its id, its link.
    Column("mark", Text, primary_key=True),
    Column("last", Milliseconds, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A feed, as the table has it; times in milliseconds."""

    id: int
    url: str
    at: str
    followed: bool
    due: int
    etag: str
    modified: str
    digest: str
    title: str
    tried: int | None
    fine: int | None
    fresh: int | None
    failures: int
    failing: int | None
    trouble: str
    told: bool
    serial: int

    @property
    def is_gone(self) -> bool:
        """Whether its server said that it is gone for good."""
        return self.trouble == "gone"


def _followed(row: Row[Any]) -> Followed:
    return Followed(**row._mapping)


async def follow(conn: AsyncConnection, urls: Collection[str]) -> None:
    """Follow exactly these feeds. What is followed anew is due at once."""
    have = {one.url: one for one in await all_feeds(conn)}
    for url in sorted(set(urls)):
        before = have.get(url)
        if before is None:
            await insert_new(conn, feed, {**_NEW, "url": url, "at": url})
        elif not before.followed:
            # It is looked at as if it were new; what it had before is known all the same.
            again: dict[str, object] = {"followed": True, "due": 0, "fine": None, "told": False, "trouble": ""}
            again |= {"at": url, "etag": "", "modified": "", "digest": "", "failures": 0, "failing": None}
            await conn.execute(update(feed).where(feed.c.id == before.id).values(again))
    for url, one in have.items():
        if url not in urls and one.followed:
            await conn.execute(update(feed).where(feed.c.id == one.id).values(followed=False))


async def tidy(conn: AsyncConnection, now_ms: int) -> None:
    """Forget the feeds that nobody has followed for long."""
    query = select(feed.c.id).where(feed.c.followed.is_(False), feed.c.due < now_ms - KEPT_MS)
    stale = list((await conn.execute(query)).scalars())
    if stale:
        await conn.execute(delete(known).where(known.c.feed.in_(stale)))
        await conn.execute(delete(feed).where(feed.c.id.in_(stale)))


_NEW: Final[Mapping[str, object]] = {
    "followed": True,
    "due": 0,
    "etag": "",
    "modified": "",
    "digest": "",
    "title": "",
    "failures": 0,
    "trouble": "",
    "told": False,
    "serial": 0,
}


async def all_feeds(conn: AsyncConnection) -> list[Followed]:
    """Every feed that is or was followed."""
    return [_followed(row) for row in await conn.execute(select(feed).order_by(feed.c.id))]


async def health(conn: AsyncConnection, urls: Iterable[str]) -> dict[str, Followed]:
    """How feeds are doing, by the address under which they are followed."""
    query = select(feed).where(feed.c.url.in_(sorted(set(urls))))
    return {row.url: _followed(row) for row in await conn.execute(query)}


# --- for the bridge ----------------------------------------------------------------------------------------------


async def due(conn: AsyncConnection, now_ms: int, most: int) -> list[Followed]:
    """The feeds that are to be looked at now, the longest waiting first."""
    query = select(feed).where(feed.c.followed.is_(True), feed.c.trouble != "gone", feed.c.due <= now_ms)
    return [_followed(row) for row in await conn.execute(query.order_by(feed.c.due, feed.c.id).limit(most))]


async def get(conn: AsyncConnection, id: int) -> Followed | None:
    """One feed."""
    row = (await conn.execute(select(feed).where(feed.c.id == id))).one_or_none()
    return None if row is None else _followed(row)


async def keep(conn: AsyncConnection, id: int, values: Mapping[str, object]) -> None:
    """Write down what was found."""
    await conn.execute(update(feed).where(feed.c.id == id).values(dict(values)))


async def which_known(conn: AsyncConnection, id: int, marks: Sequence[str]) -> set[str]:
    """Those of the marks that a feed had before."""
    found: set[str] = set()
    for first in range(0, len(marks), _AT_ONCE):
        some = marks[first : first + _AT_ONCE]
        rows = await conn.execute(select(known.c.mark).where(known.c.feed == id, known.c.mark.in_(some)))
        found.update(rows.scalars())
    return found


async def note(conn: AsyncConnection, id: int, marks: Collection[str], now_ms: int) -> None:
    """Remember what a feed has now, and forget what left it long ago."""
    rows = [{"feed": id, "mark": mark, "last": now_ms} for mark in sorted(marks)]
    if rows:
        await upsert(conn, known, rows)
    await conn.execute(delete(known).where(known.c.feed == id, known.c.last < now_ms - KEPT_MS))
