"""How many messages a group had on a day, without who wrote them; and what people can be asked about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    Table,
    Text,
    and_,
    delete,
    func,
    not_,
    or_,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.directory.model import SPAN, Pace, Paces, Pulse, Scope, Subject
from esnbot.store.bindings import binding
from esnbot.store.rooms import room_state
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import upsert

MOST_FOUND: Final = 500
"""So many people are looked at for one question."""

day = Table(
    "directory_day",
    metadata,
    # The group's key; nothing says who wrote.
    Column("key", Text, primary_key=True),
    # Days since 1970, in UTC.
    Column("day", Integer, primary_key=True),
    Column("messages", Integer, nullable=False),
)

pulse = Table(
    "directory_pulse",
    metadata,
    # What the days of the last four weeks add up to.
    Column("key", Text, primary_key=True),
    Column("days", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    # Whether the group has enough members for anything to be said.
    Column("enough", Boolean, nullable=False),
)

stated = Table(
    "directory_subject",
    metadata,
    Column("person", Text, primary_key=True),
    # Folded: what is the same for people is there once.
    Column("word", Text, primary_key=True),
    Column("text", Text, nullable=False),
    # ' tig weld ': each stem between spaces.
    Column("stems", Text, nullable=False),
    Column("since", Milliseconds, nullable=False),
)

shown = Table(
    "directory_shown",
    metadata,
    # To whom a person wants it shown; without a row, to the company.
    Column("person", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("since", Milliseconds, nullable=False),
)

_ADD = text(
    "INSERT INTO directory_day (key, day, messages) VALUES (:key, :day, :messages)"
    " ON CONFLICT (key, day) DO UPDATE SET messages = directory_day.messages + excluded.messages"
)


# --- how lively groups are -----------------------------------------------------------------------------------------


async def count(conn: AsyncConnection, key: str, on: int, messages: int) -> None:
    """Add messages to a group's day."""
    await conn.execute(_ADD, {"key": key, "day": on, "messages": messages})


async def add_up(conn: AsyncConnection, key: str, messages: int) -> None:
    """Add messages of a day that is counted already to what the days add up to."""
    await conn.execute(update(pulse).where(pulse.c.key == key).values(messages=pulse.c.messages + messages))


async def sum_up(conn: AsyncConnection, key: str, room_id: str, today: int, bot: str, least: int) -> None:
    """Bring up to date what a group's last days add up to, and whether enough people are in it."""
    since = today - SPAN
    query = select(func.count(), func.coalesce(func.sum(day.c.messages), 0)).where(day.c.key == key, day.c.day > since)
    days, messages = (await conn.execute(query)).one()
    values = {"key": key, "days": days, "messages": messages}
    await upsert(conn, pulse, {**values, "enough": await has_members(conn, room_id, bot, least)})


async def has_members(conn: AsyncConnection, room_id: str, bot: str, least: int) -> bool:
    """Whether at least so many people have joined a room, the bot not counted."""
    some = (
        select(room_state.c.state_key)
        .where(
            room_state.c.room_id == room_id,
            room_state.c.type == "m.room.member",
            room_state.c.state_key != bot,
            # In the text of the content: one that is read whole for each of five thousand members costs too much.
            type_coerce(room_state.c.content, Text).like('%"membership":"join"%'),
        )
        .limit(least)
    )
    return len((await conn.execute(some)).all()) >= least


async def prune(conn: AsyncConnection, today: int) -> None:
    """Forget days that do not count any more."""
    await conn.execute(delete(day).where(day.c.day <= today - SPAN))


async def pulses(conn: AsyncConnection, keys: Collection[str]) -> dict[str, Pulse]:
    """Key to pulse, of those groups among some about which something may be said."""
    query = select(pulse.c.key, pulse.c.days, pulse.c.messages).where(pulse.c.enough, pulse.c.key.in_(list(keys)))
    return {row.key: Pulse(row.days, row.messages) for row in await conn.execute(query)}


async def keys_at(conn: AsyncConnection, paces: Paces, pace: Pace) -> Sequence[str]:
    """Keys of the groups that are said to be so lively."""
    lively = and_(pulse.c.days >= paces.lively_days, pulse.c.messages >= paces.lively_messages)
    calm = pulse.c.days >= paces.calm_days
    wanted = {Pace.lively: lively, Pace.calm: and_(calm, not_(lively)), Pace.quiet: not_(or_(calm, lively))}[pace]
    return (await conn.execute(select(pulse.c.key).where(pulse.c.enough, wanted))).scalars().all()


async def next_bound(conn: AsyncConnection, after: str, most: int) -> list[tuple[str, str]]:
    """(key, room) of the next places in the order of their keys, direct chats left out."""
    query = select(binding.c.key, binding.c.room_id).where(binding.c.key > after).order_by(binding.c.key).limit(most)
    return [(row.key, row.room_id) for row in await conn.execute(query)]


async def rooms_of(conn: AsyncConnection, keys: Collection[str]) -> list[str]:
    """The rooms behind some keys."""
    return list((await conn.execute(select(binding.c.room_id).where(binding.c.key.in_(list(keys))))).scalars())


# --- what people can be asked about --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody can be asked about."""

    person: str
    word: str
    text: str
    stems: str
    since: int = 0


