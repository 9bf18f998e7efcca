"""Databases that have their tables already: for most tests it takes longer to make the tables than to use them.

On SQLite a file is copied. PostgreSQL copies a database as slowly as it makes tables, so that one is emptied and lent
again; where a test changed more than rows, it is dropped. How tables come to be is tried by the tests of migrations.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing.postgres import Postgres

CORE: Final[tuple[Path, ...]] = ()
"""The tables of the core alone."""

Tables = Sequence[Path]
"""Folders of revisions whose tables, besides the core's, a database has."""

_WRITTEN: Final = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0"
)
_COUNTED: Final = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
_SHAPE: Final = (
    "SELECT (SELECT md5(string_agg(concat_ws('.', oid, relname, relnatts, relhastriggers), ',' ORDER BY oid))"
    " FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
    " || (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)"
    " || (SELECT string_agg(version_num, ',' ORDER BY version_num) FROM alembic_version)"
)
_ALONE: Final = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Lent:
    """A database of a test's own, until it is given back."""

    name: str
    tables: tuple[Path, ...]
    shape: str


@dataclass(slots=True)
class Databases:
    """What a session of tests has made so far."""

    folder: Path
    _files: dict[tuple[Path, ...], Path] = field(default_factory=dict)
    _free: dict[tuple[Path, ...], list[Lent]] = field(default_factory=dict)

    async def copy_to(self, target: Path, tables: Tables) -> None:
        """Make an SQLite database that has some tables."""
        made = self._files.get(tuple(tables))
        if made is None:
            made = self.folder / f"{len(self._files)}.db"
            await _make(f"sqlite+aiosqlite:///{made}", tables)
            self._files[tuple(tables)] = made
        shutil.copyfile(made, target)

    async def lend(self, postgres: Postgres, tables: Tables) -> Lent:
        """A PostgreSQL database that has some tables and no row in them."""
        free = self._free.setdefault(tuple(tables), [])
        if free:
            return free.pop()
        name = await postgres.create_database()
        await _make(postgres.url(name), tables)
        connection = await postgres.connect(name)
        try:
            assert not await connection.fetch(_WRITTEN), "rows that a migration writes would be gone for the next test"
            return Lent(name, tuple(tables), await connection.fetchval(_SHAPE))
        finally:
            await connection.close()

    async def give_back(self, postgres: Postgres, lent: Lent) -> None:
        """Empty it, whoever is still connected to it, or drop it when it is not what it was."""
        connection = await postgres.connect(lent.name)
        try:
            await connection.execute(_ALONE)
            same = await connection.fetchval(_SHAPE) == lent.shape
            if same:
                if written := [f'"{row[0]}"' for row in await connection.fetch(_WRITTEN)]:
                    await connection.execute(f"TRUNCATE {', '.join(written)} CASCADE")
                for row in await connection.fetch(_COUNTED):
                    await connection.execute(f'ALTER SEQUENCE "{row[0]}" RESTART')
        finally:
            await connection.close()
        if same:
            self._free[lent.tables].append(lent)
        else:
            await postgres.drop_database(lent.name)


async def _make(url: str, tables: Tables) -> None:
    database = await Database.open(url)
    try:
        await migrate(database, tables)
    finally:
        await database.close()
