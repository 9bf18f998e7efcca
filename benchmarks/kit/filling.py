"""Puts a whole corpus into an index in one go, as fast as the database takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

from sqlalchemy import text

from esnbot.features.search import Document, model, records, weighing
from esnbot.features.search.model import Indexed
from esnbot.features.search.postgres import vector
from esnbot.features.search.shelf import Shelf, sequence_of, shelf_of
from esnbot.store.database import Database

AT_ONCE = 5_000


async def fill(database: Database, documents: Iterable[Document]) -> None:
    """Index the documents; what a running bot does one by one, with the same rows and the same index."""
    rows = _rows(documents)
    if database.is_sqlite:
        while batch := list(islice(rows, AT_ONCE)):
            await database.write(lambda conn, batch=batch: conn.execute(records.document.insert(), batch))
    else:
        await _copy(database, rows)
    await database.write(weighing.weigh)


def _rows(documents: Iterable[Document]) -> Any:
    given = dict.fromkeys(Shelf, 0)
    for document in documents:
        shelf = shelf_of(document.kind)
        given[shelf] += 1
        yield records.row(document, model.indexed(document), given[shelf])


async def _copy(database: Database, rows: Any) -> None:
    columns = [column.name for column in records.document.columns]
    async with database.engine.begin() as conn:
        found = await conn.execute(
            text("SELECT indexdef FROM pg_indexes WHERE indexname IN ('search_kept', 'search_asked')")
        )
        indexes = list(found.scalars())
        await conn.execute(text("DROP INDEX search_kept, search_asked"))
        await conn.execute(text("CREATE TEMPORARY TABLE stage AS SELECT * FROM search_document WHERE false"))
        await conn.execute(text("ALTER TABLE stage ALTER words TYPE text"))
        raw: Any = (await conn.get_raw_connection()).driver_connection
        last = dict.fromkeys(Shelf, 1)
        while batch := list(islice(rows, AT_ONCE)):
            for row in batch:
                last[shelf_of(row["kind"])] = sequence_of(row["id"])
            values = [
                (*({**row, "tags": json.dumps(row["tags"])}[name] for name in columns), _words(row)) for row in batch
            ]
            await raw.copy_records_to_table("stage", columns=[*columns, "words"], records=values)
        names = ", ".join(columns)
        await conn.execute(
            text(f"INSERT INTO search_document ({names}, words) SELECT {names}, words::tsvector FROM stage")
        )
        for index in indexes:
            await conn.execute(text(index))
        for shelf, number in last.items():
            await conn.execute(text(f"SELECT setval('{shelf.value}_number', {number})"))
    async with database.engine.connect() as conn:
        steady = await conn.execution_options(isolation_level="AUTOCOMMIT")
        await steady.execute(text("VACUUM ANALYZE search_document"))


def _words(row: dict[str, Any]) -> str:
    return vector(Indexed(row["head"], row["marks"], row["body"]), row["id"])
