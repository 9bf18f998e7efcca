"""After a meet-up: photos and a recap in its thread, the next of a series, and whether it becomes a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.people import name_of
from esnbot.commands.reactions import Reaction
from esnbot.commands.reactions import reaction as reactions_table
from esnbot.engine.effects import TEXT, Effect, Emit, Fetch, Invite, React, Say, Schedule, post, room
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.engine.fetching import Found
from esnbot.engine.fetching import read as read_fetched
from esnbot.features import group
from esnbot.features.hours import after_quiet
from esnbot.features.meetup import records, wording
from esnbot.features.meetup.events import ENTRY_WANTED, MEETUP_HELD
from esnbot.features.meetup.finding import Finder, is_private
from esnbot.features.meetup.keeping import Keeper
from esnbot.features.meetup.model import Standing
from esnbot.features.meetup.opening import Opening
from esnbot.features.meetup.records import NAME, Meetup
from esnbot.features.meetup.telling import nothing_more
from esnbot.features.places import link_to
from esnbot.features.status import is_paused
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, bold, paragraphs, render

AFTER: Final = "after"
RECAP: Final = "recap"
GROUP: Final = "👍"
ASK_AFTER: Final = timedelta(minutes=30)
"""People say goodbye first."""
TOO_LATE: Final = timedelta(days=3)
AGAIN: Final = timedelta(hours=1)
LEAST: Final = 5
"""Of fewer people no figure is said."""


class Afterwards:
    """What comes of a meet-up."""

    def __init__(self, finder: Finder, keeper: Keeper, opening: Opening) -> None:
        self._finder = finder
        self._keeper = keeper
        self._opening = opening

    async def over(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """It has taken place, or would have: the next of its series comes, and the thread is asked a question."""
        meetup = await self._meetup(ctx.conn, event.content.get("payload"))
        if meetup is None or meetup.start is None:
            return []
        if meetup.ends > ctx.now:
            # It was moved in the meantime, and comes once more.
            return []
        if meetup.state == records.CANCELLED:
            return self._opening.then_again(meetup, ctx.now)
        if meetup.state != records.OPEN:
            return []
        conn = ctx.conn
        meetup = await records.hold(conn, meetup.id) or meetup
        roster, arrived = await records.roster(conn, meetup), await records.here(conn, meetup.id)
        meetup = await records.change(conn, meetup.id, state=records.HELD, arrived=arrived, untold=None)
        await records.wrap_up(conn, meetup.id)
        people = sum(entry.standing is Standing.coming for entry in roster.entries)
        content = {"meetup": meetup.id, "key": meetup.place, "room_id": meetup.room_id, "start": meetup.start}
        effects: list[Effect] = [
            *nothing_more(meetup),
            Emit(type=MEETUP_HELD, content={**content, "people": people}),
            *self._opening.then_again(meetup, ctx.now),
        ]
        if not await self._finder.is_going_on(conn, meetup, ctx.bot):
            return effects
        effects.append(await self._keeper.card(ctx, meetup))
        if people:
            effects.append(self._ask_at(meetup, ctx.now + ASK_AFTER))
        return effects

    def _ask_at(self, meetup: Meetup, due: datetime) -> Schedule:
        calmly = after_quiet(due, self._finder.quiet, self._finder.zone)
        return Schedule(key=f"{AFTER}:{meetup.id}", job=AFTER, due=calmly, payload={"meetup": meetup.id})

    async def ask(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The question in the thread: how was it, and shall it become a group?"""
        meetup = await self._meetup(ctx.conn, event.content.get("payload"))
        if meetup is None or meetup.state != records.HELD or ctx.now - meetup.ends > TOO_LATE:
            return []
        if not await self._finder.is_going_on(ctx.conn, meetup, ctx.bot):
            return []
        if await is_paused(ctx.conn):
            return [self._ask_at(meetup, ctx.now + AGAIN)]
        voice = self._finder.voice_in(meetup)
        message = render(wording.after(voice, GROUP, self._finder.settings.group_from))
        key = question_key(meetup.id)
        thread = self._thread(meetup)
        return [
            Say(key=key, room=meetup.room_id, msgtype=TEXT, body=message.body, html=message.html, thread=thread),
            React(key=f"{key}/{GROUP}", room=meetup.room_id, to=post(key), emoji=GROUP),
        ]

    # --- an encounter becomes a group -----------------------------------------------------------------------------

    async def wished(self, ctx: Context, reaction: Reaction) -> Sequence[Effect]:
        """Somebody would like a group of it: once they are enough, it is asked for."""
        number = reaction.post.removeprefix(question_key(""))
        if reaction.taken_back or number == reaction.post or not number.isdigit():
            return []
        meetup = await records.hold(ctx.conn, int(number))
        if meetup is None or meetup.became is not None:
            return []
        people = await self._wishing(ctx, meetup)
        if len(people) < self._finder.settings.group_from:
            return []
        await records.change(ctx.conn, meetup.id, became="")
        # Whoever proposed the meet-up looks after the group, if they would like it too; else the first who did.
        first = [meetup.organiser] if meetup.organiser in people else []
        words = self._finder.words(ctx, meetup)
        private = await is_private(ctx.conn, meetup.room_id)
        voice = self._finder.voice_in(meetup)
        name = self._finder.outside(meetup, voice).title if private else words.title
        content = {
            "ref": f"{NAME}:{meetup.id}",
            "name": name,
            "people": [*first, *(one for one in people if one not in first)],
            "near": meetup.place,
            "language": meetup.language,
        }
        return [Emit(type=group.GROUP_WISHED, content=content)]

    async def granted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A group is being made of it, or cannot be."""
        meetup = await self._of_ref(ctx.conn, event.text("ref"))
        if meetup is None:
            return []
        key, voice = event.text("key"), self._finder.voice_in(meetup)
        if not key:
            said = voice.say("I could not make a group of this. The animators can help you.")
        else:
            await records.change(ctx.conn, meetup.id, became=key)
            said = voice.say(
                "**You are enough: I am making a group of this**, and will invite all who said {yes}.",
                yes=Markdown(GROUP),
            )
        message = render(said)
        return [
            Say(
                key=f"group:{meetup.id}",
                room=meetup.room_id,
                body=message.body,
                html=message.html,
                thread=self._thread(meetup),
            )
        ]

    async def born(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The group stands: those who wished for it are invited."""
        key, owners = event.text("key"), event.content.get("owners")
        meetup = await records.that_became(ctx.conn, key)
        if meetup is None:
            return []
        known = set(owners) if isinstance(owners, list) else set()
        people = [one for one in await self._wishing(ctx, meetup) if one not in known]
        voice = self._finder.voice_in(meetup)
        reason = voice.say("You said yes to it")
        place = await wanted.get(ctx.conn, key)
        name = place.name if place is not None else ""
        link = await link_to(ctx.conn, event.room_id, name, self._finder.kit.server)
        message = render(voice.say("**{group} is there**: all who said yes are invited.", group=link))
        there = Say(
            key=f"born:{meetup.id}",
            room=meetup.room_id,
            body=message.body,
            html=message.html,
            thread=self._thread(meetup),
        )
        return [
            there,
            *self._invitations(meetup, key, people, str(reason)),
        ]

    def _invitations(self, meetup: Meetup, key: str, people: Sequence[str], reason: str) -> Sequence[Effect]:
        return [
            Invite(key=f"group:{meetup.id}:{number}", room=room(key), user=one, reason=reason)
            for number, one in enumerate(people)
        ]

    async def _wishing(self, ctx: Context, meetup: Meetup) -> list[str]:
        """Who said yes to a group and did not take it back, in their order, as far as they are there."""
        table = reactions_table
        query = (
            select(table.c.sender, table.c.emoji)
            .where(table.c.module == NAME, table.c.post == question_key(meetup.id))
            .order_by(table.c.ts, table.c.event_id)
        )
        found = [row.sender for row in await ctx.conn.execute(query) if is_yes(row.emoji)]
        return [one for one in dict.fromkeys(found) if await self._finder.is_open_to(ctx, meetup, one)]

    # --- the recap ------------------------------------------------------------------------------------------------

    async def recapped(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody wrote a recap: look what else is in the thread."""
        meetup = await self._meetup(ctx.conn, event.content)
        if meetup is None or meetup.card is None:
            return []
        payload = {"meetup": meetup.id, "by": event.text("by"), "words": event.content.get("words")}
        return [Fetch(room=meetup.room_id, event=meetup.card, job=RECAP, thread=True, payload=payload)]

    async def recap(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Say the recap in the thread, and propose it for the calendar."""
        fetched = read_fetched(event)
        meetup = await self._meetup(ctx.conn, fetched.payload)
        if meetup is None:
            return []
        try:
            text = ctx.unlock(fetched.payload.get("words"))
        except ValueError:
            return []
        by, voice, words = fetched.payload.get("by"), self._finder.voice_in(meetup), self._finder.words(ctx, meetup)
        photos = sum(self._is_photo(ctx, one) for one in fetched.thread)
        pictures = voice.plural("One photo is in this thread.", "{n} photos are in this thread.", photos)
        there = voice.plural("One person was there.", "{n} people were there.", meetup.arrived or 0)
        said = paragraphs(
            bold(voice.say("Recap: {title}", title=words.title)),
            voice.plain(text),
            pictures if photos else None,
            there if (meetup.arrived or 0) >= LEAST else None,
        )
        message = render(said)
        key = f"recap:{fetched.payload.get('meetup')}:{event.event_id}"
        effects: list[Effect] = [
            Say(
                key=key,
                room=meetup.room_id,
                msgtype=TEXT,
                body=message.body,
                html=message.html,
                thread=self._thread(meetup),
            )
        ]
        if await is_private(ctx.conn, meetup.room_id):
            return effects
        server = self._finder.kit.server
        name = await name_of(ctx.conn, meetup.room_id, by) if isinstance(by, str) else None
        entry = {
            "title": render(voice.say("Recap: {title}", title=words.title)).body,
            "words": str(paragraphs(voice.plain(text), pictures if photos else None)),
            "line": "",
            "language": meetup.language,
            "targets": [meetup.place],
            "link": f"https://matrix.to/#/{meetup.room_id}/{meetup.card}?via={server}",
            "credit": name or "",
            "by": by or "",
            "of": NAME,
        }
        return [*effects, Emit(type=ENTRY_WANTED, content=entry)]

    def _is_photo(self, ctx: Context, found: Found) -> bool:
        if found.redacted:
            return False
        opened = ctx.open(found.event)
        return opened is not None and opened.content.get("msgtype") in ("m.image", "m.video")

    # ----------------------------------------------------------------------------------------------------------------

    def _thread(self, meetup: Meetup) -> str:
        return meetup.card or post(records.card_key(meetup.id))

    async def _of_ref(self, conn: AsyncConnection, ref: str) -> Meetup | None:
        name, _, number = ref.partition(":")
        return await records.get(conn, int(number)) if name == NAME and number.isdigit() else None

    async def _meetup(self, conn: AsyncConnection, content: Any) -> Meetup | None:
        id = content.get("meetup") if isinstance(content, Mapping) else None
        return await records.get(conn, id) if isinstance(id, int) else None


def question_key(id: int | str) -> str:
    """Key of the effect that asks whether it becomes a group."""
    return f"after:{id}"


def is_yes(emoji: str) -> bool:
    """A thumb up, in any colour of skin."""
    return emoji.startswith(GROUP)
