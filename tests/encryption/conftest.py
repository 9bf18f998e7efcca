"""Fixtures of the encrypted suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.testing.homeserver import Homeserver
from tests.app.bench import settings_for
from tests.encryption.client import EncryptingClient


@pytest.fixture
def settings(homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str) -> Settings:
    """A bot of this test's own, on SQLite."""
    return settings_for(service, homeserver.url, tmp_path, sqlite_url)


@pytest.fixture
async def alice(homeserver: Homeserver, tmp_path: Path) -> AsyncIterator[EncryptingClient]:
    """Somebody with an encrypting client."""
    person = await homeserver.person("alice")
    async with EncryptingClient(person.account, tmp_path / "alice") as client:
        yield client


@pytest.fixture
async def mallory(homeserver: Homeserver, tmp_path: Path) -> AsyncIterator[EncryptingClient]:
    """Somebody else with one."""
    person = await homeserver.person("mallory")
    async with EncryptingClient(person.account, tmp_path / "mallory") as client:
        yield client
