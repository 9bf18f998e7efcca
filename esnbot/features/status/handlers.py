"""Answers animators on how the bot is doing, and keeps the switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from esnbot.commands.command import Call
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Emit
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.contract import Kit
from esnbot.features.places import called
from esnbot.features.status import records
from esnbot.features.status.settings import StatusSettings
from esnbot.provisioning import wanted
from esnbot.provisioning.module import WHAT
from esnbot.provisioning.reasons import Reason, explained
from esnbot.speech import Later, Markdown, bold, bullets, code, paragraphs

SINCE_YESTERDAY: Final = timedelta(days=1)
DRIFTS_SHOWN: Final = 5
PROBLEMS_SHOWN: Final = 3


class StatusHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[StatusSettings]) -> None:
        self._kit = kit
        self._zone = kit.community.zone
        self._settings = kit.settings

    async def drifted(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Remember what somebody changed by hand."""
        seen = records.Drift(event.text("key"), event.text("what"), event.text("by"), milliseconds(ctx.now))
        await records.note_drift(ctx.conn, seen, milliseconds(ctx.now - self._settings.drift_kept))
        return []

    async def show(self, call: Call) -> Sequence[Effect]:
        """How the bot is doing."""
        voice = call.voice
        lines = [
            await self._waiting(call),
            await self._letters(call),
            await self._drift(call),
        ]
        paused = await records.pause_of(call.ctx.conn)
        problems = await wanted.problems(call.ctx.conn)
        if problems:
            lines.append(await self._problems(call, problems))
        if paused is not None:
            head = voice.say("**I am paused**")
        elif problems or (await records.letters(call.ctx.conn))[0]:
            head = voice.say("**Something needs attention**")
        else:
            head = voice.say("**All is well here**")
        return [
            call.answer(
                paragraphs(head, bullets(lines), await self._coming(call, paused), await self._pause_line(call, paused))
            )
        ]

    async def _pause_line(self, call: Call, paused: records.Pause | None) -> Markdown | None:
        if paused is None:
            return None
        since = self._when(call, paused.since)
        if not paused.person:
            return call.voice.say("Paused since {since}. `!esn resume` lets me speak again.", since=since)
        return call.voice.say(
            "Paused since {since} by {person}. `!esn resume` lets me speak again.",
            since=since,
            person=await called(call.ctx.conn, call.event.room_id, paused.person),
        )

    async def _coming(self, call: Call, paused: records.Pause | None) -> Markdown:
        voice = call.voice
        coming, count = await records.what_comes(call.ctx.conn, self._settings.jobs_shown)
        if not coming:
            return voice.say("Nothing is planned.")
        names = await wanted.names(call.ctx.conn, [one.place for one in coming])
        said = bullets(
            voice.say(
                "{what} for {place}, {when}",
                what=voice.say(Later(one.what)),
                place=bold(names.get(one.place, one.place)),
                when=self._when(call, one.due),
            )
            for one in coming
        )
        more = count - len(coming)
        return paragraphs(
            voice.say("Coming up:") if paused is None else voice.say("Planned, and left out as long as I am paused:"),
            said,
            voice.plural("One more comes later.", "{n} more come later.", more) if more else None,
        )

    def _when(self, call: Call, due: int) -> Markdown:
        return call.voice.moment(_moment(due), self._zone, call.ctx.now)

    async def _waiting(self, call: Call) -> Markdown:
        voice, now = call.voice, call.ctx.now
        arrived = await records.waiting_in(call.ctx.conn, call.event.event_id)
        leaving = await records.waiting_out(call.ctx.conn)
        if not arrived.count and not leaving.count:
            return voice.say("Waiting: nothing, in or out")
        oldest = min(at for at in (arrived.oldest, leaving.oldest) if at is not None)
        return voice.say(
            "Waiting: {arrived} to be handled, {leaving} to be sent, the oldest {since}",
            arrived=arrived.count,
            leaving=leaving.count,
            since=voice.relative(min(_moment(oldest), now), now),
        )

    async def _letters(self, call: Call) -> Markdown:
        voice = call.voice
        count, newest = await records.letters(call.ctx.conn)
        if newest is None:
            return voice.say("Set aside after failing: nothing")
        return voice.say(
            "Set aside after failing: {count}, the newest {since} ({command} on the server shows them)",
            count=count,
            since=voice.relative(_moment(newest.died), call.ctx.now),
            command=code("esnbot dead-letters list"),
        )

    async def _drift(self, call: Call) -> Markdown:
        voice = call.voice
        seen = await records.drifts(call.ctx.conn, milliseconds(call.ctx.now - SINCE_YESTERDAY))
        if not seen:
            return voice.say("Changed by hand since yesterday: nothing")
        names = await wanted.names(call.ctx.conn, {one.key for one in seen})
        shown = dict.fromkeys((one.key, one.what) for one in seen)
        places = [
            voice.say(
                "{place} ({what})",
                place=bold(names.get(key, key)),
                what=voice.say(WHAT[what]) if what in WHAT else code(what),
            )
            for key, what in list(shown)[:DRIFTS_SHOWN]
        ]
        return voice.say(
            "Changed by hand since yesterday ({count}): {places}", count=len(seen), places=voice.list(places)
        )

    async def _problems(self, call: Call, problems: Mapping[str, Reason]) -> Markdown:
        voice = call.voice
        names = await wanted.names(call.ctx.conn, problems)
        shown = [
            voice.say("{place} ({reason})", place=bold(names.get(key, key)), reason=explained(voice, reason))
            for key, reason in list(problems.items())[:PROBLEMS_SHOWN]
        ]
        return voice.say("Not as it should be ({count}): {places}", count=len(problems), places=voice.list(shown))

    async def ask_pause(self, call: Call) -> str | None:
        """The question before everything unasked stops."""
        if await records.is_paused(call.ctx.conn):
            return None
        return call.voice.say(
            "**Shall I keep quiet for everybody?** Prompts and greetings stop until somebody writes `!esn resume`. "
            "Whoever asks me something still gets an answer."
        )

    async def pause(self, call: Call) -> Sequence[Effect]:
        """Everything that the bot says unasked stops."""
        if not await records.begin_pause(call.ctx.conn, call.person.user, milliseconds(call.ctx.now)):
            return [call.answer(call.voice.say("I am keeping quiet already. `!esn resume` lets me speak again."))]
        return [
            call.answer(
                call.voice.say(
                    "I am quiet now: no prompts, no greetings, but answers to whoever asks me something. `!esn "
                    "resume` lets me speak again."
                )
            ),
            Emit(type=records.PAUSED),
        ]

    async def ask_resume(self, call: Call) -> str | None:
        """The question before the bot speaks by itself again."""
        paused = await records.pause_of(call.ctx.conn)
        if paused is None:
            return None
        return call.voice.say(
            "**Shall I speak by myself again?** I have been quiet since {moment}. Newcomers who waited will be "
            "greeted; the prompts that were missed stay left out.",
            moment=self._when(call, paused.since),
        )

    async def resume(self, call: Call) -> Sequence[Effect]:
        """The bot speaks by itself again."""
        if not await records.end_pause(call.ctx.conn):
            return [call.answer(call.voice.say("I am not paused: I speak by myself as usual."))]
        return [
            call.answer(call.voice.say("I am back: prompts and greetings come again at their times.")),
            Emit(type=records.RESUMED),
        ]


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
