"""A meet-up is posted, its date is chosen in a poll, and what recurs comes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import TEXT, Attach, Effect, Emit, React, Say, Schedule, Unschedule, post
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features import poll, tempo
from esnbot.features.hours import after_quiet
from esnbot.features.meetup import ics, records, timing, wording
from esnbot.features.meetup.codes import new_code
from esnbot.features.meetup.events import MEETUP_SET
from esnbot.features.meetup.finding import Finder, is_private
from esnbot.features.meetup.keeping import Keeper
from esnbot.features.meetup.model import NOT_ANY_MORE, ON_SITE, REMOTE
from esnbot.features.meetup.records import Meetup
from esnbot.features.status import coming, is_paused
from esnbot.speech import later, render

OVER: Final = "over"
AGAIN: Final = "again"
PAUSED: Final = timedelta(hours=1)
"""So often it is looked whether a pause is over."""
ANNOUNCED: Final = timedelta(days=2)
"""So long before it begins, the next one of a series is posted at the latest, whatever else its room had."""
WEEK: Final = timing.WEEK
HOUR: Final = timing.HOUR
MORNING: Final = "morning"
FILE: Final = "meetup.ics"
GRACE: Final[Mapping[str, timedelta]] = {
    WEEK: timedelta(hours=12),
    MORNING: timedelta(minutes=45),
    HOUR: timedelta(minutes=30),
}
"""A reminder that is later than this is none any more."""
_POLL: Final = "meetup:"


class Opening:
    """Posts meet-ups."""

    def __init__(self, finder: Finder, keeper: Keeper) -> None:
        self._finder = finder
        self._keeper = keeper

    async def proposed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Somebody proposed a meet-up: post it, or first let people choose its date."""
        meetup = await self._meetup(ctx, event.content)
        if meetup is None:
            return []
        answers = event.text("answers")
        if meetup.state == records.DATING:
            return await self._choose(ctx, meetup, answers)
        return await self.post(ctx, meetup, answers) if meetup.state == records.OPEN else []

    async def post(self, ctx: Context, meetup: Meetup, answers: str = "") -> Sequence[Effect]:
        """The post with its buttons, the file for calendars, and everything that is to come."""
        key, signs = records.card_key(meetup.id), self.signs(meetup)
        return [
            await self._keeper.card(ctx, meetup, key=key, answers=answers),
            *signs,
            *await self.file(ctx, meetup),
            *self.jobs(ctx, meetup),
            that_it_is_set(meetup),
        ]

    def signs(self, meetup: Meetup) -> Sequence[Effect]:
        """The buttons under the post; those that are there are not put there again."""
        signs = [
            *([ON_SITE] if meetup.seats != 0 else []),
            *([REMOTE] if meetup.remote != 0 else []),
            NOT_ANY_MORE,
        ]
        card = records.card_key(meetup.id)
        return [React(key=f"{card}/{sign}", room=meetup.room_id, to=post(card), emoji=sign) for sign in signs]

    async def file(self, ctx: Context, meetup: Meetup) -> Sequence[Effect]:
        """The calendar file in the thread, as it is now; nowhere where what is said is encrypted."""
        if await is_private(ctx.conn, meetup.room_id) or meetup.start is None:
            return []
        finder = self._finder
        words, voice = finder.words(ctx, meetup), finder.voice_in(meetup)
        occasion = await finder.occasion(ctx.conn, meetup, words, voice)
        method = ics.CANCEL if meetup.state == records.CANCELLED else ics.PUBLISH
        return [
            Attach(
                key=f"file:{meetup.id}:{meetup.sequence}",
                room=meetup.room_id,
                name=FILE,
                text=ics.calendar([occasion], method=method),
                mimetype=ics.TYPE,
                thread=meetup.card or post(records.card_key(meetup.id)),
            )
        ]

    def jobs(self, ctx: Context, meetup: Meetup) -> Sequence[Effect]:
        """What is to be done and said later, for the date that it has now."""
        finder, start = self._finder, meetup.starts
        reminders = timing.reminders(start, ctx.now, finder.quiet, finder.zone)
        effects: list[Effect] = []
        for what in (WEEK, HOUR):
            if what in reminders:
                effects.append(self._reminder(meetup, what, reminders[what]))
            else:
                effects.append(Unschedule(key=f"{what}:{meetup.id}"))
        morning = timing.morning_of(start, finder.settings.morning, finder.quiet, finder.zone)
        if morning is not None and morning > ctx.now:
            day = start.astimezone(finder.zone).date().isoformat()
            effects.append(
                Schedule(
                    key=f"{MORNING}:{day}",
                    job=MORNING,
                    due=morning,
                    payload={"day": day},
                    if_late="skip",
                    grace=int(GRACE[MORNING].total_seconds()),
                )
            )
        told = coming(later("the end of a meet-up"), meetup.place)
        payload = {"meetup": meetup.id, **told}
        return [*effects, Schedule(key=f"{OVER}:{meetup.id}", job=OVER, due=meetup.ends, payload=payload)]

    def _reminder(self, meetup: Meetup, what: str, due: datetime) -> Effect:
        return Schedule(
            key=f"{what}:{meetup.id}",
            job=what,
            due=due,
            payload={"meetup": meetup.id},
            if_late="skip",
            grace=int(GRACE[what].total_seconds()),
        )

    # --- the date is chosen ---------------------------------------------------------------------------------------

    async def _choose(self, ctx: Context, meetup: Meetup, answers: str) -> Sequence[Effect]:
        finder = self._finder
        voice, words = finder.voice_in(meetup), finder.words(ctx, meetup)
        dates = [_instant(ms) for ms in meetup.dates or ()]
        until = vote_until(ctx.now, dates[0], finder.settings.vote_for)
        text = wording.choosing(voice, meetup, words, await finder.by(ctx.conn, meetup), until, finder.zone)
        message = render(text)
        asked = poll.Question(
            question=render(voice.say("When does it suit you? {title}", title=words.title)).body,
            answers=[render(voice.moment(date, finder.zone)).body for date in dates],
            several=len(dates),
            until=until,
        )
        posted = await poll.start(
            ctx,
            asked,
            room_id=meetup.room_id,
            module=records.NAME,
            voice=voice,
            community=finder.community,
            key=f"{_POLL}{meetup.id}",
            by=meetup.organiser,
        )
        head = Say(
            key=f"dates:{meetup.id}",
            room=meetup.room_id,
            msgtype=TEXT,
            body=message.body,
            html=message.html,
            answers=answers,
        )
        return [head, *posted]

    async def voted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The poll is over: the date with the most votes is taken, of those that are still to come."""
        key, totals = event.text("key"), event.content.get("totals")
        number = key.removeprefix(_POLL)
        if not key.startswith(_POLL) or not number.isdigit():
            return []
        meetup = await records.hold(ctx.conn, int(number))
        if meetup is None or meetup.state != records.DATING:
            return []
        dates = [_instant(ms) for ms in meetup.dates or ()]
        counts = totals if isinstance(totals, list) else []
        chosen = best_date(dates, counts, ctx.now)
        if chosen is None or event.content.get("removed") is True:
            await records.change(ctx.conn, meetup.id, state=records.CANCELLED)
            return await self._nobody(ctx, meetup) if event.content.get("removed") is not True else []
        values = {"state": records.OPEN, "start": milliseconds(chosen), "dates": None}
        meetup = await records.change(ctx.conn, meetup.id, **values, revised=milliseconds(ctx.now))
        return await self.post(ctx, meetup)

    async def _nobody(self, ctx: Context, meetup: Meetup) -> Sequence[Effect]:
        if not meetup.organiser:
            return []
        finder = self._finder
        voice = await finder.voice_for(ctx.conn, meetup.organiser)
        name = finder.outside(meetup, voice).title
        text = voice.say(
            "Nobody chose a date for {meetup}, so I have set it aside. You can propose it again with other dates.",
            meetup=voice.quote(name),
        )
        return [finder.private(meetup, meetup.organiser, text, key=f"nobody:{meetup.id}")]

    # --- again ----------------------------------------------------------------------------------------------------

    def then_again(self, meetup: Meetup, due: datetime) -> Sequence[Effect]:
        """Post the next of its series, if it is one of a series: not at night."""
        if meetup.series is None:
            return []
        calmly = after_quiet(due, self._finder.quiet, self._finder.zone)
        return [Schedule(key=f"{AGAIN}:{meetup.id}", job=AGAIN, due=calmly, payload={"meetup": meetup.id})]

    async def again(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The next occurrence of a series, posted once the one before is over; it has a registration of its own."""
        payload = event.content.get("payload")
        meetup = await self._meetup(ctx, payload) if isinstance(payload, Mapping) else None
        if meetup is None or meetup.start is None:
            return []
        if await is_paused(ctx.conn):
            return self.then_again(meetup, ctx.now + PAUSED)
        conn = ctx.conn
        known = await records.active_series(conn, meetup.series) if meetup.series is not None else None
        if known is None or meetup.series is None:
            return []
        latest = await records.latest_of(conn, meetup.series)
        if latest is not None and latest.id != meetup.id:
            return []
        rule, first = known
        following = timing.occurrence(rule, first, max(meetup.starts, ctx.now), self._finder.zone)
        if following is None or not await self._finder.is_going_on(conn, meetup, ctx.bot):
            await records.end_series(conn, meetup.series)
            return []
        verdict = await tempo.may_post(ctx, self._finder.community, meetup.place, ctx.now)
        if verdict.until is not None and verdict.until < following - ANNOUNCED:
            return self.then_again(meetup, verdict.until)
        now = milliseconds(ctx.now)
        id = await records.add(conn, of_series(meetup, following, now))
        await tempo.posted(conn, meetup.place, ctx.now, of=records.NAME, ref=str(id))
        new = await records.get(conn, id)
        return [] if new is None else await self.post(ctx, new)

    async def _meetup(self, ctx: Context, content: Mapping[str, Any]) -> Meetup | None:
        id = content.get("meetup")
        return await records.get(ctx.conn, id) if isinstance(id, int) else None


