"""The door: the sign-in page, one-time links, and signing out.

A link signs nobody in by being opened: link previews and curious scanners open links. It shows a button, and the button
posts. What the sign-in page says does not depend on whether somebody exists.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.community.person import is_user_id
from esnbot.engine import inbox
from esnbot.engine.clock import now_ms
from esnbot.speech import Later, code, later
from esnbot.web import links, sessions
from esnbot.web.board import Reader
from esnbot.web.guard import (
    CSRF_FIELD,
    STALE,
    Refusal,
    address_of,
    csrf_token,
    fits,
    is_from_here,
    neighbours,
    path_within,
)
from esnbot.web.openid import NotBelieved, OpenId
from esnbot.web.page import Page
from esnbot.web.reception import SIGN_IN, WIDGET, Reception
from esnbot.web.sessions import LONGEST_TOKEN, Session, hashed, new_token
from esnbot.web.visit import BoardPage, Form, Visit, read_form

SENT: Final = f"{SIGN_IN}/sent"
SIGN_OUT: Final = "/sign-out"
BROWSER_LASTS: Final = timedelta(hours=1)
WINDOW: Final = timedelta(hours=1)
PER_PERSON: Final = 5
"""Links that are sent to one person in an hour because somebody at the door asked."""
PER_ADDRESS: Final = 30
"""What one address may ask for in an hour; a whole office may stand behind it."""

TITLE: Final = later("Sign in")
TOO_OFTEN: Final = later("Too many have asked from this address. Please try again in an hour, or write to the bot.")
NOT_AN_ID: Final = later("A Matrix id looks like {example}.")
NOT_BELIEVED: Final = later("This did not work. A link that the bot sends you works everywhere: write `board` to it.")
GONE: Final = later("This link has been used, or it is older than ten minutes. You can ask for another one.")
ELSEWHERE: Final = later(
    "This link works only in the browser in which it was asked for. Copy it there, or ask for one here."
)


@dataclass(frozen=True, slots=True)
class Door:
    """Lets people in and out."""

    reception: Reception
    secret: bytes = field(repr=False)
    """Keys the hashes of those who ask: addresses and ids cannot be read back from them."""
    openid: OpenId | None = None
    """Who checks the tokens of widgets; None where there are none."""
    proxies: Collection[IPv4Network | IPv6Network] = (ip_network("127.0.0.1"), ip_network("::1"))
    """Proxies that are believed when they say for whom they ask."""

    def pages(self) -> Iterable[Page]:
        """The addresses of the door."""
        yield Page(SIGN_IN, self.ask)
        yield Page(SIGN_IN, self.asked, "POST")
        yield Page(SENT, self.sent)
        yield Page(f"{SIGN_IN}/{{token}}", self.offer)
        yield Page(f"{SIGN_IN}/{{token}}", self.enter, "POST")
        yield Page(f"{WIDGET}/sign-in", self.enter_framed, "POST")
        yield from self.reception.pages(
            (
                BoardPage(SIGN_OUT, self.leave, "POST"),
                BoardPage(f"{SIGN_OUT}/everywhere", self.leave_everywhere, "POST"),
            )
        )

    # --- asking for a link ---------------------------------------------------------------------------------------

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """The page on which one says who one is; who is signed in already has no use for it."""
        wanted = path_within(request.query.get("next", "")) or "/"
        if await self.reception.visit(request) is not None:
            return self.reception.board.go(request, wanted)
        return self._show(request, "sign_in.html", TITLE, {"next": wanted, "user_id": "", "mistake": ""})

    async def asked(self, request: web.Request) -> web.StreamResponse:
        """Somebody says who they are: have a link sent to them, and say the same whoever it is."""
        form, browser = await self._form(request)
        wanted = path_within(form.get("next", "")) or "/"
        user = form.get("user_id", "").strip()
        if not is_user_id(user) or any(char.isspace() for char in user):
            voice = self.reception.board.stranger(request).voice
            mistake = voice.say(NOT_AN_ID, example=code(self._example()))
            values = {"next": wanted, "user_id": user[:255], "mistake": mistake}
            return self._show(request, "sign_in.html", TITLE, values, status=400)
        now, address = self.reception.clock.now(), neighbours(address_of(request, self.proxies))
        content = {"user": user, "browser": hashed(browser), "path": wanted}

        async def enter(conn: AsyncConnection) -> bool:
            if await links.count(conn, self._key("address", address), now, WINDOW) > PER_ADDRESS:
                return False
            if await links.count(conn, self._key("person", user), now, WINDOW) <= PER_PERSON:
                id = f"door:{new_token()}"
                await inbox.put_internal(
                    conn, id, links.ASKED, content, now_ms(self.reception.system), queue="board:door"
                )
            return True

        if not await self.reception.database.write(enter):
            raise Refusal(TOO_OFTEN, 429)
        self.reception.wake()
        return self.reception.board.go(request, SENT)

    async def sent(self, request: web.Request) -> web.StreamResponse:
        """What to do now."""
        return self._show(request, "sign_in_sent.html", TITLE, {"bot": self.reception.bot})

    # --- using a link --------------------------------------------------------------------------------------------

    async def offer(self, request: web.Request) -> web.StreamResponse:
        """The button; nothing happens yet."""
        token = request.match_info["token"]
        async with self.reception.database.read() as conn:
            link = await links.find(conn, token, self.reception.clock.now())
        if link is None:
            return self._show(request, "sign_in_refused.html", TITLE, {"reason": GONE}, status=410)
        if link.browser and link.browser != hashed(self._browser(request)):
            return self._show(request, "sign_in_refused.html", TITLE, {"reason": ELSEWHERE}, status=403)
        stay = self.reception.board.stranger(request).voice.duration(self.reception.stay)
        return self._show(request, "sign_in_button.html", TITLE, {"who": link.user, "token": token, "stay": stay})

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """The button was pressed: in, under a new session."""
        _, browser = await self._form(request)
        reception, now = self.reception, self.reception.clock.now()
        before = request.cookies.get(reception.cookies.session, "")
        language = reception.board.speech.known(request.query.get("lang", "")[:40]) or ""

        async def job(conn: AsyncConnection) -> tuple[Session, str] | None:
            link = await links.take(conn, request.match_info["token"], hashed(browser), now)
            if link is None or await reception.person(conn, link.user) is None:
                return None
            if before and len(before) <= LONGEST_TOKEN:
                await sessions.end(conn, before)
            content = {"user": link.user, "link": link.id, "asked_at_the_door": bool(link.browser)}
            await inbox.put_internal(
                conn, f"door:{link.id}", links.SIGNED_IN, content, now_ms(reception.system), queue="board:door"
            )
            return await sessions.begin(conn, link.user, now, reception.stay, language=language), link.path

        found = await reception.database.write(job)
        if found is None:
            return self._show(request, "sign_in_refused.html", TITLE, {"reason": GONE}, status=410)
        reception.wake()
        session, path = found
        response = reception.board.go(request, path_within(path) or "/")
        reception.cookies.put(response, reception.cookies.session, session.token, reception.stay)
        reception.cookies.drop(response, reception.cookies.browser)
        return response

    # --- inside a client's widget --------------------------------------------------------------------------------

    async def enter_framed(self, request: web.Request) -> web.StreamResponse:
        """A client's widget gives an OpenID token: whoever it is comes in, in this frame only."""
        reception, now = self.reception, self.reception.clock.now()
        if self.openid is None or not is_from_here(request, reception.url, unsaid=False):
            raise Refusal(STALE)
        form, key = await read_form(request), self._key("openid", neighbours(address_of(request, self.proxies)))
        if await reception.database.write(lambda conn: links.count(conn, key, now, WINDOW)) > PER_ADDRESS:
            raise Refusal(TOO_OFTEN, 429)
        today = now.astimezone(reception.people.community.zone).date()
        try:
            user = await self.openid.user_of(form.get("matrix_server_name", ""), form.get("access_token", ""), today)
        except NotBelieved:
            raise Refusal(NOT_BELIEVED) from None
        before = request.cookies.get(reception.cookies.framed, "")

        async def job(conn: AsyncConnection) -> Session | None:
            if await reception.person(conn, user) is None:
                return None
            if before and len(before) <= LONGEST_TOKEN:
                await sessions.end(conn, before)
            return await sessions.begin(conn, user, now, reception.stay, framed=True)

        session = await reception.database.write(job)
        if session is None:
            raise Refusal(NOT_BELIEVED)
        response = web.Response(status=204)
        reception.cookies.put(response, reception.cookies.framed, session.token, reception.stay)
        return response

    # --- out -----------------------------------------------------------------------------------------------------

    async def leave(self, visit: Visit) -> web.StreamResponse:
        """Sign out here."""
        cookies = self.reception.cookies
        await self.reception.database.write(lambda conn: sessions.end(conn, visit.session.token))
        return self._out(visit, cookies.framed if visit.session.framed else cookies.session)

    async def leave_everywhere(self, visit: Visit) -> web.StreamResponse:
        """Sign out in every browser; links that wait are no use any more either."""

        async def job(conn: AsyncConnection) -> None:
            await sessions.end_all(conn, visit.person.user)
            await links.withdraw(conn, visit.person.user)

        await self.reception.database.write(job)
        return self._out(visit, self.reception.cookies.session, self.reception.cookies.framed)

    def _out(self, visit: Visit, *cookies: str) -> web.StreamResponse:
        response = visit.go(WIDGET if visit.session.framed else "/")
        for name in cookies:
            self.reception.cookies.drop(response, name)
        return response

    # --- strangers' browsers -------------------------------------------------------------------------------------

    def _browser(self, request: web.Request) -> str:
        given = request.cookies.get(self.reception.cookies.browser, "")
        return given if len(given) <= LONGEST_TOKEN else ""

    async def _form(self, request: web.Request) -> tuple[Form, str]:
        """What a stranger's form says, and the cookie of the browser for which it was made."""
        form, browser = await read_form(request), self._browser(request)
        if not is_from_here(request, self.reception.url) or not fits(browser, form.get(CSRF_FIELD, "")):
            raise Refusal(STALE)
        return form, browser

    def _show(
        self, request: web.Request, template: str, title: Later, values: Mapping[str, Any], status: int = 200
    ) -> web.Response:
        browser = self._browser(request) or new_token()
        reader: Reader = self.reception.board.stranger(request, csrf=csrf_token(browser))
        response = self.reception.board.render(request, reader, template, title, values, status)
        self.reception.cookies.put(response, self.reception.cookies.browser, browser, BROWSER_LASTS)
        return response

    def _example(self) -> str:
        return f"@zoe:{self.reception.bot.partition(':')[2]}"

    def _key(self, kind: str, what: str) -> str:
        """What is kept of who asked."""
        return hmac.new(self.secret, f"{kind}:{what}".encode(errors="replace"), hashlib.sha256).hexdigest()
