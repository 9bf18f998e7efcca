"""A database of before the engine knew when people last said something: nothing of that is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import Connection, text

from esnbot.engine import talk
from esnbot.features.life import feature, records
from esnbot.store.database import Database
from esnbot.store.migrate import migrate, scripts

FOLDER: Path = feature.DECLARATION.migrations or Path()


@pytest.fixture
def tables() -> None:
    """None yet."""


def _as_it_was(connection: Connection) -> None:
    directory = scripts([FOLDER])
    environment = EnvironmentContext(Config(), directory)
    for revision in ("core_0005", "life_0001"):
        environment.configure(
            connection=connection, fn=lambda current, _, to=revision: directory._upgrade_revs(to, current)
        )
        with environment.begin_transaction():
            environment.run_migrations()


async def test_what_was_heard_is_handed_over(database_url: str) -> None:
    database = await Database.open(database_url)
    try:
        async with database.engine.connect() as connection:
            writer = await connection.execution_options(esnbot_writes=True)
            async with writer.begin():
                await writer.run_sync(_as_it_was)
                await writer.execute(text("INSERT INTO room_clock VALUES ('!a', 9), ('!b', 9), ('!c', 9)"))
                await writer.execute(text("INSERT INTO life_heard VALUES ('!a', 5, 0), ('!b', 0, 7), ('!gone', 3, 4)"))
        await migrate(database, [FOLDER])
        async with database.read() as conn:
            assert await talk.last_words(conn) == {"!a": 5}
            assert await records.quiet_since(conn) == {"!a": 5, "!b": 7, "!gone": 4}
    finally:
        await database.close()
