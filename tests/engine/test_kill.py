"""``kill -9`` of the bot and of the homeserver at random moments: nothing is lost and nothing comes twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from esnbot.engine.tables import inbox
from esnbot.homeserver import EmbeddedHomeserver, free_port
from esnbot.homeserver.child import start_child
from esnbot.matrix.registration import Registration
from esnbot.store.database import Database
from esnbot.testing.homeserver import homeserver_for_tests
from esnbot.testing.person import MatrixRefusal, Person, Seen
from esnbot.testing.stub import Reply, StubHomeserver
from esnbot.testing.waiting import eventually
from tests.engine.victim import backlog

ROOMS = 5
SEED = 20260302


class Victim:
    """The bot's process."""

    def __init__(self, order: dict[str, Any], log: Path, module: str = "tests.engine.victim") -> None:
        self._module = module
        self._order = order
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", self._module, orjson.dumps(self._order).decode()]
            self._process = start_child(command, output=log)

    def kill(self) -> None:
        """End it at once, wherever it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self) -> int:
        """Tell it to end; returns its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def check(self) -> None:
        """Fail when it ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-4000:]

    async def has_begun(self) -> None:
        """Return when it prints that it runs."""
        before = self._log.read_bytes().count(b"running")
        self.start()

        def more() -> bool:
            self.check()
            return self._log.read_bytes().count(b"running") > before

        await eventually(more, 30)


@pytest.mark.timeout(1800)
async def test_kills_lose_nothing_and_double_nothing(
    tmp_path: Path, database_url: str, soak: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    kills, restarts, count = (50, 5, 500) if soak else (6, 1, 100)
    randomness = random.Random(SEED)
    config = homeserver_for_tests(tmp_path / "synapse", address="127.0.0.1")
    registration = Registration.new(server_name=config.server_name, url=f"http://127.0.0.1:{free_port()}")
    registration.write(tmp_path / "bot.yaml")
    server = EmbeddedHomeserver(config)
    server.with_config(registrations=(tmp_path / "bot.yaml",))
    await server.start()
    alice = Person(await server.register("alice", "secret"))
    order: dict[str, Any] = {
        "database": database_url,
        "homeserver": server.url,
        "server_name": config.server_name,
        "registration": str(tmp_path / "bot.yaml"),
        "port": int(registration.url.rpartition(":")[2]),
        "rooms": [],
        "posts": 0,
        "every": 80.0,
        "begin": 0.0,
    }
    database = None
    victim = Victim(order, tmp_path / "victim.log")
    (tmp_path / "victim.log").touch()
    try:
        await victim.has_begun()
        rooms = await rooms_with_the_bot(alice, registration.bot_user_id)
        victim.kill()
        order.update(rooms=rooms, posts=count // ROOMS, begin=time.time() + 1)
        await victim.has_begun()
        talk = asyncio.create_task(commands(alice, rooms, count // ROOMS, randomness.random()))
        deaths = ["bot"] * kills + ["homeserver"] * restarts
        randomness.shuffle(deaths)
        for death in deaths:
            await asyncio.sleep(randomness.uniform(0.05, 1.5))
            if death == "homeserver":
                server.kill()
                await asyncio.sleep(randomness.uniform(0, 1))
                await server.start()
            else:
                victim.check()
                victim.kill()
                await (victim.has_begun() if randomness.random() < 0.7 else _start_soon(victim))
        questions = await talk
        database = await Database.open(database_url)
        await eventually(lambda: _finished(database, victim), 600 if soak else 90, message="work is left")
        await everything_is_there_once(alice, database, questions, count // ROOMS, registration.bot_user_id)
    finally:
        victim.kill()
        if database is not None:
            await database.close()
        await alice.close()
        await server.stop()


async def _start_soon(victim: Victim) -> None:
    victim.start()


async def _finished(database: Database | None, victim: Victim) -> bool:
    victim.check()
    assert database is not None
    return await backlog(database) == 0


async def rooms_with_the_bot(alice: Person, bot: str) -> list[str]:
    """Rooms that the bot has joined."""
    made = [await eventually(partial(_room, alice, bot, number), 20) for number in range(ROOMS)]

    async def all_joined() -> bool:
        return all([(await alice.members(room)).get(bot) == "join" for room in made])

    await eventually(all_joined, 20)
    return made


async def _room(alice: Person, bot: str, number: int) -> str:
    # The bot makes its account when it starts.
    try:
        return await alice.create_room(invite=[bot], name=f"room {number}")
    except MatrixRefusal:
        return ""


async def commands(alice: Person, rooms: list[str], count: int, seed: float) -> dict[str, list[str]]:
    """Say commands in all rooms, with pauses; returns their event ids by room, in order."""
    randomness = random.Random(seed)
    sent: dict[str, list[str]] = {room: [] for room in rooms}
    for number in range(count):
        for room in rooms:
            sent[room].append(await eventually(partial(_command, alice, room, number), 90))
            await asyncio.sleep(randomness.uniform(0, 0.05))
    return sent


async def _command(alice: Person, room: str, number: int) -> str:
    body = {"msgtype": "m.text", "body": f"!do {number}"}
    try:
        return await alice.send(room, "m.room.message", body, txn=f"{room}{number}")
    except (OSError, TimeoutError, MatrixRefusal):
        return ""


async def everything_is_there_once(
    alice: Person, database: Database, questions: dict[str, list[str]], posts: int, bot: str
) -> None:
    """Read the rooms as anybody's client does."""
    for room, asked in questions.items():
        # A homeserver that is killed may forget a transaction id of Alice's client: what counts is what it kept.
        history = [event for event in await alice.history(room) if event.type == "m.room.message"]
        theirs = [event for event in history if event.sender == bot]
        heard = [event.id for event in history if event.body.startswith("!do ")]
        assert set(asked) <= set(heard)
        answers = [event for event in theirs if event.body.startswith("answer ")]
        assert Counter(event.thread for event in answers) == Counter(heard)
        assert [event.body.split()[1] for event in answers] == [str(n + 1) for n in range(len(heard))]
        # What a killed homeserver never pushed is found later: the order is that of the arrival here.
        arrived = [event for event in await _arrivals(database, room) if event in heard]
        assert [event.thread for event in answers] == arrived
        assert _numbers(theirs, "post") == [str(n) for n in range(posts)]
        assert _numbers(theirs, "reply") == [str(n) for n in range(0, posts, 5)]


