"""Fixtures of provisioning's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing.databases import Tables
from esnbot.testing.homeserver import Homeserver
from tests.provisioning.kit import MIGRATIONS, Stage, staged


@pytest.fixture
def tables() -> Tables:
    """The core's and those of provisioning."""
    return [MIGRATIONS]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "empty.db"

    async def make() -> None:
        database = await Database.open(f"sqlite+aiosqlite:///{path}")
        await migrate(database, [MIGRATIONS])
        await database.close()

    asyncio.run(make())
    return path


@pytest_asyncio.fixture
async def stage(homeserver: Homeserver, sqlite_url: str) -> AsyncIterator[Stage]:
    """A bot on the homeserver, with an empty database and nothing declared."""
    async with staged(homeserver, sqlite_url) as made:
        yield made


@pytest_asyncio.fixture
async def stage_on_each(homeserver: Homeserver, database_url: str) -> AsyncIterator[Stage]:
    """The same, once on SQLite and once on PostgreSQL."""
    async with staged(homeserver, database_url) as made:
        yield made
