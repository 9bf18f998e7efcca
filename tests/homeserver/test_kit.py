"""The test kit keeps what it promises to the tests that stand on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from esnbot.matrix.registration import Registration
from esnbot.testing import START, ManualClock, MatrixRefusal, Reply, StubHomeserver, eventually
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.person import JSON


async def test_people_talk_in_threads_with_reactions_and_edits(homeserver: Homeserver) -> None:
    alice, bob = await homeserver.person("alice"), await homeserver.person("bob")
    room = await alice.create_room(name="Kitchen", invite=[bob.id])
    assert await bob.wait_for_invite() == room
    await bob.join(room)
    question = await alice.say(room, "Who makes coffee?")
    await bob.wait_for_text("coffee")
    await bob.say_in_thread(room, question, "I do")
    answer = await alice.wait_for_text("I do", room=room)
    assert answer.thread == question
    await alice.react(room, answer.id, "☕")
    seen = await bob.wait_for(lambda event: event.type == "m.reaction")
    assert seen.content["m.relates_to"]["key"] == "☕"
    assert await alice.members(room) == {alice.id: "join", bob.id: "join"}


async def test_a_client_that_was_away_misses_nothing(homeserver: Homeserver) -> None:
    alice, bob = await homeserver.person("alice"), await homeserver.person("bob")
    room = await alice.create_room(preset="public_chat")
    await bob.join(room)
    await bob.sync()
    for number in range(80):
        await alice.say(room, f"line {number}")
    await bob.wait_for_text("line 79")
    said = [event.body for event in bob.seen if event.type == "m.room.message"]
    assert said == [f"line {number}" for number in range(80)]


async def test_a_refusal_is_an_error_with_its_code(homeserver: Homeserver) -> None:
    alice, bob = await homeserver.person("alice"), await homeserver.person("bob")
    room = await alice.create_room(preset="private_chat")
    with pytest.raises(MatrixRefusal, match="M_FORBIDDEN"):
        await bob.join(room)


async def test_two_homeservers_federate(homeserver: Homeserver, partner_homeserver: Homeserver) -> None:
    alice, pia = await homeserver.person("alice"), await partner_homeserver.person("pia")
    room = await alice.create_room(name="With our supplier", invite=[pia.id])
    assert await pia.wait_for_invite() == room
    await pia.join(room, via=homeserver.server_name)
    await pia.say(room, "Hello from outside")
    await alice.wait_for_text("from outside")
    await alice.say(room, "Welcome in")
    await pia.wait_for_text("Welcome in")


async def test_server_acls_tell_the_two_apart(homeserver: Homeserver, partner_homeserver: Homeserver) -> None:
    alice, pia = await homeserver.person("alice"), await partner_homeserver.person("pia")
    room = await alice.create_room(preset="public_chat")
    await alice.set_state(room, "m.room.server_acl", {"allow": ["*"], "deny": ["127.0.0.3"], "allow_ip_literals": True})
    with pytest.raises(MatrixRefusal):
        await pia.join(room, via=homeserver.server_name)
    await alice.say(room, "still here")


async def test_a_service_gets_the_events_of_its_rooms_and_no_others(homeserver: Homeserver) -> None:
    mine, other = await homeserver.service(), await homeserver.service()
    assert mine.url != other.url
    events: list[JSON] = []
    async with _listening(mine, events), aiohttp.ClientSession() as session:
        await _register_bot(session, homeserver.url, mine)
        alice = await homeserver.person("alice")
        room = await alice.create_room(invite=[mine.bot_user_id])
        joining = f"{homeserver.url}/_matrix/client/v3/join/{room}?user_id={mine.bot_user_id}"
        headers = {"Authorization": f"Bearer {mine.as_token}"}
        async with session.post(joining, json={}, headers=headers) as answer:
            assert answer.status == 200
        await alice.say(room, "!esn help")
        await alice.say(await alice.create_room(), "not for the bot")
        await eventually(lambda: any(event["content"].get("body") == "!esn help" for event in events))
    assert {event["room_id"] for event in events} == {room}


async def test_each_database_is_real_and_empty(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE kept (word TEXT PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO kept VALUES ('été')"))
        assert (await connection.execute(text("SELECT word FROM kept"))).scalar_one() == "été"
    await engine.dispose()


async def test_the_clock_moves_when_the_test_says_so(clock: ManualClock) -> None:
    early = asyncio.create_task(clock.wait_until(START + timedelta(hours=1)))
    late = asyncio.create_task(clock.wait_until(START + timedelta(hours=2)))
    await eventually(lambda: clock.next_wake == START + timedelta(hours=1))
    clock.advance(timedelta(minutes=90))
    await early
    assert not late.done()
    assert clock.next_wake == START + timedelta(hours=2)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert clock.next_wake is None


async def test_the_stub_sends_once_for_each_transaction_id(stub_homeserver: StubHomeserver) -> None:
    stub_homeserver.answer("PUT", "/send/", Reply.limited(30), Reply.lost(), Reply.html())
    url = f"{stub_homeserver.url}/_matrix/client/v3/rooms/!a/send/m.room.message/t1"
    statuses: list[int] = []
    async with aiohttp.ClientSession() as session:
        while 200 not in statuses:
            # The answer that is lost shows as an error, or not at all: aiohttp may try again by itself.
            with suppress(aiohttp.ClientError):
                async with session.put(url, json={"body": "once"}) as answer:
                    statuses.append(answer.status)
    assert statuses == [429, 502, 200]
    assert len(stub_homeserver.attempts("PUT", "/send/")) == 4
    assert [sent.content for sent in stub_homeserver.messages("!a")] == [{"body": "once"}]


async def test_the_stub_can_be_away_and_come_back(stub_homeserver: StubHomeserver) -> None:
    url = f"{stub_homeserver.url}/_matrix/client/versions"
    await stub_homeserver.stop()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)
        await stub_homeserver.start()
        async with session.get(url) as answer:
            assert answer.status == 200


class _listening:
    """A service that acknowledges everything and keeps the events."""

    def __init__(self, registration: Registration, events: list[JSON]) -> None:
        self._registration = registration
        self._events = events

    async def __aenter__(self) -> None:
        async def take(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == f"Bearer {self._registration.hs_token}"
            self._events.extend((await request.json())["events"])
            return web.json_response({})

        application = web.Application()
        application.router.add_put("/_matrix/app/v1/transactions/{id}", take)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", urlsplit(self._registration.url).port).start()

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def _register_bot(session: aiohttp.ClientSession, url: str, registration: Registration) -> None:
    body = {
        "type": "m.login.application_service",
        "username": registration.bot_localpart,
        "inhibit_login": True,
    }
    headers = {"Authorization": f"Bearer {registration.as_token}"}
    async with session.post(f"{url}/_matrix/client/v3/register", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
