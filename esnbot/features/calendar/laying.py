"""Hands what comes to the planner of the tempo, and takes back the times that it finds for what has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.engine.effects import Effect, Schedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import tempo
from esnbot.features.calendar import model, records
from esnbot.features.calendar.keeping import NAME, Keeping, changed, moment
from esnbot.features.calendar.model import Entry, State, What
from esnbot.features.tempo import Layout, LeftOut, Placed, Wish

LAY_OUT: Final = "lay out"
"""The job that gives a time to what has none."""
EVERY: Final = timedelta(hours=6)
AHEAD: Final = timedelta(weeks=4)
"""How far the planner looks."""
MOST: Final = 30
"""Occurrences of one entry that it knows of."""
ANY: Final = "any"
"""The occurrence of an entry that has no time."""


async def tell(keeping: Keeping, ctx: Context, entry: Entry) -> None:
    """Have the planner know what comes of an entry, instead of what it knew."""
    await tempo.unwish_under(ctx.conn, NAME, f"{entry.id}:")
    if entry.state is not State.scheduled or not entry.targets:
        return
    line = keeping.lines.get(entry.line)
    promotional = line is not None and line.promotional
    expires = moment(entry.expires_at) if entry.expires_at is not None else None
    if not entry.at:
        begin = moment(entry.embargo).astimezone(keeping.zone(entry)).date() if entry.embargo is not None else None
        # One entry has one time: the planner finds it for its first group, and the others take it when they bear it.
        wish = Wish(
            of=NAME,
            ref=f"{entry.id}:{ANY}",
            targets=entry.targets[:1],
            begin=begin,
            expires=expires,
            line=entry.line,
            promotional=promotional,
        )
        await tempo.wish(ctx.conn, wish)
        return
    for one in await keeping.coming(ctx, entry, most=MOST):
        if one.due > ctx.now + AHEAD:
            break
        await tempo.wish(
            ctx.conn,
            Wish(
                of=NAME,
                ref=f"{entry.id}:{one.name}",
                targets=entry.targets,
                at=one.due,
                expires=expires,
                line=entry.line,
                promotional=promotional,
            ),
        )


async def layout(keeping: Keeping, conn: AsyncConnection, now: datetime, *, keys: set[str]) -> Layout:
    """What the planner makes of the calendar in some groups, in the coming weeks."""
    if not keys:
        return Layout()
    found = await tempo.plan(conn, keeping.community, now, now + AHEAD, keys=keys, prompts=False)
    return found.of(NAME)


async def planned(keeping: Keeping, conn: AsyncConnection, now: datetime, *, keys: set[str]) -> list[Placed]:
    """Where the planner sees what this calendar has in some groups, in the coming weeks."""
    return list((await layout(keeping, conn, now, keys=keys)).placed)


def entry_of(one: Placed | LeftOut) -> int:
    """The number of the entry that was placed, or left out."""
    return int(one.wish.ref.partition(":")[0])


class Laying:
    """Gives a time to what has none."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Say how lines are weighed, and begin to look."""
        await tempo.weigh(ctx.conn, {key: line.weight for key, line in self._keeping.lines.items()})
        return [Schedule(key=LAY_OUT, job=LAY_OUT, due=ctx.now + timedelta(minutes=1))]

    async def due(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Take the times of what is near, and look again later."""
        effects: list[Effect] = [Schedule(key=LAY_OUT, job=LAY_OUT, due=ctx.now + EVERY)]
        scheduled = await records.standing(ctx.conn, {State.scheduled})
        undated = {entry.id: entry for entry in scheduled if not entry.at and entry.targets}
        near = ctx.now + self._keeping.settings.settle_before
        for placed in await planned(
            self._keeping, ctx.conn, ctx.now, keys={entry.targets[0] for entry in undated.values()}
        ):
            entry = undated.get(entry_of(placed))
            if entry is None or placed.wish.dated or placed.at > near:
                continue
            at = placed.at.astimezone(self._keeping.zone(entry)).strftime(model.LOCAL)
            new, number = await self._keeping.change(ctx, entry, replace(entry, at=at), What.moved, "")
            effects.append(changed(new, number=number))
        return effects
