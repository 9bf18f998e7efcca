"""The calendar for calendar programs: feeds behind secret addresses, whole, of a line, of a space, or of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Boolean, Column, Row, Table, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import Call
from esnbot.commands.private import privately
from esnbot.commands.reading import KEEPERS, Person
from esnbot.community.group import Place, Space
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect
from esnbot.engine.feature import Context
from esnbot.features.calendar import records
from esnbot.features.calendar.desk import Refusal
from esnbot.features.calendar.icalendars import Shown, to_ical
from esnbot.features.calendar.keeping import NAME, Keeping, moment
from esnbot.features.calendar.model import LIVE, Entry, State
from esnbot.provisioning import wanted
from esnbot.speech import Voice, code, paragraphs, render
from esnbot.store.tables import Milliseconds, metadata
from esnbot.web.openly import OpenVisit
from esnbot.web.sessions import LONGEST_TOKEN, hashed, new_token

PATH: Final = "/calendar/feed"
MOST: Final = 10
"""Feeds of one person."""
SHOWN: Final = frozenset({State.review, State.scheduled, *LIVE})
"""What a calendar program shows: ideas and drafts are nobody's appointment."""
PAST: Final = timedelta(days=90)
LONGEST: Final = 2_000
"""Characters of an entry's words."""

feed = Table(
    "calendar_feed",
    metadata,
    # A fingerprint: the address itself is kept nowhere.
    Column("token", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    # The key of a line, and of a space or group; '' for all.
    Column("line", Text, nullable=False),
    Column("place", Text, nullable=False),
    # Only what the person wrote or looks at.
    Column("own", Boolean, nullable=False),
    Column("since", Milliseconds, nullable=False),
)


class Feeds:
    """Gives addresses, and answers there."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping

    # --- the command -----------------------------------------------------------------------------------------------

    async def feed(self, call: Call) -> Sequence[Effect]:
        """Give the address of a new feed, or end all feeds of the person."""
        voice, conn, user = call.voice, call.ctx.conn, call.person.user
        base = self._keeping.kit.board
        if call.args["off"]:
            ended = (await conn.execute(delete(feed).where(feed.c.person == user))).rowcount
            said = (
                voice.plural("Your feed shows nothing any more.", "Your {n} feeds show nothing any more.", ended)
                if ended
                else voice.say("You have no feed.")
            )
            return [call.answer(said)]
        if not base:
            raise Refusal(voice.say("There is no web board here, and so no feed."))
        having = await conn.scalar(select(func.count()).select_from(feed).where(feed.c.person == user)) or 0
        if having >= MOST:
            raise Refusal(voice.say("You have {n} feeds already: `!esn calendar feed --off` ends them all.", n=having))
        token, place = new_token(), call.args["group"]
        row = {
            "token": hashed(token),
            "person": user,
            "line": call.args["line"] or "",
            "place": place.key if isinstance(place, Place) else "",
            "own": bool(call.args["own"]),
            "since": milliseconds(call.ctx.now),
        }
        await conn.execute(feed.insert().values(row))
        text = paragraphs(
            voice.say("**The calendar in your own calendar program:** subscribe to this address there."),
            code(f"{base}{PATH}/{token}.ics"),
            voice.say(
                "Whoever has the address reads what is not posted yet: keep it to yourself. `!esn calendar feed --off` "
                "ends it."
            ),
        )
        return privately(call, text, voice.say("I have sent you the address in private."))

    # --- what is asked for -----------------------------------------------------------------------------------------

    async def read(self, visit: OpenVisit) -> web.StreamResponse:
        """The feed behind a secret address, for as long as its owner looks after the community."""
        token = visit.request.match_info["token"]
        async with visit.read() as conn:
            found = await _find(conn, token)
        if found is None:
            await visit.count_stranger()
            raise web.HTTPNotFound()
        await visit.count(f"{NAME}:feed:{found.token}", self._keeping.settings.feed_an_hour)
        person = await visit.person(found.person)
        if person is None or not person.roles & KEEPERS:
            raise web.HTTPNotFound()
        async with visit.read() as conn:
            ctx = Context(conn=conn, now=visit.now, bot=self._keeping.kit.bot)
            shown = await self._shown(ctx, person, found)
        voice = self._keeping.kit.speech.voice(person.language)
        file = to_ical(self._name(voice, found), self._keeping.kit.server, shown)
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=file, content_type="text/calendar", charset="utf-8", headers=headers)

    def _name(self, voice: Voice, found: Row[Any]) -> str:
        line = self._keeping.lines.get(found.line)
        name = render(voice.say("Editorial calendar")).body
        return f"{name} – {line.name(voice.language)}" if line is not None else name

    async def _shown(self, ctx: Context, person: Person, found: Row[Any]) -> list[Shown]:
        within = await _within(ctx.conn, found.place)
        entries = [
            entry
            for entry in await records.standing(ctx.conn, SHOWN, line=found.line or None)
            if entry.at
            and (within is None or not within.isdisjoint(entry.targets))
            and (not found.own or person.user in (entry.author, entry.reviewer))
            and (entry.state not in LIVE or moment(entry.changed) > ctx.now - PAST)
        ]
        names = await wanted.names(ctx.conn, {key for entry in entries for key in entry.targets})
        return [one for entry in entries if (one := await self._one(ctx, person, entry, names)) is not None]

    async def _one(self, ctx: Context, person: Person, entry: Entry, names: Any) -> Shown | None:
        worded = await self._keeping.worded(ctx, entry.id, person.language)
        first = entry.first
        if worded is None or first is None:
            return None
        line = self._keeping.lines.get(entry.line)
        return Shown(
            id=entry.id,
            revision=entry.revision,
            title=worded.draft.title,
            text=render(worded.draft.words[:LONGEST]).body,
            at=first,
            zone=self._keeping.zone(entry),
            rule=entry.rule,
            excepts=entry.excepts,
            line=line.name(person.language) if line is not None else "",
            where=", ".join(names.get(key, key) for key in entry.targets),
            url=f"{self._keeping.kit.board}/calendar/{entry.id}",
            changed=moment(entry.changed),
            tentative=entry.state is State.review,
        )


async def _find(conn: AsyncConnection, token: str) -> Row[Any] | None:
    if not token or len(token) > LONGEST_TOKEN:
        return None
    return (await conn.execute(select(feed).where(feed.c.token == hashed(token)))).first()


async def _within(conn: AsyncConnection, key: str) -> set[str] | None:
    """The keys of a space's groups, or of the group itself; None for everything."""
    if not key:
        return None
    places = {place.key: place for place in await wanted.all_places(conn)}
    if not isinstance(places.get(key), Space):
        return {key}
    inside = {key}
    while more := {one.key for one in places.values() if one.parent in inside} - inside:
        inside |= more
    return inside


async def of_person(conn: AsyncConnection, person: str) -> list[dict[str, Any]]:
    """The feeds of a person, without their addresses."""
    query = select(feed.c.line, feed.c.place, feed.c.own, feed.c.since).where(feed.c.person == person)
    return [dict(row._mapping) for row in await conn.execute(query.order_by(feed.c.since))]


async def forget(conn: AsyncConnection, person: str) -> None:
    """End a person's feeds."""
    await conn.execute(delete(feed).where(feed.c.person == person))
