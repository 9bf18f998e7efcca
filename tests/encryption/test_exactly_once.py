"""Encrypted messages are answered once each: through kills, hand-overs, many messages, and over federation."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from esnbot.app import Application
from esnbot.community.audience import Audience, Perimeter
from esnbot.homeserver import free_port
from esnbot.homeserver.child import start_child
from esnbot.settings import Settings
from esnbot.testing.homeserver import Homeserver
from esnbot.testing.waiting import eventually
from tests.encryption.bench import at_work
from tests.encryption.between import Between
from tests.encryption.client import EncryptingClient

SEED = 20261124


@pytest.fixture
async def bob(homeserver: Homeserver, tmp_path: Path) -> AsyncIterator[EncryptingClient]:
    """Somebody else."""
    person = await homeserver.person("bob")
    async with EncryptingClient(person.account, tmp_path / "bob") as client:
        yield client


async def parked(app: Application) -> int:
    """How many events wait for keys."""
    async with app.database.read() as conn:
        return int((await conn.execute(text("SELECT count(*) FROM inbox WHERE state = 3"))).scalar_one())


class Process:
    """The bot's process."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._order = {
            "config": str(settings.path),
            "database": settings.database,
            "as_token": settings.homeserver.as_token,
            "hs_token": settings.homeserver.hs_token,
        }
        log.touch()

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "tests.encryption.victim", orjson.dumps(self._order).decode()]
            self._process = start_child(command, output=log)

    def kill(self) -> None:
        """End it at once, wherever it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def has_begun(self) -> None:
        """Return when it runs."""
        before = self._log.read_bytes().count(b"running")
        self.start()
        await eventually(self._runs_again(before), 40, message=self._log.name)

    def _runs_again(self, before: int):  # type: ignore[no-untyped-def]
        def more() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-3000:]
            return self._log.read_bytes().count(b"running") > before

        return more


@pytest.mark.timeout(900)
async def test_kills_with_encrypted_commands_in_flight_lose_nothing_and_double_nothing(
    settings: Settings, alice: EncryptingClient, bob: EncryptingClient, tmp_path: Path, database_url: str, soak: bool
) -> None:
    settings = replace(settings, database=database_url)
    kills = 20 if soak else 3
    randomness = random.Random(SEED)
    bot = settings.homeserver.bot
    process = Process(settings, tmp_path / "victim.log")
    try:
        await process.has_begun()
        room = await alice.encrypted_room(bot, direct=False)
        await alice.nio.room_invite(room, bob.nio.user_id)
        await bob.join(room)
        said: list[str] = []
        talking = True

        async def talk() -> None:
            while talking:
                await alice.say(room, f"say word {len(said)}")
                said.append(f"word {len(said)}")
                await asyncio.sleep(0.1)

        talk_task = asyncio.create_task(talk())
        for _ in range(kills):
            await asyncio.sleep(randomness.uniform(0.2, 1.5))
            process.kill()
            await process.has_begun()
        talking = False
        await talk_task
        await alice.say(room, "say the end")
        await alice.wait_for("the end", 90)
        await eventually(lambda: all(alice.times(word) for word in said), 90)
        assert {word: alice.times(word) for word in said} == dict.fromkeys(said, 1)
        sealed = await alice.sealed_events(room, bot)
        causes = [event["content"]["org.esnbot.cause"] for event in sealed]
        assert len(set(causes)) == len(causes)
    finally:
        process.kill()


async def test_when_one_process_ends_another_takes_the_device_over(
    settings: Settings, alice: EncryptingClient, postgres_url: str
) -> None:
    settings = replace(settings, database=postgres_url)
    homeserver = settings.homeserver
    second = replace(
        settings,
        homeserver=replace(homeserver, listen_port=free_port()),
        web=replace(settings.web, port=free_port()),
    )
    async with at_work(settings) as app, at_work(second) as other:
        assert app.device is not None
        assert other.device is not None
        assert (app.device.ready, other.device.ready) == (True, False)
        room = await alice.encrypted_room(app.client.user)
        await alice.say(room, "say one")
        await alice.wait_for("one")
        await app.stop()
        await eventually(lambda: other.device is not None and other.device.ready)
        url = f"http://127.0.0.1:{second.homeserver.listen_port}"
        # What stands before several processes sends to one that is there.
        async with Between(url, homeserver.listen_port):
            await alice.say(room, "say two")
            await alice.wait_for("two", 40)
    assert [alice.times(word) for word in ("one", "two")] == [1, 1]


async def test_when_one_process_is_killed_another_that_waits_takes_the_device_over(
    settings: Settings, alice: EncryptingClient, postgres_url: str, tmp_path: Path
) -> None:
    settings = replace(settings, database=postgres_url)
    homeserver = settings.homeserver
    second = replace(
        settings,
        homeserver=replace(homeserver, listen_port=free_port()),
        web=replace(settings.web, port=free_port()),
    )
    process = Process(settings, tmp_path / "victim.log")
    try:
        await process.has_begun()
        async with at_work(second) as other:
            room = await alice.encrypted_room(homeserver.bot)
            await alice.say(room, "say one")
            await eventually(lambda: alice.times("one"), 20)
            await alice.say(room, "say two")
            process.kill()
            await eventually(lambda: other.device is not None and other.device.ready)
            async with Between(f"http://127.0.0.1:{second.homeserver.listen_port}", homeserver.listen_port):
                await alice.say(room, "say three")
                await eventually(lambda: alice.times("two") and alice.times("three"), 60)
    finally:
        process.kill()
    assert [alice.times(word) for word in ("one", "two", "three")] == [1, 1, 1]


@pytest.mark.timeout(300)
async def test_many_messages_over_several_sessions(
    settings: Settings, alice: EncryptingClient, bob: EncryptingClient, soak: bool
) -> None:
    count, rotation = (500, 100) if soak else (60, 20)
    async with at_work(settings) as app:
        bot = app.client.user
        room = await alice.encrypted_room(bot, direct=False, rotation_period_msgs=rotation)
        await alice.nio.room_invite(room, bob.nio.user_id)
        await bob.join(room)
        for number in range(count):
            await alice.say(room, f"say number {number}.")
        numbers = [f"number {number}." for number in range(count)]
        await eventually(lambda: all(alice.times(number) for number in numbers), 200)
        assert {number: alice.times(number) for number in numbers} == dict.fromkeys(numbers, 1)
        assert all(message.decrypted for message in alice.heard)
        heard = [message.body for message in alice.heard if message.body.startswith("number")]
        assert heard == numbers
        sessions = {event["content"]["session_id"] for event in await alice.sealed_events(room, bot)}
        assert len(sessions) >= 3
        assert await parked(app) == 0


async def test_what_was_said_before_the_bot_came_is_left_alone(settings: Settings, alice: EncryptingClient) -> None:
    async with at_work(settings) as app:
        bot = app.client.user
        room = await alice.encrypted_room(direct=False)
        for number in range(3):
            await alice.say(room, f"say before {number}")
        await alice.nio.room_invite(room, bot)

        async def has_come() -> bool:
            members = await alice.nio.joined_members(room)
            return bot in {member.user_id for member in members.members} and alice.knows(room, bot)

        await eventually(has_come, 20)
        await alice.say(room, "say after")
        await alice.wait_for("after")
        app.engine.signals.set("catchup")
        await alice.say(room, "say and after")
        await alice.wait_for("and after")
        assert [alice.times(f"before {number}") for number in range(3)] == [0, 0, 0]
        assert await parked(app) == 0


async def test_a_partner_on_another_homeserver_in_a_direct_chat_and_in_a_group(
    settings: Settings, alice: EncryptingClient, partner_homeserver: Homeserver, tmp_path: Path
) -> None:
    person = await partner_homeserver.person("pat")
    partners = Audience("partners", "Partners", Perimeter(homeservers=(partner_homeserver.server_name,)), external=True)
    community = settings.community
    settings = replace(settings, community=replace(community, audiences={**community.audiences, "partners": partners}))
    async with EncryptingClient(person.account, tmp_path / "pat") as pat, at_work(settings) as app:
        bot = app.client.user
        chat = await pat.encrypted_room(bot)
        await pat.say(chat, "say hello from afar")
        assert (await pat.wait_for("hello from afar", 40)).decrypted
        group = await alice.encrypted_room(bot, direct=False)
        await alice.nio.room_invite(group, pat.nio.user_id)
        await pat.nio.join(group)
        await eventually(lambda: alice.knows(group, pat.nio.user_id) and pat.knows(group, bot), 40)
        await pat.say(group, "say pat speaks")
        await alice.wait_for("pat speaks", 40)
        assert (await pat.wait_for("pat speaks", 40)).decrypted
        await alice.say(group, "say alice speaks")
        words = ("pat speaks", "alice speaks")
        await eventually(lambda: all(one.times(word) for one in (alice, pat) for word in words), 40)
        assert [one.times(word) for one in (alice, pat) for word in words] == [1, 1, 1, 1]
        assert all(message.decrypted for message in (*alice.heard, *pat.heard))
