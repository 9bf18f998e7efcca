"""`esnbot export --group` and `esnbot import`."""

from __future__ import annotations

import asyncio
import subprocess
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.discovery import discover
from esnbot.engine.clock import SystemClock
from esnbot.engine.tables import outbox
from esnbot.provisioning import wanted
from esnbot.settings import load
from esnbot.stored import migrated
from tests.cli.calling import Caller
from tests.settings.writing import write

SECTION = """
database: sqlite+aiosqlite:///{database}
spaces:
  home:
    name: Home
    groups:
      bakers: {{name: Bakers}}
      closed: {{name: Closed, encrypted: true}}
"""


@pytest.fixture
def esnbot(capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls the command line."""
    return Caller(capsys)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A community with two groups, one of them encrypted."""
    path = write(tmp_path, SECTION.format(database=tmp_path / "esnbot.db"))
    asyncio.run(_declare(path, tmp_path))
    return path


async def _declare(path: Path, folder: Path) -> None:
    found = discover()
    settings = load(path, found.schemas)
    async with migrated(settings.database, found) as database:

        async def job(conn: AsyncConnection) -> None:
            await wanted.declare(conn, settings.community, int(SystemClock().now().timestamp() * 1000))

        await database.write(job)


async def _posts(config: Path) -> list[str]:
    found = discover()
    async with migrated(load(config, found.schemas).database, found) as database, database.read() as conn:
        return list((await conn.execute(select(outbox.c.key))).scalars())


def test_files_come_in_and_go_out_the_same(esnbot: Caller, config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wiki"
    (folder / "sub").mkdir(parents=True)
    (folder / "bread.md").write_text("---\ntitle: Bread\ntags: [dough]\n---\n\nTake flour.\n")
    (folder / "sub" / "oven.md").write_text("---\ntitle: Oven\nparent: Bread\n---\nHot.\n")
    done = esnbot("import", str(folder), "--group", "bakers", "--config", str(config))
    assert (done.code, done.err) == (0, "")
    assert "Pages begun: 2" in done.out
    assert len([key for key in asyncio.run(_posts(config)) if key.startswith("page/text:")]) == 2

    target = tmp_path / "out.zip"
    done = esnbot("export", "--group", "bakers", "--to", str(target), "--config", str(config))
    assert (done.code, done.err) == (0, "")
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["pages/Bread.md", "pages/Bread/Oven.md"]
        assert b"Take flour." in archive.read("pages/Bread.md")
    done = esnbot("import", str(target), "--group", "bakers", "--config", str(config))
    assert "the same: 2" in done.out

    (folder / "bread.md").write_text("---\ntitle: Bread\n---\n\nTake rye.\n")
    refused = esnbot("import", str(folder), "--group", "bakers", "--config", str(config))
    assert refused.code == 1
    assert "Nothing was taken" in refused.err
    done = esnbot("import", str(folder), "--group", "bakers", "--replace", "--config", str(config))
    assert "new version: 1" in done.out

    repository = tmp_path / "repository"
    done = esnbot("export", "--group", "bakers", "--format", "git", "--to", str(repository), "--config", str(config))
    assert (done.code, done.err) == (0, "")
    log = subprocess.run(
        ["git", "log", "--format=%s", "main"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert sorted(log.stdout.splitlines()) == ["Bread (1)", "Bread (2)", "Oven (1)"]
    assert "Take rye." in (repository / "pages" / "Bread.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export"], "Name a person"),
        (["export", "@zoe", "--group", "bakers"], "Name a person"),
        (["export", "--group", "nobody"], "no group or space with the key 'nobody'"),
        (["export", "--group", "closed"], "encrypted"),
        (["import", "nowhere.zip", "--group", "bakers"], "nowhere.zip"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    esnbot: Caller, config: Path, arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = esnbot(*arguments, "--config", str(config))
    assert refused.code == 1
    assert sentence in refused.err
    assert "Traceback" not in refused.err


def test_rubbish_is_taken_whole_or_not_at_all(esnbot: Caller, config: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("good.md", "Hello")
        archive.writestr("../evil.md", "Hello")
    refused = esnbot("import", str(bad), "--group", "bakers", "--config", str(config))
    assert refused.code == 1
    assert "outside of its folder" in refused.err
    assert not asyncio.run(_posts(config))
