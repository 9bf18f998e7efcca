"""The board's page of search: a form that works without scripts, and finds while one types with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from esnbot.features.contract import Kit
from esnbot.features.search import index
from esnbot.features.search.links import LONGEST_LABEL, event_address, room_address
from esnbot.features.search.model import Hit
from esnbot.features.search.readable import readable_by
from esnbot.features.search.settings import SearchSettings
from esnbot.features.search.shelf import KINDS
from esnbot.provisioning import wanted
from esnbot.speech import Later, in_a_line, later
from esnbot.speech.markup import visible
from esnbot.store import bindings
from esnbot.web.board import html
from esnbot.web.visit import BoardPage, Visit

PAGE: Final = 20
PAGES: Final = 4
"""Further back nobody looks: another word helps more."""
LONGEST: Final = 500
NAMES: Final[Mapping[str, Later]] = {
    "group": later("Groups"),
    "note": later("Notes"),
    "page": later("Pages"),
    "question": later("Questions"),
}
ONE: Final[Mapping[str, Later]] = {
    "group": later("Group"),
    "note": later("Note"),
    "page": later("Page"),
    "question": later("Question"),
}


class Pages:
    """The page."""

    def __init__(self, kit: Kit[SearchSettings]) -> None:
        self._kit = kit

    def all(self) -> tuple[BoardPage, ...]:
        """Every page with its address."""
        return (BoardPage("/search", self.search, menu=later("Search")),)

    async def search(self, visit: Visit) -> web.StreamResponse:
        """What fits the words that the reader typed, of all that they may read."""
        asked = visit.request.query
        words = visible(asked.get("q", ""))[:LONGEST].strip("\r\n")
        kind = asked.get("kind", "")
        kind = kind if kind in KINDS else ""
        page = _number(asked.get("page", ""))
        hits: list[Hit] = []
        lines: list[dict[str, object]] = []
        if words.strip():
            async with visit.read() as conn:
                readable = await readable_by(conn, self._kit.community, visit.person)
                kinds = (kind,) if kind else ()
                hits = await index.find(conn, words, readable, kinds=kinds, limit=PAGE + 1, offset=(page - 1) * PAGE)
                names = await wanted.names(conn, {hit.place for hit in hits})
                for hit in hits[:PAGE]:
                    lines.append(self._line(visit, hit, names, await bindings.room_of(conn, hit.place) or ""))
        more = urlencode({"q": words, "kind": kind, "page": page + 1})
        before = urlencode({"q": words, "kind": kind, "page": page - 1})
        return visit.show(
            "search/search.html",
            later("Search"),
            words=words,
            asked=bool(words.strip()),
            kind=kind,
            kinds=[(key, name) for key, name in NAMES.items()],
            hits=lines,
            more=more if len(hits) > PAGE and page < PAGES else "",
            before=before if page > 1 else "",
        )

    def _line(self, visit: Visit, hit: Hit, names: Mapping[str, str], room_id: str) -> dict[str, Any]:
        outside, server = "", self._kit.server
        if not hit.path and room_id:
            server = self._kit.server
            outside = (
                room_address(room_id, server) if hit.kind == "group" else event_address(room_id, hit.event, server)
            )
        moment = datetime.fromtimestamp(hit.moment / 1000, UTC) if hit.moment and hit.kind != "group" else None
        zone = self._kit.community.zone
        return {
            "title": visible(in_a_line(hit.title or hit.excerpt, LONGEST_LABEL)),
            "excerpt": visible(hit.excerpt) if hit.title else "",
            "kind": ONE[hit.kind],
            "place": visible(names.get(hit.place, "")) if hit.kind != "group" else "",
            "path": hit.path,
            "outside": outside,
            "day": "" if moment is None else html(visit.voice.date(moment.astimezone(zone).date(), weekday=False)),
            "tags": [visible(tag) for tag in hit.tags],
        }


def _number(text: str) -> int:
    return min(int(text), PAGES) if text.isascii() and text.isdigit() and 0 < len(text) < 4 and int(text) else 1
