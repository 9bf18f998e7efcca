"""The pytest plugin of the kit: ``pytest_plugins = ["esnbot.testing.plugin"]`` in the top conftest.

Servers are started when first asked for, once for each test worker, and end with it. Tests get their own people,
service and database on them, so that tests neither see nor wait for one another.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from esnbot.homeserver import EmbeddedHomeserver
from esnbot.homeserver.certificates import CertificateAuthority
from esnbot.matrix.registration import Registration
from esnbot.testing.browser import MISSING, Chromium, Windows, find_chromium, windows
from esnbot.testing.clock import ManualClock
from esnbot.testing.databases import Databases, Tables
from esnbot.testing.homeserver import Homeserver, SharedHomeserver, homeserver_for_tests
from esnbot.testing.postgres import Postgres
from esnbot.testing.stub import StubHomeserver

SOAK = os.environ.get("ESNBOT_SOAK") == "1"
"""Whether the full counts are asked for."""


LEFT_OUT = pytest.StashKey[int]()
"""How many tests there is no browser for."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked ``soak`` are for `make soak` alone: elsewhere they are not selected at all.

    Those that open a browser are left out, and that is said, where there is none and nobody who could install one.
    """
    if find_chromium() is None and os.getuid() != 0:
        unable = [item for item in items if "chromium" in getattr(item, "fixturenames", ())]
        if unable:
            config.stash[LEFT_OUT] = len(unable)
            config.hook.pytest_deselected(items=unable)
            items[:] = [item for item in items if item not in unable]
    if SOAK:
        return
    kept = [item for item in items if item.get_closest_marker("soak") is None]
    if len(kept) != len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out."""
    if LEFT_OUT in config.stash:
        terminalreporter.write_line(f"left out: {config.stash[LEFT_OUT]} test(s) in a browser. {MISSING}")


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether this is the long run; a test takes its counts from it: ``kills = 50 if soak else 10``."""
    return SOAK


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands on a Monday morning until the test moves it."""
    return ManualClock()


@pytest.fixture(scope="session")
def certificate_authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """Signs for the homeservers of this session."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def shared_homeserver(
    tmp_path_factory: pytest.TempPathFactory, certificate_authority: CertificateAuthority
) -> Iterator[SharedHomeserver]:
    """The company's Synapse, at 127.0.0.2."""
    yield from _shared(tmp_path_factory.mktemp("company"), "127.0.0.2", certificate_authority)


@pytest.fixture(scope="session")
def shared_partner_homeserver(
    tmp_path_factory: pytest.TempPathFactory, certificate_authority: CertificateAuthority
) -> Iterator[SharedHomeserver]:
    """A partner's Synapse, at 127.0.0.3, federated with the company's."""
    yield from _shared(tmp_path_factory.mktemp("partner"), "127.0.0.3", certificate_authority)


def _shared(folder: Path, address: str, authority: CertificateAuthority) -> Iterator[SharedHomeserver]:
    config = homeserver_for_tests(folder / "synapse", address=address, authority=authority)
    shared = SharedHomeserver(EmbeddedHomeserver(config))
    asyncio.run(shared.start())
    yield shared
    asyncio.run(shared.server.stop())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A Chromium of this worker's own."""
    program = find_chromium()
    if program is None:
        pytest.fail(MISSING)
    found = Chromium(program)
    yield found
    found.stop()


@pytest_asyncio.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Windows]:
    """Real browser windows: ``tab = await browser.tab(board, user)``, ``tab.page`` is Playwright's."""
    async with windows(chromium) as found:
        yield found


@pytest_asyncio.fixture
async def homeserver(shared_homeserver: SharedHomeserver) -> AsyncIterator[Homeserver]:
    """The company's homeserver, for this test: ``await homeserver.person("alice")``, ``await homeserver.service()``."""
    mine = Homeserver(shared_homeserver)
    yield mine
    await mine.close()


@pytest_asyncio.fixture
async def partner_homeserver(shared_partner_homeserver: SharedHomeserver) -> AsyncIterator[Homeserver]:
    """A second homeserver that federates with the first."""
    mine = Homeserver(shared_partner_homeserver)
    yield mine
    await mine.close()


@pytest_asyncio.fixture
async def service(homeserver: Homeserver) -> Registration:
    """An application service registered on ``homeserver``, for this test alone, its port reserved."""
    return await homeserver.service()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this worker's own."""
    server = Postgres()
    try:
        asyncio.run(server.wait_until_ready())
        yield server
    finally:
        server.stop()


@pytest.fixture
def tables() -> Tables | None:
    """Which tables a test's database has from the beginning: a conftest or a module says so for its tests.

    None: it is empty, or does not exist yet. Else folders of revisions, as for ``migrate``; ``CORE`` for none further.
    """
    return None


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Databases that have their tables already."""
    return Databases(tmp_path_factory.mktemp("databases"))


@pytest_asyncio.fixture
async def postgres_url(postgres: Postgres, databases: Databases, tables: Tables | None) -> AsyncIterator[str]:
    """The URL of a PostgreSQL database of this test's own, empty unless ``tables`` says otherwise."""
    if tables is None:
        name = await postgres.create_database()
        yield postgres.url(name)
        await postgres.drop_database(name)
        return
    lent = await databases.lend(postgres, tables)
    yield postgres.url(lent.name)
    await databases.give_back(postgres, lent)


@pytest_asyncio.fixture
async def sqlite_url(tmp_path: Path, databases: Databases, tables: Tables | None) -> str:
    """The URL of an SQLite database of this test's own, which does not exist yet unless ``tables`` says otherwise."""
    if tables is not None:
        await databases.copy_to(tmp_path / "esnbot.db", tables)
    return f"sqlite+aiosqlite:///{tmp_path / 'esnbot.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database of this test's own; the test runs once on each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest_asyncio.fixture
async def stub_homeserver() -> AsyncIterator[StubHomeserver]:
    """A homeserver whose answers the test chooses."""
    stub = StubHomeserver()
    await stub.start()
    yield stub
    await stub.stop()
