"""What tests of the board have in common."""

from __future__ import annotations

import pytest

from esnbot.discovery import Discovery
from esnbot.stored import migrations
from esnbot.testing.databases import Tables


@pytest.fixture
def tables() -> Tables:
    """The core's and those of its packages, of no feature."""
    return migrations(Discovery())
