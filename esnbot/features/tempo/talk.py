"""Sees that people are talking: at least three messages by at least two people within fifteen minutes.

In memory, of each room: the times of the last messages, and of the last sender a number that cannot be turned back
into a name. The database gets when a conversation began and its last word, once a minute while it goes on, and nothing
about who talks; after a restart, the conversation that was going on still counts.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from esnbot.community.clock import Clock
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.engine.event import ENCRYPTED, Event
from esnbot.engine.feature import Context
from esnbot.features.tempo import records
from esnbot.features.tempo.model import AFTER_THE_LAST_WORD, Talk
from esnbot.store import bindings

MESSAGES: Final = frozenset({"m.room.message", ENCRYPTED, "m.sticker"})
WITHIN: Final = int(AFTER_THE_LAST_WORD.total_seconds() * 1000)
NOTED_EVERY: Final = 60_000
"""Milliseconds after which the last word of a conversation is written down again."""
DAY_MS: Final = int(timedelta(days=1).total_seconds() * 1000)
COMMANDS: Final = ("!esn", "!rse")
TIDY_AT: Final = 1_000
"""Rooms in memory at which those that are silent are forgotten."""


@dataclass(slots=True)
class _Room:
    """What is known of a room, in milliseconds; 0 for never."""

    latest: str = ""
    """The last event: what is handled again is one message still."""
    times: tuple[int, int, int] = (0, 0, 0)
    """Of the last three messages, the oldest first."""
    sender: int = 0
    other_spoke: int = 0
    """When somebody else than the last sender spoke last."""
    begun: int = 0
    """Of the conversation; 0 while there is none."""
    noted: int = field(default=0)
    """The last word as it is written down."""


class Talks:
    """The conversations of this process."""

    def __init__(self, bot: str, clock: Clock) -> None:
        self._bot, self._clock = bot, clock
        self._salt = secrets.randbits(64)
        self._rooms: dict[str, _Room] = {}

    def hears(self, event: Event) -> bool:
        """Take in a message; whether it is time to write down that people are talking."""
        if event.sender == self._bot or event.state_key is not None:
            return False
        content = event.content
        body = content.get("body")
        if content.get("msgtype") == "m.notice" or (isinstance(body, str) and body.startswith(COMMANDS)):
            # What is said to the bot, or by another one, is no conversation.
            return False
        relation = content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
            return False
        room = self._rooms.get(event.room_id)
        if room is None:
            room = self._rooms[event.room_id] = self._another(event)
        if room.latest != event.event_id:
            self._take(room, event)
        return bool(room.begun) and room.times[2] - room.noted >= NOTED_EVERY

    def _another(self, event: Event) -> _Room:
        if len(self._rooms) >= TIDY_AT:
            silent = event.ts - WITHIN
            self._rooms = {key: room for key, room in self._rooms.items() if room.times[2] >= silent}
        return _Room()

    def _take(self, room: _Room, event: Event) -> None:
        if room.times[2] - event.ts >= WITHIN:
            # The clock was wrong when that was heard.
            room.times, room.begun, room.noted = (0, 0, 0), 0, 0
        at = max(event.ts, room.times[2])
        sender = hash((self._salt, event.sender))
        if at - room.times[2] >= WITHIN:
            room.begun, room.other_spoke = 0, 0
        elif sender != room.sender:
            room.other_spoke = room.times[2]
        room.latest, room.sender = event.event_id, sender
        room.times = (*room.times[1:], at)
        if not room.begun and at - room.times[0] < WITHIN and at - room.other_spoke < WITHIN:
            room.begun = room.times[0]

    def take(self, room_id: str) -> Talk | None:
        """The conversation that is to be written down now."""
        room = self._rooms.get(room_id)
        if room is None or not room.begun:
            return None
        room.noted = room.times[2]
        now = milliseconds(self._clock.now())
        # Times are those of the homeserver, unless our clock was moved (in the demo).
        moved = now - room.times[2] if abs(now - room.times[2]) >= DAY_MS else 0
        return Talk(_moment(room.begun + moved), _moment(room.times[2] + moved))


class Listening:
    """Keeps where people are talking."""

    def __init__(self, talks: Talks) -> None:
        self.talks = talks

    async def message(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Write down that people are talking."""
        talk = self.talks.take(event.room_id)
        if talk is None:
            return []
        key = await bindings.key_of(ctx.conn, event.room_id)
        if key is None or key.startswith(bindings.DIRECT):
            # What somebody says to the bot alone is nobody's business.
            return []
        known = await records.talk_in(ctx.conn, event.room_id)
        if known is not None and talk.begun - AFTER_THE_LAST_WORD < known.last <= talk.last:
            # Another process heard how it began, or this one before it started again.
            talk = replace(talk, begun=min(known.begun, talk.begun))
        await records.put_talk(ctx.conn, event.room_id, talk)
        return []


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
