"""The homeserver's room directory, of which no event tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest_asyncio

from esnbot.engine.clock import SystemClock
from esnbot.matrix.client import MatrixClient
from esnbot.provisioning.reconciler import Reconciler
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from tests.provisioning.kit import MIGRATIONS, a_community, a_group
from tests.provisioning.simulated import Simulated

LISTED = a_community(a_group("club", listed=True))


@pytest_asyncio.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """An empty database."""
    database = await Database.open(sqlite_url)
    await migrate(database, [MIGRATIONS])
    yield database
    await database.close()


def at(homeserver: Simulated, database: Database) -> Reconciler:
    return Reconciler(database, cast(MatrixClient, homeserver), SystemClock())


async def test_a_directory_that_takes_no_rooms_is_said_and_keeps_nothing_pending(database: Database) -> None:
    homeserver = Simulated(lists_nothing=True)
    await at(homeserver, database).declare(LISTED)
    assert (await at(homeserver, database).apply()).ok

    plan = await at(homeserver, database).plan(LISTED)
    assert [(change.action.value, change.what) for change in plan.changes] == [("not enforceable", "directory")]
    assert "room_list_publication_rules" in plan.changes[0].why
    assert not plan.pending


async def test_once_the_server_allows_it_a_fresh_look_lists_the_room(database: Database) -> None:
    homeserver = Simulated(lists_nothing=True)
    await at(homeserver, database).declare(LISTED)
    await at(homeserver, database).apply()
    homeserver.lists_nothing = False
    await at(homeserver, database).apply(fresh=True)
    assert set(homeserver.listed.values()) == {"public"}


async def test_what_somebody_took_out_of_the_directory_shows_in_a_fresh_plan(database: Database) -> None:
    homeserver = Simulated()
    await at(homeserver, database).declare(LISTED)
    await at(homeserver, database).apply()
    homeserver.listed.clear()
    plan = await at(homeserver, database).plan(LISTED, fresh=True)
    assert [(change.what, change.old, change.new) for change in plan.changes] == [("directory", "private", "public")]