def of_series(before: Meetup, start: datetime, now_ms: int) -> Meetup:
    """A further meet-up of a series: as the one before, with nobody registered."""
    return Meetup(
        series=before.series,
        room_id=before.room_id,
        place=before.place,
        organiser=before.organiser,
        language=before.language,
        created=now_ms,
        state=records.OPEN,
        words=before.words,
        start=milliseconds(start),
        minutes=before.minutes,
        seats=before.seats,
        remote=before.remote,
        revised=now_ms,
        code=new_code(),
    )


def vote_until(now: datetime, first: datetime, lasts: timedelta) -> datetime:
    """Until when people choose: a while, but a day before the first of the dates, or half of the time until then."""
    return min(now + lasts, max(first - timedelta(days=1), now + (first - now) / 2))


def best_date(dates: Sequence[datetime], totals: Sequence[int], now: datetime) -> datetime | None:
    """The date with the most votes, of equals the first; None when nobody chose one that is still to come."""
    voted = [(-count, date) for date, count in zip(dates, totals, strict=False) if count > 0 and date > now]
    return min(voted)[1] if voted else None


def that_it_is_set(meetup: Meetup) -> Emit:
    """Tell other features when it is."""
    content = {"meetup": meetup.id, "key": meetup.place, "room_id": meetup.room_id, "start": meetup.start}
    return Emit(type=MEETUP_SET, content=content)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
