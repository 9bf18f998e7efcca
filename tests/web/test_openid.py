"""The OpenID token of a widget: asked of the person's own homeserver, on a public address, and of nobody else."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from esnbot.community.audience import Audience, Perimeter
from esnbot.community.model import Community
from esnbot.homeserver.certificates import CertificateAuthority
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import Person
from esnbot.web.openid import LARGEST, NotBelieved, OpenId, Resolver, ServerName, is_outside
from tests.features.house import a_community

TODAY = date(2026, 3, 2)


def community_of(*servers: str, until: date | None = None, people: tuple[str, ...] = ()) -> Community:
    perimeter = Perimeter(homeservers=servers, people=frozenset(people))
    return replace(a_community(), audiences={"all": Audience("all", "All", perimeter, until=until)})


async def token_of(person: Person) -> dict[str, Any]:
    return await person.request("POST", f"/user/{person.id}/openid/request_token", {})


def checker(*servers: str, **changes: Any) -> OpenId:
    given: dict[str, Any] = {"community": community_of(*servers), "server": "own.example", "url": "http://127.0.0.1:9"}
    return OpenId(**{**given, **changes})


async def test_our_own_people_are_believed_by_our_own_homeserver(homeserver: Homeserver) -> None:
    alice = await homeserver.person("alice")
    openid = checker(server=homeserver.server_name, url=homeserver.url)
    told = await token_of(alice)
    assert await openid.user_of(told["matrix_server_name"], told["access_token"], TODAY) == alice.id
    with pytest.raises(NotBelieved):
        await openid.user_of(homeserver.server_name, "made-up", TODAY)
    # What opens the whole account is no proof, and is not needed.
    with pytest.raises(NotBelieved):
        await openid.user_of(homeserver.server_name, alice.account.access_token, TODAY)


async def test_a_partners_people_are_believed_by_their_own_homeserver(
    partner_homeserver: Homeserver, certificate_authority: CertificateAuthority
) -> None:
    pat = await partner_homeserver.person("pat")
    told = await token_of(pat)
    trust = ssl.create_default_context(cafile=str(certificate_authority.certificate_file))
    inside = (ip_network("127.0.0.3"),)
    openid = checker(partner_homeserver.server_name, trust=trust, inside=inside)
    assert await openid.user_of(told["matrix_server_name"], told["access_token"], TODAY) == pat.id
    # Their server stands at an internal address: without 'inside', it is not asked.
    with pytest.raises(NotBelieved, match="not reached"):
        await checker(partner_homeserver.server_name, trust=trust).user_of(
            told["matrix_server_name"], told["access_token"], TODAY
        )
    # Nor with a certificate that nobody vouches for.
    with pytest.raises(NotBelieved, match="not reached"):
        await checker(partner_homeserver.server_name, inside=inside).user_of(
            told["matrix_server_name"], told["access_token"], TODAY
        )


@pytest.mark.parametrize(
    "server",
    [
        "",
        "elsewhere.example",
        "partner.example/../..",
        "partner.example#",
        "partner.example?x=",
        "user@partner.example",
        "partner.example:0",
        "partner.example:99999",
        "partner.example:80:80",
        "PARTNER.example",
        "partner..example",
        "partner.example\r\nHost: x",
        "http://partner.example",
        "[::1",
        "x" * 300,
    ],
)
async def test_what_is_no_declared_server_is_never_asked(server: str) -> None:
    with pytest.raises(NotBelieved):
        await checker("partner.example", may_ask=_nobody).user_of(server, "token", TODAY)


async def test_an_audience_that_is_over_opens_nothing() -> None:
    openid = checker(community=community_of("partner.example", until=date(2026, 3, 1)), may_ask=_nobody)
    with pytest.raises(NotBelieved, match="no audience"):
        await openid.user_of("partner.example", "token", TODAY)


@pytest.mark.parametrize(
    "server",
    [
        "127.0.0.1",
        "127.0.0.1:8008",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1:443",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "[fd00::1]:8448",
        "[64:ff9b::7f00:1]",
        "localhost",
        "localhost:8008",
    ],
)
async def test_internal_addresses_are_not_asked_even_where_all_servers_are_declared(server: str) -> None:
    with pytest.raises(NotBelieved):
        await checker("*").user_of(server, "token", TODAY)


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
    ],
)
def test_which_addresses_are_outside(address: str, outside: bool) -> None:
    assert is_outside(ip_address(address)) is outside


async def test_a_name_is_looked_up_once_and_connected_to_as_it_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["93.184.216.34", "127.0.0.1"])

    async def changing(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]

    import asyncio

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", changing)
    [found] = await Resolver(is_outside).resolve("rebinding.example", 443)
    assert found["host"] == "93.184.216.34"
    assert found["flags"] & socket.AI_NUMERICHOST
    with pytest.raises(OSError, match="not asked"):
        await Resolver(is_outside).resolve("rebinding.example", 443)


def test_a_server_name_may_be_an_address() -> None:
    assert ServerName.read("[2001:db8::1]:8448") == ServerName("[2001:db8::1]", 8448)
    assert ServerName.read("partner.example").literal is None


class Liar:
    """A partner's homeserver that answers what the test says, with a good certificate."""

    def __init__(self, port: int) -> None:
        self.name = f"127.0.0.3:{port}"
        self.answer: web.Response = web.json_response({})
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        return self.answer


@pytest_asyncio.fixture
async def liar(certificate_authority: CertificateAuthority, tmp_path: Path) -> AsyncIterator[Liar]:
    issued = certificate_authority.issue("127.0.0.3")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    found = Liar(0)
    app = web.Application()
    app.router.add_get("/{path:.*}", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.3", 0, ssl_context=context).start()
    found.name = f"127.0.0.3:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


async def test_a_server_speaks_for_its_own_people_and_leads_nowhere(
    liar: Liar, certificate_authority: CertificateAuthority
) -> None:
    trust = ssl.create_default_context(cafile=str(certificate_authority.certificate_file))
    openid = checker("*", trust=trust, inside=(ip_network("127.0.0.3"),))
    liar.answer = web.json_response({"sub": f"@pat:{liar.name}"})
    assert await openid.user_of(liar.name, "a/b&c=d", TODAY) == f"@pat:{liar.name}"
    assert liar.asked == ["/_matrix/federation/v1/openid/userinfo?access_token=a/b%26c%3Dd"]

    for answer in (
        web.json_response({"sub": "@zoe:own.example"}),
        web.json_response({"sub": f"@pat:{liar.name}.evil.example"}),
        web.json_response({"sub": ["@pat"]}),
        web.json_response([]),
        web.Response(text="not JSON"),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        web.Response(status=401, text="{}"),
        web.Response(body=b" " * (LARGEST + 1) + b"{}"),
    ):
        liar.answer = answer
        before = len(liar.asked)
        with pytest.raises(NotBelieved):
            await openid.user_of(liar.name, "token", TODAY)
        assert len(liar.asked) == before + 1


@pytest.mark.parametrize("token", ["", "x" * 5_000, "é", "a\nb"])
async def test_strange_tokens_are_not_passed_on(token: str) -> None:
    with pytest.raises(NotBelieved, match="no token"):
        await checker("*", may_ask=_nobody).user_of("partner.example", token, TODAY)


def _nobody(_address: Any) -> bool:
    raise AssertionError("nobody is asked")
