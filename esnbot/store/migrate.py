"""Bring a database's schema up to date: the core's migrations and those of each package and feature, each a branch."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from esnbot.store.database import Database
from esnbot.store.tables import metadata

CORE: Final = Path(__file__).parent / "migrations" / "versions"


def scripts(folders: Iterable[Path] = ()) -> ScriptDirectory:
    """All revisions, of the core and of the given folders."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in (CORE, *folders)))
    return ScriptDirectory.from_config(config)


async def migrate(database: Database, folders: Iterable[Path] = ()) -> None:
    """Apply what is missing; does nothing, quickly, when nothing is."""
    directory = scripts(folders)

    async with database.engine.connect() as connection:
        # One process at a time, and all or nothing: another one that starts as well finds nothing left to do.
        writer = await connection.execution_options(esnbot_writes=True)
        async with writer.begin():
            if not database.is_sqlite:
                await writer.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('esnbot migrations', 0))"))
            await writer.run_sync(lambda sync: _upgrade(sync, directory))


async def pending(database: Database, folders: Iterable[Path] = ()) -> bool:
    """Whether migrations wait to be applied."""
    from alembic.runtime.migration import MigrationContext
    from alembic.util import CommandError

    directory = scripts(folders)
    async with database.engine.connect() as connection:
        current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads())
    try:
        # Not by comparing heads: what a revision of another branch depends on is no head of the database any more.
        return bool(directory._upgrade_revs("heads", current))  # type: ignore[arg-type]
    except CommandError:
        # A revision that this version does not know.
        return True


def _upgrade(connection: Connection, directory: ScriptDirectory) -> None:
    environment = EnvironmentContext(Config(), directory)
    environment.configure(
        connection=connection,
        target_metadata=metadata,
        fn=lambda current, _context: directory._upgrade_revs("heads", current),
    )
    with environment.begin_transaction():
        environment.run_migrations()