async def stated_by(conn: AsyncConnection, person: str) -> list[str]:
    """What a person said that they can be asked about, as they wrote it."""
    query = select(stated.c.text).where(stated.c.person == person).order_by(stated.c.word)
    return list((await conn.execute(query)).scalars())


async def scope_of(conn: AsyncConnection, person: str) -> Scope:
    """To whom a person wants it shown."""
    found = (await conn.execute(select(shown.c.scope).where(shown.c.person == person))).scalar_one_or_none()
    return _scope(found)


def _scope(value: str | None) -> Scope:
    return Scope(value) if value else Scope.company


async def state(conn: AsyncConnection, person: str, subjects: Iterable[Subject], now_ms: int, most: int) -> bool:
    """Keep subjects; False, and nothing is kept, when they would be too many."""
    mine = set((await conn.execute(select(stated.c.word).where(stated.c.person == person))).scalars())
    new = {one.word: one for one in subjects}
    if len(mine | new.keys()) > most:
        return False
    rows = [
        {"person": person, "word": one.word, "text": one.text, "stems": f" {' '.join(one.stems)} ", "since": now_ms}
        for one in new.values()
    ]
    await upsert(conn, stated, rows)
    return True


async def unstate(conn: AsyncConnection, person: str, words: Iterable[str]) -> list[str]:
    """Forget subjects; returns those that were there, as they were written."""
    mine = and_(stated.c.person == person, stated.c.word.in_(list(words)))
    gone = list((await conn.execute(select(stated.c.text).where(mine).order_by(stated.c.word))).scalars())
    await conn.execute(delete(stated).where(mine))
    return gone


async def show_to(conn: AsyncConnection, person: str, scope: Scope, now_ms: int) -> None:
    """Keep to whom a person wants it shown."""
    await upsert(conn, shown, {"person": person, "scope": scope.value, "since": now_ms})


async def take_back(conn: AsyncConnection, person: str) -> int:
    """Forget all that a person said here; how many things that was."""
    gone = (await conn.execute(delete(stated).where(stated.c.person == person))).rowcount
    return gone + (await conn.execute(delete(shown).where(shown.c.person == person))).rowcount


async def of_person(conn: AsyncConnection, person: str) -> dict[str, Any]:
    """All that is kept about a person, as JSON values."""
    query = select(stated.c.text, stated.c.since).where(stated.c.person == person).order_by(stated.c.word)
    scope = (await conn.execute(select(shown.c.scope).where(shown.c.person == person))).scalar_one_or_none()
    return {
        "ask_about": [{"text": row.text, "since": row.since} for row in await conn.execute(query)],
        "shown_to": scope,
    }


async def who_states(conn: AsyncConnection, stems: Sequence[str]) -> dict[str, Scope]:
    """Those who stated something with all these stems (everybody for none), who is hidden left out; in their order."""
    query = select(stated.c.person, shown.c.scope).distinct()
    query = query.join(shown, shown.c.person == stated.c.person, isouter=True)
    for one in stems:
        query = query.where(stated.c.stems.contains(f" {one} ", autoescape=True))
    found = {row.person: _scope(row.scope) for row in await conn.execute(query)}
    # Here, since databases have ideas of their own about the order of words.
    return dict(sorted(found.items()))


async def stated_by_all(conn: AsyncConnection, people: Collection[str]) -> dict[str, list[Stated]]:
    """Person to what they stated."""
    query = select(stated).where(stated.c.person.in_(list(people))).order_by(stated.c.person, stated.c.word)
    found: dict[str, list[Stated]] = {}
    for row in await conn.execute(query):
        found.setdefault(row.person, []).append(Stated(row.person, row.word, row.text, row.stems, row.since))
    return found


async def texts_of(conn: AsyncConnection, people: Collection[str]) -> set[str]:
    """Everything that some people stated."""
    query = select(stated.c.text).distinct().where(stated.c.person.in_(list(people)))
    return set((await conn.execute(query)).scalars())


async def within(conn: AsyncConnection, rooms: Collection[str], people: Collection[str]) -> set[str]:
    """Those of the people who have joined one of the rooms."""
    if not rooms or not people:
        return set()
    query = (
        select(room_state.c.state_key)
        .distinct()
        .where(
            room_state.c.room_id.in_(list(rooms)),
            room_state.c.type == "m.room.member",
            room_state.c.state_key.in_(list(people)),
            type_coerce(room_state.c.content, Text).like('%"membership":"join"%'),
        )
    )
    return set((await conn.execute(query)).scalars())


async def names(conn: AsyncConnection, people: Collection[str]) -> Mapping[str, str]:
    """Person to the name that they go by in the community's rooms; who has none is left out."""
    query = (
        select(room_state.c.state_key, room_state.c.content)
        .join(binding, binding.c.room_id == room_state.c.room_id)
        .where(room_state.c.type == "m.room.member", room_state.c.state_key.in_(list(people)))
        .order_by(room_state.c.ts)
    )
    found: dict[str, str] = {}
    for row in await conn.execute(query):
        name = row.content.get("displayname") if isinstance(row.content, dict) else None
        if isinstance(name, str) and name.strip():
            found[row.state_key] = name
    return found
