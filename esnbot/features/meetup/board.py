"""Meet-ups on the board: what is planned where one is, and a place taken or given back."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.asked import Outcome
from esnbot.features.meetup import records, wording
from esnbot.features.meetup.finding import Finder
from esnbot.features.meetup.model import Way
from esnbot.features.meetup.records import Meetup
from esnbot.features.places import memberships
from esnbot.provisioning import wanted
from esnbot.speech import later, render
from esnbot.store import bindings
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

ROOT: Final = "/meetups"
_WAYS: Final = {"site": Way.site, "remote": Way.remote}


class Board:
    """The page."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    def pages(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        return (BoardPage(ROOT, self.show, menu=later("Meet-ups")), BoardPage(ROOT, self.do, "POST"))

    async def show(self, visit: Visit) -> web.StreamResponse:
        """What is planned in the groups that the visitor is in."""
        return await self._show(visit)

    async def _show(self, visit: Visit, outcome: Outcome | None = None) -> web.Response:
        async with visit.read() as conn:
            mine = await memberships(conn, visit.person.user)
            rooms = await bindings.all_bindings(conn)
            joined = {rooms[key]: key for key, membership in mine.items() if membership == "join" and key in rooms}
            names = await wanted.names(conn, joined.values())
            rows = [
                await self._row(visit, conn, meetup, names.get(joined[meetup.room_id], ""))
                for meetup in await records.ahead(conn, joined)
            ]
        return visit.show(
            "meetup/list.html",
            render(visit.voice.say("Meet-ups")).body,
            rows=rows,
            # What a command answered was made safe when it was rendered.
            outcome=Markup(outcome.html) if outcome is not None else "",
            failed=outcome is not None and outcome.failed,
        )

    async def _row(self, visit: Visit, conn: AsyncConnection, meetup: Meetup, group: str) -> dict[str, Any]:
        voice, finder, user = visit.voice, self._finder, visit.person.user
        words = finder.outside(meetup, voice)
        roster = await records.roster(conn, meetup)
        entry = roster.of(user)
        place = 1 + sum(other.turn < entry.turn for other in roster.queue(entry.way)) if entry is not None else 0
        dated = meetup.start is not None and meetup.state == records.OPEN
        mine = wording.standing(voice, entry, place, finder.zone) if dated else None
        return {
            "id": meetup.id,
            "title": words.title,
            "group": group,
            "dated": dated,
            "when": html(wording.when(voice, meetup, finder.zone)) if dated else "",
            "where": [html(line) for line in wording.where(voice, words)],
            "counts": html(wording.counted(voice, meetup, await finder.counts(conn, meetup, roster))) if dated else "",
            "mine": html(mine) if mine is not None else "",
            "takes_part": entry is not None,
            "site": dated and meetup.seats != 0,
            "remote": dated and meetup.remote != 0,
        }

    async def do(self, visit: Visit) -> web.StreamResponse:
        """Take a place, or give it back."""
        form = await visit.form()
        number, way = form.get("number", ""), form.get("way", "")
        if not number.isdigit() or len(number) > 9 or way not in (*_WAYS, "leave"):
            raise web.HTTPBadRequest
        args = {"number": number} if way == "leave" else {"number": number, "way": way}
        verb = "leave" if way == "leave" else "join"
        return await self._show(visit, await visit.ask("meetup", verb, args, queue=f"meetup:{number}"))
