"""`esnbot plan` and `esnbot apply`, as an administrator calls them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from esnbot.cli import main
from esnbot.testing.homeserver import Homeserver

Run = Callable[..., Awaitable["Said"]]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest_asyncio.fixture
async def config(homeserver: Homeserver, tmp_path: Path) -> Path:
    """A configuration for a service of the homeserver, with nothing declared yet."""
    service = await homeserver.service()
    (tmp_path / "as_token").write_text(service.as_token)
    (tmp_path / "hs_token").write_text(service.hs_token)
    path = tmp_path / "community.yaml"
    path.write_text(
        f"""\
name: Example
languages: [en, fr]
time_zone: Europe/Paris
database: sqlite+aiosqlite:///{tmp_path / "esnbot.db"}
homeserver:
  url: {homeserver.url}
  server_name: "{homeserver.server_name}"
  as_token_file: as_token
  hs_token_file: hs_token
  bot: {service.bot_localpart}
  appservice_id: {service.id}
spaces:
  company:
    name: Company
    alias: {service.bot_localpart}-company
    groups:
      photo: {{name: Photo, kind: hobby, alias: {service.bot_localpart}-photo}}
"""
    )
    return path


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call a command with the configuration."""

    async def call(command: str, *arguments: str) -> Said:
        code = await asyncio.to_thread(main, [command, "--config", str(config), *arguments])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


async def test_plan_apply_plan_with_their_exit_codes(run: Run) -> None:
    before, applied, after = await run("plan"), await run("apply"), await run("plan")
    assert before.code == 2
    assert "+ Photo  group photo  create" in before.out
    assert "Plan: 2 to create." in before.out
    assert applied.code == 0
    assert "Done: 2 spaces and groups are as declared." in applied.out
    assert (after.code, after.out) == (0, "Nothing to do: everything is as declared.\n")


async def test_machines_get_json(run: Run) -> None:
    before, applied = await run("plan", "--json"), await run("apply", "--json")
    after = await run("plan", "--json", "--fresh")
    assert orjson.loads(before.out)["summary"] == {"create": 2}
    assert orjson.loads(applied.out)["done"] == ["company", "photo"]
    assert orjson.loads(after.out) == {"pending": False, "summary": {}, "changes": [], "limits": {}}


async def test_archiving_needs_a_yes(run: Run, config: Path) -> None:
    await run("apply")
    text = config.read_text()
    config.write_text(text[: text.index("    groups:")])

    plan, refused = await run("plan"), await run("apply")
    assert "- Photo  group photo  archive" in plan.out
    assert refused.code == 1
    assert "'Photo'" in refused.err
    assert "--yes" in refused.err
    assert (await run("plan")).code == 2

    agreed = await run("apply", "--yes")
    assert agreed.code == 0
    assert (await run("plan")).code == 0


async def test_a_homeserver_that_does_not_know_us_is_named_in_a_sentence(run: Run, config: Path) -> None:
    (config.parent / "as_token").write_text("wrong")
    said = await run("plan")
    assert said.code == 1
    assert "does not know our token" in said.err
    assert "hint: " in said.err
    assert "Traceback" not in said.err
