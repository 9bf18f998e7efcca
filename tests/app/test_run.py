"""`esnbot run` as a person calls it: a process of its own, with an embedded homeserver."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from esnbot.homeserver import Account, free_port
from esnbot.testing.person import Person
from esnbot.testing.waiting import eventually

MAIN = "import sys; from esnbot.cli import main; sys.exit(main())"
CONFIG = """
name: A small community
languages: [en, fr]
time_zone: Europe/Paris
homeserver:
  embedded: true
  data: var/homeserver
  listen: 127.0.0.1:{client}
  appservice_listen: 127.0.0.1:{service}
database: sqlite+aiosqlite:///var/esnbot.db
web: {{listen: "127.0.0.1:{board}"}}
audiences:
  staff: {{name: Staff, homeservers: [own]}}
roles: {{animators: ["@camille"]}}
spaces:
  house:
    name: House
    alias: house
    audiences: [staff]
    joining: public
    groups:
      lounge: {{name: Lounge, alias: lounge}}
      keepers: {{name: Keepers, kind: animators}}
"""


@dataclass
class Bot:
    """One `esnbot run`."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)
    calls: int = 0

    def start(self) -> None:
        self.calls += 1
        self.log = self.folder / f"run-{self.calls}.log"
        command = [sys.executable, "-c", MAIN, "run", "--config", "community.yaml"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ESNBOT_")}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    async def until_ready(self, timeout: float = 60.0) -> str:
        def ready() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                pytest.fail(f"it ended with {self.process.returncode}:\n{self.said}")
            return re.search(r"^ready$", self.said, re.MULTILINE) is not None

        await eventually(ready, timeout)
        return self.said

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send a signal, wait for the end, and return how long it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(10) == 0, self.said
        return time.monotonic() - began

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def a_bot(folder: Path) -> Bot:
    ports = {"client": free_port(), "service": free_port(), "board": free_port()}
    (folder / "community.yaml").write_text(CONFIG.format(**ports))
    return Bot(folder)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    one = a_bot(tmp_path)
    yield one
    one.kill()


def url_of(said: str) -> str:
    found = re.search(r"^homeserver: (\S+)", said, re.MULTILINE)
    assert found is not None
    return found[1]


def password_of(said: str, localpart: str) -> str:
    found = re.search(rf"@{localpart}:localhost.*password: (\S+)", said)
    assert found is not None
    return found[1]


async def log_in(said: str, localpart: str) -> Person:
    from aiohttp import ClientSession

    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": localpart},
        "password": password_of(said, localpart),
    }
    url = url_of(said)
    async with ClientSession() as session, session.post(f"{url}/_matrix/client/v3/login", json=body) as answer:
        assert answer.status == 200, await answer.text()
        found = await answer.json()
    return Person(Account(found["user_id"], found["access_token"], found["device_id"], url))


def port_is_free(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


async def rooms_of(said: str) -> list[str]:
    async with await log_in(said, "alex") as alex:
        return sorted(await alex.joined_rooms())


@dataclass
class Lived:
    """Two calls on one folder, and what was seen of them: each call takes seconds, so that all tests look at these."""

    folder: Path
    first: str
    """What the first call said."""
    house: str | None
    """Room ids of the house and the animators' group, and who was in which."""
    keepers: str | None
    rooms_of_alex: set[str]
    rooms_of_camille: set[str]
    answered_by: str
    """Who answered a question in the lounge."""
    stopped_in: list[float]
    """Seconds that SIGTERM and SIGINT took, each."""
    left_after_a_stop: bool
    before: list[str]
    """Alex's rooms at the end of the first call."""
    second: str
    took: float
    """Seconds that the second call took to be ready."""
    after: list[str]
    """Alex's rooms in the second call."""


async def lived(bot: Bot) -> Lived:
    """Call it, talk to it, stop it, call it again, stop that."""
    bot.start()
    first = await bot.until_ready()
    async with await log_in(first, "alex") as alex, await log_in(first, "camille") as camille:
        house = await alex.resolve("#house:localhost")
        keepers = await camille.resolve("#keepers:localhost")
        rooms = set(await alex.joined_rooms()), set(await camille.joined_rooms())
        lounge = await alex.join("#lounge:localhost")
        question = await alex.say(lounge, "!esn help")
        answer = await alex.wait_for(lambda event: event.thread == question)
    before = await rooms_of(first)
    stopped = [bot.stop()]
    left = not port_is_free(url_of(first))

    began = time.monotonic()
    bot.start()
    second = await bot.until_ready()
    took = time.monotonic() - began
    after = await rooms_of(second)
    stopped.append(bot.stop(signal.SIGINT))
    return Lived(bot.folder, first, house, keepers, *rooms, answer.sender, stopped, left, before, second, took, after)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    bot = a_bot(tmp_path_factory.mktemp("twice"))
    try:
        yield asyncio.run(lived(bot))
    finally:
        bot.kill()


def test_the_first_call_makes_a_community_that_a_person_can_log_in_to(twice: Lived) -> None:
    assert twice.house in twice.rooms_of_alex
    assert {twice.house, twice.keepers} <= twice.rooms_of_camille
    assert twice.keepers not in twice.rooms_of_alex
    assert twice.answered_by == "@esnbot:localhost"
    assert "password" not in (twice.folder / "var/esnbot.db").read_bytes().decode(errors="ignore")


def test_a_stop_is_quick_and_leaves_nothing(twice: Lived) -> None:
    assert max(twice.stopped_in) < 3.0
    assert not twice.left_after_a_stop


def test_the_second_call_is_quick_shows_the_same_and_changes_nothing(twice: Lived) -> None:
    for localpart in ("camille", "alex"):
        assert password_of(twice.second, localpart) == password_of(twice.first, localpart)
    assert url_of(twice.second) == url_of(twice.first)
    assert twice.after == twice.before
    assert re.search(r"^  \d+ of \d+$", twice.second, re.MULTILINE) is None
    # Measured by the benchmarks; here only that it does not start from nothing.
    assert twice.took < 30.0


async def test_beside_one_that_runs_a_second_is_refused_and_a_kill_leaves_nothing(bot: Bot) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        path = bot.folder / "community.yaml"
        path.write_text(re.sub(r"\n  listen: 127.0.0.1:\d+", f"\n  listen: 127.0.0.1:{busy}", path.read_text()))
        bot.start()
        said = await bot.until_ready()
    # A port in use was replaced, and that was said.
    assert f"note: Port {busy} is in use by another program" in said
    assert not url_of(said).endswith(f":{busy}")

    other = Bot(bot.folder, calls=1)
    other.start()
    try:
        assert other.process is not None
        assert other.process.wait(30) == 1
        assert f"already runs on 'var/homeserver' (process {bot.process.pid if bot.process else ''})" in other.said
        assert "Traceback" not in other.said
    finally:
        other.kill()
    bot.kill()
    await eventually(lambda: port_is_free(url_of(said)))


async def test_it_can_be_stopped_while_it_starts(bot: Bot) -> None:
    bot.start()
    await eventually(lambda: "starting the homeserver" in bot.said)
    assert bot.stop() < 3.0


async def test_a_homeserver_that_dies_ends_it_with_a_sentence(bot: Bot) -> None:
    bot.start()
    await bot.until_ready()
    assert bot.process is not None
    (homeserver,) = psutil.Process(bot.process.pid).children()
    homeserver.kill()
    assert bot.process.wait(20) == 1
    assert "The embedded homeserver ended by itself" in bot.said
    assert "Traceback" not in bot.said
