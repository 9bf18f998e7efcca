"""Hears whether a prompt started a conversation; keeps no senders, and of small groups nothing at all.

For two days after a prompt it is counted how many messages come, and from how many people. These are told apart by
hashes with a salt of that prompt's own; salt and hashes go when the two days are over, or earlier when there is a
conversation. What stays is a number per family of prompts and month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.records import posted_as
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Schedule, Unschedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.prompt import learned, records
from esnbot.features.prompt.settings import PromptSettings
from esnbot.store import rooms

NAME: Final = "prompt"
JUDGE: Final = "judge"
SPOKEN: Final = frozenset({"m.room.message", "m.sticker"})
WITHIN: Final = timedelta(hours=48)
AFTERWARDS: Final = timedelta(minutes=5)
"""What was written in time may arrive a little later."""
LATE: Final = timedelta(minutes=1)
CATCH_UP: Final = timedelta(seconds=20)
"""How long the homeserver is given after a start, to bring what was written meanwhile."""
LOOK_AGAIN: Final = 30_000
"""Milliseconds: a room in which nothing was counted is not looked up more often than this."""
MOST_ROOMS: Final = 50_000
REMEMBERED: Final = timedelta(days=731)
MOVED: Final = timedelta(days=1)
"""A clock that is so far from the homeserver's was moved (in the demo), and then counts itself."""


class Talk:
    """What comes of prompts."""

    def __init__(self, kit: Kit[PromptSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._quiet: dict[str, int] = {}
        """Room to when this process last saw that nothing is counted there; only to spare the database."""

    def may_count(self, event: Event) -> bool:
        """A cheap look: a person says something, in a room that may have had a prompt lately."""
        if event.sender == self._kit.bot or event.state_key is not None:
            return False
        return not 0 <= event.ts - self._quiet.get(event.room_id, -LOOK_AGAIN) < LOOK_AGAIN

    async def listen(self, ctx: Context, room_id: str, post: str, family: str) -> Sequence[Effect]:
        """A prompt is being posted: count what comes, where there are enough people."""
        if await self._people_in(ctx, room_id) < learned.MEMBERS:
            return []
        self._quiet.pop(room_id, None)
        until = ctx.now + WITHIN
        id = await records.listen(ctx.conn, room_id, post, family, milliseconds(until), token_hex(16))
        return [Schedule(key=_job(id), job=JUDGE, due=until + AFTERWARDS, payload={"talk": id})]

    async def _people_in(self, ctx: Context, room_id: str) -> int:
        return sum(user != ctx.bot for user in await rooms.members(ctx.conn, room_id))

    async def said(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody wrote, perhaps because of a prompt."""
        live = await records.talks_in(ctx.conn, event.room_id)
        if not live:
            if len(self._quiet) >= MOST_ROOMS:
                self._quiet.clear()
            self._quiet[event.room_id] = event.ts
            return []
        if not _is_talk(event.content):
            return []
        found = await self._belongs_to(ctx, live, event)
        if found is None or milliseconds(_moment(event, ctx.now)) > found.until:
            return []
        people = tuple(dict.fromkeys((*found.people, _hash(found.salt, event.sender))))
        messages = found.messages + 1
        if messages < learned.MESSAGES or len(people) < learned.PEOPLE:
            await records.count(ctx.conn, found.id, messages, people)
            return []
        await records.finish(ctx.conn, found.id, self._month(ctx.now), worked=True)
        return [Unschedule(key=_job(found.id))]

    async def _belongs_to(self, ctx: Context, live: Sequence[records.Talk], event: Event) -> records.Talk | None:
        """The prompt that a message follows: that in whose thread it is, else the last one of the room."""
        thread, reply = _below(event.content)
        key = await posted_as(ctx.conn, thread or reply, NAME) if thread or reply else None
        named = [one for one in live if key == f"{NAME}/{one.post}"]
        if named or thread:
            # What is said in the thread of something else is about that.
            return named[0] if named else None
        return live[0]

    async def judge(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The two days are over, and there was no conversation."""
        payload = event.content.get("payload")
        id = payload.get("talk") if isinstance(payload, Mapping) else None
        if not isinstance(payload, Mapping) or not isinstance(id, int):
            return []
        due = event.content.get("due")
        if isinstance(due, int) and milliseconds(ctx.now - LATE) > due and not payload.get("again"):
            again = {"talk": id, "again": True}
            return [Schedule(key=_job(id), job=JUDGE, due=ctx.now + CATCH_UP, payload=again)]
        await records.finish(ctx.conn, id, self._month(ctx.now), worked=False)
        await records.forget_outcomes(ctx.conn, self._month(ctx.now - REMEMBERED))
        return []

    def _month(self, now: datetime) -> str:
        return learned.month_of(now.astimezone(self._community.zone).date())

    # --- one person ----------------------------------------------------------------------------------------------

    async def of_person(self, conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
        """The counts in which somebody is: these can be told for two days, by whoever knows whom to look for."""
        live = await records.all_talks(conn)
        return [{"room": one.room_id, "until": one.until} for one in live if _hash(one.salt, person) in one.people]

    async def forget(self, conn: AsyncConnection, person: str) -> None:
        """Take somebody out of the counts."""
        for one in await records.all_talks(conn):
            known = _hash(one.salt, person)
            if known in one.people:
                await records.count(conn, one.id, one.messages, tuple(hash for hash in one.people if hash != known))


def _is_talk(content: Mapping[str, Any]) -> bool:
    """Whether it is something that a person says to the others: no correction, no command, no bot's notice."""
    relation = content.get("m.relates_to")
    if isinstance(relation, Mapping) and relation.get("rel_type") == "m.replace":
        return False
    body = content.get("body")
    return content.get("msgtype") != "m.notice" and not (isinstance(body, str) and body.lstrip().startswith("!"))


def _below(content: Mapping[str, Any]) -> tuple[str, str]:
    """The root of the thread that a message is in, and what it replies to; '' for none."""
    relation = content.get("m.relates_to")
    if not isinstance(relation, Mapping):
        return "", ""
    if relation.get("rel_type") == "m.thread":
        return _text(relation.get("event_id")), ""
    reply = relation.get("m.in_reply_to")
    return "", _text(reply.get("event_id")) if isinstance(reply, Mapping) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(event: Event, now: datetime) -> datetime:
    return event.moment if abs(now - event.moment) < MOVED else now


def _hash(salt: str, sender: str) -> str:
    return sha256(f"{salt}\n{sender}".encode()).hexdigest()[:24]


def _job(id: int) -> str:
    return f"{JUDGE}:{id}"
