"""Insert or update by primary key, in the one spelling that both databases share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]


def _insert(conn: AsyncConnection, table: Table) -> Any:
    return sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)


async def upsert(conn: AsyncConnection, table: Table, rows: Row | Sequence[Row]) -> None:
    """Insert rows, or overwrite those with the same primary key."""
    if not rows:
        return
    first = rows if isinstance(rows, Mapping) else rows[0]
    statement = _insert(conn, table)
    keys = [column.name for column in table.primary_key]
    values = {name: statement.excluded[name] for name in first if name not in keys}
    if values:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=values)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    await conn.execute(statement, rows)


async def insert_new(conn: AsyncConnection, table: Table, row: Row) -> bool:
    """Insert a row unless one with the same unique key is there; whether it was new."""
    result = await conn.execute(_insert(conn, table).on_conflict_do_nothing(), row)
    return bool(result.rowcount == 1)
