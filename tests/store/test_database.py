"""The database: what is promised is committed, and trouble reaches those who wait."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.store import database as module_database
from esnbot.store import kept
from esnbot.store.database import Database, DatabaseError
from esnbot.store.migrate import migrate, pending
from esnbot.store.trouble import is_trouble
from esnbot.testing.waiting import eventually


async def value(database: Database, name: str) -> str | None:
    async with database.read() as conn:
        return await kept.get(conn, name)


async def pragma(database: Database, words: str) -> None:
    """Set something of SQLite's on the connection that writes, past every transaction."""
    assert database._connection is not None
    raw = await database._connection.get_raw_connection()
    assert raw.driver_connection is not None
    await raw.driver_connection.execute(f"PRAGMA {words}")


async def test_what_is_written_is_there_for_a_new_connection(database: Database, database_url: str) -> None:
    await asyncio.gather(*[database.write(lambda conn, n=n: kept.put(conn, f"k{n}", "v")) for n in range(200)])  # type: ignore[misc]
    again = await Database.open(database_url)
    async with again.read() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM kept"))).scalar_one() == 200
    await again.close()


async def test_a_job_that_raises_is_undone_alone(database: Database) -> None:
    async def bad(conn: AsyncConnection) -> None:
        await kept.put(conn, "bad", "v")
        raise RuntimeError("on purpose")

    async def good(conn: AsyncConnection) -> str:
        await kept.put(conn, "good", "v")
        return "done"

    outcomes = await asyncio.gather(
        *[database.write(job) for job in (good, bad, good, bad)],
        return_exceptions=True,
    )
    assert [str(outcome) for outcome in outcomes] == ["done", "on purpose", "done", "on purpose"]
    assert (await value(database, "good"), await value(database, "bad")) == ("v", None)


async def test_a_job_that_never_ends_is_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_database, "JOB_LIMIT", 0.1)

    async def endless(conn: AsyncConnection) -> None:
        await kept.put(conn, "endless", "v")
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await database.write(endless)
    await database.write(lambda conn: kept.put(conn, "after", "v"))
    assert (await value(database, "endless"), await value(database, "after")) == (None, "v")


async def test_a_statement_that_is_cut_off_spoils_nothing_that_follows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_database, "JOB_LIMIT", 0.1)
    slow = {
        True: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n",
        False: "SELECT pg_sleep(30)",
    }

    async def job(conn: AsyncConnection) -> None:
        await kept.put(conn, "slow", "v")
        await conn.execute(text(slow[database.is_sqlite]))

    with pytest.raises((TimeoutError, DBAPIError)):
        await database.write(job)
    monkeypatch.setattr(module_database, "JOB_LIMIT", 30)
    await database.write(lambda conn: kept.put(conn, "after", "v"))
    assert (await value(database, "slow"), await value(database, "after")) == (None, "v")


async def test_a_closed_database_says_so(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    with pytest.raises(DatabaseError, match="closed"):
        await database.write(lambda conn: kept.put(conn, "k", "v"))
    await closing


async def test_parameters_do_not_stand_in_errors(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.read() as conn:
            await conn.execute(text("SELECT nothing FROM nowhere WHERE x = :x"), {"x": "a private word"})
    assert "a private word" not in str(caught.value)


async def test_a_full_database_fails_those_who_wait_and_works_again_with_space(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    await migrate(database)
    await pragma(database, "max_page_count = 60")
    big = "x" * 20_000
    jobs = [database.write(lambda conn, n=n: kept.put(conn, f"big{n}", big)) for n in range(40)]  # type: ignore[misc]
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert refused
    assert [error for error in refused if not is_trouble(error)] == []
    for number, outcome in enumerate(outcomes):
        assert (await value(database, f"big{number}") is None) == isinstance(outcome, Exception)
    await pragma(database, "max_page_count = 1000000")
    await database.write(lambda conn: kept.put(conn, "after", "v"))
    assert await value(database, "after") == "v"
    await database.close()


async def test_a_read_only_database_is_trouble_and_no_crash(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    await migrate(database)
    await pragma(database, "query_only = ON")
    with pytest.raises(DBAPIError) as caught:
        await database.write(lambda conn: kept.put(conn, "k", "v"))
    assert is_trouble(caught.value)
    await pragma(database, "query_only = OFF")
    await database.write(lambda conn: kept.put(conn, "k", "v"))
    await database.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "is not a database URL"),
        ("mysql://me:secret@host/x", "not supported"),
        ("sqlite+aiosqlite:////proc/nowhere/x.db", "check"),
        ("postgresql+asyncpg://me:secret@127.0.0.1:1/x", "check that it runs"),
    ],
)
async def test_what_cannot_be_opened_is_explained_without_the_password(url: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=re.escape(words)) as caught:
        await Database.open(url)
    assert "secret" not in str(caught.value)


async def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "photo.db"
    file.write_bytes(b"no database at all" * 1000)
    with pytest.raises(DatabaseError, match="not a database"):
        await Database.open(f"sqlite+aiosqlite:///{file}")


async def test_one_bot_alone_works_on_an_sqlite_file(sqlite_url: str) -> None:
    first, second = await Database.open(sqlite_url), await Database.open(sqlite_url)
    first.hold_alone()
    with pytest.raises(DatabaseError, match="Another bot"):
        second.hold_alone()
    await first.close()
    second.hold_alone()
    await second.close()


async def test_several_bots_may_work_on_postgresql(postgres_url: str) -> None:
    first, second = await Database.open(postgres_url), await Database.open(postgres_url)
    first.hold_alone()
    second.hold_alone()
    await first.close()
    await second.close()


async def test_migrations_of_several_processes_at_once_do_no_harm(database_url: str) -> None:
    databases = [await Database.open(database_url) for _ in range(4)]
    assert await pending(databases[0])
    await asyncio.gather(*[migrate(database) for database in databases])
    assert not await pending(databases[0])
    for database in databases:
        await database.close()


async def test_a_writer_that_finds_the_file_locked_waits_for_it(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    await migrate(database)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(database.write(lambda conn: kept.put(conn, "k", "v")))
    await eventually(lambda: database._queue.empty())
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    await writing
    await database.close()
