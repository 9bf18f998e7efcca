"""What is kept beside a page so that it is found: its links, and its words for search."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.page import records, shelf
from esnbot.features.page.links import links
from esnbot.features.page.names import fold


async def index(conn: AsyncConnection, id: int) -> None:
    """Keep what is known of a page right; of encrypted groups nothing is."""
    found = await shelf.page(conn, id)
    if found is None or found.text.sealed or found.stand.hidden:
        await records.link(conn, id, ())
        return
    await records.link(conn, id, [(fold(link.group), fold(link.name)) for link in links(found.words)])


async def forget(conn: AsyncConnection, id: int) -> None:
    """Forget a page that was taken away."""
    await records.link(conn, id, ())
