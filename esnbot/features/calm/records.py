"""Private words that wait or were said, who wants none of them, and what members silenced in their groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.calm.model import EVERYTHING, Silence, Word
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.upsert import insert_new, upsert

word = Table(
    "calm_word",
    metadata,
    Column("person", Text, primary_key=True),
    Column("feature", Text, primary_key=True),
    # What it is about, as its feature names it: said once.
    Column("about", Text, primary_key=True),
    # NULL once it was said, or when nobody can need it any more.
    Column("words", Json),
    # An effect: what to say in a room when the direct chat cannot be opened.
    Column("otherwise", Json),
    Column("useful", Integer, nullable=False),
    Column("soon", Boolean, nullable=False),
    Column("made", Milliseconds, nullable=False),
    # NULL: as the settings say.
    Column("until", Milliseconds),
    Column("said", Milliseconds),
)
Index("calm_word_said", word.c.said)

unwanted = Table(
    "calm_unwanted",
    metadata,
    Column("person", Text, primary_key=True),
    Column("feature", Text, primary_key=True),
    Column("since", Milliseconds, nullable=False),
)

silence = Table(
    "calm_silence",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("feature", Text, primary_key=True),
    # '' when forgotten.
    Column("by", Text, nullable=False, index=True),
    # By an owner or animator.
    Column("firm", Boolean, nullable=False),
    Column("since", Milliseconds, nullable=False),
)


# --- words ---------------------------------------------------------------------------------------------------------


async def keep(conn: AsyncConnection, person: str, kept: Word) -> bool:
    """Keep a word, or refresh the one that waits about the same; False when that was said already."""
    row = {
        "person": person,
        "feature": kept.feature,
        "about": kept.about,
        "words": kept.words,
        "otherwise": kept.otherwise,
        "useful": kept.useful,
        "soon": kept.soon,
        "made": kept.made,
        "until": kept.until,
        "said": None,
    }
    if await insert_new(conn, word, row):
        return True
    same = and_(word.c.person == person, word.c.feature == kept.feature, word.c.about == kept.about)
    again = update(word).where(same, word.c.said.is_(None)).values(row)
    return (await conn.execute(again)).rowcount == 1


async def waiting(conn: AsyncConnection, person: str) -> list[Word]:
    """What waits to be said to a person, oldest first."""
    query = select(word).where(word.c.person == person, word.c.said.is_(None), word.c.words.is_not(None))
    rows = await conn.execute(query.order_by(word.c.made, word.c.feature, word.c.about))
    return [
        Word(row.feature, row.about, row.words, row.otherwise, row.useful, row.soon, row.made, row.until)
        for row in rows
    ]


async def all_waiting(conn: AsyncConnection) -> list[str]:
    """Everybody for whom something waits."""
    query = select(word.c.person).where(word.c.said.is_(None), word.c.words.is_not(None)).distinct()
    return list((await conn.execute(query.order_by(word.c.person))).scalars())


async def mark_said(conn: AsyncConnection, person: str, one: Word, now: int) -> bool:
    """Take a word for said, and forget its words; False when somebody else said it."""
    return await _close(conn, person, one, said=now)


async def let_go(conn: AsyncConnection, person: str, one: Word) -> None:
    """Forget the words of what is not to be said any more."""
    await _close(conn, person, one, said=None)


async def _close(conn: AsyncConnection, person: str, one: Word, *, said: int | None) -> bool:
    same = and_(word.c.person == person, word.c.feature == one.feature, word.c.about == one.about)
    statement = update(word).where(same, word.c.said.is_(None), word.c.words.is_not(None))
    return (await conn.execute(statement.values(words=None, otherwise=None, said=said))).rowcount == 1


async def said_since(conn: AsyncConnection, person: str, since: int) -> list[int]:
    """When messages went to a person since then, oldest first: what went together counts once."""
    query = select(word.c.said).where(word.c.person == person, word.c.said > since).distinct()
    return list((await conn.execute(query.order_by(word.c.said))).scalars())


async def tidy(conn: AsyncConnection, before: int) -> None:
    """Forget what was said, or let go, longer ago."""
    over = and_(word.c.words.is_(None), word.c.made < before)
    await conn.execute(delete(word).where(over, word.c.said.is_(None) | (word.c.said < before)))


# --- what people do not want ----------------------------------------------------------------------------------------


async def unwanted_by(conn: AsyncConnection, person: str) -> dict[str, int]:
    """The features from which a person wants no words, '*' for all, and since when."""
    query = select(unwanted.c.feature, unwanted.c.since).where(unwanted.c.person == person)
    return {row.feature: row.since for row in await conn.execute(query)}


async def turn_off(conn: AsyncConnection, person: str, feature: str, now: int) -> None:
    """A person wants no words of a feature; what waited is forgotten."""
    await insert_new(conn, unwanted, {"person": person, "feature": feature, "since": now})
    gone = delete(word).where(word.c.person == person, word.c.said.is_(None))
    await conn.execute(gone if feature == EVERYTHING else gone.where(word.c.feature == feature))


async def turn_on(conn: AsyncConnection, person: str, features: Collection[str]) -> bool:
    """A person wants the words of these features again; whether they did not before."""
    gone = delete(unwanted).where(unwanted.c.person == person, unwanted.c.feature.in_(list(features)))
    return (await conn.execute(gone)).rowcount > 0


# --- what groups silenced -------------------------------------------------------------------------------------------


async def silences(conn: AsyncConnection, room_id: str) -> dict[str, Silence]:
    """What is silenced in a room, by feature, '*' for everything."""
    query = select(silence).where(silence.c.room_id == room_id).order_by(silence.c.since, silence.c.feature)
    return {row.feature: Silence(row.feature, row.by, row.firm, row.since) for row in await conn.execute(query)}


async def rooms_with_silences(conn: AsyncConnection) -> dict[str, set[str]]:
    """Every room in which something is silenced, with what."""
    found: dict[str, set[str]] = {}
    for row in await conn.execute(select(silence.c.room_id, silence.c.feature)):
        found.setdefault(row.room_id, set()).add(row.feature)
    return found


async def put_silence(conn: AsyncConnection, room_id: str, one: Silence) -> None:
    """Note that a feature is silenced in a room, and by whom."""
    row = {"room_id": room_id, "feature": one.feature, "by": one.by, "firm": one.firm, "since": one.since}
    await upsert(conn, silence, row)


async def lift(conn: AsyncConnection, room_id: str, features: Collection[str]) -> None:
    """Forget that features are silenced in a room."""
    await conn.execute(delete(silence).where(silence.c.room_id == room_id, silence.c.feature.in_(list(features))))


# --- a person -------------------------------------------------------------------------------------------------------


async def of_person(conn: AsyncConnection, person: str) -> Mapping[str, Any]:
    """All that is kept about a person, as JSON values."""
    words = select(word).where(word.c.person == person).order_by(word.c.made, word.c.feature, word.c.about)
    quiet = select(silence.c.room_id, silence.c.feature, silence.c.since).where(silence.c.by == person)
    return {
        "private_words": [
            {
                "feature": row.feature,
                "about": row.about,
                "words": row.words,
                "made": row.made,
                "until": row.until,
                "said": row.said,
            }
            for row in await conn.execute(words)
        ],
        "unwanted": await unwanted_by(conn, person),
        "silenced": [dict(row._mapping) for row in await conn.execute(quiet.order_by(silence.c.since))],
    }


async def forget(conn: AsyncConnection, person: str) -> None:
    """Forget a person; what they silenced for others stays, without their name."""
    for table in (word, unwanted):
        await conn.execute(delete(table).where(table.c.person == person))
    await conn.execute(update(silence).where(silence.c.by == person).values(by=""))
