"""The community's database, opened as its commands need it: brought up to date, or refused in a sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

import bridges
import esnbot
from esnbot.discovery import Discovery
from esnbot.store.database import Database, DatabaseError
from esnbot.store.migrate import migrate, pending

PACKAGES: Final = ("commands", "provisioning", "web")
"""Packages of the core that have tables of their own, beside the store's."""


def migrations(found: Discovery) -> tuple[Path, ...]:
    """Every folder of revisions, of the core's packages, of the bridges and of the features."""
    root = Path(next(iter(esnbot.__path__)))
    outside = Path(next(iter(bridges.__path__)))
    core = [*(root / name for name in PACKAGES), *sorted(outside.iterdir())]
    return (*_existing(folder / "migrations" for folder in core), *found.migrations)


def _existing(folders: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(folder for folder in folders if folder.is_dir())


@asynccontextmanager
async def migrated(url: str, found: Discovery) -> AsyncIterator[Database]:
    """The database, made when it is not there, and brought up to date."""
    database = await Database.open(url)
    try:
        await migrate(database, migrations(found))
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def existing(url: str, found: Discovery) -> AsyncIterator[Database]:
    """The database that a bot has used before; raises ``DatabaseError`` when there is none."""
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite") and parsed.database and not Path(parsed.database).exists():
        raise DatabaseError(
            f"There is no database at '{parsed.database}' yet; 'esnbot run' or 'esnbot apply' makes it."
        )
    database = await Database.open(url)
    try:
        if await pending(database, migrations(found)):
            raise DatabaseError(
                "The database is not of this version; 'esnbot run' or 'esnbot apply' brings it up to date."
            )
        yield database
    finally:
        await database.close()
