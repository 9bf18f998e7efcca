"""The bot's cross-signing keys, as somebody else's client looks at them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from vodozemac import Ed25519PublicKey, Ed25519Signature

from esnbot.homeserver import EmbeddedHomeserver, free_port
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.crosssigning import Trust
from esnbot.matrix.errors import Refused
from esnbot.matrix.registration import Registration
from esnbot.settings import Settings
from esnbot.testing.homeserver import Homeserver, homeserver_for_tests
from esnbot.testing.person import Person
from tests.app.bench import settings_for
from tests.encryption.bench import at_work
from tests.encryption.between import Between

LOGIN: dict[str, Any] = {
    "type": "m.login.application_service",
    "identifier": {"type": "m.id.user", "user": "esnbot"},
}


async def keys_of(person: Person, user: str) -> dict[str, Any]:
    """What the homeserver tells a person about somebody's keys."""
    return dict(await person.request("POST", "/keys/query", {"device_keys": {user: []}}))


def check(signed: dict[str, Any], user: str, name: str, key: str) -> None:
    """Fail unless the object is signed by that key, as the specification says."""
    rest = {name: value for name, value in signed.items() if name not in ("signatures", "unsigned")}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    signature = Ed25519Signature.from_base64(signed["signatures"][user][f"ed25519:{name}"])
    Ed25519PublicKey.from_base64(key).verify_signature(text.encode(), signature)


def only_key(document: dict[str, Any]) -> str:
    """The public key of a cross-signing key."""
    ((name, key),) = document["keys"].items()
    assert name == f"ed25519:{key}"
    return str(key)


async def test_somebody_else_sees_a_device_that_its_owner_signed(settings: Settings, homeserver: Homeserver) -> None:
    async with at_work(settings) as app:
        bot, device = app.client.user, str(app.client.device)
        found = await keys_of(await homeserver.person("alice"), bot)
        master, self_signing = found["master_keys"][bot], found["self_signing_keys"][bot]
        assert (master["usage"], self_signing["usage"]) == (["master"], ["self_signing"])
        check(self_signing, bot, only_key(master), only_key(master))
        check(found["device_keys"][bot][device], bot, only_key(self_signing), only_key(self_signing))
        check(master, bot, device, found["device_keys"][bot][device]["keys"][f"ed25519:{device}"])
        assert app.device is not None
        assert app.device.trust is Trust.signed


async def test_a_second_start_uploads_nothing(
    settings: Settings, homeserver: Homeserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(settings) as app:
        bot = app.client.user
    alice = await homeserver.person("alice")
    before = await keys_of(alice, bot)
    uploads: list[str] = []
    for verb in ("upload_signing_keys", "upload_signatures"):
        plain = getattr(MatrixClient, verb)

        async def noted(self: MatrixClient, content: Any, verb: str = verb, plain: Any = plain) -> Any:
            uploads.append(verb)
            return await plain(self, content)

        monkeypatch.setattr(MatrixClient, verb, noted)
    async with at_work(settings) as app:
        assert app.device is not None
        assert app.device.trust is Trust.signed
    assert uploads == []
    assert await keys_of(alice, bot) == before


async def test_what_a_crash_left_undone_is_done_at_the_next_start(
    settings: Settings, homeserver: Homeserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_self: MatrixClient, _content: Any) -> dict[str, Any]:
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(MatrixClient, "upload_signatures", lost)
        async with at_work(settings) as app:
            bot = app.client.user
    async with at_work(settings) as app:
        assert app.device is not None
        assert app.device.trust is Trust.signed
        found = await keys_of(await homeserver.person("alice"), bot)
        key = only_key(found["self_signing_keys"][bot])
        check(found["device_keys"][bot][str(app.client.device)], bot, key, key)


async def test_lost_keys_are_said_and_replaced_only_when_somebody_asks_for_it(
    settings: Settings, homeserver: Homeserver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.encryption is not None
    async with at_work(settings) as app:
        bot = app.client.user
    alice = await homeserver.person("alice")
    before = await keys_of(alice, bot)
    (settings.encryption / "crosssigning").unlink()
    capsys.readouterr()
    async with at_work(settings) as app:
        assert app.device is not None
        assert app.device.trust is Trust.lost
        assert await keys_of(alice, bot) == before
    assert "a file named 'reset'" in "".join(capsys.readouterr())
    (settings.encryption / "reset").touch()
    async with at_work(settings) as app:
        assert app.device is not None
        assert app.device.trust is Trust.signed
    after = await keys_of(alice, bot)
    assert only_key(after["master_keys"][bot]) != only_key(before["master_keys"][bot])
    key = only_key(after["self_signing_keys"][bot])
    check(after["device_keys"][bot][str(app.client.device)], bot, key, key)
    assert not (settings.encryption / "reset").exists()


async def test_a_homeserver_that_wants_a_password_for_it_is_lived_with(
    settings: Settings, homeserver: Homeserver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    def ask(_request: web.Request) -> web.Response:
        flows = {"flows": [{"stages": ["m.login.password"]}], "params": {}, "session": "x"}
        return web.json_response(flows, status=401)

    async with Between(homeserver.url) as between:
        between.answer("POST", "/keys/device_signing/upload", ask)
        async with at_work(between.before(settings)) as app:
            assert app.device is not None
            assert app.device.ready
            assert app.device.trust is Trust.refused
            found = await keys_of(await homeserver.person("alice"), app.client.user)
            assert app.client.user not in found["master_keys"]


async def test_an_older_homeserver_gives_the_device_by_a_login(settings: Settings, homeserver: Homeserver) -> None:
    def unknown(_request: web.Request) -> web.Response:
        return web.json_response({"errcode": "M_NOT_FOUND", "error": "No device"}, status=404)

    async with Between(homeserver.url) as between:
        between.answer("PUT", "/devices/", unknown)
        async with at_work(between.before(settings)) as app:
            assert ("POST", "/_matrix/client/v3/login") in between.passed
            assert (await app.client.whoami())["device_id"] == app.client.device
            assert app.device is not None
            assert app.device.trust is Trust.signed
    # And the same device, when the homeserver is newer one day.
    async with at_work(settings) as app:
        assert app.device is not None
        assert app.device.trust is Trust.signed


async def test_a_homeserver_that_refuses_the_login_gives_the_device_without_one(
    tmp_path: Path, sqlite_url: str
) -> None:
    config = homeserver_for_tests(tmp_path / "synapse", address="127.0.0.1")
    registration = Registration.new(server_name=config.server_name, url=f"http://127.0.0.1:{free_port()}")
    file = tmp_path / "bot.yaml"
    file.write_text(registration.to_yaml() + "io.element.msc4190: true\n")
    server = EmbeddedHomeserver(config)
    server.with_config(registrations=(file,))
    await server.start()
    try:
        settings = settings_for(registration, server.url, tmp_path, sqlite_url)
        async with at_work(settings) as app:
            with pytest.raises(Refused):
                await app.client.call("POST", "/_matrix/client/v3/login", LOGIN | {"device_id": app.client.device})
            assert (await app.client.whoami())["device_id"] == app.client.device
            assert app.device is not None
            assert app.device.trust is Trust.signed
    finally:
        await server.stop()
