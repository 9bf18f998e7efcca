"""The calendar itself: a month or a week to look at and to move things in, and the same as a list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.reading import KEEPERS
from esnbot.features.calendar import agenda, laying, records
from esnbot.features.calendar.board.showing import NO_LINE, ROOT, Row, Showing, plain
from esnbot.features.calendar.keeping import moment
from esnbot.features.calendar.model import Entry, State
from esnbot.speech import at_wall_clock, later
from esnbot.web.visit import BoardPage, Visit

AHEAD: Final = timedelta(weeks=8)
LONGEST_LOOK: Final = timedelta(days=100)
OPEN: Final = (State.review, State.draft, State.idea)
LOOK: Final = 1.5
"""Seconds between two looks for what others changed."""
LIVE_FOR: Final = 600
"""Seconds after which a browser asks anew."""
QUIET: Final = 15
"""Seconds after which the line is kept open by a word without meaning."""


class MonthPages(Showing):
    """The pages."""

    def pages(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        return (
            BoardPage(ROOT, self.show, menu=later("Calendar"), menu_for=frozenset(KEEPERS)),
            BoardPage(f"{ROOT}/entries.json", self.entries),
            BoardPage(f"{ROOT}/live", self.live),
        )

    async def show(self, visit: Visit) -> web.StreamResponse:
        """Everything that comes, and what waits for somebody."""
        self.let_in(visit)
        line = visit.request.query.get("line", "")
        async with visit.read() as conn:
            rows = await self._coming(visit, conn, visit.now - timedelta(hours=12), visit.now + AHEAD, line)
            waiting = await self._waiting(visit, conn, line)
        days: dict[str, list[Row]] = {}
        for row in rows:
            days.setdefault(row.day, []).append(row)
        voice = visit.voice
        words = {
            "today": voice.say("Today"),
            "month": voice.say("Month"),
            "week": voice.say("Week"),
            "list": voice.say("List"),
            "before": voice.say("Before"),
            "after": voice.say("After"),
            "close": voice.say("Close"),
            "undo": voice.say("Undo"),
            "more": voice.say("{n} more", n="{n}"),
            "nothing": voice.say("Nothing is planned here."),
            "moved": voice.say("“{title}” comes on {when} now.", title="{title}", when="{when}"),
            "undone": voice.say("“{title}” is where it was.", title="{title}"),
            "failed": voice.say("That did not work. Look at the page again, please."),
        }
        return visit.show(
            "calendar/month.html",
            voice.say("Calendar"),
            days=days,
            waiting=waiting,
            lines=[
                {"key": key, "name": one.name(voice.language), "color": one.color, "here": key == line}
                for key, one in self.lines.items()
            ],
            chosen=line,
            words=json.dumps({key: plain(sentence) for key, sentence in words.items()}, ensure_ascii=False),
            today=visit.now.astimezone(self.zone).date().isoformat(),
        )

    async def _coming(
        self, visit: Visit, conn: AsyncConnection, since: datetime, until: datetime, line: str = ""
    ) -> list[Row]:
        """What was posted and what comes in that time, in order."""
        found: list[tuple[datetime, Entry]] = []
        for one in await agenda.between(
            self.keeping, self.ctx(visit, conn), max(since, visit.now), until, line or None
        ):
            found.append((one.due, one.entry))
        ms = (round(instant.timestamp() * 1000) for instant in (since, until))
        posted = await records.published_between(conn, *ms)
        first = {(one.entry, one.occurrence): one for one in reversed(posted)}
        for one_posted in first.values():
            entry = await records.get(conn, one_posted.entry)
            if entry is not None and (not line or entry.line == line):
                found.append((moment(one_posted.at), entry))
        names = await self.names(conn, (entry for _, entry in found))
        found.sort(key=lambda pair: (pair[0], pair[1].id))
        return [await self.row(visit, conn, entry, due, names) for due, entry in found]

    async def _waiting(self, visit: Visit, conn: AsyncConnection, line: str) -> list[Row]:
        scheduled = await records.standing(conn, {State.scheduled}, line=line or None)
        entries = [*await records.standing(conn, OPEN, line=line or None), *(one for one in scheduled if not one.at)]
        order = {state: number for number, state in enumerate((*OPEN, State.scheduled))}
        entries.sort(key=lambda entry: (order[entry.state], entry.id))
        names = await self.names(conn, entries)
        return [await self.row(visit, conn, entry, None, names) for entry in entries]

    async def entries(self, visit: Visit) -> web.StreamResponse:
        """The same between two days, for the calendar component."""
        self.let_in(visit)
        since, until = (self._day(visit.request.query.get(name, "")) for name in ("start", "end"))
        line = visit.request.query.get("line", "")
        if since is None or until is None or not timedelta(0) < until - since <= LONGEST_LOOK:
            return web.json_response([], status=400)
        async with visit.read() as conn:
            events = await self._events(visit, conn, since, until, line)
        return web.json_response(events)

    async def _events(
        self, visit: Visit, conn: AsyncConnection, since: datetime, until: datetime, line: str
    ) -> list[dict[str, Any]]:
        planned = await agenda.between(self.keeping, self.ctx(visit, conn), since, until, line or None)
        found = [(one.due, one.occurrence, one.entry, one.entry.state) for one in planned]
        ms = (round(instant.timestamp() * 1000) for instant in (since, until))
        past = await records.published_between(conn, *ms)
        for one in {(one.entry, one.occurrence): one for one in reversed(past)}.values():
            entry = await records.get(conn, one.entry)
            if entry is not None and (not line or entry.line == line):
                found.append((moment(one.at), one.occurrence, entry, State.published))
        # What has a time and is not settled yet stands there too, to be seen and moved.
        for entry in await records.standing(conn, OPEN, line=line or None):
            if entry.first is not None:
                due = at_wall_clock(entry.first.date(), entry.first.time(), self.keeping.zone(entry)).astimezone(UTC)
                if since <= due < until:
                    found.append((due, entry.at, entry, entry.state))
        found += [
            (at, entry.at, entry, State.scheduled) for at, entry in await self._laid(visit, conn, since, until, line)
        ]
        names = await self.names(conn, (entry for _, _, entry, _ in found))
        events = []
        for due, name, entry, state in sorted(found, key=lambda one: (one[0], one[2].id)):
            row = await self.row(visit, conn, entry, due, names)
            here = self.local(due)
            events.append(_event(row, f"{entry.id}:{name}", here, state, settled=bool(entry.at)))
        return events

    async def _laid(
        self, visit: Visit, conn: AsyncConnection, since: datetime, until: datetime, line: str
    ) -> list[tuple[datetime, Entry]]:
        """What has no time, with the one that the planner sees for it."""
        undated = {
            one.id: one for one in await records.standing(conn, {State.scheduled}, line=line or None) if not one.at
        }
        keys = {key for one in undated.values() for key in one.targets[:1]}
        found = await laying.planned(self.keeping, conn, visit.now, keys=keys)
        return [
            (one.at, undated[id])
            for one in found
            if (id := laying.entry_of(one)) in undated and since <= one.at < until
        ]

    def _day(self, text: str) -> datetime | None:
        """The beginning of a local day, as an instant."""
        try:
            day = datetime.fromisoformat(text[:10]).date()
            return at_wall_clock(day, datetime.min.time(), self.zone).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    async def live(self, visit: Visit) -> web.StreamResponse:
        """Tells the browser whenever the calendar has changed (server-sent events, HTML standard)."""
        self.let_in(visit)
        headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(visit.request)
        last: Sequence[Any] | None = None
        silent = 0.0
        for _ in range(round(LIVE_FOR / LOOK)):
            async with visit.read() as conn:
                stamp = await _stamp(conn)
            if last is not None and stamp != last:
                await response.write(b"event: changed\ndata: 1\n\n")
                silent = 0.0
            elif last is None or silent >= QUIET:
                await response.write(b": here\n\n")
                silent = 0.0
            last, silent = stamp, silent + LOOK
            await asyncio.sleep(LOOK)
        return response


async def _stamp(conn: AsyncConnection) -> Sequence[Any]:
    """What is another whenever an entry changes, or is posted."""
    changes = select(func.count(), func.max(records.change.c.at)).select_from(records.change)
    posted = select(func.count()).select_from(records.occurrence)
    return (*(await conn.execute(changes)).one(), (await conn.execute(posted)).scalar_one())


def _event(row: Row, id: str, here: datetime | None, state: State, *, settled: bool) -> dict[str, Any]:
    start = here.strftime("%Y-%m-%d %H:%M") if here else ""
    end = (here + timedelta(minutes=30)).strftime("%Y-%m-%d %H:%M") if here else ""
    open_state = state in OPEN or state is State.scheduled
    return {
        "id": id,
        "title": row.title,
        "start": start,
        "end": end,
        "backgroundColor": row.color or NO_LINE,
        "startEditable": row.moves and open_state,
        "durationEditable": False,
        "classNames": [str(state) if settled else "laid"],
        "extendedProps": {
            "entry": row.id,
            "revision": row.revision,
            "about": " · ".join(filter(None, (row.state_name, row.line, row.groups))),
        },
    }
