"""The meet-ups, who takes part in them, series, and calendar feeds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, Text, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.clock import milliseconds
from esnbot.engine.tables import State, outbox
from esnbot.features.meetup.model import Entry, Roster, Standing, Way
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.tables import Sequence as Number

NAME: Final = "meetup"
DATING: Final = "dating"
"""People choose among several dates."""
OPEN: Final = "open"
CANCELLED: Final = "cancelled"
HELD: Final = "held"
AHEAD: Final = (DATING, OPEN)

meetup = Table(
    "meetup",
    metadata,
    # The number that people call it by.
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("series", Number, index=True),
    Column("room_id", Text, nullable=False, index=True),
    # The natural key of the group.
    Column("place", Text, nullable=False),
    # '' once forgotten, or once they left.
    Column("organiser", Text, nullable=False, index=True),
    Column("language", Text, nullable=False),
    Column("created", Milliseconds, nullable=False),
    Column("state", Text, nullable=False, index=True),
    # Title, place, video link; locked where the room is encrypted.
    Column("words", Json, nullable=False),
    # None while people choose among `dates`.
    Column("start", Milliseconds, index=True),
    Column("dates", Json),
    Column("minutes", Integer, nullable=False),
    # People on site and remote: 0 for not at all, None for as many as like to.
    Column("seats", Integer),
    Column("remote", Integer),
    # What was asked for and changed so often; the order in which people asked.
    Column("turns", Integer, nullable=False),
    # Of the calendar entry (RFC 5545), and when it last changed.
    Column("sequence", Integer, nullable=False),
    Column("revised", Milliseconds, nullable=False),
    # What changed and was not told yet to those concerned.
    Column("untold", Json),
    # The post in the room, and the counts that it shows.
    Column("card", Text, index=True),
    Column("shown", Json),
    # What one says on site to have arrived.
    Column("code", Text, nullable=False),
    # How many did, once it is over.
    Column("arrived", Integer),
    # The key of the group that was made of it.
    Column("became", Text, index=True),
    # A number that was forgotten is not given again: effects have it in their keys.
    sqlite_autoincrement=True,
)

person = Table(
    "meetup_person",
    metadata,
    Column("meetup", Number, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("way", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("until", Milliseconds),
    # The reaction by which they take part; '' when they said so in words.
    Column("reaction", Text, nullable=False),
    Column("here", Boolean, nullable=False),
)
Index("meetup_person_person", person.c.person)
Index("meetup_person_reaction", person.c.reaction)

series = Table(
    "meetup_series",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    # RFC 5545, in the local time of the first one.
    Column("rule", Text, nullable=False),
    Column("first", Milliseconds, nullable=False),
    Column("active", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

feed = Table(
    "meetup_feed",
    metadata,
    Column("person", Text, primary_key=True),
    # Hash of the token in its address.
    Column("token", Text, nullable=False, unique=True),
    Column("since", Milliseconds, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meetup:
    """One meet-up, as the table has it."""

    id: int = 0
    series: int | None = None
    room_id: str
    place: str
    organiser: str
    language: str
    created: int
    state: str
    words: Any
    start: int | None
    dates: list[int] | None = None
    minutes: int
    seats: int | None
    remote: int | None
    turns: int = 0
    sequence: int = 0
    revised: int
    untold: list[str] | None = None
    card: str | None = None
    shown: list[int] | None = None
    code: str
    arrived: int | None = None
    became: str | None = None

    @property
    def starts(self) -> datetime:
        """When it begins, in UTC; only of one that has a date."""
        if self.start is None:
            raise ValueError(f"meet-up {self.id} has no date yet")
        return datetime.fromtimestamp(self.start / 1000, UTC)

    @property
    def ends(self) -> datetime:
        """When it ends, in UTC; only of one that has a date."""
        return self.starts + timedelta(minutes=self.minutes)

    @property
    def room(self) -> Mapping[Way, int | None]:
        """How many people there is room for."""
        return {Way.site: self.seats, Way.remote: self.remote}


class Underway(Exception):
    """Something came before it is written down which post it may be about; the engine tries again."""


def card_key(id: int) -> str:
    """Key of the effect that posts a meet-up."""
    return f"card:{id}"


def _meetup(row: Row[Any]) -> Meetup:
    return Meetup(**row._mapping)


async def add(conn: AsyncConnection, new: Meetup) -> int:
    """Keep a new meet-up; returns its number."""
    values = {name: getattr(new, name) for name in Meetup.__slots__ if name != "id"}
    return int((await conn.execute(meetup.insert().values(values).returning(meetup.c.id))).scalar_one())


async def get(conn: AsyncConnection, id: int) -> Meetup | None:
    """The meet-up of a number."""
    row = (await conn.execute(select(meetup).where(meetup.c.id == id))).one_or_none()
    return None if row is None else await _located(conn, _meetup(row))


async def get_as_is(conn: AsyncConnection, id: int) -> Meetup | None:
    """The same for those who only read: perhaps without the post that was just sent."""
    row = (await conn.execute(select(meetup).where(meetup.c.id == id))).one_or_none()
    return None if row is None else _meetup(row)


async def hold(conn: AsyncConnection, id: int) -> Meetup | None:
    """The meet-up, and nobody else changes it or its people before this transaction ends; ``turns`` is a new turn."""
    held = update(meetup).where(meetup.c.id == id).values(turns=meetup.c.turns + 1).returning(meetup)
    row = (await conn.execute(held)).one_or_none()
    return None if row is None else await _located(conn, _meetup(row))


async def change(conn: AsyncConnection, id: int, **values: Any) -> Meetup:
    """Write down what changed; returns the meet-up as it is then."""
    changed = update(meetup).where(meetup.c.id == id).values(values).returning(meetup)
    return _meetup((await conn.execute(changed)).one())


async def ahead(conn: AsyncConnection, among: Collection[str] | None = None) -> list[Meetup]:
    """Meet-ups that are still to come, of some rooms or of all, those without a date last."""
    query = select(meetup).where(meetup.c.state.in_(AHEAD)).order_by(meetup.c.start.is_(None), meetup.c.start)
    if among is not None:
        query = query.where(meetup.c.room_id.in_(list(among)))
    return [await _located(conn, _meetup(row)) for row in (await conn.execute(query.order_by(meetup.c.id))).all()]


async def newest_of(conn: AsyncConnection, room_id: str, state: str) -> Meetup | None:
    """The newest of a room in a state."""
    query = select(meetup).where(meetup.c.room_id == room_id, meetup.c.state == state)
    row = (await conn.execute(query.order_by(meetup.c.start.desc()).limit(1))).one_or_none()
    return None if row is None else _meetup(row)


async def begun_since(conn: AsyncConnection, user: str, since_ms: int) -> int:
    """How many meet-ups a person has proposed since then."""
    query = select(func.count()).select_from(meetup).where(meetup.c.organiser == user, meetup.c.created >= since_ms)
    return int((await conn.execute(query)).scalar_one())


async def that_became(conn: AsyncConnection, key: str) -> Meetup | None:
    """The meet-up of which a group was made."""
    row = (await conn.execute(select(meetup).where(meetup.c.became == key))).first()
    return None if row is None else _meetup(row)


async def posted_as(conn: AsyncConnection, room_id: str, event_id: str) -> Meetup | None:
    """The meet-up of a room that a post is. Raises Underway while that cannot be known yet."""
    query = select(meetup).where(meetup.c.room_id == room_id, meetup.c.card == event_id)
    row = (await conn.execute(query)).one_or_none()
    if row is not None:
        return _meetup(row)
    news = select(meetup).where(meetup.c.room_id == room_id, meetup.c.card.is_(None), meetup.c.state == OPEN)
    for one in [_meetup(row) for row in (await conn.execute(news)).all()]:
        if (await _located(conn, one)).card == event_id:
            return await get(conn, one.id)
        waiting = select(outbox.c.seq).where(
            outbox.c.key == f"{NAME}/{card_key(one.id)}", outbox.c.state == State.waiting.value
        )
        if (await conn.execute(waiting)).first() is not None:
            raise Underway(f"meet-up {one.id} is being posted")
    return None


async def _located(conn: AsyncConnection, known: Meetup) -> Meetup:
    """The meet-up with the id of its post, once it was sent."""
    if known.card is not None:
        return known
    query = select(outbox.c.event_id).where(outbox.c.key == f"{NAME}/{card_key(known.id)}")
    event_id = (await conn.execute(query)).scalar_one_or_none()
    return known if event_id is None else await change(conn, known.id, card=event_id)


async def prune(conn: AsyncConnection, before_ms: int) -> None:
    """Forget meet-ups that were over before then, and who took part in them."""
    over = meetup.c.state.in_((HELD, CANCELLED))
    old = over & or_(meetup.c.start < before_ms, meetup.c.start.is_(None) & (meetup.c.created < before_ms))
    await conn.execute(delete(person).where(person.c.meetup.in_(select(meetup.c.id).where(old))))
    await conn.execute(delete(meetup).where(old))


# --- people ---------------------------------------------------------------------------------------------------------


def _entry(row: Any) -> Entry:
    until = None if row.until is None else datetime.fromtimestamp(row.until / 1000, UTC)
    return Entry(row.person, Way(row.way), Standing(row.standing), row.turn, until)


async def roster(conn: AsyncConnection, of: Meetup) -> Roster:
    """Everybody of a meet-up."""
    rows = await conn.execute(select(person).where(person.c.meetup == of.id).order_by(person.c.turn))
    return Roster(of.room, tuple(_entry(row) for row in rows))


async def keep(conn: AsyncConnection, id: int, before: Roster, after: Roster, reaction: str | None = None) -> None:
    """Write down what changed of a roster; ``reaction`` is what made those take part who were not there before."""
    mine, known = person.c.meetup == id, {entry.person: entry for entry in before.entries}
    for gone in known.keys() - {entry.person for entry in after.entries}:
        await conn.execute(delete(person).where(mine, person.c.person == gone))
    for entry in after.entries:
        if known.get(entry.person) == entry:
            continue
        values: dict[str, Any] = {
            "way": entry.way.value,
            "standing": entry.standing.value,
            "turn": entry.turn,
            "until": None if entry.until is None else milliseconds(entry.until),
        }
        if reaction is not None:
            values["reaction"] = reaction
        changed = update(person).where(mine, person.c.person == entry.person).values(values)
        if (await conn.execute(changed)).rowcount == 0:
            new = {"reaction": "", "here": False, "meetup": id, "person": entry.person, **values}
            await conn.execute(person.insert().values(new))


async def mark(conn: AsyncConnection, id: int, user: str, reaction: str) -> None:
    """The reaction by which somebody takes part now; '' when they said so in words."""
    mine = (person.c.meetup == id, person.c.person == user)
    await conn.execute(update(person).where(*mine).values(reaction=reaction))


async def reacted_with(conn: AsyncConnection, event_id: str) -> tuple[int, str] | None:
    """The meet-up and the person that take part by a reaction."""
    if not event_id:
        return None
    query = select(person.c.meetup, person.c.person).where(person.c.reaction == event_id)
    row = (await conn.execute(query)).first()
    return None if row is None else (int(row.meetup), str(row.person))


async def arrive(conn: AsyncConnection, id: int, user: str) -> bool:
    """Note that somebody is there; False when that is known, or when they do not come."""
    mine = (person.c.meetup == id, person.c.person == user, person.c.standing == Standing.coming.value)
    arrived = update(person).where(*mine, person.c.here.is_(False)).values(here=True)
    return (await conn.execute(arrived)).rowcount == 1


async def here(conn: AsyncConnection, id: int) -> int:
    """How many have arrived."""
    query = select(func.count()).select_from(person).where(person.c.meetup == id, person.c.here.is_(True))
    return int((await conn.execute(query)).scalar_one())


async def wrap_up(conn: AsyncConnection, id: int) -> None:
    """Forget who waited, and who of the others was there."""
    await conn.execute(delete(person).where(person.c.meetup == id, person.c.standing != Standing.coming.value))
    await conn.execute(update(person).where(person.c.meetup == id).values(here=False))


async def with_person(
    conn: AsyncConnection, user: str, *, since_ms: int = 0, rooms: Iterable[str] | None = None
) -> list[tuple[Meetup, Entry]]:
    """The meet-ups that a person is in, with what they have of each; by date."""
    columns = (person.c.person, person.c.way, person.c.standing, person.c.turn, person.c.until)
    query = (
        select(meetup.c.id, *columns)
        .join(person, person.c.meetup == meetup.c.id)
        .where(person.c.person == user, meetup.c.start >= since_ms)
        .order_by(meetup.c.start, meetup.c.id)
    )
    if rooms is not None:
        query = query.where(meetup.c.room_id.in_(list(rooms)))
    rows = (await conn.execute(query)).all()
    wholes = {
        row.id: _meetup(row)
        for row in await conn.execute(select(meetup).where(meetup.c.id.in_([row.id for row in rows])))
    }
    return [(wholes[row.id], _entry(row)) for row in rows]


async def between(conn: AsyncConnection, begin_ms: int, end_ms: int) -> list[Meetup]:
    """Open meet-ups that begin then (the end not included), by time."""
    query = select(meetup).where(meetup.c.state == OPEN, meetup.c.start >= begin_ms, meetup.c.start < end_ms)
    rows = (await conn.execute(query.order_by(meetup.c.start, meetup.c.id))).all()
    return [await _located(conn, _meetup(row)) for row in rows]


# --- series ---------------------------------------------------------------------------------------------------------


async def begin_series(conn: AsyncConnection, rule: str, first_ms: int) -> int:
    """A new series; its number."""
    new = series.insert().values(rule=rule, first=first_ms, active=True).returning(series.c.id)
    return int((await conn.execute(new)).scalar_one())


async def active_series(conn: AsyncConnection, id: int) -> tuple[str, datetime] | None:
    """Rule and first occurrence of a series that goes on."""
    row = (await conn.execute(select(series).where(series.c.id == id, series.c.active.is_(True)))).one_or_none()
    return None if row is None else (row.rule, datetime.fromtimestamp(row.first / 1000, UTC))


async def end_series(conn: AsyncConnection, id: int) -> None:
    """Let a series come to its end."""
    await conn.execute(update(series).where(series.c.id == id).values(active=False))


async def latest_of(conn: AsyncConnection, id: int) -> Meetup | None:
    """The latest occurrence of a series."""
    query = select(meetup).where(meetup.c.series == id).order_by(meetup.c.start.desc()).limit(1)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _meetup(row)


# --- one person -----------------------------------------------------------------------------------------------------


async def of_person(conn: AsyncConnection, user: str) -> dict[str, Any]:
    """All that is kept about a person, as JSON values."""
    proposed = select(meetup.c.id, meetup.c.room_id, meetup.c.created, meetup.c.state, meetup.c.start)
    part = select(person.c.meetup, person.c.way, person.c.standing, person.c.here).where(person.c.person == user)
    since = (await conn.execute(select(feed.c.since).where(feed.c.person == user))).scalar_one_or_none()
    rows = await conn.execute(proposed.where(meetup.c.organiser == user).order_by(meetup.c.id))
    return {
        "proposed": [dict(row._mapping) for row in rows],
        "takes_part": [dict(row._mapping) for row in await conn.execute(part.order_by(person.c.meetup))],
        "feed_since": since,
    }


async def forget(conn: AsyncConnection, user: str) -> Sequence[int]:
    """Forget a person; returns the meet-ups in which they had a place or waited."""
    ids = (await conn.execute(select(person.c.meetup).where(person.c.person == user))).scalars().all()
    await conn.execute(delete(person).where(person.c.person == user))
    await conn.execute(update(meetup).where(meetup.c.organiser == user).values(organiser=""))
    await conn.execute(delete(feed).where(feed.c.person == user))
    return sorted(ids)
