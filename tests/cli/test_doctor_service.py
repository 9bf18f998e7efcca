"""The doctor on the application service: tokens, registration, namespaces, the way back. Each test breaks one thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest_asyncio

from esnbot.cli.checkup.capabilities import held
from esnbot.cli.checkup.finding import State
from esnbot.discovery import Discovery
from esnbot.homeserver import free_port
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.registration import Registration
from esnbot.store.bindings import bind
from esnbot.store.database import Database
from esnbot.store.migrate import migrate
from esnbot.stored import migrations
from esnbot.testing.homeserver import Homeserver
from tests.cli.doctoring import SetUp, a_listener, only, trouble


@pytest_asyncio.fixture
async def set_up(tmp_path: Path, homeserver: Homeserver, service: Registration) -> SetUp:
    """A set-up on a real Synapse that is right."""
    # As a company's: the kit's services may make fewer aliases.
    return SetUp(tmp_path, homeserver.url, replace(service, alias_patterns=()))


async def test_a_registration_that_was_never_loaded(set_up: SetUp) -> None:
    fresh = Registration.new(server_name=set_up.service.server_name, url=set_up.service.url)

    finding = only(await SetUp(set_up.folder, set_up.url, fresh).findings())

    assert finding.what == "The homeserver does not know the as_token."
    assert "app_service_config_files" in finding.todo


async def test_another_as_token_than_in_the_registration(set_up: SetUp) -> None:
    set_up.write()
    (set_up.folder / "as_token").write_text("another")

    checks = [finding.check for finding in trouble(await set_up.findings())]

    assert checks == ["registration file", "as_token"]


async def test_another_hs_token_than_in_the_registration(set_up: SetUp) -> None:
    set_up.write()
    (set_up.folder / "hs_token").write_text("another")

    finding = only(await set_up.but(registration=None).findings())

    assert finding.check == "ping"
    assert "another hs_token" in finding.what


async def test_another_server_name_than_the_homeservers(set_up: SetUp) -> None:
    finding = only(await set_up.but(server_name="lake.example", registration=None).findings())

    assert finding.check == "server name"
    assert f"server_name: {set_up.service.server_name}" in finding.todo


async def test_a_bot_outside_the_namespace(set_up: SetUp) -> None:
    finding = only(await set_up.but(bot="somebody", registration=None).findings())

    assert finding.check == "bot"
    assert "not in the namespace" in finding.what


async def test_a_bot_that_is_the_services_sender(set_up: SetUp) -> None:
    finding = only(await set_up.but(bot=set_up.service.sender_localpart, registration=None).findings())

    assert finding.check == "bot"
    assert "own sender" in finding.what


async def test_a_namespace_in_the_file_without_the_bot(set_up: SetUp) -> None:
    namespaces = {**set_up.service.document()["namespaces"], "users": []}

    finding = only(await set_up.with_registration(namespaces=namespaces).findings())

    assert finding.check == "registration file"
    assert "No user namespace" in finding.what


async def test_a_namespace_that_is_not_exclusive(set_up: SetUp) -> None:
    users = [{"regex": f"@{set_up.service.bot_localpart}:.*", "exclusive": False}]
    loose = {**set_up.service.document()["namespaces"], "users": users}

    finding = only(await set_up.with_registration(namespaces=loose).findings())

    assert (finding.state, "not exclusive" in finding.what) == (State.warning, True)


async def test_a_registration_without_aliases(set_up: SetUp) -> None:
    namespaces = {**set_up.service.document()["namespaces"], "aliases": []}

    finding = only(await set_up.with_registration(namespaces=namespaces).findings())

    assert finding.state is State.warning
    assert "'namespaces: aliases:'" in finding.todo


async def test_a_bot_that_is_slowed_down(set_up: SetUp) -> None:
    finding = only(await set_up.with_registration(rate_limited=True).findings())

    assert finding.state is State.warning
    assert "rate_limited: false" in finding.todo


async def test_a_registration_file_that_is_not_there(set_up: SetUp) -> None:
    finding = only(await set_up.but(registration="nowhere.yaml").findings())

    assert finding.check == "registration file"
    assert "no such file" in finding.what


async def test_another_id_than_in_the_registration(set_up: SetUp) -> None:
    finding = only(await set_up.but(appservice_id="esnbot-old", registration=None).findings())

    assert finding.check == "ping"
    assert "another id" in finding.what


async def test_a_bot_that_listens_elsewhere_than_the_homeserver_calls(set_up: SetUp) -> None:
    finding = only(await set_up.but(appservice_listen=f"127.0.0.1:{free_port()}").findings())

    assert finding.check == "ping"
    assert "cannot connect to the 'url' of its registration" in finding.what


async def test_another_program_on_the_bots_port(set_up: SetUp) -> None:
    with a_listener() as port:
        finding = only(await set_up.but(appservice_listen=f"127.0.0.1:{port}").findings())

    assert finding.check == "ping"
    assert "Another program holds" in finding.what


async def test_an_admin_token_of_somebody_who_is_no_administrator(set_up: SetUp, homeserver: Homeserver) -> None:
    person = await homeserver.person("alice")
    set_up.write()
    (set_up.folder / "admin").write_text(person.account.access_token)
    (set_up.folder / "admin").chmod(0o600)

    finding = only(await set_up.but(admin_token_file="admin").findings())

    assert finding.check == "admin right"
    assert "no administrator" in finding.what


async def test_an_admin_token_that_expired(set_up: SetUp) -> None:
    (set_up.folder / "admin").write_text("syt_expired")
    (set_up.folder / "admin").chmod(0o600)

    finding = only(await set_up.but(admin_token_file="admin").findings())

    assert "does not know the admin token" in finding.what


async def test_a_right_admin_token_gives_the_capabilities_that_need_it(set_up: SetUp, homeserver: Homeserver) -> None:
    account = await homeserver.administrator()
    (set_up.folder / "admin").write_text(account.access_token)
    (set_up.folder / "admin").chmod(0o600)

    findings = await set_up.but(admin_token_file="admin").findings()

    assert trouble(findings) == []
    assert {one.capability.key: one.there for one in held(findings)}["join"] == "yes"


async def test_a_declared_group_that_the_room_directory_does_not_show(set_up: SetUp) -> None:
    service = set_up.service
    client = MatrixClient(set_up.url, service.as_token, service.bot_user_id, "ESNBOT")
    await client.register()
    await client.ensure_device("esnbot")
    room = await client.create_room({"name": "Lounge"})
    await client.close()
    database = await Database.open(f"sqlite+aiosqlite:///{set_up.folder / 'esnbot.db'}")
    await migrate(database, migrations(Discovery()))
    await database.write(lambda connection: bind(connection, "lounge", room, 0))
    await database.close()

    finding = only(
        await set_up.with_top(groups={"lounge": {"name": "Lounge", "joining": "public", "listed": True}}).findings()
    )

    assert (finding.check, finding.state) == ("directory", State.warning)
    assert "room_list_publication_rules" in finding.todo
