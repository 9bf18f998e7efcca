"""The watch on the board: what waits to be decided about, and how the sources are doing."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from bridges.feeds import following
from esnbot.commands.reading import KEEPERS
from esnbot.features.contract import Kit
from esnbot.features.watch import addresses, records, wording
from esnbot.features.watch.handlers import DECIDED, NAME
from esnbot.features.watch.model import Press
from esnbot.features.watch.settings import WatchSettings
from esnbot.speech import later, render
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

ROOT: Final = "/watch"
MOST: Final = 60
"""Finds on the page."""
_LINK: Final = re.compile(r"https?://")


class Board:
    """The page."""

    def __init__(self, kit: Kit[WatchSettings]) -> None:
        self._zone = kit.community.zone

    def pages(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        return (
            BoardPage(ROOT, self.show, menu=later("Watch"), menu_for=frozenset(KEEPERS)),
            BoardPage(ROOT, self.decide, "POST"),
        )

    def _let_in(self, visit: Visit) -> None:
        if not visit.person.roles & KEEPERS:
            raise visit.missing()

    async def show(self, visit: Visit) -> web.StreamResponse:
        """What waits for somebody to decide, the newest first."""
        self._let_in(visit)
        voice = visit.voice
        async with visit.read() as conn:
            finds = await records.undecided(conn, MOST + 1)
            sources = await records.sources(conn)
            feeds = await following.health(conn, [one.url for one in sources])
        names = {one.id: wording.name_of(one, feeds) for one in sources}
        rows = [
            {
                "id": one.id,
                "title": one.title or addresses.host_of(one.link),
                # Other addresses are not followed from a page of ours.
                "link": one.link if _LINK.match(one.link) else "",
                "summary": one.summary[:400],
                "source": names.get(one.source, ""),
                "line": one.line,
            }
            for one in finds[:MOST]
        ]
        health = [
            {"name": names[one.id], "state": html(wording.state(voice, one, feeds.get(one.url), visit.now))}
            for one in sources
        ]
        title = render(voice.say("Watch")).body
        return visit.show("watch/list.html", title, rows=rows, sources=health, more=len(finds) > MOST)

    async def decide(self, visit: Visit) -> web.StreamResponse:
        """Take a find, put it off or put it away."""
        self._let_in(visit)
        form = await visit.form()
        number, press = form.get("find", ""), form.get("press", "")
        if not re.fullmatch(r"[0-9]{1,12}", number) or press not in Press.__members__:
            raise web.HTTPBadRequest
        await visit.act(DECIDED, {"find": int(number), "press": press}, queue=f"{NAME}:{number}")
        return visit.go(ROOT)
