"""`esnbot export` and `esnbot forget`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records as languages
from esnbot.discovery import discover
from esnbot.engine.clock import SystemClock
from esnbot.engine.tables import dead_letter, outbox
from esnbot.features.person import records as person
from esnbot.features.person.model import Belonging
from esnbot.features.welcome import records as welcome
from esnbot.store import bindings
from esnbot.store.rooms import StateEvent, note
from esnbot.stored import migrated
from tests.cli.calling import Caller
from tests.settings.writing import write


@pytest.fixture
def esnbot(capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls the command line."""
    return Caller(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A community whose database knows Zoé and Zoé-Lou, whose name begins alike."""
    path = write(tmp_path, f"database: sqlite+aiosqlite:///{tmp_path / 'esnbot.db'}\nsites: {{lyon: {{name: Lyon}}}}")
    asyncio.run(_fill(f"sqlite+aiosqlite:///{tmp_path / 'esnbot.db'}"))
    return path


ZOE, LOU = "@zoe:lake.example", "@zoe-lou:lake.example"


async def _fill(url: str) -> None:
    async def job(conn: AsyncConnection) -> None:
        for user in (ZOE, LOU):
            await person.say(conn, user, Belonging.site, frozenset({"lyon"}), 1)
            await welcome.note(conn, user, "home", 1, 2)
            await languages.remember_language(conn, user, "fr", SystemClock().now())
            await bindings.bind(conn, f"direct:{user}", f"!direct{user}", 1)
            await note(conn, StateEvent("!cafe", "m.room.member", user, "$m", user, 1, {"membership": "join"}))
            letter = {"kind": "event", "key": f"${user}", "module": "x", "room": "!cafe", "error": "oops", "died": 1}
            await conn.execute(dead_letter.insert().values(letter | {"body": json.dumps({"sender": user})}))
            row = {"key": f"k{user}", "module": "x", "room": f"direct:{user}", "kind": "Say", "made": 1, "body": {}}
            await conn.execute(outbox.insert().values(row))

    async with migrated(url, discover()) as database:
        await database.write(job)


def test_export_writes_everything_that_is_kept_as_json(esnbot: Caller, config: Path) -> None:
    outcome = esnbot("export", ZOE, "--config", config)

    assert outcome.code == 0
    written = json.loads(outcome.out)
    assert written["person"] == ZOE
    kept = written["kept"]
    assert {"engine", "commands", "group", "person", "provisioning", "status", "welcome"} <= kept.keys()
    assert kept["person"]["said"] == [{"kind": "site", "key": "lyon"}]
    assert kept["commands"]["language"] == "fr"
    assert kept["welcome"]["greeted_in"] == [{"space": "home", "joined": 1, "greeted": 2}]
    assert kept["engine"]["rooms"] == {"!cafe": "join"}
    assert kept["engine"]["dead_letters"] == [{"sender": ZOE}]
    assert LOU not in outcome.out


def test_forget_without_a_yes_changes_nothing(esnbot: Caller, config: Path) -> None:
    before = esnbot("export", ZOE, "--config", config).out
    refused = esnbot("forget", ZOE, "--config", config)

    assert refused.code == 1
    assert "--yes" in refused.err
    assert esnbot("export", ZOE, "--config", config).out == before


def test_forget_forgets_one_person_and_says_what_stays(esnbot: Caller, config: Path) -> None:
    others = esnbot("export", LOU, "--config", config).out
    outcome = esnbot("forget", ZOE, "--yes", "--config", config)

    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == f"Forgotten: {ZOE}, in engine, commands, person, welcome."
    assert "!cafe" in outcome.out
    assert f"/_synapse/admin/v1/deactivate/{ZOE}" in outcome.out
    kept = json.loads(esnbot("export", ZOE, "--config", config).out)["kept"]
    engine = kept.pop("engine")
    assert engine.pop("rooms") == {"!cafe": "join"}
    assert not any(engine.values())
    assert kept["person"] == {"said": [], "sites": [], "teams": []}
    assert kept["commands"]["language"] is None
    assert esnbot("export", LOU, "--config", config).out == others


def test_forget_as_json_for_machines(esnbot: Caller, config: Path) -> None:
    done = json.loads(esnbot("forget", "zoe", "--yes", "--json", "--config", config).out)

    assert done["person"].startswith("@zoe:")
    assert done["stays"]


def test_forgetting_twice_is_harmless(esnbot: Caller, config: Path) -> None:
    esnbot("forget", ZOE, "--yes", "--config", config)

    assert esnbot("forget", ZOE, "--yes", "--config", config).out.startswith(f"Nothing was kept about {ZOE}.")


@pytest.mark.parametrize("who", ["", "@:", "zoe:lake.example", "@" + "x" * 300])
def test_what_is_no_person_gets_one_sentence(esnbot: Caller, config: Path, who: str) -> None:
    outcome = esnbot("export", who, "--config", config)

    assert outcome.code == 1
    assert "is no Matrix id" in outcome.err


def test_without_a_database_that_is_said(esnbot: Caller, tmp_path: Path) -> None:
    path = write(tmp_path, f"database: sqlite+aiosqlite:///{tmp_path / 'none.db'}")

    outcome = esnbot("export", ZOE, "--config", path)

    assert outcome.code == 1
    assert "There is no database" in outcome.err
