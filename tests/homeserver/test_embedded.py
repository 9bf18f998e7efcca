"""The embedded homeserver starts, stops, survives a crash, and says what is wrong."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from esnbot.homeserver import AccountRefused, EmbeddedHomeserver, HomeserverDied, PortInUse
from esnbot.homeserver.config import HomeserverConfig, synapse_settings, write_synapse_files
from esnbot.testing import Person, eventually
from esnbot.testing.homeserver import Homeserver, homeserver_for_tests


@pytest.fixture
def config(tmp_path: Path) -> HomeserverConfig:
    return homeserver_for_tests(tmp_path / "synapse", address="127.0.0.1")


async def test_what_was_said_is_there_after_a_crash_and_a_new_start(config: HomeserverConfig) -> None:
    server = EmbeddedHomeserver(config)
    await server.start()
    try:
        account = await server.register("alice", "wonderland")
        async with Person(account) as alice:
            room = await alice.create_room(name="Photo club")
            await alice.say(room, "Bonjour !")
            server.kill()
            assert not server.running
            await server.start()
            assert [message.body for message in await alice.messages(room)] == ["Bonjour !"]
            assert (await server.login("alice", "wonderland")).user_id == account.user_id
    finally:
        await server.stop()
    assert server.pid is None


async def test_a_port_in_use_is_said_before_anything_is_written(config: HomeserverConfig) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", config.client_port))
        other.listen()
        with pytest.raises(PortInUse, match=f"Port {config.client_port} on 127.0.0.1 is in use"):
            await EmbeddedHomeserver(config).start()
    assert not config.data_dir.exists()


async def test_a_homeserver_that_cannot_start_says_why(config: HomeserverConfig) -> None:
    config.extra["registration_shared_secret"] = "also given by file"  # Synapse refuses both at once
    with pytest.raises(HomeserverDied, match="registration_shared_secret"):
        await EmbeddedHomeserver(config).start()


async def test_an_account_that_exists_is_refused(homeserver: Homeserver) -> None:
    await homeserver.server.register("twice", "secret")
    with pytest.raises(AccountRefused, match="twice"):
        await homeserver.server.register("twice", "secret")


async def test_its_unexpected_end_is_noticed(config: HomeserverConfig) -> None:
    server = EmbeddedHomeserver(config)
    await server.start()
    assert server.pid is not None
    psutil.Process(server.pid).kill()
    died = await server.wait_for_death()
    assert died.exit_code == -9


def test_keys_and_secrets_are_readable_by_their_owner_only_and_stay_the_same(config: HomeserverConfig) -> None:
    write_synapse_files(config)
    secrets = sorted((config.data_dir / "secrets").iterdir())
    before = [path.read_text() for path in secrets]
    write_synapse_files(config)
    assert [path.read_text() for path in secrets] == before
    for path in [*secrets, config.config_file]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert all(secret.strip() not in config.config_file.read_text() for secret in before)


def test_without_partners_it_talks_to_no_other_server(config: HomeserverConfig) -> None:
    settings = synapse_settings(config)
    assert settings["federation_domain_whitelist"] == []
    assert settings["trusted_key_servers"] == []
    assert settings["url_preview_enabled"] is False


async def test_it_dies_with_its_parent() -> None:
    """The parent is killed, so it has no chance to clean up."""
    program = (
        "import sys, time, subprocess\n"
        "from esnbot.homeserver.child import start_child\n"
        "child = start_child([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)  # noqa: ASYNC220
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
