"""Links to the board are given in private, and say what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands import module as commands
from esnbot.commands.command import Call
from esnbot.commands.people import People
from esnbot.engine.effects import Effect, Say, direct, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.engine.people import rooms_of
from esnbot.features.board.settings import BoardSettings
from esnbot.features.contract import Kit
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, render
from esnbot.store import bindings
from esnbot.web import links, sessions
from esnbot.web.reception import SIGN_IN


class BoardHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[BoardSettings]) -> None:
        self._kit = kit
        self._people = People(kit.community, wanted)

    # --- commands ------------------------------------------------------------------------------------------------

    async def open(self, call: Call) -> Sequence[Effect]:
        """A link, in private whatever the room."""
        link = await self._link(call.ctx, call.person.user, call.voice)
        if call.is_direct:
            return [link]
        return [link, call.answer(call.voice.say("I have sent you a link in private."))]

    async def sign_out(self, call: Call) -> Sequence[Effect]:
        """Out of the board, in every browser."""
        user, conn = call.person.user, call.ctx.conn
        await links.withdraw(conn, user)
        if await sessions.end_all(conn, user):
            return [call.answer(call.voice.say("You are signed out of the board in all your browsers."))]
        return [call.answer(call.voice.say("You are not signed in to the board anywhere."))]

    # --- what the door asks for ----------------------------------------------------------------------------------

    async def asked(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody at the door says who they are: whoever is known here gets a link, nobody else gets anything."""
        user = event.text("user")
        if not event.is_internal or not await self._is_known(ctx, user):
            return []
        voice = self._kit.speech.voice(await self._people.language(ctx.conn, user))
        return [await self._link(ctx, user, voice, browser=event.text("browser"), path=event.text("path"))]

    async def signed_in(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The link was used: its message says when, so that nobody comes in unseen."""
        user, id = event.text("user"), event.text("link")
        if not event.is_internal:
            return []
        voice = self._kit.speech.voice(await self._people.language(ctx.conn, user))
        when = voice.moment(ctx.now, self._kit.community.zone, ctx.now)
        said = render(
            voice.say(
                "You signed in to the board {when}. Was that not you? `!esn board sign-out` closes it everywhere.",
                when=when,
            ).replace("`!esn ", "`")
        )
        module = "" if event.content.get("asked_at_the_door") is True else commands.NAME
        sent = post(_key(id), of=module)
        return [Say(key=f"used:{id}", room=direct(user), body=said.body, html=said.html, replaces=sent)]

    async def _is_known(self, ctx: Context, user: str) -> bool:
        """Whether somebody belongs to the community and has been seen in it.

        The door is open to all the world: it must not make the bot invite people who do not exist.
        """
        if user == ctx.bot or await self._people.person(ctx.conn, user, "", None, ctx.bot, ctx.now, None) is None:
            return False
        if await bindings.room_of(ctx.conn, direct(user)) is not None:
            return True
        return bool({"join", "invite"} & set((await rooms_of(ctx.conn, user)).values()))

    async def _link(self, ctx: Context, user: str, voice: Voice, *, browser: str = "", path: str = "/") -> Say:
        link, token = await links.make(ctx.conn, user, ctx.now, browser=browser, path=path)
        opens = voice.say(
            "[Open the board]({address}): the link works once, within {time}.",
            address=Markdown(f"<{self._kit.board}{SIGN_IN}/{token}>"),
            time=voice.duration(links.LASTS),
        )
        asked = voice.say("Somebody asked for it on the sign-in page. Was it not you? Then just leave it.")
        said = render(f"{opens}\n\n{asked}" if browser else opens)
        return Say(key=_key(link.id), room=direct(user), body=said.body, html=said.html)

    # --- one person ----------------------------------------------------------------------------------------------

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """The browsers in which somebody is signed in."""
        return {"signed_in": list(await sessions.of_person(conn, person))}

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Sign somebody out; nothing of it is kept."""
        await sessions.end_all(ctx.conn, person)
        await links.withdraw(ctx.conn, person)
        return ()


def _key(id: str) -> str:
    return f"link:{id}"
