"""Pages on the board: their history, what changed, and their name and place."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from esnbot.commands.people import name_of
from esnbot.features import text
from esnbot.features.page.acts import REFUSED
from esnbot.features.page.differences import counted, differences, in_lines
from esnbot.features.page.indexing import address
from esnbot.features.page.names import below
from esnbot.features.page.visiting import Here, Visiting, at, number_in, plain
from esnbot.web.board import html
from esnbot.web.visit import Visit

MOST_VERSIONS: Final = 200


class Tidying(Visiting):
    """Looks back, and puts in order."""

    # --- history -------------------------------------------------------------------------------------------------

    async def history(self, visit: Visit) -> web.StreamResponse:
        """The versions, newest first."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn)
            found = here.found
            versions = (await text.versions(conn, found.id))[-MOST_VERSIONS:]
            names = {
                author: await name_of(conn, here.room_id, author) or author
                for author in {version.author for version in versions}
                if author
            }
        rows = [
            {
                "version": version,
                "author": names.get(version.author, ""),
                "moment": visit.voice.moment(at(version.moment), self.kit.community.zone, visit.now),
            }
            for version in reversed(versions)
        ]
        base = address(here.place.key, found.title)
        title = visit.voice.say("History of {name}", name=found.title)
        return visit.show("page/history.html", plain(title), here=here, page=found, rows=rows, base=base)

    async def diff(self, visit: Visit) -> web.StreamResponse:
        """What changed from one version to another."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn)
            found = here.found
            versions = {one.number: one for one in await text.versions(conn, found.id) if one.words is not None}
        to = number_in(visit.request.query.get("to", "")) or found.number
        since = number_in(visit.request.query.get("from", "")) or max((one for one in versions if one < to), default=0)
        if to not in versions or (since and since not in versions):
            raise visit.missing()
        changes = differences((versions[since].words or "") if since else "", versions[to].words or "")
        title = visit.voice.say("What changed in {name}", name=found.title)
        return visit.show(
            "page/diff.html",
            plain(title),
            lines=in_lines(changes),
            counted=counted(changes),
            since=since,
            to=to,
            base=address(here.place.key, found.title),
        )

    # --- put in order --------------------------------------------------------------------------------------------

    async def order(self, visit: Visit) -> web.StreamResponse:
        """Name, place, protection."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn)
        return self._ordering(visit, here)

    def _ordering(self, visit: Visit, here: Here, mistake: str = "") -> web.Response:
        found = here.found
        own = below(found.id, here.known.parents) | {found.id}
        parents = [(str(one.id), "– " * depth + one.title) for one, depth in here.known.contents() if one.id not in own]
        return visit.show(
            "page/order.html",
            plain(visit.voice.say("Name and place of {name}", name=found.title)),
            here=here,
            page=found,
            parents=parents,
            mistake=html(mistake) if mistake else "",
            base=address(here.place.key, found.title),
        )

    async def put_in_order(self, visit: Visit) -> web.StreamResponse:
        """Rename, move, protect, put away, bring back an earlier version."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn, hidden=True)
        found, form = here.found, await visit.form()
        do = form.get("do", "")
        if do not in ("rename", "move", "protect", "unprotect", "hide", "bring_back", "restore"):
            raise visit.missing()
        done = await self.act(
            visit,
            here.place.key,
            do,
            page=found.id,
            name=form.get("name", ""),
            parent=number_in(form.get("under", "")),
            number=number_in(form.get("number", "")),
        )
        if done.get("what") == REFUSED or not done:
            return self._ordering(visit, here, str(done.get("why", "")))
        if do == "hide":
            return visit.go(address(here.place.key))
        return visit.go(address(here.place.key, form.get("name", "") if do == "rename" else found.title))
