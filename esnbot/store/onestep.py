"""SQLite connections that take one step of their thread for a statement.

aiosqlite takes four (make a cursor, execute, fetch, close it), and each is a switch of threads and back: on a busy
machine that is most of what a small transaction costs. All rows are read at once, as SQLAlchemy does anyway.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

import aiosqlite

STATEMENTS = 512
"""Prepared statements that a connection keeps."""


class OneStepConnection(aiosqlite.Connection):
    """aiosqlite's connection, with our cursors."""

    # aiosqlite's is a coroutine with a context; SQLAlchemy asks for the context only, and so does this.
    def cursor(self) -> Any:
        """A cursor; nothing is done yet."""
        return _Cursor(self)

    async def step(self, method: str, statement: str, parameters: Any) -> tuple[Any, int, int | None, list[Any]]:
        """Run a statement whole: its description, row count, last row's id and rows."""

        def work() -> tuple[Any, int, int | None, list[Any]]:
            cursor = self._conn.cursor()
            try:
                getattr(cursor, method)(statement, parameters)
                rows = cursor.fetchall() if cursor.description else []
                return cursor.description, cursor.rowcount, cursor.lastrowid, rows
            finally:
                cursor.close()

        found: tuple[Any, int, int | None, list[Any]] = await self._execute(work)  # type: ignore[no-untyped-call]
        return found


class _Cursor:
    """As much of a cursor as SQLAlchemy uses."""

    def __init__(self, connection: OneStepConnection) -> None:
        self._connection = connection
        self._rows: deque[Any] = deque()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        return await self._run("execute", statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> Self:
        return await self._run("executemany", statement, parameters)

    async def _run(self, method: str, statement: str, parameters: Any) -> Self:
        found = await self._connection.step(method, statement, parameters)
        self.description, self.rowcount, self.lastrowid, rows = found
        self._rows = deque(rows)
        return self

    async def fetchall(self) -> list[Any]:
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def close(self) -> None:
        self._rows.clear()


def connect(database: str) -> OneStepConnection:
    """A connection to await; its thread does not keep the process alive."""

    def connector() -> sqlite3.Connection:
        return sqlite3.connect(database, cached_statements=STATEMENTS, check_same_thread=False)

    connection = OneStepConnection(connector, iter_chunk_size=64)
    # As SQLAlchemy does it for its own: in some versions the connection itself is the thread.
    thread: Any = getattr(connection, "_thread", connection)
    thread.daemon = True
    return connection
