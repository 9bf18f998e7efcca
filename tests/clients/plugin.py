"""Leaves the tests with matrix-js-sdk out where it cannot be had, and says so in one sentence. In CI they must run."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from tests.clients.install import Installed, NotInstalled, install

HERE = Path(__file__).parent


@cache
def at_hand() -> Installed | NotInstalled:
    """The client, or why there is none; looked for once."""
    try:
        return install()
    except NotInstalled as error:
        return error


def must_run() -> bool:
    """Whether a machine without the client is a failure."""
    return os.environ.get("CI") == "true"


def pytest_report_header(config: pytest.Config) -> str | None:
    """Install before test workers begin, where these tests may be among those that were asked for."""
    asked = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    if not any(path == HERE or path in HERE.parents or HERE in path.parents for path in asked):
        return None
    found = at_hand()
    return f"left out: tests with matrix-js-sdk, because {found}" if isinstance(found, NotInstalled) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that ask for the client are not selected where there is none."""
    of_client = [item for item in items if "js_client" in getattr(item, "fixturenames", ())]
    if not of_client or must_run() or isinstance(at_hand(), Installed):
        return
    config.hook.pytest_deselected(items=of_client)
    items[:] = [item for item in items if item not in of_client]


@pytest.fixture(scope="session")
def js_client() -> Installed:
    """matrix-js-sdk, installed."""
    found = at_hand()
    assert isinstance(found, Installed), str(found)
    return found
