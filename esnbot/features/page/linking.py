"""How links between pages read in a chat: as the name of the page, leading to its message in the room."""

from __future__ import annotations

from collections.abc import Iterable

from esnbot.community.group import Place
from esnbot.engine.feature import Context
from esnbot.features import text
from esnbot.features.page import records, shelf
from esnbot.features.page.links import Link, links, replaced
from esnbot.features.page.names import fold
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, escape
from esnbot.speech import link as link_to
from esnbot.store import bindings

Target = tuple[str, str]
"""The name of a page as it is called now, and the event id of its message, '' while the room does not have it."""


async def in_room(ctx: Context, place: str, words: str) -> text.Show:
    """What shows the links of a text in the room of a place (``esnbot.features.text.shows``)."""
    found = await wanted.get(ctx.conn, place) if "[[" in words else None
    if found is None:
        return str
    own = {"", fold(found.name), fold(found.key), fold(found.alias or found.key)}
    names = {fold(link.name) for link in links(words) if fold(link.group) in own}
    targets = await _targets(ctx, found, names)
    room_id = await bindings.room_of(ctx.conn, found.key) or ""
    server = ctx.bot.partition(":")[2]

    def read(link: Link) -> Markdown:
        name, root = targets.get(fold(link.name), ("", "")) if fold(link.group) in own else ("", "")
        shown = link.shown or name or link.name
        if not root:
            # Not there (yet), or of another group: of what not all here may read, nothing is said.
            return Markdown(f"*{escape(shown)}*")
        return link_to(shown, f"https://matrix.to/#/{room_id}/{root}?via={server}")

    return lambda said: replaced(said, read)


async def _targets(ctx: Context, place: Place, names: Iterable[str]) -> dict[str, Target]:
    """Where names lead that are folded; the pages of encrypted groups have to be opened for it."""
    if await shelf.is_sealed(ctx.conn, place):
        known = await shelf.shelf(ctx, place)
        return {fold(one.title): (one.title, one.text.root) for one in known.pages.values() if one.title}
    ids = await records.led_to(ctx.conn, place.key, names)
    found = await text.some(ctx.conn, ids.values(), words=False)
    standing = {id: one for id, one in found.items() if not one.gone}
    return {name: (standing[id].current.title, standing[id].root) for name, id in ids.items() if id in standing}
