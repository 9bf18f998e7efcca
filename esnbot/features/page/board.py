"""Pages on the board: read, write, compare, put in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import name_of
from esnbot.community.group import Group, Place
from esnbot.features import text
from esnbot.features.contract import Kit
from esnbot.features.page import records, shelf
from esnbot.features.page.acts import ACT, REFUSED
from esnbot.features.page.differences import counted, differences, in_lines
from esnbot.features.page.indexing import WIKI, address
from esnbot.features.page.keeping import What
from esnbot.features.page.links import Link, links
from esnbot.features.page.merging import Merged, merge
from esnbot.features.page.names import below, fold
from esnbot.features.page.reading import TO_WRITE, nested, shown
from esnbot.features.page.settings import PageSettings
from esnbot.features.page.shelf import Page, Reader, Shelf
from esnbot.features.text import Version
from esnbot.speech import later, render
from esnbot.store import bindings
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

MOST_VERSIONS: Final = 200


@dataclass(frozen=True, slots=True)
class Here:
    """Where a visitor is."""

    place: Place
    reader: Reader
    known: Shelf
    page: Page | None
    may_write: bool
    """In this place; a protected page only owners change."""
    owns: bool
    room_id: str

    @property
    def may_change(self) -> bool:
        """Whether they may change this page."""
        return self.may_write and (self.owns or self.page is None or not self.page.stand.protected)


class PageBoard:
    """The pages of the board."""

    def __init__(self, kit: Kit[PageSettings]) -> None:
        self._kit = kit

    def pages(self) -> tuple[BoardPage, ...]:
        """What the board shows."""
        place, page = f"{WIKI}/{{place}}", f"{WIKI}/{{place}}/{{page}}"
        return (
            BoardPage(WIKI, self.places, menu=later("Pages")),
            BoardPage(place, self.contents),
            BoardPage(f"{place}/-/new", self.new),
            BoardPage(f"{place}/-/new", self.create, "POST"),
            BoardPage(f"{place}/-/preview", self.preview, "POST"),
            BoardPage(page, self.show),
            BoardPage(f"{page}/edit", self.edit),
            BoardPage(f"{page}/edit", self.save, "POST"),
            BoardPage(f"{page}/history", self.history),
            BoardPage(f"{page}/diff", self.diff),
            BoardPage(f"{page}/talk", self.talk),
            BoardPage(f"{page}/order", self.order),
            BoardPage(f"{page}/order", self.put_in_order, "POST"),
        )

    # --- where one is --------------------------------------------------------------------------------------------

    async def _reader(self, visit: Visit, conn: AsyncConnection) -> Reader:
        today = visit.now.astimezone(self._kit.community.zone).date()
        return await shelf.reader(conn, visit.person.user, self._kit.community, today)

    async def _place(self, visit: Visit, conn: AsyncConnection, *, hidden: bool = False) -> Here:
        """The place that the address names. What one may not read is not there."""
        reader = await self._reader(visit, conn)
        place = reader.places.get(visit.request.match_info["place"])
        if place is None or not reader.may_read(place) or await shelf.is_sealed(conn, place):
            raise visit.missing()
        known = await shelf.shelf(conn, place, hidden=hidden)
        user = visit.person.user
        may = await shelf.may_write(conn, place, user)
        owns = await shelf.may_protect(conn, place, user, self._kit.community)
        return Here(place, reader, known, None, may, owns, await bindings.room_of(conn, place.key) or "")

    async def _page(self, visit: Visit, conn: AsyncConnection, *, hidden: bool = False) -> Here:
        here = await self._place(visit, conn, hidden=hidden)
        name = visit.request.match_info["page"]
        found = await shelf.named(conn, here.place, name, hidden=hidden)
        if found is None or found.draft is None:
            raise visit.missing()
        return Here(here.place, here.reader, here.known, found, here.may_write, here.owns, here.room_id)

    async def _act(self, visit: Visit, place: str, do: str, **content: Any) -> Mapping[str, Any]:
        """Have something done, and what became of it."""
        event = await visit.act(
            ACT, {"do": do, "language": visit.voice.language, "place": place, **content}, queue=f"page:{place}"
        )
        async with visit.read() as conn:
            return await records.outcome_of(conn, event)

    # --- read ----------------------------------------------------------------------------------------------------

    async def places(self, visit: Visit) -> web.StreamResponse:
        """The places whose pages somebody may read, and those where they could begin some."""
        async with visit.read() as conn:
            reader = await self._reader(visit, conn)
            having = await records.places_with_pages(conn)
            rows, sealed = [], []
            for place in reader.readable():
                if await shelf.is_sealed(conn, place):
                    sealed += [place.name] if place.key in having else []
                elif place.key in having or reader.memberships.get(place.key) == "join":
                    if isinstance(place, Group) and place.archived and place.key not in having:
                        continue
                    known = await shelf.shelf(conn, place)
                    rows.append({"name": place.name, "href": address(place.key), "count": len(known.titled())})
        return visit.show("page/places.html", _plain(visit.voice.say("Pages")), rows=rows, sealed=sealed)

    async def contents(self, visit: Visit) -> web.StreamResponse:
        """The table of contents of a place."""
        async with visit.read() as conn:
            here = await self._place(visit, conn)
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
            wiki=WIKI,
            place=here.place,
        )

    async def show(self, visit: Visit) -> web.StreamResponse:
        """A page, or one of its versions."""
        async with visit.read() as conn:
            here = await self._page(visit, conn)
            found = _of(here)
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
            moment=visit.voice.moment(_moment(version.moment), self._kit.community.zone, visit.now),
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
            here = await self._page(visit, conn)
        found = _of(here)
        if not found.text.root:
            return visit.go(address(here.place.key, found.title))
        target = f"https://matrix.to/#/{here.room_id}/{found.text.root}?via={self._kit.server}"
        return web.Response(status=303, headers={"Location": target})

    # --- write ---------------------------------------------------------------------------------------------------

    async def new(self, visit: Visit) -> web.StreamResponse:
        """An empty editor."""
        async with visit.read() as conn:
            here = await self._place(visit, conn)
        fields = {"name": visit.request.query.get("name", "")[:200], "under": visit.request.query.get("under", "")[:20]}
        return self._editor(visit, here, fields)

    async def create(self, visit: Visit) -> web.StreamResponse:
        """A new page."""
        async with visit.read() as conn:
            here = await self._place(visit, conn)
        form = await visit.form()
        if form.get("do") == "preview":
            return self._editor(visit, here, form, preview=True)
        done = await self._act(
            visit,
            here.place.key,
            "create",
            name=form.get("name", ""),
            words=form.get("words", ""),
            parent=_number(form.get("under", "")),
        )
        if done.get("what") != What.created:
            return self._editor(visit, here, form, mistake=str(done.get("why", "")))
        return visit.go(address(here.place.key, form.get("name", "")))

    async def edit(self, visit: Visit) -> web.StreamResponse:
        """The editor, with the page as it stands or with what somebody wrote and could not save."""
        async with visit.read() as conn:
            here = await self._page(visit, conn)
            found = _of(here)
            draft_id = _number(visit.request.query.get("draft", ""))
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
            here = await self._page(visit, conn)
        found, form = _of(here), await visit.form()
        draft = _number(form.get("draft", ""))
        back = address(here.place.key, found.title)
        if form.get("do") == "preview":
            return self._editor(visit, here, form, preview=True)
        if form.get("do") == "forget":
            await self._act(visit, here.place.key, "forget", page=found.id, draft=draft)
            return visit.go(back)
        done = await self._act(
            visit,
            here.place.key,
            "save",
            page=found.id,
            base=_number(form.get("base", "")),
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
            await self._place(visit, conn)
        form = await visit.form()
        found = shown(form.get("words", "")[: self._kit.settings.longest], lambda link: "", "")
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
            _plain(title),
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
            longest=self._kit.settings.longest,
            action=f"{address(key, found.title)}/edit" if found is not None else address(key, action="-/new"),
            preview_at=address(key, action="-/preview"),
            back=address(key, found.title) if found is not None else address(key),
        )

    # --- history -------------------------------------------------------------------------------------------------

    async def history(self, visit: Visit) -> web.StreamResponse:
        """The versions, newest first."""
        async with visit.read() as conn:
            here = await self._page(visit, conn)
            found = _of(here)
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
                "moment": visit.voice.moment(_moment(version.moment), self._kit.community.zone, visit.now),
            }
            for version in reversed(versions)
        ]
        base = address(here.place.key, found.title)
        title = visit.voice.say("History of {name}", name=found.title)
        return visit.show("page/history.html", _plain(title), here=here, page=found, rows=rows, base=base)

    async def diff(self, visit: Visit) -> web.StreamResponse:
        """What changed from one version to another."""
        async with visit.read() as conn:
            here = await self._page(visit, conn)
            found = _of(here)
            versions = {one.number: one for one in await text.versions(conn, found.id) if one.words is not None}
        to = _number(visit.request.query.get("to", "")) or found.number
        since = _number(visit.request.query.get("from", "")) or max((one for one in versions if one < to), default=0)
        if to not in versions or (since and since not in versions):
            raise visit.missing()
        changes = differences((versions[since].words or "") if since else "", versions[to].words or "")
        title = visit.voice.say("What changed in {name}", name=found.title)
        return visit.show(
            "page/diff.html",
            _plain(title),
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
            here = await self._page(visit, conn)
        return self._ordering(visit, here)

    def _ordering(self, visit: Visit, here: Here, mistake: str = "") -> web.Response:
        found = _of(here)
        own = below(found.id, here.known.parents) | {found.id}
        parents = [(str(one.id), "– " * depth + one.title) for one, depth in here.known.contents() if one.id not in own]
        return visit.show(
            "page/order.html",
            _plain(visit.voice.say("Name and place of {name}", name=found.title)),
            here=here,
            page=found,
            parents=parents,
            mistake=html(mistake) if mistake else "",
            base=address(here.place.key, found.title),
        )

    async def put_in_order(self, visit: Visit) -> web.StreamResponse:
        """Rename, move, protect, put away, bring back an earlier version."""
        async with visit.read() as conn:
            here = await self._page(visit, conn, hidden=True)
        found, form = _of(here), await visit.form()
        do = form.get("do", "")
        if do not in ("rename", "move", "protect", "unprotect", "hide", "bring_back", "restore"):
            raise visit.missing()
        done = await self._act(
            visit,
            here.place.key,
            do,
            page=found.id,
            name=form.get("name", ""),
            parent=_number(form.get("under", "")),
            number=_number(form.get("number", "")),
        )
        if done.get("what") == REFUSED or not done:
            return self._ordering(visit, here, str(done.get("why", "")))
        if do == "hide":
            return visit.go(address(here.place.key))
        return visit.go(address(here.place.key, form.get("name", "") if do == "rename" else found.title))


def _plain(markdown: str) -> str:
    return render(markdown).body


def _of(here: Here) -> Page:
    if here.page is None:
        raise ValueError("no page here")
    return here.page


def _chosen(visit: Visit, versions: list[Version], current: int) -> Version | None:
    number = _number(visit.request.query.get("version", "")) or current
    return next((version for version in versions if version.number == number), None)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _query(text: str) -> str:
    return quote(text, safe="")


def _relative(visit: Visit, path: str) -> str:
    """A path of the board as seen from the page that is being shown."""
    if not path:
        return ""
    return "../" * (visit.request.rel_url.raw_path.count("/") - 1) + path[1:]
