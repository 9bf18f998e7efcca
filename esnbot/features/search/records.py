"""The table of what can be found; how each database searches is in ``sqlite`` and ``postgres``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, Row, Table, Text, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.search import model, postgres
from esnbot.features.search.model import Document, Indexed
from esnbot.features.search.readable import SEEN, Readable
from esnbot.features.search.shelf import SEQUENCE_MASK, Shelf, first_id, numbered, sequence_of, shelf_of
from esnbot.provisioning.tables import desired_object
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
    await _insert(conn, row(new, words, await _next(conn, shelf_of(new.kind))), words)


async def reindex(conn: AsyncConnection, known: Row[Any], words: Indexed) -> None:
    """Give a document its words anew."""
    if (known.head, known.marks, known.body) == (words.head, words.marks, words.body):
        return
    await conn.execute(delete(document).where(document.c.id == known.id))
    values = {**known._mapping, "head": words.head, "marks": words.marks, "body": words.body}
    await _insert(conn, values, words)


async def _insert(conn: AsyncConnection, values: dict[str, Any], words: Indexed) -> None:
    if is_sqlite(conn):
        await conn.execute(document.insert(), values)
    else:
        vector = postgres.vector(words, values["id"])
        await conn.execute(_WITH_VECTOR, {**values, "tags": json.dumps(values["tags"]), "words": vector})


async def last_sequence(conn: AsyncConnection, shelf: Shelf) -> int:
    """The running number of the document that came last."""
    if not is_sqlite(conn):
        return await postgres.last_sequence(conn, shelf)
    query = select(func.max(document.c.id)).where(
        document.c.id >= first_id(shelf), document.c.id <= first_id(shelf, SEQUENCE_MASK)
    )
    return sequence_of(int((await conn.execute(query)).scalar_one_or_none() or 0))


async def _next(conn: AsyncConnection, shelf: Shelf) -> int:
    if is_sqlite(conn):
        return await last_sequence(conn, shelf) + 1
    return await postgres.next_sequence(conn, shelf)


async def forget(conn: AsyncConnection, keys: Sequence[str]) -> None:
    """Take documents out."""
    for start in range(0, len(keys), _AT_ONCE):
        await conn.execute(delete(document).where(document.c.key.in_(keys[start : start + _AT_ONCE])))


async def forget_place(conn: AsyncConnection, key: str) -> None:
    """Take out all documents of a place, and the place itself."""
    await conn.execute(delete(document).where(document.c.place.in_((key, SEEN + key))))


async def forget_inside(conn: AsyncConnection, key: str) -> None:
    """Take out all documents of a place, but the place itself."""
    await conn.execute(delete(document).where(document.c.place == key))


async def indexed(conn: AsyncConnection, ids: Sequence[int], readable: Readable) -> dict[int, Indexed]:
    """The indexed words of those of some documents that may be read."""
    columns = document.c.id, document.c.place, document.c.head, document.c.marks, document.c.body
    rows = await conn.execute(select(*columns).where(document.c.id.in_(ids)))
    return {row.id: Indexed(row.head, row.marks, row.body) for row in rows if row.place in readable}


async def whole(conn: AsyncConnection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Documents by id."""
    return {row.id: row for row in await conn.execute(select(document).where(document.c.id.in_(ids)))}


async def after(conn: AsyncConnection, id: int, most: int) -> list[Row[Any]]:
    """The next documents after one."""
    query = select(document).where(document.c.id > id).order_by(document.c.id).limit(most)
    return list(await conn.execute(query))


def document_of(row: Row[Any]) -> Document:
    """A row as the document that it was made of."""
    return Document(
        key=row.key,
        kind=row.kind,
        place=row.place.removeprefix(SEEN),
        title=row.title,
        text=row.text,
        tags=tuple(row.tags),
        language=row.language,
        moment=row.moment,
        path=row.path,
        event=row.event,
    )


async def titles(conn: AsyncConnection, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Key to title and text of documents."""
    query = select(document.c.key, document.c.title, document.c.text).where(document.c.key.in_(keys))
    return {found.key: (found.title, found.text) for found in await conn.execute(query)}


async def groups_after(conn: AsyncConnection, key: str, most: int) -> list[str]:
    """The next keys of groups after one, archived ones too."""
    query = select(desired_object.c.key).where(desired_object.c.kind == "group", desired_object.c.key > key)
    return list((await conn.execute(query.order_by(desired_object.c.key).limit(most))).scalars())


async def withdrawn(conn: AsyncConnection) -> list[str]:
    """Keys of groups that are indexed and that nobody wants."""
    wanted = select(desired_object.c.key)
    query = select(document.c.place).where(document.c.kind == "group", document.c.place.like(f"{SEEN}%"))
    found = [place.removeprefix(SEEN) for place in (await conn.execute(query)).scalars()]
    still = set((await conn.execute(wanted)).scalars())
    return sorted({key for key in found if key not in still})
