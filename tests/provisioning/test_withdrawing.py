"""A wish of chat that can never come true is taken back whole: its key is free, and nothing of it comes after."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import ANY
from urllib.parse import quote

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from esnbot.community.group import Group
from esnbot.engine.clock import SystemClock
from esnbot.engine.tables import inbox
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import Forbidden, Refused, TokenRefused
from esnbot.provisioning import reasons, wanted
from esnbot.provisioning.passing import Outcome
from esnbot.provisioning.reasons import Reason, Why
from esnbot.provisioning.reconciler import Reconciler
from esnbot.provisioning.tables import room_attempt
from esnbot.store import bindings
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.testing.homeserver import Homeserver
from tests.provisioning.kit import MIGRATIONS, Stage, a_community, a_group, eventually, running
from tests.provisioning.simulated import Simulated

ALICE, BOB = "@alice:example.org", "@bob:example.org"
CHESS = Group(key="chess", name="Chess", owners=frozenset({ALICE}))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database, of each kind."""
    database = await Database.open(database_url)
    await migrate(database, [MIGRATIONS])
    yield database
    await database.close()


async def want(database: Database, group: Group, by: str = ALICE) -> int:
    """Somebody wants a group; the revision of that wish."""

    async def job(conn: Any) -> int:
        await wanted.want(conn, group, by, 1)
        return await wanted.revision_of(conn, group.key) or 0

    return await database.write(job)


async def withdraw(database: Database, key: str, revision: int) -> bool:
    return await database.write(lambda conn: wanted.withdraw(conn, key, revision))


async def attempts(database: Database) -> list[str]:
    async with database.read() as conn:
        return list((await conn.execute(select(room_attempt.c.key))).scalars())


async def apply(database: Database, homeserver: Simulated) -> Outcome:
    async def no_wait(_: float) -> None:
        return

    client = cast(MatrixClient, homeserver)
    return await Reconciler(database, client, SystemClock(), in_flight=1, sleep=no_wait).apply()


async def problem(database: Database, key: str) -> Reason:
    async with database.read() as conn:
        return (await wanted.problems(conn))[key]


# --- as data -------------------------------------------------------------------------------------------------------


async def test_a_withdrawn_wish_leaves_its_key_to_the_next_one_which_counts_on(database: Database) -> None:
    first = await want(database, CHESS)
    assert await withdraw(database, "chess", first)
    async with database.read() as conn:
        assert await wanted.get(conn, "chess") is None
        assert await wanted.unsettled(conn) == {}
        assert await wanted.problems(conn) == {}
    second = await want(database, CHESS, BOB)
    assert second > first
    assert not await withdraw(database, "chess", first)
    assert await withdraw(database, "chess", second)
    await database.write(lambda conn: wanted.declare(conn, a_community(a_group("chess")), 2))
    async with database.read() as conn:
        assert (await wanted.revision_of(conn, "chess") or 0) > second


async def test_a_newer_wish_is_not_withdrawn_with_an_older_one(database: Database) -> None:
    first = await want(database, CHESS)
    second = await want(database, Group(key="chess", name="Chess club"))
    assert not await withdraw(database, "chess", first)
    await database.write(lambda conn: wanted.archive(conn, "chess", 2))
    assert not await withdraw(database, "chess", second + 1)


async def test_objects_of_the_file_are_never_withdrawn(database: Database) -> None:
    await database.write(lambda conn: wanted.declare(conn, a_community(a_group("club")), 1))
    assert not await withdraw(database, "club", 1)


async def test_what_has_a_room_is_never_withdrawn(database: Database) -> None:
    revision = await want(database, CHESS)
    await database.write(lambda conn: bindings.bind(conn, "chess", "!chess", 1))
    assert not await withdraw(database, "chess", revision)


async def test_while_a_room_is_asked_for_nothing_is_withdrawn_and_afterwards_nothing_is_asked_for(
    database: Database,
) -> None:
    revision = await want(database, CHESS)
    assert await database.write(lambda conn: wanted.attempt(conn, "chess", revision, "#chess:example.org", 1))
    assert not await withdraw(database, "chess", revision)
    await database.write(lambda conn: wanted.forget_attempt(conn, "chess"))
    assert await withdraw(database, "chess", revision)
    assert not await database.write(lambda conn: wanted.attempt(conn, "chess", revision, "#chess:example.org", 1))
    assert await attempts(database) == []


