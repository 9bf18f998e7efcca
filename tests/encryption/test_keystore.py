"""The folder of keys, and the key that opens it."""

from __future__ import annotations

import secrets
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from esnbot.app import application
from esnbot.matrix.keystore import KeysError, Keystore
from esnbot.settings import Settings, SettingsError, load
from tests.app.bench import echo, with_features
from tests.encryption.bench import at_work

CONFIG = """
name: A community
languages: [fr]
time_zone: Europe/Paris
homeserver: embedded
"""


def test_what_is_sealed_is_opened_with_its_key_only(tmp_path: Path) -> None:
    keystore = Keystore(tmp_path, secrets.token_urlsafe(32))
    keystore.seal("words", b"the launch is on the ninth")
    assert keystore.unseal("words") == b"the launch is on the ninth"
    assert b"launch" not in (tmp_path / "words").read_bytes()
    assert stat.S_IMODE((tmp_path / "words").stat().st_mode) == 0o600
    assert not (tmp_path / "key").exists()
    with pytest.raises(KeysError, match="another key"):
        Keystore(tmp_path, secrets.token_urlsafe(32)).unseal("words")
    assert keystore.unseal("no such words") is None


def test_one_at_a_time_has_the_folder(tmp_path: Path) -> None:
    first, second = Keystore(tmp_path / "keys"), Keystore(tmp_path / "keys")
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


async def test_a_given_key_is_not_kept_and_a_wrong_one_is_said_in_a_sentence(settings: Settings) -> None:
    given = replace(settings, encryption_key=secrets.token_urlsafe(32))
    assert settings.encryption is not None
    for _ in range(2):
        async with at_work(given) as app:
            assert app.device is not None
            assert app.device.ready
    assert not (settings.encryption / "key").exists()
    wrong, found = with_features(replace(given, encryption_key=secrets.token_urlsafe(32)), echo())
    async with application(wrong, found) as app:
        await app.start()
        with pytest.raises(KeysError, match="cannot be opened") as caught:
            await app.watch()
    assert "ESNBOT_ENCRYPTION_KEY" in caught.value.hint


def test_the_key_comes_from_a_file_or_from_the_environment_which_goes_before(tmp_path: Path) -> None:
    file = tmp_path / "community.yaml"
    file.write_text(f"{CONFIG}encryption: {{key_file: secret}}\n")
    (tmp_path / "secret").write_text("0123456789abcdefghijklmnopqrstuvwxyz\n")
    found = load(file, environment={})
    assert found.encryption_key == "0123456789abcdefghijklmnopqrstuvwxyz"
    assert tmp_path / "secret" in found.secret_files
    assert "0123456789" not in repr(found)
    another = "zyxwvutsrqponmlkjihgfedcba9876543210"
    assert load(file, environment={"ESNBOT_ENCRYPTION_KEY": another}).encryption_key == another
    (tmp_path / "secret").unlink()
    assert load(file, secrets=False).encryption_key is None
    with pytest.raises(SettingsError, match="no file"):
        load(file, environment={})


def test_a_short_key_is_a_mistake_that_does_not_show_it(tmp_path: Path) -> None:
    file = tmp_path / "community.yaml"
    file.write_text(CONFIG)
    with pytest.raises(SettingsError, match="a key of 6 characters") as caught:
        load(file, environment={"ESNBOT_ENCRYPTION_KEY": "banana"})
    assert "banana" not in str(caught.value)
