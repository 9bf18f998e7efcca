"""One database behind one URL, SQLite and PostgreSQL alike: reading, and writing in short jobs.

A *job* is an async function of a connection. On SQLite one writer task runs the jobs, each in a savepoint, and commits
them in groups with ``synchronous=FULL``: many small promises, one fsync. On PostgreSQL each job has a transaction of
its own. Whoever awaits ``write`` continues only after the commit; nobody else needs to know which database it was.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from esnbot.store import onestep
from esnbot.store.trouble import is_trouble

T = TypeVar("T")

Job = Callable[[AsyncConnection], Awaitable[T]]

GROUP: Final = 64
"""The most jobs that share one commit."""
JOB_LIMIT: Final = 60.0
"""Seconds that a job may take: on SQLite all others wait for it."""
INTERRUPTED_WITHIN: Final = 1.0
"""Seconds after which a job is given up that no interruption of its statement has ended; its connection is lost."""


class DatabaseError(Exception):
    """The database cannot be used; the message says what and what to do."""

    hint = ""
    """What to do about it, where the sentence itself does not say."""


@dataclass(slots=True)
class _Pending:
    job: Job[Any]
    done: asyncio.Future[Any]


class Database:
    """An open database. Use ``await Database.open(url)``; close it with ``await database.close()``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._queue: asyncio.Queue[_Pending | None] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None
        self._connection: AsyncConnection | None = None
        self._closing = False
        self._lock: int | None = None

    @classmethod
    async def open(cls, url: str) -> Database:
        """Connect, and on SQLite start the writer; raises ``DatabaseError`` with a sentence for the person."""
        database = cls(make_engine(url))
        try:
            if database.is_sqlite:
                connection = await database.engine.connect()
                database._connection = await connection.execution_options(esnbot_writes=True)
                database._writer = asyncio.create_task(database._write_forever(), name="database writer")
            else:
                async with database.engine.connect():
                    pass
        except (DBAPIError, OSError) as error:
            await database.engine.dispose()
            raise DatabaseError(explain(url, error)) from error
        return database

    async def close(self) -> None:
        """Finish what was asked for, then let go of the database."""
        self._closing = True
        if self._writer is not None:
            self._queue.put_nowait(None)
            await self._writer
        if self._connection is not None:
            await self._connection.close()
        await self.engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def hold_alone(self) -> None:
        """Be the one bot that works on an SQLite file; raises ``DatabaseError`` when another process is.

        The lock is a file beside the database and ends with the process. PostgreSQL has room for several.
        """
        file = self.engine.url.database
        if not self.is_sqlite or not file or file == ":memory:" or self._lock is not None:
            return
        try:
            descriptor = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(explain(str(self.engine.url), error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise DatabaseError(
                f"Another bot is at work on {file} already: stop it first, or use PostgreSQL, where several may work."
            ) from error
        self._lock = descriptor

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading what is committed."""
        async with self.engine.connect() as connection:
            yield connection

    async def write(self, job: Job[T]) -> T:
        """Run the job in a transaction and return its result once that is committed; its exception undoes it alone."""
        if not self.is_sqlite:
            async with self.engine.begin() as connection, within(connection, JOB_LIMIT):
                return await job(connection)
        if self._closing or self._writer is None or self._writer.done():
            raise DatabaseError("the database is closed")
        pending = _Pending(job, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(pending)
        result: T = await pending.done
        return result

    async def _write_forever(self) -> None:
        assert self._connection is not None
        closing = False
        while not closing:
            group = [await self._queue.get()]
            while len(group) < GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            closing = None in group
            jobs = [pending for pending in group if pending is not None]
            if jobs:
                await _commit_together(self._connection, jobs)


@asynccontextmanager
async def savepoint(connection: AsyncConnection) -> AsyncIterator[None]:
    """A savepoint, undone when something is raised in it; the trouble that the database is in is raised as such.

    In trouble SQLite drops the whole transaction, and then the savepoint in it cannot be undone: what one would see is
    that second error.
    """
    first: Exception | None = None
    try:
        async with connection.begin_nested():
            try:
                yield
            except Exception as error:
                first = error
                raise
    except DBAPIError as error:
        if first is not None and first is not error and is_trouble(first):
            raise first from error
        raise


@asynccontextmanager
async def within(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    """Bound what is done with a connection; raises ``TimeoutError`` and leaves the connection usable.

    A statement of SQLite's is interrupted first: to abandon it would leave its transaction, and the lock of the whole
    file, with a connection that nobody has any more.
    """
    loop = asyncio.get_running_loop()
    is_sqlite = connection.dialect.name == "sqlite"
    interrupting: list[asyncio.Task[None]] = []

    def interrupt() -> None:
        sync = connection.sync_connection
        if sync is not None and not sync.closed and sync.connection.driver_connection is not None:
            interrupting.append(loop.create_task(sync.connection.driver_connection.interrupt()))

    timer = loop.call_later(seconds, interrupt) if is_sqlite else None
    try:
        async with asyncio.timeout(seconds + INTERRUPTED_WITHIN):
            yield
    except DBAPIError as error:
        if interrupting:
            raise TimeoutError(f"not done within {seconds} s") from error
        raise
    finally:
        if timer is not None:
            timer.cancel()


async def _commit_together(connection: AsyncConnection, jobs: list[_Pending]) -> None:
    """Run the jobs in one transaction, each undone alone when it raises, and tell the waiters after the commit."""
    outcomes: list[tuple[_Pending, Any, BaseException | None]] = []
    try:
        async with connection.begin():
            for pending in jobs:
                outcomes.append(await _run(connection, pending, alone=len(jobs) == 1))
            if len(jobs) == 1 and outcomes[0][2] is not None:
                raise outcomes[0][2]
    # Whatever made the group fail (a full disk, a bug in the only job), it belongs to those who wait for it.
    except Exception as error:  # noqa: BLE001
        outcomes = [(pending, None, error) for pending in jobs]
    for pending, result, failure in outcomes:
        if pending.done.done():
            continue
        if failure is None:
            pending.done.set_result(result)
        else:
            pending.done.set_exception(failure)


async def _run(
    connection: AsyncConnection, pending: _Pending, *, alone: bool
) -> tuple[_Pending, Any, BaseException | None]:
    try:
        async with within(connection, JOB_LIMIT):
            if alone:
                return pending, await pending.job(connection), None
            async with savepoint(connection):
                result = await pending.job(connection)
            return pending, result, None
    # The exception travels to whoever waits for the job; the other jobs of the group go on.
    except Exception as error:
        # In trouble SQLite may have rolled back the whole transaction, and with it those who believe to be done.
        if is_trouble(error) or connection.invalidated or not connection.in_transaction():
            raise
        return pending, None, error


def make_engine(url: str) -> AsyncEngine:
    """The engine for a database URL, with SQLite set up for many small durable commits."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseError(f"'{_without_password(url)}' is not a database URL; try {EXAMPLES}.") from error
    if parsed.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise DatabaseError(f"the database driver '{parsed.drivername}' is not supported; use {EXAMPLES}.")
    if parsed.drivername == "postgresql+asyncpg":
        return create_async_engine(parsed, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True)
    if parsed.database and parsed.database != ":memory:":
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(explain(url, error)) from error
    # Parameters are what people wrote: they stay out of errors, and so out of logs.
    engine = create_async_engine(parsed, hide_parameters=True, **_creator(parsed))
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _creator(url: URL) -> dict[str, Any]:
    """How to connect to a plain file; databases in memory and URIs are left to the driver."""
    file = url.database
    if not file or file == ":memory:" or url.query or file.startswith("file:"):
        return {}
    return {"async_creator": lambda: onestep.connect(file)}


EXAMPLES: Final = "'sqlite+aiosqlite:///var/esnbot.db' or 'postgresql+asyncpg://user@host/name'"


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun by us: the driver's own habits break savepoints and never begin for a read.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout=15000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        # What was said and is emptied afterwards must not stay legible in the file (docs/encryption.md).
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A writer takes the lock at once: upgrading from a read lock later fails as soon as two processes try.
    writes = connection.get_execution_options().get("esnbot_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{credentials.partition(':')[0]}:***{at}{host}" if at and ":" in credentials else url


def explain(url: str, error: Exception) -> str:
    """One sentence on why the database cannot be used, without the password that may stand in the URL."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    hint = {
        "unable to open database file": "check that the folder exists and that this user may write there",
        "readonly": "make the file and its folder writable for this user",
        "disk is full": "free some space",
        "not a database": "the file is not an SQLite database; name another one or restore a backup",
    }
    advice = next(
        (text for words, text in hint.items() if words in reason), "check that it runs and that the URL is right"
    )
    return f"The database {_without_password(url)} cannot be used: {reason}; {advice}."
