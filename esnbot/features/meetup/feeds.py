"""Calendars: each person's own feed behind a secret address, and the file of a meet-up on the board."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from aiohttp import web
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.commands.private import privately
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.features.meetup import ics, records
from esnbot.features.meetup.finding import Finder, Refusal
from esnbot.features.meetup.ics import Occasion
from esnbot.features.meetup.model import Standing
from esnbot.features.places import may_read
from esnbot.provisioning import wanted
from esnbot.speech import Voice, code, paragraphs, render
from esnbot.store import rooms
from esnbot.store.upsert import upsert
from esnbot.web.openly import OpenVisit
from esnbot.web.sessions import LONGEST_TOKEN, hashed, new_token
from esnbot.web.visit import Visit

PATH: Final = "/meetups/feed"
PAST: Final = timedelta(days=60)
"""So far back a feed goes."""
NEW: Final = "new"
OFF: Final = "off"


class Feeds:
    """Calendar feeds and files."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    # --- the command ----------------------------------------------------------------------------------------------

    async def feed(self, call: Call) -> Sequence[Effect]:
        """Give the person the address of their feed, a new one, or none any more."""
        voice, conn, user, what = call.voice, call.ctx.conn, call.person.user, call.args.get("what")
        base = self._finder.kit.board
        if not base:
            raise Refusal(voice.say("There is no web board here, and so no calendar feed. Each meet-up has a file."))
        since = (await conn.execute(select(records.feed.c.since).where(records.feed.c.person == user))).scalar()
        if what == OFF:
            await conn.execute(delete(records.feed).where(records.feed.c.person == user))
            return [
                call.answer(
                    voice.say("Your calendar feed is gone: its address shows nothing any more.")
                    if since is not None
                    else voice.say("You have no calendar feed.")
                )
            ]
        if since is not None and what != NEW:
            return [
                call.answer(
                    voice.say(
                        "You have a calendar feed already, and I keep its address only as a fingerprint. `!esn meetup "
                        "feed new` gives you another address, `!esn meetup feed off` ends it."
                    )
                )
            ]
        token = new_token()
        row = {"person": user, "token": hashed(token), "since": milliseconds(call.ctx.now)}
        await upsert(conn, records.feed, row)
        text = paragraphs(
            voice.say("**Your meet-ups, in your own calendar:** subscribe to this address there."),
            code(f"{base}{PATH}/{token}.ics"),
            voice.say(
                "Whoever has the address sees the meet-ups that you take part in: keep it to yourself. `!esn meetup "
                "feed off` ends it, `!esn meetup feed new` replaces it."
            ),
        )
        return privately(call, text, voice.say("I have sent you the address in private."))

    # --- what is asked for on the web -----------------------------------------------------------------------------

    async def read(self, visit: OpenVisit) -> web.StreamResponse:
        """The feed behind a secret address; what is wrong with one is not said."""
        token = visit.request.match_info["token"]
        async with visit.read() as conn:
            user = await self._whose(conn, token)
        if user is None:
            await visit.count_stranger()
            raise web.HTTPNotFound()
        await visit.count(f"{records.NAME}:feed:{hashed(token)}", self._finder.settings.feed_an_hour)
        person = await visit.person(user)
        if person is None:
            raise web.HTTPNotFound()
        voice = self._finder.kit.speech.voice(person.language)
        async with visit.read() as conn:
            occasions = await self._of(conn, user, voice, milliseconds(visit.now - PAST))
        name = render(voice.say("My meet-ups")).body
        return file(ics.calendar(occasions, name=name))

    async def _whose(self, conn: AsyncConnection, token: str) -> str | None:
        if not token or len(token) > LONGEST_TOKEN:
            return None
        query = select(records.feed.c.person).where(records.feed.c.token == hashed(token))
        return (await conn.execute(query)).scalar_one_or_none()

    async def _of(self, conn: AsyncConnection, user: str, voice: Voice, since_ms: int) -> list[Occasion]:
        found = []
        for meetup, entry in await records.with_person(conn, user, since_ms=since_ms):
            if entry.standing is not Standing.coming and meetup.state != records.OPEN:
                continue
            if await rooms.membership(conn, meetup.room_id, user) != "join":
                continue
            words = self._finder.outside(meetup, voice)
            found.append(await self._finder.occasion(conn, meetup, words, voice, entry.standing))
        return found

    async def download(self, visit: Visit) -> web.StreamResponse:
        """The file of one meet-up, for everybody who may see it."""
        number = visit.request.match_info["id"]
        if not number.isdigit() or len(number) > 9:
            raise visit.missing()
        async with visit.read() as conn:
            meetup = await records.get_as_is(conn, int(number))
            if meetup is None or meetup.start is None or not await self._may_see(conn, visit, meetup.room_id):
                raise visit.missing()
            words = self._finder.outside(meetup, visit.voice)
            occasion = await self._finder.occasion(conn, meetup, words, visit.voice)
        method = ics.CANCEL if meetup.state == records.CANCELLED else ics.PUBLISH
        return file(ics.calendar([occasion], method=method), name=f"meetup-{meetup.id}.ics")

    async def _may_see(self, conn: AsyncConnection, visit: Visit, room_id: str) -> bool:
        place = await wanted.place_of(conn, room_id)
        membership = await rooms.membership(conn, room_id, visit.person.user)
        if place is None:
            return membership == "join"
        spaces = await wanted.spaces(conn)
        return may_read(place, spaces, self._finder.community, visit.person.audiences, membership)


def file(text: str, name: str = "") -> web.Response:
    """A calendar as an answer that nobody keeps."""
    headers = {"Cache-Control": "no-store"}
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return web.Response(text=text, content_type=ics.TYPE, charset="utf-8", headers=headers)
