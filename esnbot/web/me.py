"""The page about oneself: who one is here, where one is signed in, and all that is kept about one, to take along."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson
from aiohttp import web

from esnbot.community.person import Role
from esnbot.engine.feature import Module
from esnbot.engine.people import collect
from esnbot.speech import Later, later
from esnbot.web import sessions
from esnbot.web.page import Page
from esnbot.web.reception import Reception
from esnbot.web.visit import BoardPage, Visit

ME: Final = "/me"
EVERYTHING: Final = "/me/everything.json"
TITLE: Final = later("About me")
_ROLES: Final[dict[Role, Later]] = {
    Role.animator: later("You animate this community."),
    Role.administrator: later("You administer this community."),
    Role.partner: later("You are here as a partner."),
}


@dataclass(frozen=True, slots=True)
class Me:
    """The pages."""

    reception: Reception
    modules: Callable[[], Iterable[Module]]
    """All that may keep something about people."""

    def pages(self) -> Iterable[Page]:
        """The addresses."""
        yield from self.reception.pages((BoardPage(ME, self.show), BoardPage(EVERYTHING, self.everything)))

    async def show(self, visit: Visit) -> web.StreamResponse:
        """Who one is here, and where one is signed in."""
        voice, person = visit.voice, visit.person
        community = self.reception.people.community
        async with visit.read() as conn:
            browsers = await sessions.of_person(conn, person.user)
        since = [
            voice.moment(datetime.fromtimestamp(one["created"] / 1000, UTC), community.zone, visit.now)
            for one in browsers
        ]
        return visit.show(
            "me.html",
            TITLE,
            audiences=[community.audiences[key].name for key in sorted(person.audiences)],
            roles=[sentence for role, sentence in _ROLES.items() if role in person.roles],
            since=since,
        )

    async def everything(self, visit: Visit) -> web.StreamResponse:
        """What every part of the software keeps about the visitor, as JSON."""
        async with visit.read() as conn:
            kept = await collect(self.modules(), conn, visit.person.user)
        body = orjson.dumps(
            {"person": visit.person.user, "kept": kept},
            option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS,
            default=str,
        )
        headers = {"Content-Disposition": 'attachment; filename="everything.json"'}
        return web.Response(body=body, content_type="application/json", headers=headers)
