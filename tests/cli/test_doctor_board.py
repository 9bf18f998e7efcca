"""The doctor on the web board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from esnbot.cli.checkup.finding import State
from esnbot.matrix.registration import Registration
from esnbot.testing.homeserver import Homeserver
from tests.cli.doctoring import SetUp


@pytest.fixture
def set_up(tmp_path: Path, homeserver: Homeserver, service: Registration) -> SetUp:
    """A set-up on a real Synapse."""
    return SetUp(tmp_path, homeserver.url, replace(service, alias_patterns=()))


async def state(set_up: SetUp, check: str, **web: Any) -> State | None:
    """How a check ends, with these settings of the board."""
    return (await set_up.with_top(web=web).findings()).state(check)


async def test_it_wants_tls_where_others_come(set_up: SetUp) -> None:
    assert await state(set_up, "board", url="https://board.example.org") is State.ok
    assert await state(set_up, "board", url="http://board.example.org") is State.warning
    assert await state(set_up, "board", listen="127.0.0.1:8090") is State.note


async def test_it_sees_whether_the_homeserver_checks_tokens_of_widgets(set_up: SetUp) -> None:
    assert await state(set_up, "widgets", url="https://board.example.org") is State.ok
    assert await state(set_up, "widgets", listen="127.0.0.1:8090") is None
