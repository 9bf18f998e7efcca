"""What is done now and then, bit by bit: counting words, following retention, indexing anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.group import Group
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Schedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.search import asked, index, model, records, weighing
from esnbot.features.search.handlers import SearchHandlers, document_of
from esnbot.provisioning import wanted
from esnbot.store import bindings, kept

GROUPS: Final = "groups"
WEIGH: Final = "weigh"
REINDEX: Final = "reindex"
INDEXING: Final = 2
"""Counts the ways in which words were indexed (stems, function words): when it has gone up, all is indexed anew."""
GROUPS_AT_ONCE: Final = 200
DOCUMENTS_AT_ONCE: Final = 200
EVERY: Final = timedelta(days=1)
_VERSION: Final = "search.indexing"
_WEIGHED: Final = "search.weighed"


class Upkeep:
    """The jobs of search."""

    def __init__(self, handlers: SearchHandlers) -> None:
        self._handlers = handlers

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """What changed while the process was off is looked for; words are counted when that is a day ago."""
        jobs: list[Effect] = [_job(GROUPS, ctx.now, {"after": ""})]
        weighed = int(await kept.get(ctx.conn, _WEIGHED) or 0)
        due = datetime.fromtimestamp(weighed / 1000, ctx.now.tzinfo) + EVERY
        jobs.append(_job(WEIGH, max(ctx.now, due)))
        version = await kept.get(ctx.conn, _VERSION)
        if version != str(INDEXING):
            await kept.put(ctx.conn, _VERSION, str(INDEXING))
            if version is not None:
                jobs.append(_job(REINDEX, ctx.now, {"after": 0}))
        return jobs

    async def rebuild(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Make the index anew: each document from its own words, and groups as they are; other features put theirs."""
        return [_job(REINDEX, ctx.now, {"after": 0}), _job(GROUPS, ctx.now, {"after": ""})]

    async def groups(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Compare some groups with what is indexed of them, and follow their retention; then the next ones."""
        after = str(_payload(event).get("after", ""))
        places = await records.groups_after(ctx.conn, after, GROUPS_AT_ONCE)
        bound = await bindings.all_bindings(ctx.conn) if places else {}
        known = await records.titles(ctx.conn, [f"group:{key}" for key in places])
        for entry in await wanted.some(ctx.conn, places):
            group = entry.place
            if not isinstance(group, Group):
                continue
            there = not group.archived and group.key in bound
            key = f"group:{group.key}"
            if there and known.get(key) != (group.name, group.topic):
                await index.put(ctx.conn, document_of(group, milliseconds(ctx.now)))
            elif not there and key in known:
                await index.forget(ctx.conn, key)
            await self._handlers.forget_old(ctx, group)
        if len(places) == GROUPS_AT_ONCE:
            return [_job(GROUPS, ctx.now, {"after": places[-1]})]
        await self._forget_withdrawn(ctx.conn)
        return [_job(GROUPS, ctx.now + EVERY, {"after": ""})]

    async def _forget_withdrawn(self, conn: AsyncConnection) -> None:
        for key in await records.withdrawn(conn):
            await index.forget_place(conn, key)
            await asked.forget_of(conn, place=key)
            await asked.forget_choice(conn, key)

    async def weigh(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Count how common words are."""
        await weighing.weigh(ctx.conn)
        await kept.put(ctx.conn, _WEIGHED, str(milliseconds(ctx.now)))
        return [_job(WEIGH, ctx.now + EVERY)]

    async def reindex(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Index some documents anew from their own words; then the next ones."""
        after = _payload(event).get("after", 0)
        rows = await records.after(ctx.conn, after if isinstance(after, int) else 0, DOCUMENTS_AT_ONCE)
        for row in rows:
            await records.reindex(ctx.conn, row, model.indexed(records.document_of(row)))
        if len(rows) < DOCUMENTS_AT_ONCE:
            return [_job(WEIGH, ctx.now)]
        return [_job(REINDEX, ctx.now, {"after": rows[-1].id})]


def _payload(event: Event) -> dict[str, Any]:
    payload = event.content.get("payload")
    return payload if isinstance(payload, dict) else {}


def _job(name: str, due: datetime, payload: dict[str, Any] | None = None) -> Schedule:
    return Schedule(key=name, job=name, due=due, payload=payload or {})
