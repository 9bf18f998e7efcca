"""The calendar between two instants, occurrence by occurrence: what lists, feeds and pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from esnbot.engine.clock import milliseconds
from esnbot.engine.feature import Context
from esnbot.features.calendar import records
from esnbot.features.calendar.keeping import Keeping
from esnbot.features.calendar.model import Entry, State

MOST: Final = 400
"""Occurrences of one entry that are looked at."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry that comes at a time."""

    entry: Entry
    occurrence: str
    """Its local time, without a zone."""
    due: datetime
    """Aware, in UTC."""


async def between(
    keeping: Keeping,
    ctx: Context,
    since: datetime,
    until: datetime,
    line: str | None = None,
    place: str | None = None,
) -> list[Planned]:
    """What is scheduled to come in that time, in order; of one line, and in one group, when they are given.

    What was posted is to be had from ``records.published_between``.
    """
    found: list[Planned] = []
    for entry in await records.standing(ctx.conn, {State.scheduled}, line=line, until=milliseconds(until)):
        if place is not None and place not in entry.targets:
            continue
        for one in await keeping.coming(ctx, entry, since, MOST):
            if one.due >= until:
                break
            found.append(Planned(entry, one.name, one.due))
    return sorted(found, key=lambda one: (one.due, one.entry.id))
