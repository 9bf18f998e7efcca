"""The polls, and who voted what in those that are open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, Text, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.tables import State, outbox
from esnbot.features.poll.model import Ballot, Tally, Way
from esnbot.store.tables import Json, Milliseconds, Sequence, metadata
from esnbot.store.upsert import insert_new

OPEN: Final = "open"
CLOSED: Final = "closed"
REMOVED: Final = "removed"
"""Taken away with its message."""
MOST_BALLOTS: Final = 50
"""So many of one person's votes in one poll are remembered, the newest."""

poll = Table(
    "poll",
    metadata,
    # The number that people call it by.
    Column("id", Sequence, primary_key=True, autoincrement=True),
    # Another feature's name for it; '' for those that people began.
    Column("key", Text, nullable=False),
    # Whose effects posted it: the engine puts this before their keys.
    Column("module", Text, nullable=False),
    Column("room_id", Text, nullable=False, index=True),
    # '' once forgotten, or where nobody began it.
    Column("creator", Text, nullable=False, index=True),
    Column("language", Text, nullable=False),
    Column("created", Milliseconds, nullable=False),
    Column("until", Milliseconds, nullable=False),
    # Whether people were told of an end; if not, `until` is the longest that a poll stays open.
    Column("dated", Boolean, nullable=False),
    # How many there are to choose from, and how many one may choose.
    Column("answers", Integer, nullable=False),
    Column("several", Integer, nullable=False),
    Column("secret", Boolean, nullable=False),
    # Question and answers; never of an encrypted room, and not after the end.
    Column("texts", Json),
    Column("start_event", Text, index=True),
    Column("text_event", Text, index=True),
    # The count that people see, and since when.
    Column("shown", Json),
    Column("shown_at", Milliseconds),
    Column("state", Text, nullable=False),
    Column("closed", Milliseconds),
    Column("totals", Json),
    Column("voters", Integer),
    # A number that was forgotten is not given again: effects have it in their keys.
    sqlite_autoincrement=True,
)

