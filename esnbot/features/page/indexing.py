"""What is kept beside a page so that it is found: its links, and its words for search."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features import search
from esnbot.features.page import records, shelf
from esnbot.features.page.links import links
from esnbot.features.page.names import fold
from esnbot.features.search import Document

WIKI: Final = "/wiki"


def address(place: str, name: str = "", action: str = "") -> str:
    """Where a page, or the pages of a place, stand on the board; a page's name may be one that it had before."""
    parts = [WIKI, quote(place, safe="")]
    if name:
        parts.append(quote(fold(name), safe=""))
    return "/".join([*parts, action] if action else parts)


async def index(conn: AsyncConnection, id: int) -> None:
    """Keep what is known of a page right; of encrypted groups nothing is."""
    found = await shelf.page(conn, id)
    if found is None or found.draft is None or found.text.sealed or found.stand.hidden:
        await forget(conn, id)
        return
    await records.link(conn, id, [(fold(link.group), fold(link.name)) for link in links(found.words)])
    await search.put(
        conn,
        Document(
            key=f"page:{id}",
            kind="page",
            place=found.stand.place,
            title=found.title,
            text=found.words,
            tags=found.draft.tags,
            language=found.text.language,
            moment=found.text.current.moment,
            path=address(found.stand.place, found.title),
            event=found.text.root,
        ),
    )


async def forget(conn: AsyncConnection, id: int) -> None:
    """Let nobody find a page any more."""
    await records.link(conn, id, ())
    await search.forget(conn, f"page:{id}")
