"""A person with matrix-js-sdk and its Rust crypto, as in Element Web: a process of its own, spoken to in JSON."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from esnbot.homeserver import Account
from esnbot.testing.homeserver import PASSWORD
from esnbot.testing.waiting import eventually
from tests.clients.install import Installed

JSON = dict[str, Any]
LONGEST_LINE = 1 << 22
ANSWERS_WITHIN = 30.0
"""Seconds; a deed that takes longer has failed."""
ENDS_WITHIN = 5.0


class ClientRefusal(Exception):
    """The library refused, or the homeserver did."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as the client shows it."""

    id: str
    room: str
    sender: str
    type: str
    content: JSON
    redacts: str | None
    thread: str | None
    encrypted: bool
    session: str | None
    """The Megolm session that it was encrypted with."""
    failure: str | None
    """Why it cannot be read."""
    shield: JSON | None
    """``colour`` (NONE, GREY, RED) and ``reason`` of the sign beside an encrypted message."""

    @property
    def body(self) -> str:
        """The plain text."""
        return str(self.content.get("body", ""))

    @property
    def relation(self) -> JSON:
        """What it relates to."""
        found = self.content.get("m.relates_to")
        return found if isinstance(found, dict) else {}


@dataclass
class JsClient:
    """One device of a person's. Use it as an async context manager."""

    installed: Installed
    account: Account
    only_signed: bool = False
    """Whether it neither reads nor writes to devices that their owner has not signed."""
    seen: dict[str, Shown] = field(default_factory=dict)
    """Every event by its id, in the order of arrival, as it was shown last."""
    device: str = ""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _asked: dict[int, asyncio.Future[JSON]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The user id."""
        return self.account.user_id

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self.installed.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            env={"PATH": "/usr/bin:/bin", "NODE_ENV": "production"},
        )
        self._reading = asyncio.create_task(self._read())
        try:
            given = {"homeserver": self.account.homeserver_url, "user": self.id, "pass": PASSWORD}
            self.device = (await self.ask("login", **given, onlySigned=self.only_signed))["device"]
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), ENDS_WITHIN)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = orjson.loads(line)
            if "saw" in said:
                shown = Shown(**said["saw"])
                self.seen[shown.id] = shown
            elif "id" in said:
                waiting = self._asked.pop(said["id"])
                if waiting.done():
                    continue
                elif "fails" in said:
                    waiting.set_exception(ClientRefusal(said["fails"]))
                else:
                    waiting.set_result(said["gives"])
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(ClientRefusal("the client has ended"))

    async def ask(self, deed: str, **given: Any) -> JSON:
        """One of the deeds of client.mjs; raises ``ClientRefusal`` where it is refused."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        waiting: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._asked[number] = waiting
        self._process.stdin.write(orjson.dumps({"id": number, "do": deed, "with": given}) + b"\n")
        return await asyncio.wait_for(waiting, ANSWERS_WITHIN)

    # --- rooms --------------------------------------------------------------------------------------------------

    async def room(self, *invited: str, encrypted: bool = True, direct: bool = False, **more: Any) -> str:
        """Create a room; returns its id once those who were invited are in it."""
        made = await self.ask("createRoom", invite=invited, encrypted=encrypted, direct=direct, **more)
        room = str(made["room"])
        await self.until_joined(room, *invited)
        return room

    async def until_joined(self, room: str, *people: str, timeout: float = 20.0) -> None:
        """Return when this client knows them all to be in the room."""

        async def there() -> bool:
            members = (await self.ask("members", room=room))["members"]
            return all(members.get(person) == "join" for person in people)

        await eventually(there, timeout, message=f"{people} in {room}")

    async def join(self, room: str, *via: str) -> str:
        """Join by id or alias; returns the id once this client shows the room."""
        joined = str((await self.ask("join", room=room, via=via))["room"])

        async def there() -> bool:
            return bool((await self.ask("isIn", room=joined))["so"])

        await eventually(there, 20, message=f"{self.id} in {room}")
        return joined

    async def invited_to(self, timeout: float = 20.0) -> str:
        """The id of a room that this person is invited to."""

        async def found() -> str | None:
            rooms = (await self.ask("rooms"))["rooms"]
            return next((room for room, membership in rooms.items() if membership == "invite"), None)

        room = await eventually(found, timeout, message=f"{self.id} invited")
        assert room is not None
        return room

    # --- messages -----------------------------------------------------------------------------------------------

    async def say(self, room: str, text: str) -> str:
        """Say something, encrypted where the room is; returns the event id."""
        return str((await self.ask("say", room=room, text=text))["event"])

    async def say_in_thread(self, room: str, root: str, text: str) -> str:
        """Say something in the thread under ``root``."""
        return str((await self.ask("sayInThread", room=room, root=root, text=text))["event"])

    async def edit(self, room: str, event: str, text: str) -> str:
        """Replace one's earlier message."""
        return str((await self.ask("edit", room=room, event=event, text=text))["event"])

    async def react(self, room: str, event: str, key: str) -> str:
        """React to a message, ``key`` is the emoji."""
        return str((await self.ask("react", room=room, event=event, key=key))["event"])

    async def redact(self, room: str, event: str) -> str:
        """Take something back."""
        return str((await self.ask("redact", room=room, event=event))["event"])

    def heard(self, text: str = "", *, room: str | None = None, thread: str | None = None) -> list[Shown]:
        """Readable messages of others that contain the text, oldest first."""
        return [
            shown
            for shown in self.seen.values()
            if shown.type == "m.room.message"
            and shown.sender != self.id
            and shown.failure is None
            and text in shown.body
            and room in (None, shown.room)
            and thread in (None, shown.thread)
        ]

    async def wait_for(
        self, text: str = "", *, room: str | None = None, thread: str | None = None, timeout: float = 20.0
    ) -> Shown:
        """The first readable message of somebody else that contains the text, received already or yet to come."""
        what = f"'{text}' heard by {self.id}"
        found = await eventually(lambda: self.heard(text, room=room, thread=thread), timeout, message=what)
        return found[0]

    def times(self, text: str) -> int:
        """How often others said exactly that."""
        return sum(shown.body == text for shown in self.heard(text))

    @property
    def unreadable(self) -> list[Shown]:
        """What others said and this client cannot read."""
        return [shown for shown in self.seen.values() if shown.failure is not None and shown.sender != self.id]
