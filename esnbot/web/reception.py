"""The reception: every visit to the board passes here, and a page only ever sees people who may come in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import People
from esnbot.commands.reading import Person
from esnbot.community.clock import Clock
from esnbot.engine.clock import SystemClock
from esnbot.speech import Later, later
from esnbot.store.database import Database
from esnbot.web import sessions
from esnbot.web.board import NOBODY, READER, Board, Reader, frame_ancestors, theme_asked
from esnbot.web.guard import CSRF_FIELD, STALE, Cookies, Refusal, csrf_token, fits, is_from_here, path_within
from esnbot.web.page import Page
from esnbot.web.sessions import Session
from esnbot.web.visit import BoardPage, Visit, read_form

SIGN_IN: Final = "/sign-in"
WIDGET: Final = "/widget"
WORTH_KEEPING: Final = 20
"""Characters from which on a field is shown again when its form could not be taken."""
NOT_DONE: Final = later("Nothing was changed")
SIGNED_OUT: Final = later("You are not signed in any more, so nothing was changed.")
STAY: Final = timedelta(days=14)
"""How long somebody stays signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Knows who comes, and lets them in or sends them to the door."""

    board: Board
    database: Database
    people: People
    bot: str
    url: str
    """How people reach the board."""
    clock: Clock
    wake: Callable[[], None]
    """Tells the engine that there is something in its inbox."""
    system: Clock = field(default_factory=SystemClock)
    clients: Collection[str] = ()
    """Addresses of the clients that may show pages in a widget."""
    stay: timedelta = STAY

    @property
    def cookies(self) -> Cookies:
        """The board's cookies."""
        return Cookies(secure=self.url.startswith("https://"))

    def pages(self, declared: Iterable[BoardPage]) -> Iterable[Page]:
        """The pages of features, each behind the reception."""
        for page in declared:
            yield Page(page.path, self._receiving(page), page.method)

    def _receiving(self, page: BoardPage) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            visit = await self.visit(request)
            if visit is not None:
                request[READER] = self.reader(visit)
            refused = None if request.method == "GET" else await self._unless_checked(request, visit)
            if refused is not None:
                return refused
            return self.to_the_door(request) if visit is None else await page.handle(visit)

        return handle

    # --- who comes ----------------------------------------------------------------------------------------------

    async def visit(self, request: web.Request) -> Visit | None:
        """The visit of somebody who is signed in; None for everybody else.

        Whoever does not belong to the community any more is signed out everywhere.
        """
        now = self.clock.now()
        async with self.database.read() as conn:
            session = await self._session(conn, request)
            if session is None:
                return None
            person = await self.person(conn, session.user)
        if person is None:
            user = session.user
            await self.database.write(lambda conn: sessions.end_all(conn, user))
            return None
        session = await self._look(request, session)
        voice = self.board.speech.voice(session.language or person.language)
        return Visit(request, person, voice, now, session, self)

    async def person(self, conn: AsyncConnection, user: str) -> Person | None:
        """Somebody as the whole community knows them; None for whoever does not belong to it."""
        if user == self.bot:
            return None
        return await self.people.person(conn, user, "", None, self.bot, self.clock.now(), None)

    async def _session(self, conn: AsyncConnection, request: web.Request) -> Session | None:
        """The session of a request; a browser may have two, one of its own and one inside a client's widget."""
        named = [(self.cookies.framed, True)]
        if not _is_in_a_frame(request):
            named.insert(0, (self.cookies.session, False))
        found: list[Session] = []
        for name, framed in named:
            session = await sessions.find(conn, request.cookies.get(name, ""), self.clock.now(), framed=framed)
            if session is not None:
                found.append(session)
        if len(found) > 1 and request.method != "GET":
            # Which of them the form is of, its token says.
            token = (await read_form(request)).get(CSRF_FIELD, "")
            found = [session for session in found if fits(session.token, token)] or found
        return found[0] if found else None

    async def _look(self, request: web.Request, session: Session) -> Session:
        """Keep the language and the theme that the query asks for."""
        language = self.board.speech.known(request.query.get("lang", "")[:40]) or session.language
        theme = theme_asked(request) or session.theme
        if (language, theme) == (session.language, session.theme):
            return session
        await self.database.write(lambda conn: sessions.look(conn, session.token, language=language, theme=theme))
        return Session(session.token, session.user, session.framed, language, theme)

    # --- what they may ------------------------------------------------------------------------------------------

    async def _unless_checked(self, request: web.Request, visit: Visit | None) -> web.Response | None:
        """What is answered to a form that cannot be taken, None when it can. Nobody loses what they wrote."""
        if not is_from_here(request, self.url):
            raise Refusal(STALE)
        form = await (read_form(request) if visit is None else visit.form())
        if visit is not None and fits(visit.session.token, form.get(CSRF_FIELD, "")):
            return None
        kept = [value for name, values in form.fields.items() if name != CSRF_FIELD for value in values]
        kept = [value for value in kept if len(value) >= WORTH_KEEPING]
        if "HX-Request" in request.headers:
            # The page stays as it is, with what is written on it.
            raise Refusal(STALE) if visit is not None else Refusal(SIGNED_OUT, 401)
        if visit is None and not kept:
            return self.to_the_door(request)
        reader = self.board.stranger(request) if visit is None else self.reader(visit)
        values = {"sentence": SIGNED_OUT if visit is None else STALE, "kept": kept}
        return self.board.render(request, reader, "not_done.html", NOT_DONE, values, 401 if visit is None else 403)

    def to_the_door(self, request: web.Request) -> web.Response:
        """Whoever is not signed in goes to the sign-in page, and afterwards where they wanted to."""
        if "HX-Request" in request.headers:
            # A piece of a page was asked for: the whole page goes to the door.
            return web.Response(status=401, headers={"HX-Refresh": "true"})
        if _is_in_a_frame(request):
            return self.board.go(request, WIDGET)
        wanted = path_within(request.path_qs) if request.method == "GET" else ""
        query = f"?next={quote(wanted, safe='')}" if wanted else ""
        return self.board.go(request, SIGN_IN + query)

    # --- what they see ------------------------------------------------------------------------------------------

    def reader(self, visit: Visit) -> Reader:
        """The visitor, as pages are made for them."""
        return Reader(
            voice=visit.voice,
            theme=visit.session.theme,
            user=visit.person.user,
            roles=visit.person.roles,
            csrf=csrf_token(visit.session.token),
            ancestors=frame_ancestors(self.clients) if visit.session.framed else NOBODY,
        )

    def show(self, visit: Visit, template: str, title: str | Later, values: Mapping[str, Any]) -> web.Response:
        """A page for a visitor."""
        return self.board.render(visit.request, self.reader(visit), template, title, {"visit": visit, **values})


def _is_in_a_frame(request: web.Request) -> bool:
    """Whether a page is asked for to be shown in a frame; of browsers that do not say so, a guess."""
    told = request.headers.get("Sec-Fetch-Dest")
    return told == "iframe" or (told is None and request.path == WIDGET)
