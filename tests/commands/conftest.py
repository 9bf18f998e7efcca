"""One room for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.commands.kit import Room, a_room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """The commands on a database of their own."""
    async with a_room(tmp_path) as room:
        yield room
