"""The doctor on the encrypted device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from esnbot.cli.checkup.finding import Finding, Findings, State
from esnbot.homeserver import free_port
from esnbot.matrix.registration import Registration
from esnbot.settings import load
from esnbot.testing.homeserver import Homeserver
from tests.cli.doctoring import SetUp
from tests.encryption.bench import at_work


@pytest.fixture
def set_up(tmp_path: Path, homeserver: Homeserver, service: Registration) -> SetUp:
    """A set-up on a real Synapse."""
    return SetUp(tmp_path, homeserver.url, replace(service, alias_patterns=())).with_top(
        encryption={"store": str(tmp_path / "keys")}, web={"listen": f"127.0.0.1:{free_port()}"}
    )


def about(findings: Findings, check: str) -> Finding:
    """The one finding of a check."""
    (found,) = (finding for finding in findings.all if finding.check == check)
    return found


async def run_once(set_up: SetUp) -> None:
    """Start the bot, and stop it."""
    async with at_work(load(set_up.write())):
        pass


async def test_before_the_first_start_nothing_is_wrong(set_up: SetUp) -> None:
    findings = await set_up.findings()
    assert about(findings, "keys").state is State.ok
    assert about(findings, "encryption").state is State.note


async def test_after_it_the_device_is_signed(set_up: SetUp) -> None:
    await run_once(set_up)
    findings = await set_up.findings()
    assert about(findings, "keys").state is State.ok
    assert about(findings, "encryption").what == "The bot's device is cross-signed: clients show no warning."


async def test_keys_that_were_lost(set_up: SetUp, tmp_path: Path) -> None:
    await run_once(set_up)
    (tmp_path / "keys" / "crosssigning").unlink()
    finding = about(await set_up.findings(), "encryption")
    assert finding.state is State.warning
    assert "not in its folder" in finding.what
    assert "'reset'" in finding.todo


async def test_another_key_than_the_folders(set_up: SetUp, tmp_path: Path) -> None:
    await run_once(set_up)
    (tmp_path / "keys" / "key").write_text("another key than the one before")
    finding = about(await set_up.findings(), "keys")
    assert finding.state is State.failed
    assert "another key" in finding.what


async def test_a_folder_that_others_can_look_into(set_up: SetUp, tmp_path: Path) -> None:
    await run_once(set_up)
    (tmp_path / "keys").chmod(0o755)
    finding = about(await set_up.findings(), "keys")
    assert finding.state is State.warning
    assert "chmod 700" in finding.todo
