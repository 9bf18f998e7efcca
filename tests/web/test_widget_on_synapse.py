"""Signing in inside a client's widget: a page that frames the board as Element does, and a real homeserver's token."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from esnbot.app import Application, application
from esnbot.features.board.feature import DECLARATION
from esnbot.homeserver.certificates import CertificateAuthority
from esnbot.matrix.registration import Registration
from esnbot.testing.board import OpenBoard
from esnbot.testing.browser import Windows
from esnbot.testing.homeserver import Homeserver
from tests.app.bench import settings_for, with_features

PAGE = """<!doctype html><title>A client</title><link rel="icon" href="data:,">
<iframe src="{board}/widget?lang=en&theme=dark&widgetId=esnbot" width="360" height="600"></iframe>
<script>
const token = {token};
let asked = null;
window.addEventListener("message", (event) => {{
  const message = event.data;
  if (message.action !== "get_openid" || message.api !== "fromWidget" || message.response) return;
  asked = message.requestId;
  const answer = (response) => event.source.postMessage({{ ...message, response }}, event.origin);
  if ({later}) {{
    answer({{ state: "request" }});
    event.source.postMessage({{
      api: "toWidget", widgetId: "esnbot", requestId: "later", action: "openid_credentials",
      data: {{ ...token, original_request_id: asked }},
    }}, event.origin);
  }} else answer(token);
}});
</script>
"""


@dataclass
class Client:
    """A page of a Matrix client, on an address of its own."""

    url: str = ""
    board: str = ""
    token: dict[str, Any] = field(default_factory=dict)
    later: bool = False

    async def show(self, _request: web.Request) -> web.Response:
        page = PAGE.format(board=self.board, token=json.dumps(self.token), later=json.dumps(self.later))
        return web.Response(text=page, content_type="text/html")


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    found = Client()
    app = web.Application()
    app.router.add_get("/", found.show)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest_asyncio.fixture
async def app(
    homeserver: Homeserver, service: Registration, tmp_path: Path, sqlite_url: str, client: Client
) -> AsyncIterator[Application]:
    settings, found = with_features(settings_for(service, homeserver.url, tmp_path, sqlite_url), DECLARATION)
    settings = replace(settings, web=replace(settings.web, widget=True, clients=(client.url,)))
    async with application(settings, found) as app:
        await app.start()
        await asyncio.wait_for(app.until_ready(), 30)
        client.board = app.board.url
        yield app


@pytest.mark.parametrize("later", [False, True])
async def test_the_client_says_who_it_is_and_the_homeserver_confirms_it(
    app: Application, homeserver: Homeserver, client: Client, browser: Windows, later: bool
) -> None:
    alice = await homeserver.person("alice")
    told = await alice.request("POST", f"/user/{alice.id}/openid/request_token", {})
    client.token, client.later = {"state": "allowed", **told}, later
    tab = await browser.tab(OpenBoard(client.url, app.database, app.clock))
    await tab.open("/")
    frame = tab.page.frame_locator("iframe")
    await frame.locator("#widget-sign-in button").click()
    await frame.locator("a.account").wait_for()
    await frame.locator("a.account").click()
    await frame.get_by_text(alice.id).first.wait_for()
    assert tab.errors == []


async def test_who_is_signed_in_in_a_window_too_keeps_both_apart(
    app: Application, homeserver: Homeserver, client: Client, browser: Windows
) -> None:
    alice = await homeserver.person("alice")
    told = await alice.request("POST", f"/user/{alice.id}/openid/request_token", {})
    client.token = {"state": "allowed", **told}
    board = OpenBoard(app.board.url, app.database, app.clock)
    tab = await browser.tab(OpenBoard(client.url, app.database, app.clock))
    token = await board.sign_in(alice.id)
    await tab.context.add_cookies([{"name": "esnbot-session", "value": token, "url": board.url, "httpOnly": True}])
    # The client is of the same site here, so that the window's cookie reaches the frame.
    await tab.open("/")
    frame = tab.page.frame_locator("iframe")
    await frame.locator("#widget-sign-in button").click()
    await frame.locator("a.account").click()
    await frame.get_by_text("Sign out here").click()
    await frame.locator("#widget-sign-in button").wait_for()
    assert tab.errors == []
    await tab.page.goto(f"{board.url}/me")
    assert alice.id in await tab.text()


@asynccontextmanager
async def behind_tls(port: int, certificate: Path, key: Path) -> AsyncIterator[int]:
    """What a reverse proxy does: TLS outside, the same bytes inside."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, inside[1]), pipe(inside[0], writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_client_of_another_site_keeps_the_session_to_itself(
    homeserver: Homeserver,
    service: Registration,
    tmp_path: Path,
    sqlite_url: str,
    client: Client,
    browser: Windows,
    certificate_authority: CertificateAuthority,
) -> None:
    alice = await homeserver.person("alice")
    client.token = {"state": "allowed", **await alice.request("POST", f"/user/{alice.id}/openid/request_token", {})}
    issued = certificate_authority.issue("127.0.0.1")
    settings, found = with_features(settings_for(service, homeserver.url, tmp_path, sqlite_url), DECLARATION)
    async with (
        behind_tls(settings.web.port, issued.certificate, issued.key) as board_port,
        behind_tls(int(client.url.rpartition(":")[2]), issued.certificate, issued.key) as client_port,
    ):
        client.board, site = f"https://127.0.0.1:{board_port}", f"https://localhost:{client_port}"
        settings = replace(settings, web=replace(settings.web, url=client.board, widget=True, clients=(site,)))
        async with application(settings, found) as app:
            await app.start()
            await asyncio.wait_for(app.until_ready(), 30)
            tab = await browser.tab(OpenBoard(site, app.database, app.clock), ignore_https_errors=True)
            await tab.open("/")
            frame = tab.page.frame_locator("iframe")
            await frame.locator("#widget-sign-in button").click()
            await frame.locator("a.account").click()
            await frame.get_by_text(alice.id).first.wait_for()
            assert tab.errors == []
            # A window of its own knows nothing of it.
            other = await tab.context.new_page()
            await other.goto(f"{client.board}/me")
            assert "/sign-in" in other.url