async def _arrivals(database: Database, room: str) -> list[str]:
    async with database.read() as conn:
        query = select(inbox.c.event_id).where(inbox.c.queue == room).order_by(inbox.c.seq)
        return list((await conn.execute(query)).scalars())


def _numbers(events: list[Seen], word: str) -> list[str]:
    return [event.body.split()[1] for event in events if event.body.startswith(f"{word} ")]


async def test_a_process_that_is_told_to_end_does_so_in_time_with_deliveries_in_flight(
    tmp_path: Path, database_url: str, stub_homeserver: StubHomeserver
) -> None:
    registration = Registration.new(server_name="stub.example", url=f"http://127.0.0.1:{free_port()}")
    registration.write(tmp_path / "bot.yaml")
    (tmp_path / "victim.log").touch()
    stub_homeserver.always("PUT", "/send/", Reply(delay=60))
    order: dict[str, Any] = {
        "database": database_url,
        "homeserver": stub_homeserver.url,
        "server_name": "stub.example",
        "registration": str(tmp_path / "bot.yaml"),
        "port": int(registration.url.rpartition(":")[2]),
        "rooms": [f"!room{n}" for n in range(30)],
        "posts": 3,
        "every": 1.0,
        "begin": time.time(),
    }
    victim = Victim(order, tmp_path / "victim.log")
    try:
        await victim.has_begun()
        await eventually(lambda: len(stub_homeserver.attempts("PUT", "/send/")) >= 10)
        began = time.monotonic()
        assert await asyncio.to_thread(victim.end) == 0
        assert time.monotonic() - began < 3
    finally:
        victim.kill()
