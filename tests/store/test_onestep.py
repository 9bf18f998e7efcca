"""SQLite connections that take one step of their thread for a statement."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from esnbot.store.database import Database
from esnbot.store.onestep import OneStepConnection


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'steps.db'}"


async def test_files_are_opened_with_them_and_memory_is_left_to_the_driver(url: str) -> None:
    for address, ours in ((url, True), ("sqlite+aiosqlite:///:memory:", False)):
        database = await Database.open(address)
        async with database.read() as conn:
            raw = await conn.get_raw_connection()
            assert isinstance(raw.driver_connection, OneStepConnection) is ours
        await database.close()


async def test_rows_counts_and_ids_come_back(url: str) -> None:
    database = await Database.open(url)
    async with database.engine.begin() as conn:
        await conn.exec_driver_sql("CREATE TABLE tree (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        await conn.exec_driver_sql("INSERT INTO tree (name) VALUES (?)", [("oak",), ("elm",), ("ash",)])
        changed = await conn.exec_driver_sql("UPDATE tree SET name = name || '!' WHERE id > ?", (1,))
        made = await conn.exec_driver_sql("INSERT INTO tree (name) VALUES ('fir')")
        returned = await conn.exec_driver_sql("DELETE FROM tree WHERE id = 1 RETURNING name")

        assert changed.rowcount == 2
        assert made.lastrowid == 4
        assert returned.scalar_one() == "oak"
        found = await conn.exec_driver_sql("SELECT name FROM tree ORDER BY id")
        assert found.scalars().all() == ["elm!", "ash!", "fir"]
    await database.close()


async def test_errors_are_those_of_sqlalchemy_and_the_connection_goes_on(url: str) -> None:
    database = await Database.open(url)
    async with database.engine.begin() as conn:
        await conn.exec_driver_sql("CREATE TABLE tree (name TEXT UNIQUE)")
        with pytest.raises(IntegrityError):
            await conn.exec_driver_sql("INSERT INTO tree VALUES (?)", [("oak",), ("oak",)])
        with pytest.raises(DBAPIError, match="no such table"):
            await conn.exec_driver_sql("SELECT 1 FROM bush")
        assert (await conn.exec_driver_sql("SELECT 1")).scalar_one() == 1
    await database.close()


async def test_a_statement_without_end_can_be_interrupted(url: str) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    database = await Database.open(url)
    async with database.read() as conn:
        raw = await conn.get_raw_connection()
        counting = asyncio.create_task(conn.exec_driver_sql(endless))
        while not counting.done():
            await raw.driver_connection.interrupt()  # type: ignore[union-attr]
            await asyncio.wait({counting}, timeout=0.05)

        with pytest.raises(DBAPIError, match="interrupted"):
            await counting
    await database.close()
