"""What people who take part hear: reminders, what changed for them, that it is cancelled. Never at night."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from esnbot.engine.effects import Effect, Schedule, Unschedule
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import calm
from esnbot.features.hours import after_quiet
from esnbot.features.meetup import records, timing, wording
from esnbot.features.meetup.finding import Finder
from esnbot.features.meetup.model import Entry, Standing, Way
from esnbot.features.meetup.opening import HOUR, WEEK
from esnbot.features.meetup.records import NAME, Meetup
from esnbot.features.status import is_paused
from esnbot.speech import Later, Markdown, at_wall_clock, later

TELL: Final = "tell"
TOGETHER: Final = timedelta(minutes=2)
"""What is changed within this time is told as one."""
GONE: Final = "cancelled"
AT_ONCE: Final = 200
"""People who are told in one go: others wait for their turn while a handler works."""
_LEADS: Final[Mapping[str, Later]] = {
    WEEK: later("In a week"),
    HOUR: later("In an hour"),
}


class Telling:
    """Private words to those who take part: they asked for them by registering, so they come whatever the budget says.

    Reminders can be turned off (``quiet on``); what changes what somebody counts on is always told.
    """

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    # --- reminders ------------------------------------------------------------------------------------------------

    async def week(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """A week before."""
        return await self._remind(ctx, event, WEEK)

    async def hour(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The hour before."""
        return await self._remind(ctx, event, HOUR)

    async def _remind(self, ctx: Context, event: Event, what: str) -> Sequence[Effect]:
        meetup = await self._of_job(ctx, event)
        if meetup is None or meetup.state != records.OPEN or event.content.get("missed") is True:
            return []
        if ctx.now >= meetup.starts or await is_paused(ctx.conn):
            return []
        after, effects = _after(event), list[Effect]()
        coming = [entry for entry in await self._entries(ctx, meetup) if entry.standing is Standing.coming]
        turn = [entry for entry in coming if entry.turn > after]
        for entry in turn[:AT_ONCE]:
            if not await calm.wants(ctx.conn, entry.person, NAME):
                continue
            voice = await self._finder.voice_for(ctx.conn, entry.person)
            shown = self._shown(voice, meetup, entry)
            text = wording.soon(voice.say(_LEADS[what]), [shown])
            key = f"{what}:{meetup.id}:{meetup.sequence}:{entry.turn}"
            effects.append(self._finder.private(meetup, entry.person, text, key=key))
        if len(turn) > AT_ONCE:
            payload = {"meetup": meetup.id, "after": turn[AT_ONCE - 1].turn}
            effects.append(Schedule(key=f"{what}:{meetup.id}", job=what, due=ctx.now, payload=payload))
        return effects

    async def _entries(self, ctx: Context, meetup: Meetup) -> list[Entry]:
        """Everybody of a meet-up, in the order in which they asked."""
        return sorted((await records.roster(ctx.conn, meetup)).entries, key=lambda entry: entry.turn)

    async def morning(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """On the day itself, in the morning: one word for all that somebody takes part in."""
        payload = event.content.get("payload")
        day = payload.get("day") if isinstance(payload, Mapping) else None
        if not isinstance(day, str) or event.content.get("missed") is True or await is_paused(ctx.conn):
            return []
        finder = self._finder
        begin = at_wall_clock(date.fromisoformat(day), time(0), finder.zone)
        end = at_wall_clock(date.fromisoformat(day) + timedelta(days=1), time(0), finder.zone)
        theirs: dict[str, list[tuple[Meetup, Entry]]] = {}
        for meetup in await records.between(ctx.conn, _ms(begin), _ms(end)):
            if meetup.starts <= ctx.now or not self._in_the_morning(meetup):
                continue
            for entry in (await records.roster(ctx.conn, meetup)).entries:
                if entry.standing is Standing.coming:
                    theirs.setdefault(entry.person, []).append((meetup, entry))
        effects: list[Effect] = []
        # People are named by the first of their meet-ups and their turn in it: no payload says who they are.
        order = sorted((found[0][0].id, found[0][1].turn, person) for person, found in theirs.items())
        after = payload.get("after") if isinstance(payload, Mapping) else None
        left = [one for one in order if not isinstance(after, list) or [one[0], one[1]] > after]
        for _, _, person in left[:AT_ONCE]:
            if not await calm.wants(ctx.conn, person, NAME):
                continue
            found, voice = theirs[person], await finder.voice_for(ctx.conn, person)
            text = wording.soon(voice.say("Today"), [self._shown(voice, meetup, entry) for meetup, entry in found])
            first, mine = found[0]
            key = f"morning:{day}:{first.id}:{mine.turn}"
            effects.append(finder.private(first, person, text, key=key))
        if len(left) > AT_ONCE:
            more = {"day": day, "after": [left[AT_ONCE - 1][0], left[AT_ONCE - 1][1]]}
            effects.append(Schedule(key=f"morning:{day}", job="morning", due=ctx.now, payload=more))
        return effects

    def _in_the_morning(self, meetup: Meetup) -> bool:
        finder = self._finder
        return timing.morning_of(meetup.starts, finder.settings.morning, finder.quiet, finder.zone) is not None

    def _shown(self, voice: Any, meetup: Meetup, entry: Entry) -> tuple[Markdown, Markdown]:
        words = self._finder.outside(meetup, voice)
        return self._finder.name(voice, meetup), wording.details(voice, meetup, words, entry, self._finder.zone)

    # --- changes --------------------------------------------------------------------------------------------------

    def plan(self, ctx: Context, meetup: Meetup) -> Sequence[Effect]:
        """Tell those concerned what changed: soon, and not at night unless it begins before the morning."""
        if not meetup.untold or meetup.start is None:
            return []
        due = ctx.now if GONE in meetup.untold else ctx.now + TOGETHER
        calmly = after_quiet(due, self._finder.quiet, self._finder.zone).astimezone(UTC)
        due = calmly if calmly < meetup.starts else due
        return [Schedule(key=f"{TELL}:{meetup.id}", job=TELL, due=due, payload={"meetup": meetup.id})]

    async def tell(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Tell those whom it concerns, once."""
        meetup, payload = await self._of_job(ctx, event), event.content.get("payload")
        further = payload.get("what") if isinstance(payload, Mapping) else None
        if meetup is None or not (further or meetup.untold):
            return []
        if not further:
            meetup = await records.hold(ctx.conn, meetup.id) or meetup
            await records.change(ctx.conn, meetup.id, untold=None)
        what = list(further or meetup.untold or ())
        if meetup.state not in (records.OPEN, records.CANCELLED):
            return []
        after, effects = _after(event), list[Effect]()
        turn = [one for one in await self._entries(ctx, meetup) if one.turn > after and concerns(what, one)]
        for entry in turn[:AT_ONCE]:
            effects.append(await self._word(ctx, meetup, what, entry))
        if len(turn) > AT_ONCE:
            more = {"meetup": meetup.id, "what": what, "after": turn[AT_ONCE - 1].turn}
            effects.append(Schedule(key=f"{TELL}:{meetup.id}:more", job=TELL, due=ctx.now, payload=more))
        return effects

    async def _word(self, ctx: Context, meetup: Meetup, what: Sequence[str], entry: Entry) -> Effect:
        finder = self._finder
        voice = await finder.voice_for(ctx.conn, entry.person)
        name = finder.name(voice, meetup)
        if GONE in what:
            text = wording.cancelled(voice, meetup, name, finder.zone)
            instead = finder.voice_in(meetup).say("this meet-up is cancelled.")
            return finder.private(meetup, entry.person, text, key=f"gone:{meetup.id}:{entry.turn}", instead=instead)
        words = finder.outside(meetup, voice)
        text = wording.changed(voice, meetup, words, name, what, entry, finder.zone)
        instead = finder.voice_in(meetup).say("something has changed in this meet-up: look at its post.")
        key = f"changed:{meetup.id}:{meetup.sequence}:{entry.turn}"
        return finder.private(meetup, entry.person, text, key=key, instead=instead)

    async def _of_job(self, ctx: Context, event: Event) -> Meetup | None:
        payload = event.content.get("payload")
        id = payload.get("meetup") if isinstance(payload, Mapping) else None
        return await records.get(ctx.conn, id) if isinstance(id, int) else None


def concerns(what: Collection[str], entry: Entry) -> bool:
    """Whether a change is one for somebody: the time for all, the place and the link for those who use them."""
    if GONE in what or "start" in what:
        return True
    return ("place" in what and entry.way is Way.site) or ("video" in what and entry.way is Way.remote)


def nothing_more(meetup: Meetup) -> Sequence[Effect]:
    """No reminder of it comes any more."""
    return [Unschedule(key=f"{what}:{meetup.id}") for what in (WEEK, HOUR)]


def _after(event: Event) -> int:
    """The turn of the last one who was told already."""
    payload = event.content.get("payload")
    after = payload.get("after") if isinstance(payload, Mapping) else None
    return after if isinstance(after, int) else -1


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
