"""Says on the first working day of a week who is on, with what was handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.module import NAME as COMMANDS
from esnbot.community.group import Group
from esnbot.engine.effects import TEXT, Effect, Say, Schedule, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.engine.tables import outbox
from esnbot.features import calm
from esnbot.features.contract import Kit
from esnbot.features.hours import next_occasion
from esnbot.features.places import called, language_of
from esnbot.features.rota import records
from esnbot.features.rota.model import WEEK, week_of
from esnbot.features.rota.settings import RotaSettings
from esnbot.features.status import is_paused
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, at_wall_clock, later, link, paragraphs, render
from esnbot.store import bindings

WORD_KEPT: Final = timedelta(days=60)
"""How long it is remembered where a handover stands."""


class RotaHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[RotaSettings]) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """The week that was not announced yet, or the next one."""
        week = week_of(self._day(ctx.now))
        return [self._next(week if not await records.is_announced(ctx.conn, week) else week + WEEK)]

    async def due(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Say who is on in the week that begins, once."""
        today = self._day(ctx.now)
        week = week_of(today)
        await records.tidy(ctx.conn, today, ctx.now - self._settings.work_kept, ctx.now - WORD_KEPT)
        effects: list[Effect] = []
        if await records.announce(ctx.conn, week) and not await is_paused(ctx.conn):
            effects += await self._announcement(ctx, week)
        return [*effects, self._next(week + WEEK)]

    def _next(self, week: date) -> Schedule:
        """On the first working day of the week."""
        begin = at_wall_clock(week, self._settings.at, self._community.zone)
        due = next_occasion(begin, self._community, self._settings.at)
        return Schedule(key="announce", job="announce", due=due)

    async def _announcement(self, ctx: Context, week: date) -> list[Effect]:
        conn, key = ctx.conn, self._community.animators_room
        place = await wanted.get(conn, key) if key is not None else None
        if key is None or not isinstance(place, Group) or place.archived or await calm.is_silenced(conn, key, "rota"):
            return []
        room_id = await bindings.room_of(conn, key)
        rota, today = await records.rota(conn), self._day(ctx.now)
        crew, on = rota.crew(today), rota.on_duty(today)
        if room_id is None or not (crew or on):
            return []
        spaces = {} if place.language else await wanted.spaces(conn)
        voice = self._kit.speech.voice(language_of(place, spaces, self._community))

        async def names(people: Sequence[str]) -> Markdown:
            return voice.list([await called(conn, room_id, one) for one in people])

        missing = [one for one in crew if one not in on]
        links = []
        for person, posted in await records.handovers(conn, ctx.now - WEEK):
            event = await _event_of(conn, posted)
            if event is None:
                continue
            by = await called(conn, room_id, person) if person else voice.say(later("somebody"))
            address = f"https://matrix.to/#/{room_id}/{event}?via={self._kit.server}"
            links.append(voice.say("{link} from {person}", link=link(voice.say(later("word")), address), person=by))
        message = render(
            paragraphs(
                voice.say("**On this week: {names}.**", names=await names(on))
                if on
                else voice.say("**Nobody is there this week.** `!esn rota take` takes it."),
                voice.say("Away: {names}.", names=await names(missing)) if missing else None,
                voice.say("Handed over: {links}.", links=voice.list(links)) if links else None,
            )
        )
        return [
            Say(
                key=f"week:{week.isoformat()}",
                room=room(key),
                msgtype=TEXT,
                body=message.body,
                html=message.html,
                mentions=on,
            )
        ]

    def _day(self, now: datetime) -> date:
        return now.astimezone(self._community.zone).date()

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person."""
        return await records.of_person(conn, person)

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person; the others keep their turns."""
        await records.forget(ctx.conn, person)
        return []


async def _event_of(conn: AsyncConnection, posted: str) -> str | None:
    """The event of a handover: written in the room, or posted there by the bot."""
    if posted.startswith("$"):
        return posted
    query = select(outbox.c.event_id).where(outbox.c.key == f"{COMMANDS}/{posted}")
    found = (await conn.execute(query)).scalar_one_or_none()
    return str(found) if found else None
