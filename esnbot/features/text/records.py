"""The index of kept texts: which versions there are, where their messages stand, and a copy of their words.

The copy serves search, differences and the board; it follows what is taken away in the room, and of encrypted rooms
there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, Row, Select, Table, func, null, select, update
from sqlalchemy import Text as Words
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.tables import outbox
from esnbot.features.text.model import Draft, Text, Version
from esnbot.store.tables import Json, Milliseconds, Sequence, metadata

AT_ONCE: Final = 500
"""Ids in one query."""

kept_text = Table(
    "kept_text",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("kind", Words, nullable=False),
    Column("place", Words, nullable=False),
    Column("language", Words, nullable=False),
    Column("created", Milliseconds, nullable=False),
    # The message that people see, and the key of the effect that posts it, with its module.
    Column("root", Words, nullable=False, index=True),
    Column("root_key", Words, nullable=False, index=True),
    # When the message was posted: a room with a retention forgets it some time after.
    Column("posted", Milliseconds, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("sealed", Boolean, nullable=False),
    # The version that stands, and the number of the last one that there was.
    Column("current", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    # An id that was forgotten is not given again: effects have it in their keys.
    sqlite_autoincrement=True,
)
Index("kept_text_place", kept_text.c.place, kept_text.c.kind)

text_version = Table(
    "text_version",
    metadata,
    Column("text", Sequence, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("author", Words, nullable=False, index=True),
    Column("moment", Milliseconds, nullable=False),
    Column("title", Words, nullable=False),
    Column("words", Words),
    Column("tags", Json, nullable=False),
    Column("foot", Words, nullable=False),
    Column("event_id", Words, nullable=False, index=True),
    # The key of the effect that posts it, with its module.
    Column("effect", Words, nullable=False, index=True),
    Column("gone", Boolean, nullable=False),
    # Of an encrypted room: the message as it came.
    Column("sealed", Json),
)


def _version(row: Row[Any]) -> Version:
    return Version(
        text=row.text,
        number=row.number,
        author=row.author,
        moment=row.moment,
        title=row.title,
        words=row.words,
        tags=tuple(row.tags),
        foot=row.foot,
        event_id=row.event_id,
        gone=row.gone,
        sealed=row.sealed,
    )


_TEXT: Final = [
    kept_text.c.id,
    kept_text.c.kind,
    kept_text.c.place,
    kept_text.c.language,
    kept_text.c.created,
    kept_text.c.root,
    kept_text.c.root_key,
    kept_text.c.gone.label("text_gone"),
    kept_text.c.sealed.label("is_sealed"),
]
_WHOLE: Final[Select[Any]] = select(*_TEXT, text_version).join(
    text_version, (text_version.c.text == kept_text.c.id) & (text_version.c.number == kept_text.c.current)
)

_HEADS: Final[Select[Any]] = select(
    *_TEXT, *(column for column in text_version.c if column.name != "words"), null().label("words")
).join(text_version, (text_version.c.text == kept_text.c.id) & (text_version.c.number == kept_text.c.current))


def _text(row: Row[Any]) -> Text:
    return Text(
        id=row.id,
        kind=row.kind,
        place=row.place,
        language=row.language,
        created=row.created,
        root=row.root,
        root_key=row.root_key,
        gone=row.text_gone,
        sealed=row.is_sealed,
        current=_version(row),
    )


async def get(conn: AsyncConnection, id: int) -> Text | None:
    """The text of an id, also one that was taken away."""
    row = (await conn.execute(_WHOLE.where(kept_text.c.id == id))).one_or_none()
    return None if row is None else _text(row)


async def some(conn: AsyncConnection, ids: Iterable[int], *, words: bool = True) -> dict[int, Text]:
    """The texts of these ids, by id; without ``words`` where only their titles are asked for."""
    every = list(dict.fromkeys(ids))
    found: dict[int, Text] = {}
    for start in range(0, len(every), AT_ONCE):
        query = _WHOLE if words else _HEADS
        rows = await conn.execute(query.where(kept_text.c.id.in_(every[start : start + AT_ONCE])))
        found |= {row.id: _text(row) for row in rows}
    return found


async def of_place(conn: AsyncConnection, place: str, kind: str, *, words: bool = True) -> list[Text]:
    """The texts of a group or space that were not taken away, oldest first; without ``words`` for a list of many."""
    standing = (kept_text.c.place == place) & (kept_text.c.kind == kind) & kept_text.c.gone.is_(False)
    query = _WHOLE if words else _HEADS
    return [_text(row) for row in await conn.execute(query.where(standing).order_by(kept_text.c.id))]


async def versions(conn: AsyncConnection, id: int) -> list[Version]:
    """All versions of a text, oldest first, with those that were taken away."""
    query = select(text_version).where(text_version.c.text == id).order_by(text_version.c.number)
    return [_version(row) for row in await conn.execute(query)]


async def lock(conn: AsyncConnection, id: int) -> None:
    """Keep others from changing a text until this transaction ends."""
    await conn.execute(select(kept_text.c.id).where(kept_text.c.id == id).with_for_update())


async def add(conn: AsyncConnection, kind: str, place: str, language: str, *, sealed: bool, now_ms: int) -> int:
    """A new text, as yet without a version and a message; returns its id."""
    values = {
        "kind": kind,
        "place": place,
        "language": language,
        "created": now_ms,
        "root": "",
        "root_key": "",
        "posted": now_ms,
        "gone": False,
        "sealed": sealed,
        "current": 0,
        "last": 0,
    }
    return int((await conn.execute(kept_text.insert().values(values).returning(kept_text.c.id))).scalar_one())


async def add_version(
    conn: AsyncConnection, id: int, number: int, draft: Draft, effect: str, *, sealed: bool, now_ms: int
) -> None:
    """A further version, which is the one that stands from now on."""
    row = {
        "text": id,
        "number": number,
        "author": draft.author,
        "moment": now_ms,
        "title": "" if sealed else draft.title,
        "words": None if sealed else draft.words,
        "tags": [] if sealed else list(draft.tags),
        "foot": "" if sealed else draft.foot,
        "event_id": "",
        "effect": effect,
        "gone": False,
        "sealed": None,
    }
    await conn.execute(text_version.insert().values(row))
    await conn.execute(update(kept_text).where(kept_text.c.id == id).values(current=number, last=number))


async def posted_by(conn: AsyncConnection, id: int, effect: str, now_ms: int) -> None:
    """Note which effect posts the message that people see from now on."""
    values = {"root": "", "root_key": effect, "posted": now_ms}
    await conn.execute(update(kept_text).where(kept_text.c.id == id).values(values))


async def last_of(conn: AsyncConnection, id: int) -> int:
    """The number of the last version that there was."""
    return int((await conn.execute(select(kept_text.c.last).where(kept_text.c.id == id))).scalar_one())


async def arrived(conn: AsyncConnection, effect: str, event_id: str, sealed: Any) -> tuple[int | None, bool]:
    """A message of ours is in its room; returns the text, and whether it is the message that people see."""
    query = select(kept_text.c.id).where(kept_text.c.root_key == effect)
    root = (await conn.execute(query)).scalar_one_or_none()
    if root is not None:
        await conn.execute(update(kept_text).where(kept_text.c.id == root).values(root=event_id))
    own = text_version.c.effect == effect
    await conn.execute(update(text_version).where(own).values(event_id=event_id, sealed=sealed))
    of = (await conn.execute(select(text_version.c.text).where(own))).scalar_one_or_none()
    return (root if root is not None else of), root is not None


async def standing_at(conn: AsyncConnection, event_id: str) -> tuple[int, int | None] | None:
    """Which text and version a message is; version None: the message that people see. None for other messages."""
    root = (await conn.execute(select(kept_text.c.id).where(kept_text.c.root == event_id))).scalar_one_or_none()
    if root is not None:
        return int(root), None
    query = select(text_version.c.text, text_version.c.number).where(text_version.c.event_id == event_id)
    row = (await conn.execute(query)).one_or_none()
    if row is not None:
        return int(row.text), int(row.number)
    # Sent a moment ago, and not come back yet.
    sent = select(outbox.c.key).where(outbox.c.event_id == event_id)
    key = (await conn.execute(sent)).scalar_one_or_none()
    if key is None:
        return None
    root = (await conn.execute(select(kept_text.c.id).where(kept_text.c.root_key == key))).scalar_one_or_none()
    if root is not None:
        return int(root), None
    query = select(text_version.c.text, text_version.c.number).where(text_version.c.effect == key)
    row = (await conn.execute(query)).one_or_none()
    return (int(row.text), int(row.number)) if row is not None else None


_EMPTY: Final[dict[str, Any]] = {"gone": True, "title": "", "words": None, "tags": [], "foot": "", "sealed": None}


async def take_version(conn: AsyncConnection, id: int, number: int) -> int | None:
    """A version loses its words; returns the number of the version that stands then, None when there is none left."""
    one = (text_version.c.text == id) & (text_version.c.number == number)
    await conn.execute(update(text_version).where(one).values(_EMPTY))
    left = select(func.max(text_version.c.number)).where(text_version.c.text == id, text_version.c.gone.is_(False))
    standing: int | None = (await conn.execute(left)).scalar_one_or_none()
    if standing is not None:
        await conn.execute(update(kept_text).where(kept_text.c.id == id).values(current=standing))
    return standing


async def take(conn: AsyncConnection, id: int) -> bool:
    """A text loses all its words; False when it had lost them already."""
    standing = (kept_text.c.id == id) & kept_text.c.gone.is_(False)
    taken = await conn.execute(update(kept_text).where(standing).values(gone=True))
    await conn.execute(update(text_version).where(text_version.c.text == id).values(_EMPTY))
    return taken.rowcount == 1


async def posted_before(conn: AsyncConnection, places: Collection[str], before: int, limit: int) -> list[int]:
    """Texts of these places whose message is older than that, oldest first."""
    old = kept_text.c.place.in_(list(places)) & kept_text.c.gone.is_(False) & (kept_text.c.posted < before)
    return list(
        (await conn.execute(select(kept_text.c.id).where(old).order_by(kept_text.c.posted).limit(limit))).scalars()
    )


# --- one person --------------------------------------------------------------------------------------------------


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """The versions that a person wrote, as JSON values."""
    columns = kept_text.c.kind, kept_text.c.place, text_version
    query = select(*columns).join(kept_text, kept_text.c.id == text_version.c.text)
    rows = await conn.execute(query.where(text_version.c.author == person).order_by(text_version.c.moment))
    return [
        {
            "kind": row.kind,
            "place": row.place,
            "number": row.text,
            "version": row.number,
            "moment": row.moment,
            "title": row.title,
            "words": row.words,
            "tags": row.tags,
        }
        for row in rows
    ]


async def written_by(conn: AsyncConnection, person: str) -> dict[int, list[Version]]:
    """The versions that a person wrote and that stand, by text."""
    own = (text_version.c.author == person) & text_version.c.gone.is_(False)
    query = select(text_version).where(own).order_by(text_version.c.text, text_version.c.number)
    found: dict[int, list[Version]] = {}
    for row in await conn.execute(query):
        found.setdefault(row.text, []).append(_version(row))
    return found


async def unsign(conn: AsyncConnection, person: str) -> None:
    """Forget who wrote what they wrote."""
    await conn.execute(update(text_version).where(text_version.c.author == person).values(author=""))
