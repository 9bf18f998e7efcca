"""How what was found is shown in a room: one line, a link first."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.contract import Kit
from esnbot.features.places import link_to
from esnbot.features.search.model import Hit
from esnbot.features.search.settings import SearchSettings
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bold, escape, link
from esnbot.store import bindings

ICONS: Final = {"group": "👥", "note": "📌", "page": "📄", "question": "💬"}
LONGEST_LABEL: Final = 110
LONGEST_EXCERPT: Final = 140


class Links:
    """Makes lines of hits."""

    def __init__(self, kit: Kit[SearchSettings]) -> None:
        self._server = kit.server

    async def line(self, conn: AsyncConnection, voice: Voice, hit: Hit, here: str = "") -> Markdown:
        """A link with a few words; names the group where it is another one than ``here``. Never a person."""
        room_id = await bindings.room_of(conn, hit.place)
        if hit.kind == "group":
            label = bold(hit.title) if room_id is None else await link_to(conn, room_id, hit.title, self._server)
        else:
            shown = short(hit.title or hit.excerpt, LONGEST_LABEL)
            address = f"https://matrix.to/#/{room_id}/{hit.event}?via={self._server}"
            label = link(shown, address) if room_id and hit.event else bold(shown)
        line = Markdown(f"{ICONS[hit.kind]} {label}")
        if hit.kind != "group" and hit.place != here:
            place = (await wanted.names(conn, [hit.place])).get(hit.place, "")
            line = voice.say("{what} (in {group})", what=line, group=escape(place)) if place else line
        if hit.kind != "question" and hit.excerpt:
            line = Markdown(f"{line}: {escape(short(hit.excerpt, LONGEST_EXCERPT))}")
        return line


def short(text: str, most: int) -> str:
    """A text on one line, cut between words where it is long."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[most // 2 :] else cut}…"
