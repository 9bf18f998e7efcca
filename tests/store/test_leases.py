"""Leases: one holder at a time, and nobody holds for ever."""

from __future__ import annotations

import asyncio

from esnbot.store import leases
from esnbot.store.database import Database

NOON = 1_700_000_000_000


async def take(database: Database, holder: str, now: int = NOON, seconds: float = 10) -> bool:
    return await database.write(lambda conn: leases.take(conn, "work", holder, now, seconds))


async def test_one_of_many_gets_it(database: Database) -> None:
    taken = await asyncio.gather(*[take(database, f"process {n}") for n in range(10)])
    assert sum(taken) == 1


async def test_the_holder_renews_it_and_others_wait_until_it_runs_out(database: Database) -> None:
    assert await take(database, "one")
    assert not await take(database, "two", NOON + 9_000)
    assert await take(database, "one", NOON + 9_000)
    assert not await take(database, "two", NOON + 18_000)
    assert await take(database, "two", NOON + 20_000)


async def test_all_that_is_held_is_renewed_at_once_and_nothing_else(database: Database) -> None:
    assert await take(database, "one")
    await database.write(lambda conn: leases.renew_all(conn, "one", NOON + 5_000, 10))
    await database.write(lambda conn: leases.renew_all(conn, "two", NOON + 5_000, 99))
    async with database.read() as conn:
        assert await leases.holder_of(conn, "work", NOON + 14_000) == "one"
        assert await leases.holder_of(conn, "work", NOON + 16_000) is None


async def test_what_is_given_back_is_free(database: Database) -> None:
    assert await take(database, "one")
    await database.write(lambda conn: leases.release(conn, "work", "two"))
    assert not await take(database, "two")
    await database.write(lambda conn: leases.release(conn, "work", "one"))
    assert await take(database, "two")


async def test_a_clock_that_is_set_back_makes_nobody_wait_for_a_dead_holder(database: Database) -> None:
    assert await take(database, "dead")
    assert await take(database, "two", NOON - 3_600_000)
