"""Bots that are given the same work on the same homeserver, and what became of it as people's clients saw it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.kit.programs import Program, start_bot
from benchmarks.kit.real import PASSWORD, RealHomeserver
from benchmarks.kit.setup import PING, PONG, Setup
from esnbot.testing.person import Person


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a number of commands."""

    asked: int
    answered: int
    doubled: int
    seconds: float | None
    """Until the last answer; None when there was none."""

    @property
    def whole(self) -> bool:
        """Whether each was answered once."""
        return self.answered == self.asked and not self.doubled


@dataclass(slots=True)
class Contender:
    """A bot, its rooms, and the people in them."""

    name: str
    kind: str
    told: Setup
    rooms: dict[str, Person] = field(default_factory=dict)
    """Room to the person who speaks in it."""
    program: Program | None = None

    async def start(self, homeserver: str = "") -> None:
        """Start the bot's program, over another URL of the homeserver if one is given."""
        told = replace_homeserver(self.told, homeserver) if homeserver else self.told
        self.program = await start_bot(self.kind, told)

    async def stop(self) -> None:
        """End the program in order."""
        if self.program is not None:
            await self.program.stop()
            self.program = None

    def kill(self) -> None:
        """End the program at once."""
        if self.program is not None:
            self.program.kill()
            self.program = None

    async def ask(self, names: Sequence[str]) -> float:
        """Say '!ping NAME' for each, spread over the rooms, rooms side by side; the time when the first was said."""
        rooms = list(self.rooms.items())
        started = time.time()

        async def speak(number: int) -> None:
            room, person = rooms[number]
            for name in names[number :: len(rooms)]:
                await person.say(room, PING + name)

        await asyncio.gather(*(speak(number) for number in range(min(len(rooms), len(names)))))
        return started

    async def outcome(self, names: Sequence[str], since: float, *, patience: float) -> Outcome:
        """Wait until all are answered, or nothing was answered for ``patience`` seconds, and count."""
        wanted = {PONG + name for name in names}
        last_change, last_count = time.monotonic(), 0
        while time.monotonic() - last_change < patience:
            answers = self._answers(wanted)
            if len(answers) == len(wanted):
                break
            if len(answers) != last_count:
                last_change, last_count = time.monotonic(), len(answers)
            await self._look(1.0)
        # A second answer to the same command may still be on its way.
        await self._look(0.5)
        await self._look(1.0)
        answers = self._answers(wanted)
        times = [ts for stamps in answers.values() for ts in stamps[:1]]
        return Outcome(
            asked=len(wanted),
            answered=len(answers),
            doubled=sum(len(stamps) > 1 for stamps in answers.values()),
            seconds=max(times) / 1000 - since if times else None,
        )

    async def _look(self, seconds: float) -> None:
        await asyncio.gather(*(person.sync(seconds) for person in set(self.rooms.values())))

    def _answers(self, wanted: set[str]) -> dict[str, list[int]]:
        """Answer to the times at which the homeserver took it, in order."""
        found: dict[str, list[int]] = {}
        for person in set(self.rooms.values()):
            for event in person.seen:
                if event.sender == self.told.user and event.room in self.rooms and event.body in wanted:
                    found.setdefault(event.body, []).append(int(event.raw["origin_server_ts"]))
        return {body: sorted(stamps) for body, stamps in found.items()}


def replace_homeserver(told: Setup, url: str) -> Setup:
    """The same bot over another URL."""
    return msgspec.structs.replace(told, homeserver=url)


def count(bodies: Sequence[str], wanted: Sequence[str]) -> tuple[int, int]:
    """How many of the wanted bodies there are, and how many of them more than once."""
    found = Counter(bodies)
    return sum(found[body] > 0 for body in wanted), sum(found[body] > 1 for body in wanted)


async def contenders(real: RealHomeserver, folder: Path, rooms: int) -> list[Contender]:
    """Ours, mautrix and nio, each running in rooms of its own where it has answered once."""
    found = [
        Contender("ours", "ours", real.services["ours"].setup(folder / "ours", "ping")),
        Contender("mautrix", "mautrix_bot", real.services["mautrix"].setup(folder / "mautrix", "ping")),
        Contender("nio", "nio_bot", await _account(real, folder / "nio")),
    ]
    for contender in found:
        people = [await real.person(f"{contender.name}-{number}") for number in range(4)]
        await contender.start()
        for number in range(rooms):
            person = people[number % len(people)]
            room = await person.create_room(preset="private_chat", invite=[contender.told.user])
            contender.rooms[room] = person
            if contender.name == "nio":
                await real.people[0].join(room)
            else:
                await real.join(real.services[contender.name], room)
        for person in people:
            await person.sync()
        names = [f"{contender.name}-warm-{number}" for number in range(rooms)]
        outcome = await contender.outcome(names, await contender.ask(names), patience=20)
        if not outcome.answered:
            raise RuntimeError(f"{contender.name} does not answer at all")
    return found


async def _account(real: RealHomeserver, folder: Path) -> Setup:
    person = await real.person("niobot")
    # The bot's own client joins for it; `contenders` counts on its being the first.
    real.people.remove(person)
    real.people.insert(0, person)
    return Setup(
        homeserver=real.server.url,
        server_name=real.server.server_name,
        user=person.id,
        password=PASSWORD,
        folder=str(folder),
        behaviour="ping",
    )
