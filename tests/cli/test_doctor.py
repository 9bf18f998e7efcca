"""The doctor finds what is wrong with a set-up, says why it matters and what to do. Each test breaks one thing."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path

import pytest
import pytest_asyncio

from esnbot.cli.checkup.capabilities import as_markdown, held
from esnbot.cli.checkup.finding import State
from esnbot.embedded import Embedded
from esnbot.engine.clock import SystemClock
from esnbot.homeserver import free_port
from esnbot.homeserver.certificates import CertificateAuthority
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.registration import Registration
from esnbot.settings import load
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.stub import Reply, StubHomeserver
from tests.cli.doctoring import SetUp, a_listener, at, look, only, trouble


@pytest_asyncio.fixture
async def set_up(tmp_path: Path, homeserver: Homeserver, service: Registration) -> SetUp:
    """A set-up on a real Synapse that is right."""
    # As a company's: the kit's services may make fewer aliases.
    return SetUp(tmp_path, homeserver.url, replace(service, alias_patterns=()))


@pytest.fixture
def somewhere(tmp_path: Path) -> SetUp:
    """A set-up whose homeserver is elsewhere: the test says where."""
    service = Registration.new(server_name="lake.example", url=f"http://127.0.0.1:{free_port()}")
    return SetUp(tmp_path, "http://127.0.0.1:9", service)


@asynccontextmanager
async def a_web_server(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Something that answers every request with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.read(4096)
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def http(body: str, kind: str = "text/html", status: str = "200 OK", more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    )
    return (head + body).encode()


# --- a set-up that is right -------------------------------------------------------------------------------------------


async def test_a_right_set_up_has_no_trouble(set_up: SetUp) -> None:
    findings = await set_up.findings()

    assert trouble(findings) == []
    checks = {finding.check for finding in findings.all if finding.state is State.ok}
    assert checks >= {
        "configuration",
        "secrets",
        "database",
        "homeserver",
        "version",
        "clock",
        "registration file",
        "as_token",
        "server name",
        "bot",
        "ping",
        "room version",
    }


async def test_the_bot_and_its_device_are_seen_once_they_are_there(set_up: SetUp) -> None:
    service = set_up.service
    client = MatrixClient(set_up.url, service.as_token, service.bot_user_id, "ESNBOT")
    await client.register()
    await client.ensure_device("esnbot")
    await client.close()

    findings = await set_up.findings()

    said = [finding.what for finding in findings.all if finding.check in ("bot", "device")]
    assert said == [
        f"{service.bot_user_id} is in the namespace and has its account.",
        "The bot has its device ESNBOT.",
    ]


async def test_every_capability_says_what_it_needs_and_what_is_lost_without_it(set_up: SetUp) -> None:
    table = held(await set_up.findings())

    assert all(one.capability.needs and one.capability.without for one in table)
    assert {one.capability.key: one.there for one in table} == {
        "hear": "yes",
        "speak": "yes",
        "once": "yes",
        "widgets": "unknown",
        "bursts": "yes",
        "rooms": "yes",
        "join": "no",
        "directory": "unknown",
        "retention": "unknown",
        "partners": "unknown",
        "encryption": "yes",
        "media": "yes",
        "forget": "no",
    }


def test_the_page_on_the_doctor_has_the_table_of_capabilities() -> None:
    page = Path("docs/doctor.md").read_text(encoding="utf-8")

    assert f"<!-- capabilities begin -->\n\n{as_markdown()}\n\n<!-- capabilities end -->" in page


async def test_looking_changes_nothing_and_makes_no_database(set_up: SetUp) -> None:
    await set_up.findings()

    assert not (set_up.folder / "esnbot.db").exists()


async def test_the_embedded_homeserver_before_its_first_start_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "community.yaml"
    path.write_text(
        f"name: A\nlanguages: [en]\ntime_zone: UTC\nhomeserver: {{embedded: true, data: {tmp_path}/hs}}\n"
        f"database: sqlite+aiosqlite:///{tmp_path}/esnbot.db\n"
    )

    findings = await look(path)

    assert trouble(findings) == []
    assert "never started" in next(one.what for one in findings.all if one.check == "homeserver")


async def test_an_embedded_homeserver_that_runs_is_looked_at_where_it_listens(tmp_path: Path) -> None:
    path = tmp_path / "community.yaml"
    with a_listener() as busy:
        path.write_text(
            f"name: A\nlanguages: [en]\ntime_zone: UTC\ndatabase: sqlite+aiosqlite:///{tmp_path}/esnbot.db\n"
            f"homeserver: {{embedded: true, data: {tmp_path}/hs, listen: '127.0.0.1:{busy}', "
            f"appservice_listen: '127.0.0.1:{free_port()}'}}\n"
        )
        running = Embedded(load(path, environment={}).homeserver, quick=True)
        await running.start()
        try:
            findings = await look(path)
        finally:
            await running.stop()

    assert trouble(findings) == []
    assert findings.state("ping") is State.ok


# --- twenty-odd broken set-ups ----------------------------------------------------------------------------------------


async def test_a_mistake_in_the_configuration_ends_the_examination(somewhere: SetUp) -> None:
    finding = only(await somewhere.with_top(time_zone="Paris").findings())

    assert finding.check == "configuration"
    assert "community.yaml:" in finding.what
    assert "Europe/Paris" in finding.todo


async def test_a_missing_token_file(somewhere: SetUp) -> None:
    finding = only(await somewhere.but(as_token_file="nowhere").findings())

    assert "found no file" in finding.what


async def test_secrets_that_everybody_can_read(set_up: SetUp) -> None:
    set_up.write()
    (set_up.folder / "hs_token").chmod(0o644)

    finding = only(await set_up.findings())

    assert (finding.check, finding.state) == ("secrets", State.warning)
    assert f"chmod 600 '{set_up.folder / 'hs_token'}'" in finding.todo


async def test_a_database_where_nobody_can_write(set_up: SetUp) -> None:
    (set_up.folder / "file").write_text("")

    finding = only(await set_up.with_top(database=f"sqlite+aiosqlite:///{set_up.folder}/file/esnbot.db").findings())

    assert finding.check == "database"
    assert "cannot be made" in finding.what


async def test_a_database_file_that_is_none(set_up: SetUp) -> None:
    (set_up.folder / "esnbot.db").write_bytes(b"this was never a database" * 100)

    finding = only(await set_up.findings())

    assert finding.check == "database"
    assert "file is not a database" in finding.what


async def test_a_database_server_that_is_not_there(set_up: SetUp) -> None:
    url = f"postgresql+asyncpg://esnbot@127.0.0.1:{free_port()}/esnbot"

    finding = only(await set_up.with_top(database=url).findings())

    assert finding.check == "database"
    assert "cannot be used" in finding.what


async def test_a_homeserver_that_does_not_run(somewhere: SetUp) -> None:
    finding = only(await somewhere.but(url=f"http://127.0.0.1:{free_port()}").findings())

    assert finding.check == "homeserver"
    assert "Nothing listens at" in finding.what


async def test_a_host_name_that_nobody_knows(somewhere: SetUp) -> None:
    finding = only(await somewhere.but(url="http://matrix.lake.invalid").findings())

    assert finding.what == "The host name 'matrix.lake.invalid' is not known."


async def test_a_web_page_instead_of_a_homeserver(somewhere: SetUp) -> None:
    async with a_web_server(http("<!doctype html><title>Welcome to nginx!</title>")) as port:
        finding = only(await somewhere.but(url=f"http://127.0.0.1:{port}").findings())

    assert "answers with a web page (HTTP 200)" in finding.what
    assert "'/_matrix'" in finding.todo


async def test_a_home_page_that_names_the_homeserver(somewhere: SetUp) -> None:
    body = '{"m.homeserver": {"base_url": "https://matrix.lake.example/"}}'

    async with a_web_server(http(body, "application/json", "404 Not Found")) as port:
        finding = only(await somewhere.but(url=f"http://127.0.0.1:{port}").findings())

    assert "'https://matrix.lake.example'" in finding.todo


async def test_an_address_that_only_redirects(somewhere: SetUp) -> None:
    answer = http("", status="301 Moved Permanently", more="Location: https://lake.example/\r\n")

    async with a_web_server(answer) as port:
        finding = only(await somewhere.but(url=f"http://127.0.0.1:{port}").findings())

    assert "only redirects, to https://lake.example/" in finding.what


async def test_something_that_speaks_no_http(somewhere: SetUp) -> None:
    async with a_web_server(b"220 mail.lake.example ESMTP\r\n") as port:
        finding = only(await somewhere.but(url=f"http://127.0.0.1:{port}").findings())

    assert "does not answer in HTTP" in finding.what


async def test_https_where_plain_http_is_spoken(somewhere: SetUp) -> None:
    async with a_web_server(http("x")) as port:
        finding = only(await somewhere.but(url=f"https://127.0.0.1:{port}").findings())

    assert "does not speak TLS" in finding.what
    assert "'http://'" in finding.todo


async def test_a_certificate_that_nobody_vouches_for(
    somewhere: SetUp, certificate_authority: CertificateAuthority
) -> None:
    issued = certificate_authority.issue("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)

    async with a_web_server(http("x"), context) as port:
        finding = only(await somewhere.but(url=f"https://127.0.0.1:{port}").findings())

    assert "The certificate of" in finding.what
    assert "SSL_CERT_FILE" in finding.todo


async def test_the_port_for_federation(set_up: SetUp, monkeypatch: pytest.MonkeyPatch, homeserver: Homeserver) -> None:
    federation = homeserver.server.config.federation
    assert federation is not None
    trusting = ssl.create_default_context(cafile=str(federation.authority))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)

    finding = only(await set_up.but(url=f"https://{federation.address}:{federation.port}").findings())

    assert "not the one for clients" in finding.what


async def test_a_homeserver_that_is_too_old(somewhere: SetUp, stub_homeserver: StubHomeserver) -> None:
    stub_homeserver.always("GET", "/versions$", Reply(content={"versions": ["r0.6.1", "v1.2"]}))

    findings = await somewhere.but(url=stub_homeserver.url).findings()

    finding = next(one for one in findings.all if one.check == "version")
    assert finding.state is State.failed
    assert "with Matrix 1.2" in finding.what


@pytest.mark.parametrize(("number", "state"), [("1.120.0", State.warning), ("1.141.0", State.ok)])
async def test_a_synapse_without_devices_for_services(
    somewhere: SetUp, stub_homeserver: StubHomeserver, number: str, state: State
) -> None:
    versions = {"versions": ["v1.11"]}
    stub_homeserver.always("GET", "/versions$", Reply(content=versions, headers={"Server": f"Synapse/{number}"}))
    stub_homeserver.always("GET", "/version$", Reply.refused("M_UNRECOGNIZED", 404))

    findings = await somewhere.but(url=stub_homeserver.url).findings()

    assert findings.state("version") is state


@pytest.mark.parametrize(("year", "side"), [(2090, "ahead of"), (2001, "behind")])
async def test_a_clock_that_is_wrong(set_up: SetUp, year: int, side: str) -> None:
    finding = only(await set_up.findings(at(year)))

    assert finding.check == "clock"
    assert f"{side} the homeserver's" in finding.what


async def test_a_clock_that_is_a_little_wrong_is_a_warning(somewhere: SetUp, stub_homeserver: StubHomeserver) -> None:
    date = {"Date": format_datetime(at(2030).now(), usegmt=True)}
    stub_homeserver.always("GET", "/versions$", Reply(content={"versions": ["v1.17"]}, headers=date))
    clock = at(2030)
    clock.instant = clock.instant.replace(second=20)

    findings = await somewhere.but(url=stub_homeserver.url).findings(clock)

    finding = next(one for one in findings.all if one.check == "clock")
    assert finding.state is State.warning
    assert "20 seconds ahead of" in finding.what


async def test_an_unusual_room_version(somewhere: SetUp, stub_homeserver: StubHomeserver) -> None:
    sender = {"user_id": "@_esnbot_service:lake.example"}
    stub_homeserver.always("GET", "/versions$", Reply(content={"versions": ["v1.17"]}))
    stub_homeserver.always("GET", "/whoami$", Reply(content=sender))
    stub_homeserver.always(
        "GET", "/capabilities$", Reply(content={"capabilities": {"m.room_versions": {"default": "6"}}})
    )

    findings = await somewhere.but(url=stub_homeserver.url).findings(SystemClock())

    finding = next(one for one in findings.all if one.check == "room version")
    assert (finding.state, "version 6" in finding.what) == (State.warning, True)