ballot = Table(
    "poll_ballot",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    # Of the response or reaction.
    Column("event_id", Text, nullable=False, unique=True),
    Column("poll", Sequence, nullable=False),
    Column("person", Text, nullable=False, index=True),
    Column("way", Text, nullable=False),
    Column("cast", Milliseconds, nullable=False),
    Column("answers", Json, nullable=False),
)
Index("poll_ballot_person", ballot.c.poll, ballot.c.person, ballot.c.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One poll, as the table has it."""

    id: int = 0
    key: str = ""
    module: str
    room_id: str
    creator: str = ""
    language: str
    created: int
    until: int
    dated: bool
    answers: int
    several: int
    secret: bool
    texts: list[str] | None = None
    """The question, then the answers; None where they are in the room only."""
    start_event: str | None = None
    text_event: str | None = None
    shown: list[int] | None = None
    shown_at: int | None = None
    state: str = OPEN
    closed: int | None = None
    totals: list[int] | None = None
    voters: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether people can vote."""
        return self.state == OPEN


class Underway(Exception):
    """Something came before it is written down which post it may be about; the engine tries again."""


def start_key(id: int) -> str:
    """Key of the effect that posts a poll."""
    return f"poll:{id}:start"


def text_key(id: int) -> str:
    """Key of the effect that posts its text version."""
    return f"poll:{id}:text"


def _poll(row: Row[Any]) -> Poll:
    return Poll(**row._mapping)


async def add(conn: AsyncConnection, new: Poll) -> int:
    """Keep a new poll; returns its number."""
    values = {name: getattr(new, name) for name in Poll.__slots__ if name != "id"}
    return int((await conn.execute(poll.insert().values(values).returning(poll.c.id))).scalar_one())


async def get(conn: AsyncConnection, id: int) -> Poll | None:
    """The poll of a number."""
    row = (await conn.execute(select(poll).where(poll.c.id == id))).one_or_none()
    return None if row is None else await _located(conn, _poll(row))


async def open_polls(conn: AsyncConnection, room_id: str | None = None) -> list[Poll]:
    """The open polls, of one room or of all, oldest first."""
    query = select(poll).where(poll.c.state == OPEN).order_by(poll.c.id)
    if room_id is not None:
        query = query.where(poll.c.room_id == room_id)
    return [await _located(conn, _poll(row)) for row in await conn.execute(query)]


async def posted_as(conn: AsyncConnection, room_id: str, event_id: str) -> Poll | None:
    """The poll of a room that a post is, in either form. Raises Underway while that cannot be known yet."""
    query = select(poll).where(
        poll.c.room_id == room_id, or_(poll.c.start_event == event_id, poll.c.text_event == event_id)
    )
    row = (await conn.execute(query)).one_or_none()
    if row is not None:
        return _poll(row)
    news = select(poll).where(
        poll.c.room_id == room_id,
        poll.c.state == OPEN,
        or_(poll.c.start_event.is_(None), poll.c.text_event.is_(None)),
    )
    found = [await _located(conn, _poll(row)) for row in (await conn.execute(news)).all()]
    for one in found:
        if event_id in (one.start_event, one.text_event):
            return one
    for one in found:
        if await is_underway(conn, one):
            raise Underway(f"poll {one.id} is being posted")
    return None


async def _located(conn: AsyncConnection, known: Poll) -> Poll:
    """The poll with the ids of its posts, as far as they were sent."""
    if known.start_event and known.text_event:
        return known
    keys = {
        f"{known.module}/{start_key(known.id)}": "start_event",
        f"{known.module}/{text_key(known.id)}": "text_event",
    }
    rows = await conn.execute(select(outbox.c.key, outbox.c.event_id).where(outbox.c.key.in_(keys)))
    found = {keys[row.key]: row.event_id for row in rows if row.event_id}
    if not found:
        return known
    await conn.execute(update(poll).where(poll.c.id == known.id).values(found))
    return _poll((await conn.execute(select(poll).where(poll.c.id == known.id))).one())


async def is_underway(conn: AsyncConnection, one: Poll) -> bool:
    """Whether a post of the poll waits to be sent."""
    keys = [f"{one.module}/{start_key(one.id)}", f"{one.module}/{text_key(one.id)}"]
    query = select(func.count()).where(outbox.c.key.in_(keys), outbox.c.state == State.waiting.value)
    return bool((await conn.execute(query)).scalar_one())


async def begun_since(conn: AsyncConnection, person: str, since_ms: int) -> int:
    """How many polls a person has begun since then."""
    query = select(func.count()).select_from(poll).where(poll.c.creator == person, poll.c.created >= since_ms)
    return int((await conn.execute(query)).scalar_one())


async def show(conn: AsyncConnection, id: int, shown: Tally, now_ms: int) -> None:
    """Note which count people see."""
    values = {"shown": [*shown.totals, shown.voters], "shown_at": now_ms}
    await conn.execute(update(poll).where(poll.c.id == id).values(values))


async def close(conn: AsyncConnection, id: int, state: str, result: Tally, now_ms: int) -> bool:
    """Close a poll and forget who voted what; False when somebody has closed it already."""
    values = {"state": state, "closed": now_ms, "totals": list(result.totals), "voters": result.voters, "texts": None}
    closed = await conn.execute(update(poll).where(poll.c.id == id, poll.c.state == OPEN).values(values))
    await conn.execute(delete(ballot).where(ballot.c.poll == id))
    return closed.rowcount == 1


async def prune(conn: AsyncConnection, before_ms: int) -> None:
    """Forget polls that were closed before then."""
    await conn.execute(delete(poll).where(poll.c.state != OPEN, poll.c.closed < before_ms))


# --- votes -------------------------------------------------------------------------------------------------------


async def ballots(conn: AsyncConnection, id: int) -> list[Ballot]:
    """All votes of a poll that were not taken back."""
    rows = await conn.execute(select(ballot).where(ballot.c.poll == id).order_by(ballot.c.seq))
    return [Ballot(row.person, Way(row.way), row.cast, row.seq, tuple(row.answers)) for row in rows]


async def cast(conn: AsyncConnection, id: int, event_id: str, new: Ballot) -> bool:
    """Keep a vote; False when it is known. Of very many of one person the oldest are forgotten."""
    values: Mapping[str, object] = {
        "event_id": event_id,
        "poll": id,
        "person": new.person,
        "way": new.way.value,
        "cast": new.cast,
        "answers": list(new.answers),
    }
    if not await insert_new(conn, ballot, values):
        return False
    own = (ballot.c.poll == id) & (ballot.c.person == new.person)
    kept = select(ballot.c.seq).where(own).order_by(ballot.c.seq.desc()).limit(1).offset(MOST_BALLOTS - 1)
    oldest = (await conn.execute(kept)).scalar_one_or_none()
    if oldest is not None:
        await conn.execute(delete(ballot).where(own, ballot.c.seq < oldest))
    return True


async def poll_of_ballot(conn: AsyncConnection, event_id: str) -> int | None:
    """The number of the poll in which an event is a vote."""
    return (await conn.execute(select(ballot.c.poll).where(ballot.c.event_id == event_id))).scalar_one_or_none()


async def take_back(conn: AsyncConnection, event_id: str) -> None:
    """Forget a vote."""
    await conn.execute(delete(ballot).where(ballot.c.event_id == event_id))


# --- one person --------------------------------------------------------------------------------------------------


async def of_person(conn: AsyncConnection, person: str) -> dict[str, Any]:
    """All that is kept about a person, as JSON values."""
    own = select(poll.c.id, poll.c.room_id, poll.c.created, poll.c.state).where(poll.c.creator == person)
    votes = select(ballot.c.poll, ballot.c.way, ballot.c.cast, ballot.c.answers).where(ballot.c.person == person)
    return {
        "begun": [dict(row._mapping) for row in await conn.execute(own.order_by(poll.c.id))],
        "votes": [dict(row._mapping) for row in await conn.execute(votes.order_by(ballot.c.seq))],
    }


async def forget(conn: AsyncConnection, person: str) -> list[int]:
    """Forget a person's votes, and that they began polls; returns the numbers of the polls whose count changes."""
    changed = (await conn.execute(select(ballot.c.poll).where(ballot.c.person == person).distinct())).scalars()
    ids = sorted(int(id) for id in changed)
    await conn.execute(delete(ballot).where(ballot.c.person == person))
    await conn.execute(update(poll).where(poll.c.creator == person).values(creator=""))
    return ids
