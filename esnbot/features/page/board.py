"""Pages on the board: read, write, compare, put in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import name_of
from esnbot.community.group import Group
from esnbot.features import text
from esnbot.features.page import records, shelf
from esnbot.features.page.indexing import WIKI, address
from esnbot.features.page.keeping import What
from esnbot.features.page.links import Link, links
from esnbot.features.page.names import fold
from esnbot.features.page.porter import Porter
from esnbot.features.page.reading import TO_WRITE, nested, shown
from esnbot.features.page.tidying import Tidying
from esnbot.features.page.visiting import Here, at, number_in, plain
from esnbot.features.text import Merged, Version, merge
from esnbot.speech import later
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

MOST_VERSIONS: Final = 200


class PageBoard(Tidying):
    """The pages of the board."""

    def pages(self) -> tuple[BoardPage, ...]:
        """What the board shows."""
        place, page = f"{WIKI}/{{place}}", f"{WIKI}/{{place}}/{{page}}"
        return (
            BoardPage(WIKI, self.places, menu=later("Pages")),
            BoardPage(place, self.contents),
            BoardPage(f"{place}/-/new", self.new),
            BoardPage(f"{place}/-/new", self.create, "POST"),
            BoardPage(f"{place}/-/preview", self.preview, "POST"),
            *Porter(self.kit).pages(place),
            BoardPage(page, self.show),
            BoardPage(f"{page}/edit", self.edit),
            BoardPage(f"{page}/edit", self.save, "POST"),
            BoardPage(f"{page}/history", self.history),
            BoardPage(f"{page}/diff", self.diff),
            BoardPage(f"{page}/talk", self.talk),
            BoardPage(f"{page}/order", self.order),
            BoardPage(f"{page}/order", self.put_in_order, "POST"),
        )

    # --- read ----------------------------------------------------------------------------------------------------

    async def places(self, visit: Visit) -> web.StreamResponse:
        """The places whose pages somebody may read, and those where they could begin some."""
        async with visit.read() as conn:
            reader = await self.reader(visit, conn)
            having = await records.pages_of_places(conn)
            rows, sealed = [], []
            for place in reader.readable():
                joined = reader.memberships.get(place.key) == "join"
                if place.key not in having and (not joined or (isinstance(place, Group) and place.archived)):
                    continue
                if await shelf.is_sealed(conn, place):
                    sealed += [place.name] if place.key in having else []
                else:
                    rows.append({"name": place.name, "href": address(place.key), "count": having.get(place.key, 0)})
        return visit.show("page/places.html", plain(visit.voice.say("Pages")), rows=rows, sealed=sealed)

    async def contents(self, visit: Visit) -> web.StreamResponse:
        """The table of contents of a place."""
        async with visit.read() as conn:
            here = await self.place(visit, conn)
        rows = [
            {"name": found.title, "href": address(here.place.key, found.title), "depth": depth}
            for found, depth in here.known.contents()
        ]
        key = here.place.key
        return visit.show(
            "page/contents.html",
            here.place.name,
            rows=rows,
            may_write=here.may_write,
            new=address(key, action="-/new"),
            files=address(key, action="-/files"),
            wiki=WIKI,
            place=here.place,
        )

    async def show(self, visit: Visit) -> web.StreamResponse:
        """A page, or one of its versions."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn)
            found = here.found
            if fold(visit.request.match_info["page"]) != fold(found.title):
                return visit.go(address(here.place.key, found.title))
            versions = await text.versions(conn, found.id)
            version = _chosen(visit, versions, found.number)
            if version is None or version.words is None:
                raise visit.missing()
            linking = await shelf.what_links_to(conn, found, here.place, here.reader)
            author = await name_of(conn, here.room_id, version.author) if version.author else None
            address_of = await self._addresses(conn, here, version.words)
        page = shown(
            version.words,
            lambda link: _relative(visit, address_of(link)),
            visit.voice.say("to be written"),
        )
        return visit.show(
            "page/show.html",
            version.title,
            here=here,
            page=found,
            version=version,
            html=page.html,
            headings=nested(page.headings) if len(page.headings) > 2 else [],
            above=[(one.title, address(here.place.key, one.title)) for one in here.known.above(found)],
            children=[(one.title, address(here.place.key, one.title)) for one in here.known.children(found)],
            linking=[
                (one.title if at.key == here.place.key else f"{at.name}: {one.title}", address(at.key, one.title))
                for one, at in linking
            ],
            author=author or version.author,
            moment=visit.voice.moment(at(version.moment), self.kit.community.zone, visit.now),
            base=address(here.place.key, found.title),
            contents=address(here.place.key),
        )

    async def _addresses(self, conn: AsyncConnection, here: Here, words: str) -> Callable[[Link], str]:
        """Where links lead, for all links of a page at once."""
        names: dict[tuple[str, str], str] = {}

        async def find(link: Link) -> str:
            places = [here.place] if not link.group else here.reader.called(link.group)
            for place in places:
                if await shelf.is_sealed(conn, place):
                    continue
                other = await shelf.named(conn, place, link.name)
                if other is not None and other.draft is not None:
                    return address(place.key, other.title)
            # Of what somebody may not read, nothing is said: neither that it is there nor that it is not.
            return "" if link.group else f"{address(here.place.key, action='-/new')}{TO_WRITE}&name={_query(link.name)}"

        for one in links(words):
            names[(fold(one.group), fold(one.name))] = await find(one)
        return lambda link: names.get((fold(link.group), fold(link.name)), "")

    async def talk(self, visit: Visit) -> web.StreamResponse:
        """To the thread where people talk about a page."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn)
        found = here.found
        if not found.text.root:
            return visit.go(address(here.place.key, found.title))
        target = f"https://matrix.to/#/{here.room_id}/{found.text.root}?via={self.kit.server}"
        return web.Response(status=303, headers={"Location": target})

    # --- write ---------------------------------------------------------------------------------------------------

    async def new(self, visit: Visit) -> web.StreamResponse:
        """An empty editor."""
        async with visit.read() as conn:
            here = await self.place(visit, conn)
        fields = {"name": visit.request.query.get("name", "")[:200], "under": visit.request.query.get("under", "")[:20]}
        return self._editor(visit, here, fields)

    async def create(self, visit: Visit) -> web.StreamResponse:
        """A new page."""
        async with visit.read() as conn:
            here = await self.place(visit, conn)
        form = await visit.form()
        if form.get("do") == "preview":
            return self._editor(visit, here, form, preview=True)
        done = await self.act(
            visit,
            here.place.key,
            "create",
            name=form.get("name", ""),
            words=form.get("words", ""),
            parent=number_in(form.get("under", "")),
        )
        if done.get("what") != What.created:
            return self._editor(visit, here, form, mistake=str(done.get("why", "")))
        return visit.go(address(here.place.key, form.get("name", "")))

    async def edit(self, visit: Visit) -> web.StreamResponse:
        """The editor, with the page as it stands or with what somebody wrote and could not save."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn)
            found = here.found
            draft_id = number_in(visit.request.query.get("draft", ""))
            draft = await records.draft(conn, draft_id, visit.person.user) if draft_id else None
            if draft is None and not draft_id:
                waiting = await records.drafts_of(conn, visit.person.user, records.BOARD)
                draft = next((one for one in waiting if one.page == found.id), None)
            if draft is None or draft.page != found.id or draft.words is None:
                return self._editor(visit, here, {"words": found.words, "base": str(found.number)})
            versions = {one.number: one for one in await text.versions(conn, found.id)}
            base = versions.get(draft.base)
            merged = merge(base.words or "" if base is not None else "", found.words, draft.words)
            other = found.text.current.author
            name = await name_of(conn, here.room_id, other) if other else None
        fields = {"words": merged.text, "base": str(found.number), "draft": str(draft.id)}
        return self._editor(visit, here, fields, merged=merged, other=name or other)

    async def save(self, visit: Visit) -> web.StreamResponse:
        """Save, look at it first, or throw away what one has written."""
        async with visit.read() as conn:
            here = await self.at_page(visit, conn)
        found, form = here.found, await visit.form()
        draft = number_in(form.get("draft", ""))
        back = address(here.place.key, found.title)
        if form.get("do") == "preview":
            return self._editor(visit, here, form, preview=True)
        if form.get("do") == "forget":
            await self.act(visit, here.place.key, "forget", page=found.id, draft=draft)
            return visit.go(back)
        done = await self.act(
            visit,
            here.place.key,
            "save",
            page=found.id,
            base=number_in(form.get("base", "")),
            words=form.get("words", ""),
            draft=draft,
        )
        match done.get("what"):
            case What.conflict:
                return visit.go(f"{back}/edit?draft={done.get('draft', 0)}")
            case What.merged:
                return visit.go(f"{back}?merged={done.get('number', 0)}")
            case What.saved | What.unchanged:
                return visit.go(back)
            case _:
                return self._editor(visit, here, form, mistake=str(done.get("why", "")))

    async def preview(self, visit: Visit) -> web.StreamResponse:
        """What the text would look like, as a piece of a page."""
        async with visit.read() as conn:
            await self.place(visit, conn)
        form = await visit.form()
        found = shown(form.get("words", "")[: self.kit.settings.longest], lambda link: "", "")
        return web.Response(text=str(found.html), content_type="text/html", charset="utf-8")

    def _editor(
        self,
        visit: Visit,
        here: Here,
        fields: Mapping[str, str],
        *,
        mistake: str = "",
        preview: bool = False,
        merged: Merged | None = None,
        other: str = "",
    ) -> web.Response:
        found, key = here.page, here.place.key
        title = (
            visit.voice.say("Edit {name}", name=found.title)
            if found is not None
            else visit.voice.say("A new page of {place}", place=here.place.name)
        )
        words = fields.get("words", "")
        below_this = [(str(one.id), "– " * depth + one.title) for one, depth in here.known.contents()]
        return visit.show(
            "page/edit.html",
            plain(title),
            here=here,
            page=found,
            fields={"name": fields.get("name", ""), "under": fields.get("under", "")},
            words=words,
            version=fields.get("base", ""),
            draft=fields.get("draft", ""),
            mistake=html(mistake) if mistake else "",
            preview=shown(words, lambda link: "", "").html if preview else None,
            conflicts=merged.conflicts if merged is not None else (),
            merged=merged,
            other=other,
            parents=below_this,
            longest=self.kit.settings.longest,
            action=f"{address(key, found.title)}/edit" if found is not None else address(key, action="-/new"),
            preview_at=address(key, action="-/preview"),
            back=address(key, found.title) if found is not None else address(key),
        )


def _chosen(visit: Visit, versions: list[Version], current: int) -> Version | None:
    number = number_in(visit.request.query.get("version", "")) or current
    return next((version for version in versions if version.number == number), None)


def _query(text: str) -> str:
    return quote(text, safe="")


def _relative(visit: Visit, path: str) -> str:
    """A path of the board as seen from the page that is being shown."""
    if not path:
        return ""
    return "../" * (visit.request.rel_url.raw_path.count("/") - 1) + path[1:]