@pytest.mark.parametrize("tables", [None], ids=["empty"])
async def test_problems_from_before_reasons_had_codes_are_kept_as_ones_without(
    database_url: str, tmp_path: Path, tables: None
) -> None:
    before = tmp_path / "migrations"
    before.mkdir()
    shutil.copy(MIGRATIONS / "provisioning_0001.py", before)
    database = await Database.open(database_url)
    try:
        await migrate(database, [before])
        row = (
            "INSERT INTO desired_object VALUES ('chess', 'group', 'chat', '{}', '{}', 'wanted', 1, '', 1, 1, 0, "
            "'the \"alias\" is taken')"
        )
        await database.write(lambda conn: conn.execute(text(row)))
        await migrate(database, [MIGRATIONS])
        assert await problem(database, "chess") == Reason('the "alias" is taken')
    finally:
        await database.close()


async def test_a_reason_of_another_version_becomes_one_without_a_code() -> None:
    assert reasons.load({"reason": "so", "why": "unheard_of", "values": None}) == Reason("so", Why.other)
    assert reasons.load({}).why is Why.other
    whole = Reason("so", Why.alias_strangers, {"alias": "#a:b"})
    assert reasons.load(whole.dump()) == whole


# --- by the reconciler ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Forbidden(403, "M_FORBIDDEN", "no"), Why.refused),
        (Refused(400, "M_EXCLUSIVE", "no"), Why.alias_reserved),
        (TokenRefused(401, "M_UNKNOWN_TOKEN", "who?"), Why.trouble),
    ],
)
async def test_what_the_homeserver_refuses_for_good_is_final_and_the_rest_is_not(
    database: Database, error: Refused, why: Why
) -> None:
    class Refusing(Simulated):
        async def create_room(self, content: dict[str, Any]) -> str:
            raise error

    revision = await want(database, CHESS)
    await apply(database, Refusing())
    found = await problem(database, "chess")
    assert found.why is why
    assert await withdraw(database, "chess", revision) is found.final


async def test_a_homeserver_that_does_not_know_the_bot_makes_nobody_a_stranger(database: Database) -> None:
    class Forgetful(Simulated):
        async def state(self, room: str) -> list[dict[str, Any]]:
            raise TokenRefused(401, "M_UNKNOWN_TOKEN", "who?")

    await want(database, CHESS)
    await apply(database, Forgetful(aliases={"#chess:example.org": "!x"}))
    assert (await problem(database, "chess")).why is Why.trouble


async def test_a_pass_that_began_before_the_withdrawal_makes_no_room_after_it(database: Database) -> None:
    class Meanwhile(Simulated):
        async def create_room(self, content: dict[str, Any]) -> str:
            assert await withdraw(database, "chess", revision)
            return await super().create_room(content)

    await want(database, Group(key="art", name="Art"))
    revision = await want(database, CHESS)
    homeserver = Meanwhile()
    outcome = await apply(database, homeserver)
    assert (outcome.done, outcome.failures) == (["art"], {})
    assert list(homeserver.aliases) == ["#art:example.org"]
    assert await attempts(database) == []


async def test_a_name_that_is_free_again_is_tried_at_once_and_told_again(stage: Stage, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    await alice.create_room(room_alias_name=f"{stage.prefix}-chess")
    chess = Group(key="chess", name="Chess", alias=f"{stage.prefix}-chess")

    async def told() -> list[str]:
        """Ids of the news of failures, handled or not."""
        async with stage.database.read() as conn:
            news = inbox.c.event_id.startswith("room_failed:chess:")
            return list((await conn.execute(select(inbox.c.event_id).where(news))).scalars())

    async def failed() -> bool:
        async with stage.database.read() as conn:
            return "chess" in await wanted.problems(conn)

    async with running(stage):
        for times in (1, 2):
            revision = await want(stage.database, chess)
            # Well within the minute after which failures are tried again.
            await eventually(failed, 20)
            assert await problem(stage.database, "chess") == Reason(
                ANY, Why.alias_strangers, {"alias": stage.alias("chess")}
            )
            assert len(await told()) == times
            assert await withdraw(stage.database, "chess", revision)
        await alice.request("DELETE", f"/directory/room/{quote(stage.alias('chess'))}")
        await want(stage.database, chess)
        await eventually(stage.all_settled, 20)
        assert await alice.resolve(stage.alias("chess")) == await stage.room("chess")
