"""One room for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from esnbot.commands.module import MIGRATIONS
from esnbot.testing.databases import Databases, Tables
from tests.commands.kit import DATABASE, Room, a_room


@pytest.fixture
def tables() -> Tables:
    """The core's and those of commands."""
    return [MIGRATIONS]


@pytest.fixture
async def room(tmp_path: Path, databases: Databases, tables: Tables) -> AsyncIterator[Room]:
    """The commands on a database of their own."""
    await databases.copy_to(tmp_path / DATABASE, tables)
    async with a_room(tmp_path) as room:
        yield room
