"""Single values that outlive the process, such as the token of the last sync."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store.tables import metadata
from esnbot.store.upsert import upsert

kept = Table("kept", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))


async def get(conn: AsyncConnection, name: str) -> str | None:
    """The value kept under a name."""
    return (await conn.execute(select(kept.c.value).where(kept.c.name == name))).scalar_one_or_none()


async def put(conn: AsyncConnection, name: str, value: str) -> None:
    """Keep a value under a name."""
    await upsert(conn, kept, {"name": name, "value": value})
