"""How what was found is shown in a room: one line, a link first."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.features.contract import Kit
from esnbot.features.places import link_to
from esnbot.features.search.model import Hit
from esnbot.features.search.settings import SearchSettings
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bold, escape, in_a_line, link
from esnbot.store import bindings

ICONS: Final = {"group": "👥", "note": "📌", "page": "📄", "question": "💬"}
LONGEST_LABEL: Final = 110
LONGEST_EXCERPT: Final = 140
SAFE: Final = "!$:"
"""What ids have and addresses may have too."""


class Links:
    """Makes lines of hits."""

    def __init__(self, kit: Kit[SearchSettings]) -> None:
        self._server = kit.server
        self._board = kit.board

    async def line(self, conn: AsyncConnection, voice: Voice, hit: Hit, here: str = "") -> Markdown:
        """A link with a few words; names the group where it is another one than ``here``. Never a person."""
        room_id = await bindings.room_of(conn, hit.place)
        if hit.kind == "group":
            label = bold(hit.title) if room_id is None else await link_to(conn, room_id, hit.title, self._server)
        else:
            shown = in_a_line(hit.title or hit.excerpt, LONGEST_LABEL)
            address = event_address(room_id, hit.event, self._server) if room_id is not None else ""
            if not address and self._board and hit.path:
                address = f"{self._board}{hit.path}"
            label = link(shown, address) if address else bold(shown)
        line = Markdown(f"{ICONS[hit.kind]} {label}")
        if hit.kind != "group" and hit.place != here:
            place = (await wanted.names(conn, [hit.place])).get(hit.place, "")
            line = voice.say("{what} (in {group})", what=line, group=escape(place)) if place else line
        if hit.kind != "question" and hit.excerpt:
            line = voice.say("{what}: {words}", what=line, words=escape(in_a_line(hit.excerpt, LONGEST_EXCERPT)))
        return line


def room_address(room_id: str, server: str) -> str:
    """A link to a room."""
    return f"https://matrix.to/#/{quote(room_id, safe=SAFE)}?via={server}"


def event_address(room_id: str, event: str, server: str) -> str:
    """A link to a message; '' when there is none."""
    return f"https://matrix.to/#/{quote(room_id, safe=SAFE)}/{quote(event, safe=SAFE)}?via={server}" if event else ""
