"""The table of what can be found; how each database searches is in ``sqlite`` and ``postgres``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, Row, Table, Text, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search import model, postgres
from esnbot.features.search.model import Document, Indexed
from esnbot.features.search.readable import SEEN, Readable
from esnbot.features.search.shelf import numbered, sequence_of
from esnbot.store.tables import Json, Milliseconds, metadata
from esnbot.store.tables import Sequence as Number

document = Table(
    "search_document",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("language", Text, nullable=False),
    Column("moment", Milliseconds, nullable=False),
    Column("path", Text, nullable=False),
    Column("event", Text, nullable=False),
    # The words as they are indexed (model.Indexed).
    Column("head", Text, nullable=False),
    Column("marks", Text, nullable=False),
    Column("body", Text, nullable=False),
)

# On PostgreSQL there is a column more, which SQLAlchemy knows nothing of: the tsvector.
_NAMES: Final = [column.name for column in document.columns]
_WITH_VECTOR: Final = text(
    f"INSERT INTO search_document ({', '.join(_NAMES)}, words)"
    f" VALUES ({', '.join(f':{name}' for name in _NAMES)}, CAST(:words AS tsvector))"
)
_AT_ONCE: Final = 500


def place_of(new: Document) -> str:
    """Whose door a document stands behind: a group is found by those who may know of it, what is in it by readers."""
    return SEEN + new.place if new.kind == "group" else new.place


def is_sqlite(conn: AsyncConnection) -> bool:
    """Which of the two databases it is."""
    return conn.dialect.name == "sqlite"


def row(new: Document, words: Indexed, sequence: int) -> dict[str, Any]:
    """A document as a row of the table."""
    place = place_of(new)
    return {
        "id": numbered(sequence, new.kind, place),
        "key": new.key,
        "kind": new.kind,
        "place": place,
        "title": model.usable(new.title, model.LONGEST_TITLE),
        "text": model.usable(new.text, model.LONGEST_TEXT),
        "tags": [model.usable(tag, model.LONGEST_TAG) for tag in new.tags[: model.MOST_TAGS]],
        "language": new.language,
        "moment": new.moment,
        "path": new.path,
        "event": new.event,
        "head": words.head,
        "marks": words.marks,
        "body": words.body,
    }


async def put(conn: AsyncConnection, new: Document, words: Indexed) -> None:
    """Keep a document, in the place of one with the same key."""
    await forget(conn, [new.key])
    values = row(new, words, await _next(conn))
    if is_sqlite(conn):
        await conn.execute(document.insert(), values)
    else:
        values |= {"tags": json.dumps(values["tags"]), "words": postgres.vector(words)}
        await conn.execute(_WITH_VECTOR, values)


async def _next(conn: AsyncConnection) -> int:
    if not is_sqlite(conn):
        return int((await conn.execute(text("SELECT nextval('search_sequence')"))).scalar_one())
    last = (await conn.execute(select(func.max(document.c.id)))).scalar_one_or_none()
    return sequence_of(int(last or 0)) + 1


async def forget(conn: AsyncConnection, keys: Sequence[str]) -> None:
    """Take documents out."""
    for start in range(0, len(keys), _AT_ONCE):
        await conn.execute(delete(document).where(document.c.key.in_(keys[start : start + _AT_ONCE])))


async def forget_place(conn: AsyncConnection, key: str) -> None:
    """Take out all documents of a place, and the place itself."""
    await conn.execute(delete(document).where(document.c.place.in_((key, SEEN + key))))


async def note_event(conn: AsyncConnection, key: str, event: str) -> None:
    """Keep the event of a document that is indexed already."""
    await conn.execute(update(document).where(document.c.key == key).values(event=event))


async def indexed(conn: AsyncConnection, ids: Sequence[int], readable: Readable) -> dict[int, Indexed]:
    """The indexed words of those of some documents that may be read."""
    columns = document.c.id, document.c.place, document.c.head, document.c.marks, document.c.body
    rows = await conn.execute(select(*columns).where(document.c.id.in_(ids)))
    return {row.id: Indexed(row.head, row.marks, row.body) for row in rows if row.place in readable}


async def whole(conn: AsyncConnection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Documents by id."""
    return {row.id: row for row in await conn.execute(select(document).where(document.c.id.in_(ids)))}
