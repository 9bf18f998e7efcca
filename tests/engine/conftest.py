"""Workshops of the engine's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import structlog

from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing.clock import ManualClock
from esnbot.testing.databases import CORE, Tables
from esnbot.testing.stub import StubHomeserver
from tests.engine.workshop import OTHER, ROOM, Workshop


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Logs as text: drawing pictures of tracebacks takes longer than the tests."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )


@pytest.fixture
def tables() -> Tables:
    """The core's."""
    return CORE


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database with the core's tables, on SQLite and on PostgreSQL."""
    opened = await Database.open(database_url)
    await migrate(opened)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def sqlite_workshop(
    sqlite_url: str, stub_homeserver: StubHomeserver, clock: ManualClock
) -> AsyncIterator[Workshop]:
    """The same on SQLite, for what is SQLite's alone."""
    database = await Database.open(sqlite_url)
    await migrate(database)
    made = Workshop(database, stub_homeserver, clock)
    await made.bot_is_in(ROOM, OTHER)
    yield made
    await made.close()
    await database.close()


@pytest_asyncio.fixture
async def workshop(database: Database, stub_homeserver: StubHomeserver, clock: ManualClock) -> AsyncIterator[Workshop]:
    """A workshop whose bot is in two rooms."""
    made = Workshop(database, stub_homeserver, clock)
    await made.bot_is_in(ROOM, OTHER)
    yield made
    await made.close()
