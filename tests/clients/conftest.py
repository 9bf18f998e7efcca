"""A town for each test, on SQLite: what the databases do alike is tested elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from esnbot.matrix.registration import Registration
from esnbot.testing.homeserver import Homeserver
from tests.clients.install import Installed
from tests.clients.kit import Town, a_town


@pytest_asyncio.fixture
async def town(
    service: Registration, homeserver: Homeserver, js_client: Installed, tmp_path: Path, sqlite_url: str
) -> AsyncIterator[Town]:
    """A community with the bot, and people with matrix-js-sdk."""
    async with a_town(service, homeserver, js_client, tmp_path, sqlite_url, "partner.example") as one:
        yield one


@pytest_asyncio.fixture
async def town_with_partners(
    service: Registration,
    homeserver: Homeserver,
    partner_homeserver: Homeserver,
    js_client: Installed,
    tmp_path: Path,
    sqlite_url: str,
) -> AsyncIterator[Town]:
    """The same, whose partners are on a homeserver of their own."""
    async with a_town(service, homeserver, js_client, tmp_path, sqlite_url, partner_homeserver.server_name) as one:
        yield one
