"""Fixtures of provisioning's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from esnbot.testing.homeserver import Homeserver
from tests.provisioning.kit import Stage, staged


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
