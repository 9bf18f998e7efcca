"""What waits, read from a real database of either kind."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.discovery import Discovery
from esnbot.engine.tables import dead_letter, inbox, outbox
from esnbot.stored import migrated
from esnbot.web import Figures
from esnbot.web.metrics import read_figures

NOW = 1_000_000


async def figures(url: str, *rows: tuple[object, dict[str, object]]) -> Figures:
    async def fill(conn: AsyncConnection) -> None:
        for table, values in rows:
            await conn.execute(insert(table).values(values))  # type: ignore[arg-type]

    async with migrated(url, Discovery()) as database:
        await database.write(fill)
        async with database.read() as conn:
            return await read_figures(conn, NOW)


def event(name: str, arrived: int, state: int = 0) -> tuple[object, dict[str, object]]:
    return inbox, {"event_id": name, "queue": "!room", "arrived": arrived, "state": state}


def effect(name: str, made: int) -> tuple[object, dict[str, object]]:
    return outbox, {"key": name, "module": "m", "room": "!room", "kind": "Say", "made": made, "urgent": False}


async def test_an_empty_store_has_nothing_waiting_and_no_age(database_url: str) -> None:
    found = await figures(database_url)
    assert (found.backlog.inbox, found.backlog.outbox, found.backlog.letters) == (0, 0, 0)
    assert (found.lag, found.overdue) == (0.0, 0.0)


async def test_ages_are_those_of_the_oldest_that_waits(database_url: str) -> None:
    letter = {
        "kind": "event",
        "key": "$dead",
        "module": "m",
        "room": "!room",
        "body": "{}",
        "error": "ValueError",
        "died": 1,
    }
    found = await figures(
        database_url,
        event("$done", NOW - 90_000, state=1),
        event("$old", NOW - 5_000),
        event("$new", NOW - 1_000),
        effect("one", NOW - 2_500),
        (dead_letter, letter),
    )
    assert (found.backlog.inbox, found.backlog.outbox, found.backlog.letters) == (2, 1, 1)
    assert found.lag == 5.0
    assert found.overdue == 2.5
