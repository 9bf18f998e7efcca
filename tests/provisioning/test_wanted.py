"""What should be, as data: the file's objects and those of chat, and who has the say over what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from esnbot.community.group import Group, Joining, Origin
from esnbot.provisioning import wanted
from esnbot.provisioning.errors import Owned, UnknownPlace
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from tests.provisioning.kit import MIGRATIONS, a_community, a_group, a_space

ALICE = "@alice:example.org"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database, of each kind."""
    database = await Database.open(database_url)
    await migrate(database, [MIGRATIONS])
    yield database
    await database.close()


async def place(database: Database, key: str) -> Group:
    async with database.read() as conn:
        found = await wanted.get(conn, key)
    assert isinstance(found, Group)
    return found


async def test_the_declared_objects_come_back_as_they_are(database: Database) -> None:
    club = a_group("club", parent="company", owners=frozenset({ALICE}))
    await database.write(lambda conn: wanted.declare(conn, a_community(a_space("company"), club), 1))
    assert await place(database, "club") == club
    async with database.read() as conn:
        assert [found.key for found in await wanted.all_places(conn)] == ["company", "club"]


async def test_a_key_that_the_file_states_is_refused_in_chat_naming_file_and_line(database: Database) -> None:
    club = a_group("club", topic="Pictures")
    await database.write(lambda conn: wanted.declare(conn, a_community(club), 1))
    with pytest.raises(Owned, match=r"'topic' of 'club' is declared in community\.yaml:7:3") as caught:
        await database.write(lambda conn: wanted.want(conn, replace(club, topic="Other"), ALICE, 2))
    assert caught.value.source is not None
    assert caught.value.source.line == 7


@pytest.mark.parametrize("change", [{"joining": Joining.public}, {"audiences": ("all",)}, {"parent": "other"}])
async def test_perimeters_of_the_files_objects_change_in_the_file_only(
    database: Database, change: dict[str, object]
) -> None:
    club = a_group("club")
    await database.write(lambda conn: wanted.declare(conn, a_community(club), 1))
    with pytest.raises(Owned):
        await database.write(lambda conn: wanted.want(conn, replace(club, **change), ALICE, 2))  # type: ignore[arg-type]


async def test_another_key_changed_in_chat_becomes_desired_state_and_outlives_the_next_apply(
    database: Database,
) -> None:
    club = a_group("club")
    await database.write(lambda conn: wanted.declare(conn, a_community(club), 1))
    await database.write(lambda conn: wanted.want(conn, replace(club, topic="By chat"), ALICE, 2))
    await database.write(lambda conn: wanted.declare(conn, a_community(club), 3))
    assert (await place(database, "club")).topic == "By chat"

    stated = a_group("club", topic="By file")
    await database.write(lambda conn: wanted.declare(conn, a_community(stated), 4))
    assert (await place(database, "club")).topic == "By file"


async def test_chat_makes_changes_archives_and_revives_its_own(database: Database) -> None:
    chess = Group(key="chess", name="Chess", owners=frozenset({ALICE}))
    await database.write(lambda conn: wanted.want(conn, chess, ALICE, 1))
    assert (await place(database, "chess")).origin is Origin.chat

    await database.write(lambda conn: wanted.want(conn, replace(chess, name="Chess club"), ALICE, 2))
    await database.write(lambda conn: wanted.archive(conn, "chess", 3))
    found = await place(database, "chess")
    assert (found.name, found.archived) == ("Chess club", True)

    await database.write(lambda conn: wanted.revive(conn, "chess", 4))
    assert not (await place(database, "chess")).archived
    with pytest.raises(UnknownPlace):
        await database.write(lambda conn: wanted.archive(conn, "nothing", 5))


async def test_only_objects_of_the_file_are_archived_when_they_vanish_from_it(database: Database) -> None:
    await database.write(lambda conn: wanted.declare(conn, a_community(a_group("club")), 1))
    await database.write(lambda conn: wanted.want(conn, Group(key="chess", name="Chess"), ALICE, 2))
    await database.write(lambda conn: wanted.declare(conn, a_community(), 3))
    assert (await place(database, "club")).archived
    assert not (await place(database, "chess")).archived


async def test_a_group_of_the_file_is_archived_in_chat_unless_the_file_says_otherwise(database: Database) -> None:
    club, open_club = a_group("club"), a_group("open", archived=False)
    community = a_community(club, open_club)
    await database.write(lambda conn: wanted.declare(conn, community, 1))
    await database.write(lambda conn: wanted.archive(conn, "club", 2))
    await database.write(lambda conn: wanted.declare(conn, community, 3))
    assert (await place(database, "club")).archived
    with pytest.raises(Owned):
        await database.write(lambda conn: wanted.archive(conn, "open", 4))


async def test_the_file_may_take_over_what_was_made_in_chat(database: Database) -> None:
    await database.write(lambda conn: wanted.want(conn, Group(key="chess", name="Chess", topic="64"), ALICE, 1))
    await database.write(lambda conn: wanted.declare(conn, a_community(a_group("chess", "Échecs")), 2))
    found = await place(database, "chess")
    assert (found.name, found.topic, found.origin) == ("Échecs", "64", Origin.file)


async def test_a_change_is_unsettled_until_that_very_change_stands(database: Database) -> None:
    await database.write(lambda conn: wanted.want(conn, Group(key="chess", name="Chess"), ALICE, 1))
    await database.write(lambda conn: wanted.want(conn, Group(key="chess", name="Chess club"), ALICE, 1))
    await database.write(lambda conn: wanted.settle(conn, {"chess": 1}))
    async with database.read() as conn:
        assert await wanted.unsettled(conn) == {"chess": 2}
    await database.write(lambda conn: wanted.settle(conn, {"chess": 2}))
    async with database.read() as conn:
        assert await wanted.unsettled(conn) == {}


async def test_declaring_the_same_again_unsettles_nothing(database: Database) -> None:
    community = a_community(a_space("company"), a_group("club", parent="company"))
    await database.write(lambda conn: wanted.declare(conn, community, 1))
    await database.write(lambda conn: wanted.settle(conn, {"company": 1, "club": 1}))
    await database.write(lambda conn: wanted.declare(conn, community, 2))
    async with database.read() as conn:
        assert await wanted.unsettled(conn) == {}
