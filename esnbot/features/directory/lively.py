"""Counts messages for how lively a group is: per group and day, without who wrote, and next to nothing a message.

What was counted is written down when a group's day begins and each time that its count has doubled since, so that a
hundred messages cost eight small writes. A restart may lose the rest: it is a word that is wanted, not a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from esnbot.community.clock import Clock
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Schedule
from esnbot.engine.event import ENCRYPTED, Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.directory import model, records
from esnbot.features.directory.model import DAY_MS
from esnbot.features.directory.settings import DirectorySettings
from esnbot.store import bindings

MESSAGES: Final = frozenset({"m.room.message", ENCRYPTED, "m.sticker"})
ROUND: Final = "round"
"""The job that brings all groups up to date once a day, some at a time."""
AT_ONCE: Final = 100
PAUSE: Final = timedelta(seconds=1)
EVERY: Final = timedelta(days=1)


class Tally:
    """What was counted since it was last written down."""

    def __init__(self, bot: str, clock: Clock) -> None:
        self._bot = bot
        self._clock = clock
        self._day = 0
        self._waiting: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._last: dict[str, str] = {}

    def counts(self, event: Event) -> bool:
        """Count a message; whether it is time to write the room's count down."""
        if event.sender == self._bot or event.state_key is not None:
            return False
        relation = event.content.get("m.relates_to")
        if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
            return False
        room = event.room_id
        # What is handled again, because another feature could not handle it, is one message still.
        if self._last.get(room) == event.event_id:
            return self._waiting.get(room, 0) > 0
        today = self.day(event)
        if today != self._day:
            self._day = today
            self._waiting, self._written, self._last = {}, {}, {}
        self._last[room] = event.event_id
        waiting = self._waiting[room] = self._waiting.get(room, 0) + 1
        return waiting >= self._written.get(room, 1)

    def day(self, event: Event) -> int:
        """The day of a message: when it was sent, unless the clock was moved (in the demo)."""
        now = milliseconds(self._clock.now())
        return model.day_of(event.ts if abs(now - event.ts) < DAY_MS else now)

    def take(self, room: str) -> int:
        """How many messages are to be written down now."""
        waiting = self._waiting.pop(room, 0)
        self._written[room] = self._written.get(room, 0) + waiting
        return waiting


class Lively:
    """Keeps the counts."""

    def __init__(self, kit: Kit[DirectorySettings]) -> None:
        self.tally = Tally(kit.bot, kit.clock)
        self._bot = kit.bot
        self._least = kit.settings.least_members

    async def message(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Write down how many messages a group had."""
        key = await bindings.key_of(ctx.conn, event.room_id)
        messages = self.tally.take(event.room_id)
        if key is None or key.startswith(bindings.DIRECT) or not messages:
            # What somebody says to the bot alone is nobody's business.
            return []
        await records.count(ctx.conn, key, self.tally.day(event), messages)
        await records.sum_up(ctx.conn, key, event.room_id, self._today(ctx), self._bot, self._least)
        return []

    async def member(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """See whether a group has enough members, when somebody comes or goes."""
        key = await bindings.key_of(ctx.conn, event.room_id)
        if key is not None and not key.startswith(bindings.DIRECT):
            await records.sum_up(ctx.conn, key, event.room_id, self._today(ctx), self._bot, self._least)
        return []

    def comes_or_goes(self, event: Event) -> bool:
        """Whether it is about somebody's being in a room, and not about the bot's."""
        return event.state_key != self._bot

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Begin the daily round."""
        return [Schedule(key=ROUND, job=ROUND, due=ctx.now + timedelta(minutes=1), payload={"after": ""})]

    async def round(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Bring some groups up to date; the next ones follow, and after the last one all again a day later."""
        payload = event.content.get("payload")
        after = str(payload.get("after", "")) if isinstance(payload, dict) else ""
        today = self._today(ctx)
        if not after:
            await records.prune(ctx.conn, today)
        found = await records.next_bound(ctx.conn, after, AT_ONCE)
        for key, room in found:
            if not key.startswith(bindings.DIRECT):
                await records.sum_up(ctx.conn, key, room, today, self._bot, self._least)
        last = found[-1][0] if len(found) == AT_ONCE else ""
        due = ctx.now + (PAUSE if last else EVERY)
        return [Schedule(key=ROUND, job=ROUND, due=due, payload={"after": last})]

    def _today(self, ctx: Context) -> int:
        return model.day_of(milliseconds(ctx.now))
