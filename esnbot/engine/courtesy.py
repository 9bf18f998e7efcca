"""Courtesy: read receipts and typing, so that people know that the bot has seen them.

Best effort, and beside everything else: nothing waits for it, nothing is written down for it, what is lost is lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from esnbot.engine.backoff import Homeserver
from esnbot.engine.effects import Effect, Heed, React, Say
from esnbot.engine.event import Event
from esnbot.matrix.client import MatrixClient
from esnbot.matrix.errors import HomeserverError, Limited, Refused

AT_ONCE: Final = 4
"""Requests in flight, over all rooms; one room never has more than one."""
MOST_ROOMS: Final = 500
"""Rooms in which something is to be shown; beyond, courtesy has to wait for quieter times."""
MOST_QUESTIONS: Final = 50
"""Open questions of one room that typing is shown for."""
REMEMBERED: Final = 200
"""Answers that are remembered in case they were delivered before their question was heeded."""
REQUEST_LIMIT: Final = 5.0
PAUSE: Final = (1.0, 60.0)
"""Seconds without any courtesy after the homeserver had trouble with it: at first, and in the end."""

log = structlog.get_logger("esnbot.engine.courtesy")


@dataclass(frozen=True, slots=True)
class Manners:
    """What is shown, and when (seconds)."""

    receipts: bool = True
    typing: bool = True
    typing_after: float = 0.3
    """An answer that is there sooner needs no typing before it."""
    typing_at_most: float = 30.0


def to_heed(event: Event, effects: Sequence[Effect], bot: str) -> list[Heed]:
    """What is heeded because a module said so, or because it answers somebody's message in its room."""
    said = [effect for effect in effects if isinstance(effect, Heed)]
    if not said and event.state_key is None and not event.is_internal and event.sender != bot:
        answered = any(
            (isinstance(effect, Say) and effect.room == event.room_id)
            or (isinstance(effect, React) and effect.to == event.event_id)
            for effect in effects
        )
        said = [Heed(room=event.room_id, event=event.event_id, thread=thread_of(event))] if answered else []
    awaited = {effect.answers for effect in effects if isinstance(effect, Say)}
    return [
        Heed(room=heed.room, event=heed.event, thread=heed.thread, awaited=True) if heed.event in awaited else heed
        for heed in said
    ]


def thread_of(event: Event) -> str:
    """The root of the thread that an event stands in, '' for none."""
    relation = event.content.get("m.relates_to")
    if isinstance(relation, dict) and relation.get("rel_type") == "m.thread":
        root = relation.get("event_id")
        return root if isinstance(root, str) else ""
    return ""


@dataclass(slots=True)
class _Room:
    """What is to be shown in one room."""

    unread: Heed | None = None
    """The newest event whose receipt is not sent."""
    questions: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    """Questions whose answer takes a moment."""
    typing: bool = False
    """Whether the homeserver was told so."""
    task: asyncio.Task[None] | None = None


class Courtesy:
    """Shows receipts and typing; one request at a time in a room, and the last word of a room wins."""

    def __init__(self, client: MatrixClient, homeserver: Homeserver, manners: Manners) -> None:
        self._client = client
        self._homeserver = homeserver
        self._manners = manners
        self._rooms: dict[str, _Room] = {}
        self._where: dict[str, str] = {}
        """Open question to its room."""
        self._answered: dict[str, None] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._quiet_until = 0.0
        self._pause = 0.0

    def heed(self, heed: Heed) -> None:
        """An event was read, and perhaps its answer is on its way."""
        if self._silent or (heed.room not in self._rooms and len(self._rooms) >= MOST_ROOMS):
            return
        room = self._rooms.setdefault(heed.room, _Room())
        if self._manners.receipts:
            room.unread = heed
        if self._manners.typing and heed.awaited and heed.event not in self._answered:
            self._expect(heed, room)
        self._work(heed.room, room)

    def answered(self, question: str) -> None:
        """The answer to that event was delivered."""
        if not self._manners.typing:
            return
        self._answered[question] = None
        if len(self._answered) > REMEMBERED:
            del self._answered[next(iter(self._answered))]
        self._done(question)

    def stop(self) -> None:
        """Leave it at that."""
        rooms, self._rooms = self._rooms, {}
        self._where.clear()
        for room in rooms.values():
            for timer in room.questions.values():
                timer.cancel()
            if room.task is not None:
                room.task.cancel()

    @property
    def _silent(self) -> bool:
        return self._homeserver.is_away or time.monotonic() < self._quiet_until

    def _expect(self, heed: Heed, room: _Room) -> None:
        if heed.event in room.questions or len(room.questions) >= MOST_QUESTIONS:
            return
        loop = asyncio.get_running_loop()
        room.questions[heed.event] = loop.call_later(self._manners.typing_after, self._slow, heed.event)
        self._where[heed.event] = heed.room

    def _slow(self, question: str) -> None:
        name = self._where.get(question, "")
        room = self._rooms.get(name)
        if room is None or question not in room.questions:
            return
        room.slow.add(question)
        loop = asyncio.get_running_loop()
        room.questions[question] = loop.call_later(self._manners.typing_at_most, self._done, question)
        self._work(name, room)

    def _done(self, question: str) -> None:
        name = self._where.pop(question, "")
        room = self._rooms.get(name)
        if room is None:
            return
        timer = room.questions.pop(question, None)
        if timer is not None:
            timer.cancel()
        room.slow.discard(question)
        self._work(name, room)

    def _work(self, name: str, room: _Room) -> None:
        if room.task is None and self._next(room):
            room.task = asyncio.get_running_loop().create_task(self._show(name, room), name=f"courtesy {name}")
        else:
            self._tidy(name, room)

    @staticmethod
    def _next(room: _Room) -> bool:
        return room.unread is not None or bool(room.slow) != room.typing

    def _tidy(self, name: str, room: _Room) -> None:
        if room.task is None and not room.questions and not room.typing and self._rooms.get(name) is room:
            del self._rooms[name]

    async def _show(self, name: str, room: _Room) -> None:
        """Show what is to be shown in a room, until nothing is left."""
        try:
            while self._next(room):
                async with self._gate:
                    if self._silent:
                        break
                    await self._one(name, room)
        finally:
            room.task = None
            # What could not be shown is not made up for; a typing that was not taken back ends by itself.
            room.unread = None
            room.typing = bool(room.slow)
            self._tidy(name, room)

    async def _one(self, name: str, room: _Room) -> None:
        heed, room.unread = room.unread, None
        try:
            async with asyncio.timeout(REQUEST_LIMIT):
                if heed is not None:
                    await self._client.mark_read(name, heed.event, heed.thread)
                else:
                    # Before the request: what changes meanwhile is shown by the next one.
                    room.typing = bool(room.slow)
                    await self._client.show_typing(name, self._manners.typing_at_most if room.typing else 0.0)
        except Refused as error:
            # A room that was left, a homeserver without receipts: no harm, and no reason to be quiet elsewhere.
            log.debug("a courtesy was refused", room=name, error=str(error))
        except (HomeserverError, TimeoutError) as error:
            self._be_quiet(error)
        else:
            self._pause = 0.0

    def _be_quiet(self, error: Exception) -> None:
        first, last = PAUSE
        self._pause = min(self._pause * 2, last) if self._pause else first
        seconds = max(self._pause, error.seconds) if isinstance(error, Limited) else self._pause
        self._quiet_until = time.monotonic() + seconds
        log.debug("no courtesies for a while", seconds=seconds, error=str(error))


__all__ = ["Courtesy", "Manners", "thread_of", "to_heed"]
