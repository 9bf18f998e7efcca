"""A house for each test, on a database that has all tables."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from esnbot.stored import migrations
from esnbot.testing.databases import Tables
from tests.features.house import House, a_house, all_features


@pytest.fixture
def tables() -> Tables:
    """Those of all features."""
    return migrations(all_features())


@pytest_asyncio.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    """All features at work on a fresh SQLite database."""
    async with a_house(sqlite_url) as one:
        yield one


@pytest_asyncio.fixture
async def any_house(database_url: str) -> AsyncIterator[House]:
    """The same on SQLite and on PostgreSQL: the test runs once on each."""
    async with a_house(database_url) as one:
        yield one
