"""One person in the desired state: what they asked for in chat, and what they changed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context
from esnbot.provisioning.tables import desired_object, drift


async def export(conn: AsyncConnection, user: str) -> Mapping[str, Any]:
    """Keys of the objects whose last change in chat was theirs, and what they changed by hand in rooms."""
    asked = select(desired_object.c.key, desired_object.c.changed).where(desired_object.c.by == user)
    by_hand = select(drift.c.key, drift.c.what, drift.c.since).where(drift.c.by == user)
    return {
        "changed_in_chat": [dict(row._mapping) for row in await conn.execute(asked.order_by(desired_object.c.key))],
        "changed_by_hand": [dict(row._mapping) for row in await conn.execute(by_hand.order_by(drift.c.key))],
    }


async def erase(ctx: Context, user: str) -> Sequence[Effect]:
    """Forget who it was; what is wanted stays wanted."""
    await ctx.conn.execute(update(desired_object).where(desired_object.c.by == user).values(by=""))
    await ctx.conn.execute(update(drift).where(drift.c.by == user).values(by=""))
    return []
