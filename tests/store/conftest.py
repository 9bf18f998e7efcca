"""Databases of both kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from esnbot.store.database import Database
from esnbot.store.migrate import migrate


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database with the core's tables, on SQLite and on PostgreSQL."""
    opened = await Database.open(database_url)
    await migrate(opened)
    yield opened
    await opened.close()
