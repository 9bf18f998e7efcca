"""Counts messages for how lively a group is: per group and day, without who wrote, and next to nothing a message.

What was counted is written down when a group's day begins and each time that its count is four times as high since, so
that 250 messages cost five small writes; the rest follows with the next day's first message. A restart may lose some of
it: it is a word that is wanted, not a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from esnbot.community.clock import Clock
from esnbot.engine import talk
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Schedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.directory import model, records
from esnbot.features.directory.model import DAY_MS
from esnbot.features.directory.settings import DirectorySettings
from esnbot.store import bindings

ROUND: Final = "round"
"""The job that brings all groups up to date once a day, some at a time."""
AT_ONCE: Final = 5
"""On SQLite everybody waits while they are looked at: ten thousand groups take half an hour, in small steps."""
GROWTH: Final = 3
"""How many times what was written down must have come since, before it is written down again."""
PAUSE: Final = timedelta(seconds=1)
EVERY: Final = timedelta(days=1)


@dataclass(slots=True)
class _Count:
    """One room's day: what was counted, and how much of it is written down."""

    day: int
    waiting: int = 0
    written: int = 0
    last: str = ""
    before: tuple[int, int] | None = None
    """An earlier day, with what was not written down of it."""


class Tally:
    """What was counted since it was last written down."""

    def __init__(self, bot: str, clock: Clock) -> None:
        self._bot = bot
        self._clock = clock
        self._rooms: dict[str, _Count] = {}

    def counts(self, event: Event) -> bool:
        """Count a message; whether it is time to write the room's count down."""
        if not talk.is_word(event, self._bot):
            return False
        today, known = self._day(event), self._rooms.get(event.room_id)
        if known is None or known.day != today:
            before = (known.day, known.waiting) if known is not None and known.waiting else None
            known = self._rooms[event.room_id] = _Count(today, last=known.last if known else "", before=before)
        # What is handled again, because another feature could not handle it, is one message still.
        if known.last != event.event_id:
            known.last = event.event_id
            known.waiting += 1
        return known.waiting >= (GROWTH * known.written or 1)

    def _day(self, event: Event) -> int:
        """The day of a message: when it was sent, unless the clock was moved (in the demo)."""
        now = milliseconds(self._clock.now())
        return model.day_of(event.ts if abs(now - event.ts) < DAY_MS else now)

    def take(self, room: str) -> tuple[list[tuple[int, int]], bool]:
        """What is to be written down now, as days with messages, and whether the room's day begins."""
        known = self._rooms[room]
        found = [one for one in (known.before, (known.day, known.waiting)) if one is not None and one[1]]
        first = not known.written
        known.written += known.waiting
        known.waiting, known.before = 0, None
        return found, first


class Lively:
    """Keeps the counts."""

    def __init__(self, kit: Kit[DirectorySettings]) -> None:
        self.tally = Tally(kit.bot, kit.clock)
        self._bot = kit.bot
        self._least = kit.settings.least_members

    async def message(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Write down how many messages a group had."""
        key = await bindings.key_of(ctx.conn, event.room_id)
        counted, first = self.tally.take(event.room_id)
        if key is None or key.startswith(bindings.DIRECT):
            # What somebody says to the bot alone is nobody's business.
            return []
        for day, messages in counted:
            await records.count(ctx.conn, key, day, messages)
        if first:
            await records.sum_up(ctx.conn, key, event.room_id, self._today(ctx), self._bot, self._least)
        else:
            await records.add_up(ctx.conn, key, sum(messages for _, messages in counted))
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