async def test_a_client_that_says_no_and_a_token_that_is_worth_nothing_are_explained(
    app: Application, homeserver: Homeserver, client: Client, browser: Windows
) -> None:
    tab = await browser.tab(OpenBoard(client.url, app.database, app.clock))
    for token in (
        {"state": "blocked"},
        {"state": "allowed", "access_token": "made-up", "matrix_server_name": homeserver.server_name},
        {"state": "allowed", "access_token": "made-up", "matrix_server_name": "localhost"},
    ):
        client.token = token
        await tab.open("/")
        frame = tab.page.frame_locator("iframe")
        await frame.locator("#widget-sign-in button").click()
        await frame.locator("#widget-trouble").wait_for(state="visible")
        assert await frame.locator("a.account").count() == 0


async def test_only_a_page_of_the_board_may_give_a_token(app: Application, homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    told = await alice.request("POST", f"/user/{alice.id}/openid/request_token", {})
    stranger = OpenBoard(app.board.url, app.database, app.clock).stranger()
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": app.board.url, "Sec_Fetch_Site": "cross-site"}):
        answer = await stranger.post("/widget/sign-in", told, **headers)
        assert (answer.status, answer.cookies) == (403, {})
    answer = await stranger.post("/widget/sign-in", told, Origin=app.board.url)
    assert answer.status == 204
    assert list(answer.cookies) == ["esnbot-widget"]


async def test_a_client_that_is_not_declared_cannot_frame_it(
    app: Application, client: Client, browser: Windows
) -> None:
    tab = await browser.tab(OpenBoard(client.url.replace("127.0.0.1", "localhost"), app.database, app.clock))
    await tab.open("/")
    assert await tab.page.frame_locator("iframe").locator("#main").count() == 0
    assert any("frame-ancestors" in error for error in tab.errors)
