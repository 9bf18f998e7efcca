"""Places at meet-ups: taken, given back, offered to those who wait; and the count that people see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from esnbot.engine.effects import Effect, React, Say, Schedule, direct, post
from esnbot.engine.feature import Context
from esnbot.features.hours import after_quiet
from esnbot.features.meetup import model, records, timing, wording
from esnbot.features.meetup.finding import Finder
from esnbot.features.meetup.model import Entry, Outcome, Roster, Way
from esnbot.features.meetup.records import Meetup
from esnbot.features.status import is_paused
from esnbot.speech import Markdown, render

CARD: Final = "card"
SETTLE: Final = "settle"
CALM: Final = timedelta(seconds=30)
"""The count that people see changes no more often than this."""
MOMENT: Final = timedelta(seconds=1)
"""After which further places are offered, where they are many."""
YES: Final = "✅"
NO: Final = "❌"
OFFER: Final = "offer:"


class Keeper:
    """Keeps the rosters."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._settings = finder.settings

    async def join(
        self, ctx: Context, id: int, user: str, way: Way | None, reaction: str = ""
    ) -> tuple[Meetup, Roster, Outcome] | None:
        """Somebody would like to take part; None: the way that there is. None is answered when it is not open."""
        meetup = await records.hold(ctx.conn, id)
        if meetup is None or meetup.state != records.OPEN or ctx.now >= meetup.ends:
            return None
        before = await records.roster(ctx.conn, meetup)
        mine = before.of(user)
        if way is None:
            way = mine.way if mine is not None else Way.remote if meetup.seats == 0 else Way.site
        after, outcome = model.join(before, user, way, meetup.turns)
        if outcome is Outcome.already:
            # The last reaction is the one that can be taken back.
            await records.mark(ctx.conn, id, user, reaction)
        await records.keep(ctx.conn, id, before, after, reaction if outcome is not Outcome.kept else None)
        return meetup, after, outcome

    async def leave(self, ctx: Context, id: int, user: str) -> Meetup | None:
        """Somebody does not take part any more; None when they did not, or it is over."""
        meetup = await records.hold(ctx.conn, id)
        if meetup is None or meetup.state != records.OPEN:
            return None
        before = await records.roster(ctx.conn, meetup)
        if before.of(user) is None:
            return None
        await records.keep(ctx.conn, id, before, model.leave(before, user))
        return meetup

    async def settle(self, ctx: Context, meetup: Meetup) -> Sequence[Effect]:
        """Offer what is free to those who wait, and show the count soon; of this feature's own module."""
        meetup = await records.hold(ctx.conn, meetup.id) or meetup
        if meetup.state != records.OPEN or meetup.start is None:
            return []
        finder = self._finder
        until = timing.offer_until(ctx.now, self._settings.offer, meetup.starts, finder.quiet, finder.zone)
        if await is_paused(ctx.conn):
            until = None
        before = await records.roster(ctx.conn, meetup)
        settled = model.settle(before, ctx.now, until)
        await records.keep(ctx.conn, meetup.id, before, settled.roster)
        effects: list[Effect] = []
        for entry in settled.expired:
            effects.append(await self._expired(ctx, meetup, entry))
        for entry in settled.offered:
            effects += await self._offer(ctx, meetup, entry)
        left = until is not None and model.has_places_to_offer(settled.roster)
        next_look = ctx.now + MOMENT if left else self._next_look(ctx, meetup, settled.roster)
        if next_look is not None:
            effects.append(
                Schedule(key=f"{SETTLE}:{meetup.id}", job=SETTLE, due=next_look, payload={"meetup": meetup.id})
            )
        return [*effects, *await self.show_soon(ctx, meetup, settled.roster)]

    def _next_look(self, ctx: Context, meetup: Meetup, roster: Roster) -> datetime | None:
        """When an offer expires, or the night is over in which none was made."""
        expires = model.next_expiry(roster)
        morning = None
        if model.has_places_to_offer(roster):
            morning = after_quiet(ctx.now, self._finder.quiet, self._finder.zone).astimezone(UTC)
            morning = morning if ctx.now < morning < meetup.starts else None
        return min((instant for instant in (expires, morning) if instant is not None), default=None)

    async def _offer(self, ctx: Context, meetup: Meetup, entry: Entry) -> Sequence[Effect]:
        finder = self._finder
        voice = await finder.voice_for(ctx.conn, entry.person)
        text = wording.offer(voice, meetup, finder.name(voice, meetup), entry, finder.zone, YES, NO)
        key = f"{OFFER}{meetup.id}:{entry.turn}"
        instead = finder.voice_in(meetup).say(
            "a place has become free for you, and I cannot write to you in private. `!esn meetup join {number}` takes "
            "it.",
            number=Markdown(str(meetup.id)),
        )
        chat = direct(entry.person)
        return [
            finder.private(meetup, entry.person, text, key=key, instead=instead),
            React(key=f"{key}/{YES}", room=chat, to=post(key), emoji=YES),
            React(key=f"{key}/{NO}", room=chat, to=post(key), emoji=NO),
        ]

    async def _expired(self, ctx: Context, meetup: Meetup, entry: Entry) -> Effect:
        finder = self._finder
        voice = await finder.voice_for(ctx.conn, entry.person)
        text = voice.say(
            "I have left your place at {meetup} to the next, as I heard nothing from you. If you would still like to "
            "come, register again.",
            meetup=finder.name(voice, meetup),
        )
        return finder.private(meetup, entry.person, text, key=f"expired:{meetup.id}:{entry.turn}")

    # --- the count ------------------------------------------------------------------------------------------------

    async def show_soon(self, ctx: Context, meetup: Meetup, roster: Roster) -> Sequence[Effect]:
        """Put the count right in a while, if it is another one."""
        if meetup.shown == (await self._finder.counts(ctx.conn, meetup, roster)).dump():
            return []
        return [look_at_card(meetup, _on_the_beat(ctx.now))]

    async def card(self, ctx: Context, meetup: Meetup, *, key: str = "", answers: str = "") -> Effect:
        """The post as it should be now; a correction, where it is there already."""
        finder, conn = self._finder, ctx.conn
        voice, roster = finder.voice_in(meetup), await records.roster(conn, meetup)
        counts = await finder.counts(conn, meetup, roster)
        await records.change(conn, meetup.id, shown=counts.dump())
        again = meetup.series is not None and await records.active_series(conn, meetup.series) is not None
        by = await finder.by(conn, meetup)
        text = wording.card(voice, meetup, finder.words(ctx, meetup), counts, by, finder.zone, again)
        message = render(text)
        posted = meetup.card or post(records.card_key(meetup.id))
        return Say(
            key=key,
            room=meetup.room_id,
            msgtype="m.text",
            body=message.body,
            html=message.html,
            replaces="" if key else posted,
            answers=answers,
        )


def look_at_card(meetup: Meetup, due: datetime) -> Schedule:
    """The job that puts the post right."""
    return Schedule(key=f"{CARD}:{meetup.id}", job=CARD, due=due, payload={"meetup": meetup.id})


def _on_the_beat(now: datetime) -> datetime:
    """When the count is put right: whatever comes meanwhile does not put it off."""
    beat = CALM.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // beat + 1) * beat, UTC)
