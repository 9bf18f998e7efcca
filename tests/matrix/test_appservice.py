"""The transaction endpoint: nothing is acknowledged that is not committed, and no input makes it fall over."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from esnbot.matrix import appservice
from esnbot.matrix.appservice import TransactionEndpoint

TOKEN = "hs_secret"
PATH = "/_matrix/app/v1/transactions/{}"


class Service:
    """An endpoint on a free port, with a store that the test commands."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, bytes]] = []
        self.error: Exception | None = None
        self.url = ""
        self._session = ClientSession()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes(TransactionEndpoint(TOKEN, self._accept, lambda user: user == "@bot:x").routes())
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop."""
        await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def call(
        self, method: str, path: str, body: bytes = b"", token: str | None = TOKEN, **headers: str
    ) -> tuple[int, Any]:
        """Status and answer."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self._session.request(method, self.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def _accept(self, transaction: str, body: bytes) -> int:
        if self.error is not None:
            raise self.error
        self.stored.append((transaction, body))
        return 1


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    """A service that listens."""
    made = Service()
    await made.start()
    yield made
    await made.stop()


async def test_a_transaction_is_stored_and_then_acknowledged(service: Service) -> None:
    assert await service.call("PUT", PATH.format("t1"), b'{"events":[]}') == (200, {})
    assert service.stored == [("t1", b'{"events":[]}')]


async def test_what_could_not_be_stored_is_not_acknowledged(service: Service) -> None:
    service.error = RuntimeError("the disk is full of secrets")
    status, answer = await service.call("PUT", PATH.format("t1"), b"{}")
    assert (status, answer["errcode"]) == (500, "M_UNKNOWN")
    assert "secrets" not in answer["error"]
    service.error = None
    assert (await service.call("PUT", PATH.format("t1"), b"{}"))[0] == 200


async def test_what_is_no_transaction_is_refused(service: Service) -> None:
    service.error = ValueError("it is no transaction")
    assert (await service.call("PUT", PATH.format("t1"), b"nonsense"))[0] == 400


@pytest.mark.parametrize("token", ["wrong", "hs_secre", "hs_secret2", "é", "x" * 5000])
async def test_a_wrong_token_is_refused_before_anything_is_read(service: Service, token: str) -> None:
    status, answer = await service.call("PUT", PATH.format("t1"), b"{}", token=token)
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
    assert service.stored == []


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}]
)
async def test_without_a_token_nothing_is_answered(service: Service, headers: dict[str, str]) -> None:
    status, answer = await service.call("PUT", PATH.format("t1"), b"{}", token=None, **headers)
    assert (status, answer["errcode"]) == (401, "M_UNAUTHORIZED")


async def test_tokens_are_compared_in_constant_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    original = hmac.compare_digest
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return original(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    await service.call("POST", "/_matrix/app/v1/ping", b"{}", token="wrong")
    assert compared == [(b"wrong", TOKEN.encode())]


async def test_a_large_transaction_is_taken_and_a_boundless_one_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await service.call("PUT", PATH.format("t1"), b"x" * 6_000_000))[0] == 200
    monkeypatch.setattr(appservice, "LARGEST", 1_000_000)
    status, answer = await service.call("PUT", PATH.format("t2"), b"x" * 1_500_000)
    assert (status, answer["errcode"]) == (413, "M_TOO_LARGE")
    assert len(service.stored) == 1


async def test_other_paths_are_not_there(service: Service) -> None:
    for method, path in (("PUT", "/transactions/t1"), ("GET", PATH.format("t1")), ("PUT", PATH.format("a/b"))):
        async with service._session.request(method, service.url + path) as answer:
            assert answer.status in (404, 405)


async def test_queries_for_users_and_rooms_say_what_is_ours(service: Service) -> None:
    assert (await service.call("GET", "/_matrix/app/v1/users/@bot:x"))[0] == 200
    assert (await service.call("GET", "/_matrix/app/v1/users/@other:x"))[0] == 404
    assert (await service.call("GET", "/_matrix/app/v1/rooms/%23a:x"))[0] == 404
    assert (await service.call("GET", "/_matrix/app/v1/users/@bot:x", token="no"))[0] == 403


async def test_a_ping_is_answered(service: Service) -> None:
    assert await service.call("POST", "/_matrix/app/v1/ping", b'{"transaction_id":"x"}') == (200, {})
