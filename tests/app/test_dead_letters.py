"""`esnbot dead-letters`, on a database with some."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.cli import main
from esnbot.discovery import discover
from esnbot.engine.letters import EMPTIED
from esnbot.engine.tables import dead_letter, inbox, outbox
from esnbot.stored import existing, migrated

CONFIG = """
name: A community
languages: [en]
time_zone: UTC
homeserver: embedded
database: {url}
"""


@pytest.fixture
def config(tmp_path: Path, sqlite_url: str) -> Path:
    path = tmp_path / "community.yaml"
    path.write_text(CONFIG.format(url=sqlite_url))
    return path


def letter(kind: str, key: str, module: str, body: str) -> dict[str, object]:
    return {
        "kind": kind,
        "key": key,
        "module": module,
        "room": "!room",
        "body": body,
        "error": "ValueError: no tea left",
        "died": 1_700_000_000_000,
    }


@pytest.fixture
async def letters(sqlite_url: str, config: Path) -> None:
    """Number 1 is an event, 2 an effect, 3 no event at all."""

    async def job(conn: AsyncConnection) -> None:
        event = {"event_id": "$one", "queue": "!room", "arrived": 1, "state": 1}
        effect = {
            "key": "k",
            "module": "prompt",
            "room": "!room",
            "kind": "Say",
            "made": 1,
            "state": 2,
            "urgent": False,
        }
        await conn.execute(insert(inbox).values(event))
        await conn.execute(insert(outbox).values(effect))
        for values in (
            letter("event", "$one", "welcome", '{"content": {"body": "what people wrote"}}'),
            letter("effect", "k", "prompt", '{"type": "Say"}'),
            letter("malformed", "x", "", "<html>"),
        ):
            await conn.execute(insert(dead_letter).values(values))

    async with migrated(sqlite_url, discover()) as database:
        await database.write(job)


def call(*arguments: object) -> int:
    return main(["dead-letters", *map(str, arguments)])


async def numbers(url: str) -> list[int]:
    async with existing(url, discover()) as database, database.read() as conn:
        return sorted((await conn.execute(select(dead_letter.c.id))).scalars())


@pytest.mark.usefixtures("letters")
class TestWithLetters:
    # The command line has an event loop of its own, so it is called from a thread.

    async def test_list_says_what_and_why_and_never_what_people_wrote(
        self, config: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert await asyncio.to_thread(call, "list", "--config", config) == 0
        out = capsys.readouterr().out
        assert "welcome" in out
        assert "no tea left" in out
        assert "2023-11-14 22:13 UTC" in out
        assert "what people wrote" not in out

    async def test_list_as_json_is_for_machines(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert await asyncio.to_thread(call, "list", "--json", "--config", config) == 0
        found = orjson.loads(capsys.readouterr().out)
        assert [one["kind"] for one in found] == ["event", "effect", "malformed"]
        assert "body" not in found[0]

    async def test_what_was_for_an_encrypted_room_is_listed_without_words_and_is_not_put_back(
        self, config: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with existing(sqlite_url, discover()) as database:
            sealed = letter("effect", "sealed", "prompt", EMPTIED)
            await database.write(lambda conn: conn.execute(insert(dead_letter).values(sealed)))
        assert await asyncio.to_thread(call, "list", "--json", "--config", config) == 0
        assert [one["words_kept"] for one in orjson.loads(capsys.readouterr().out)] == [True, True, True, False]
        assert await asyncio.to_thread(call, "list", "--config", config) == 0
        assert "its words are not kept" in " ".join(capsys.readouterr().out.split())
        assert await asyncio.to_thread(call, "replay", "4", "--config", config) == 1
        assert "its words are gone" in " ".join("".join(capsys.readouterr()).split())
        assert await numbers(sqlite_url) == [1, 2, 3, 4]

    async def test_replay_puts_an_event_back_for_the_feature_that_failed(
        self, config: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert await asyncio.to_thread(call, "replay", "1", "--config", config) == 0
        assert "1 dead letter put back." in capsys.readouterr().out
        assert await numbers(sqlite_url) == [2, 3]
        async with existing(sqlite_url, discover()) as database, database.read() as conn:
            row = (await conn.execute(select(inbox))).one()
        assert (row.state, row.remaining) == (0, ["welcome"])

    async def test_replay_of_all_leaves_what_is_no_event(self, config: Path, sqlite_url: str) -> None:
        assert await asyncio.to_thread(call, "replay", "--all", "--config", config) == 0
        assert await numbers(sqlite_url) == [3]

    async def test_what_is_no_event_cannot_be_replayed_and_says_why(
        self, config: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert await asyncio.to_thread(call, "replay", "3", "--config", config) == 1
        assert "it is no event" in capsys.readouterr().err

    async def test_an_unknown_number_is_named_and_the_others_are_done(
        self, config: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert await asyncio.to_thread(call, "replay", "1", "99", "--config", config) == 1
        assert "no dead letter 99" in capsys.readouterr().err
        assert await numbers(sqlite_url) == [2, 3]

    async def test_discard_throws_away(self, config: Path, sqlite_url: str) -> None:
        assert await asyncio.to_thread(call, "discard", "3", "--config", config) == 0
        assert await numbers(sqlite_url) == [1, 2]

    async def test_neither_numbers_nor_all_is_a_question(
        self, config: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert await asyncio.to_thread(call, "replay", "--config", config) == 1
        assert "which dead letters?" in capsys.readouterr().err


def test_without_a_database_it_says_what_makes_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--config", config) == 1
    assert "There is no database at" in capsys.readouterr().err
    assert not list(config.parent.glob("*.db"))
