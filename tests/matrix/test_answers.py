"""What a homeserver can answer, as types."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import (
    Forbidden,
    HomeserverError,
    Limited,
    NotMatrix,
    NotThere,
    Refused,
    RoomInUse,
    ServerTrouble,
    TokenRefused,
    Unreachable,
)
from esnbot.testing.stub import Reply, StubHomeserver

SEND = "/send/"


@pytest_asyncio.fixture
async def client(stub_homeserver: StubHomeserver) -> AsyncIterator[MatrixClient]:
    """The bot's client."""
    made = MatrixClient(stub_homeserver.url, "as_secret", "@bot:stub.example", "BOT")
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("reply", "error", "passes"),
    [
        (Reply.limited(1500), Limited, True),
        (Reply(429, {"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": "soon"}), Limited, True),
        (Reply(429, {"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": -5}), Limited, True),
        (Reply.broken(500), ServerTrouble, True),
        (Reply.html(502), NotMatrix, True),
        (Reply.html(200), NotMatrix, True),
        (Reply(200, text="[1, 2"), NotMatrix, True),
        (Reply(200, text="[]"), NotMatrix, True),
        (Reply(200, text=""), NotMatrix, True),
        (Reply(200, {}), NotMatrix, True),
        (Reply(200, {"event_id": 7}), NotMatrix, True),
        (Reply.lost(), Unreachable, True),
        (Reply.refused("M_UNKNOWN_TOKEN", 401), TokenRefused, True),
        (Reply.refused("M_UNRECOGNIZED", 401), TokenRefused, True),
        (Reply.refused("M_UNKNOWN_DEVICE", 400), TokenRefused, True),
        (Reply.refused("M_FORBIDDEN"), Forbidden, False),
        (Reply.refused("M_NOT_FOUND", 404), NotThere, False),
        (Reply.refused("M_ROOM_IN_USE", 400), RoomInUse, False),
        (Reply.refused("M_SOMETHING_NEW", 400), Refused, False),
        (Reply(400, {}), Refused, False),
    ],
)
async def test_every_answer_has_its_type(
    client: MatrixClient, stub_homeserver: StubHomeserver, reply: Reply, error: type[HomeserverError], passes: bool
) -> None:
    stub_homeserver.always("PUT", SEND, reply)
    with pytest.raises(error) as caught:
        await client.send("!r:x", "m.room.message", "t", {"body": "hello"})
    assert caught.value.passes is passes
    assert "as_secret" not in str(caught.value)


async def test_the_wait_is_the_one_that_was_asked_for(client: MatrixClient, stub_homeserver: StubHomeserver) -> None:
    stub_homeserver.always("PUT", SEND, Reply.limited(1500))
    with pytest.raises(Limited) as caught:
        await client.send("!r:x", "m.room.message", "t", {})
    assert caught.value.seconds == 1.5


async def test_a_homeserver_that_is_not_there_is_unreachable(
    client: MatrixClient, stub_homeserver: StubHomeserver
) -> None:
    await stub_homeserver.stop()
    with pytest.raises(Unreachable):
        await client.whoami()


async def test_requests_name_the_bot_and_its_device(client: MatrixClient, stub_homeserver: StubHomeserver) -> None:
    await client.send("!r:x", "m.room.message", "t1", {"body": "hello"})
    (request,) = stub_homeserver.attempts("PUT", SEND)
    assert (request.query["user_id"], request.query["device_id"]) == ("@bot:stub.example", "BOT")
    assert request.token == "as_secret"
