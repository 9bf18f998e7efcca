"""Reactions as buttons, for features that count: who reacted to which post of theirs, and who took it back.

    Module("poll", listeners=(*reactions("poll", handlers.chosen), …))

A reaction counts for the module that sent the post. Which emoji mean something is the feature's business; ``wants``
spares it the others. A reaction that is removed is a redaction of the reaction's event, so what is known of it (ids,
the emoji, who) is kept for as long as the engine knows its posts, and no longer than until it is taken back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import records
from esnbot.engine.effects import Effect
from esnbot.engine.event import Event
from esnbot.engine.feature import Context, Listener
from esnbot.engine.housekeeping import DAY_MS, OUTBOX_DAYS
from esnbot.engine.tables import State, outbox
from esnbot.store.tables import Milliseconds, metadata
from esnbot.store.upsert import insert_new

reaction = Table(
    "reaction",
    metadata,
    Column("module", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("sender", Text, nullable=False, index=True),
    Column("target", Text, nullable=False),
    # The key of the effect that sent the target, without the module's name.
    Column("post", Text, nullable=False),
    Column("emoji", Text, nullable=False),
    Column("ts", Milliseconds, nullable=False, index=True),
)


class PostUnderway(Exception):
    """A reaction came before it is written down which post it may be about; the engine tries again."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """Somebody's reaction to a post of the module's."""

    sender: str
    room_id: str
    emoji: str
    """Without the variation selector that some keyboards add."""
    post: str
    """The key of the effect that sent what it is about, as the feature gave it."""
    target: str
    """The event id of that post."""
    taken_back: bool
    """It was removed again; else it was just given."""
    event: Event
    """The reaction, or the redaction that removed it."""


Handle = Callable[[Context, Reaction], Awaitable[Sequence[Effect]]]


def reactions(module: str, handle: Handle, wants: Callable[[str], bool] | None = None) -> tuple[Listener, ...]:
    """Listeners for a module's own list; ``wants`` is a cheap look at the emoji."""
    watch = _Watch(module, handle, wants)
    return (
        Listener(frozenset({"m.reaction"}), watch.reacted, watch.may_concern),
        Listener(frozenset({"m.room.redaction"}), watch.redacted, lambda event: bool(event.redacts)),
    )


def chosen(event: Event) -> tuple[str, str]:
    """What a reaction is about and its emoji, without the variation selector; '' for what is none."""
    relation = event.content.get("m.relates_to")
    if not isinstance(relation, dict) or relation.get("rel_type") != "m.annotation":
        return "", ""
    target, emoji = relation.get("event_id"), relation.get("key")
    if not isinstance(target, str) or not isinstance(emoji, str):
        return "", ""
    return target, emoji.replace(_SELECTOR, "")


_SELECTOR: Final = "\ufe0f"


async def export(conn: AsyncConnection, sender: str) -> list[Mapping[str, Any]]:
    """What is kept of a person's reactions."""
    query = select(reaction).where(reaction.c.sender == sender).order_by(reaction.c.ts)
    return [dict(row._mapping) for row in await conn.execute(query)]


async def forget(conn: AsyncConnection, sender: str) -> None:
    """Forget a person's reactions; what features made of them is theirs to forget."""
    await conn.execute(delete(reaction).where(reaction.c.sender == sender))


@dataclass(frozen=True, slots=True)
class _Watch:
    module: str
    handle: Handle
    wants: Callable[[str], bool] | None

    def may_concern(self, event: Event) -> bool:
        emoji = chosen(event)[1]
        return bool(emoji) and (self.wants is None or self.wants(emoji))

    async def reacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        if event.sender == ctx.bot:
            return []
        target, emoji = chosen(event)
        key = await records.posted_as(ctx.conn, target, self.module)
        if key is None:
            await self._look_out(ctx.conn, event.room_id)
            return []
        row = {
            "module": self.module,
            "event_id": event.event_id,
            "room_id": event.room_id,
            "sender": event.sender,
            "target": target,
            "post": key.removeprefix(f"{self.module}/"),
            "emoji": emoji,
            "ts": event.ts,
        }
        await ctx.conn.execute(delete(reaction).where(reaction.c.ts < event.ts - OUTBOX_DAYS * DAY_MS))
        await insert_new(ctx.conn, reaction, row)
        return await self.handle(ctx, _told(row, event, taken_back=False))

    async def redacted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        taken = delete(reaction).where(
            reaction.c.module == self.module,
            reaction.c.event_id == event.redacts,
            reaction.c.room_id == event.room_id,
        )
        row = (await ctx.conn.execute(taken.returning(*reaction.c))).one_or_none()
        if row is None:
            return []
        return await self.handle(ctx, _told(row._asdict(), event, taken_back=True))

    async def _look_out(self, conn: AsyncConnection, room_id: str) -> None:
        """Raise when a post of the module's is on its way, or was sent just before a crash."""
        underway = select(outbox.c.seq).where(
            outbox.c.module == self.module,
            outbox.c.room == room_id,
            outbox.c.state == State.waiting.value,
            outbox.c.kind == "Say",
            outbox.c.not_before == 0,
        )
        if (await conn.execute(underway.limit(1))).first() is not None:
            raise PostUnderway(f"a reaction in {room_id}")


def _told(row: Mapping[str, Any], event: Event, *, taken_back: bool) -> Reaction:
    return Reaction(
        sender=row["sender"],
        room_id=row["room_id"],
        emoji=row["emoji"],
        post=row["post"],
        target=row["target"],
        taken_back=taken_back,
        event=event,
    )
