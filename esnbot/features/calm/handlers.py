"""Says private words when there is room for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from esnbot.commands.command import bare
from esnbot.commands.people import People
from esnbot.commands.reading import Person
from esnbot.engine import effects_in, silence
from esnbot.engine.clock import milliseconds
from esnbot.engine.effects import Effect, Say, Schedule, Unschedule, direct
from esnbot.engine.event import Event
from esnbot.engine.feature import Context
from esnbot.features.calm import model, records
from esnbot.features.calm.settings import CalmSettings
from esnbot.features.calm.silencing import Silencing
from esnbot.features.calm.words import load, look_at, name_without_name
from esnbot.features.contract import Kit
from esnbot.features.status import is_paused
from esnbot.provisioning import wanted
from esnbot.speech import Markdown, Voice, bold, paragraphs, render
from esnbot.store import bindings

LOOK: Final = "look"
REMEMBERED: Final = timedelta(days=400)
"""How long it is known what was said about which thing."""
LONGEST: Final = 20_000
"""Characters of one message; what goes beyond waits for the next one."""


class CalmHandlers:
    """The feature at work."""

    def __init__(self, kit: Kit[CalmSettings], silencing: Silencing) -> None:
        self._kit = kit
        self._community = kit.community
        self._settings = kit.settings
        self._silencing = silencing
        self._people = People(kit.community, wanted)
        self._hours = model.good_hours(kit.community, kit.settings.at)

    async def start(self, ctx: Context) -> Sequence[Effect]:
        """Look again at everything that waits: hours and budget may have changed while the process was off."""
        await records.tidy(ctx.conn, milliseconds(ctx.now - REMEMBERED))
        await self._silencing.refresh(ctx.conn)
        return await self._look_at_all(ctx)

    async def resumed(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """After a pause, what waited may be said."""
        return await self._look_at_all(ctx)

    async def _look_at_all(self, ctx: Context) -> list[Effect]:
        now = milliseconds(ctx.now)
        return [
            look_at(person, key=f"look:{now}:{name_without_name(person)}")
            for person in await records.all_waiting(ctx.conn)
        ]

    async def due(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """The hour has come; said in the person's own queue, so that nothing is said twice."""
        payload = event.content.get("payload")
        person = payload.get("person") if isinstance(payload, dict) else None
        return [look_at(person, due=True)] if isinstance(person, str) else []

    async def whispered(self, ctx: Context, event: Event) -> Sequence[Effect]:
        """Say what can be said to a person now, and plan the rest."""
        user, now = event.text("person"), milliseconds(ctx.now)
        waiting = await self._still_wanted(ctx, user, now)
        if not waiting or await is_paused(ctx.conn):
            return [Unschedule(key=_job(user))]
        person = await self._people.person(ctx.conn, user, "", None, ctx.bot, ctx.now, None)
        if person is None or not self._settings.a_week:
            # Whoever is not one of us any more is not written to.
            for word in waiting:
                await records.let_go(ctx.conn, user, word)
            return [Unschedule(key=_job(user))]
        budget = model.Budget(
            self._settings.a_week, await records.said_since(ctx.conn, user, milliseconds(ctx.now - model.WEEK))
        )
        effects: list[Effect] = []
        come = bool(event.content.get("due")) and self._hours.allows(ctx.now)
        ready = waiting if come else [word for word in waiting if word.soon]
        if ready and budget.room:
            said = await self._say(ctx, person, ready, now, together=come)
            effects += said.effects
            waiting = [word for word in waiting if word not in said.words]
            if said.words:
                budget = model.Budget(budget.a_week, [*budget.sent, now])
        return [*effects, *self._plan(ctx, user, waiting, budget)]

    async def _still_wanted(self, ctx: Context, user: str, now: int) -> list[model.Word]:
        """What waits, without what came too late."""
        waiting = []
        for word in await records.waiting(ctx.conn, user):
            if model.is_over(word, self._settings.lasts, now):
                await records.let_go(ctx.conn, user, word)
            else:
                waiting.append(word)
        return waiting

    def _plan(self, ctx: Context, user: str, waiting: Sequence[model.Word], budget: model.Budget) -> Sequence[Effect]:
        due = self._hours.next(budget.room_from(ctx.now)) if waiting else None
        if due is None:
            return [Unschedule(key=_job(user))]
        return [Schedule(key=_job(user), job=LOOK, due=due, payload={"person": user})]

    async def _say(
        self, ctx: Context, person: Person, ready: Sequence[model.Word], now: int, *, together: bool
    ) -> _Said:
        voice = self._kit.speech.voice(person.language)
        words: list[model.Word] = []
        texts: list[Markdown] = []
        for word in model.chosen(ready, self._settings.together):
            # In a chat of two, commands need no prefix.
            text = bare(load(word.words, voice, self._community.languages))
            if texts and sum(map(len, texts)) + len(text) > LONGEST:
                break
            if await records.mark_said(ctx.conn, person.user, word, now):
                words.append(word)
                texts.append(text)
        if not texts:
            return _Said((), ())
        message = render(paragraphs(self._head(voice, len(texts)), *texts, self._foot(voice) if together else None))
        say = Say(
            key=f"said:{name_without_name(person.user)}:{now}",
            room=direct(person.user),
            body=message.body,
            html=message.html,
            otherwise=await self._otherwise(ctx.conn, words),
        )
        return _Said((say,), tuple(words))

    def _head(self, voice: Voice, count: int) -> Markdown | None:
        return bold(voice.plural("One thing for you", "{n} things for you", count)) if count > 1 else None

    def _foot(self, voice: Voice) -> Markdown:
        return voice.say("*Too much? `quiet on` stops what I say here unasked, `quiet` shows what there is.*")

    async def _otherwise(self, conn: AsyncConnection, words: Sequence[model.Word]) -> Say | None:
        """What to say in a room when the chat is closed: only of a single word, and not where that is silenced."""
        if len(words) != 1 or words[0].otherwise is None:
            return None
        effect = effects_in.read(words[0].otherwise)
        if not isinstance(effect, Say):
            return None
        room_id = await bindings.room_of(conn, effect.room.removeprefix("key:")) or effect.room
        return None if await silence.is_silenced(conn, room_id, words[0].feature) else effect

    async def export(self, conn: AsyncConnection, person: str) -> Mapping[str, Any]:
        """What is kept about a person."""
        return await records.of_person(conn, person)

    async def erase(self, ctx: Context, person: str) -> Sequence[Effect]:
        """Forget a person: what waits for them, what was said, what they did not want."""
        await records.forget(ctx.conn, person)
        return [Unschedule(key=_job(person))]


@dataclass(frozen=True, slots=True)
class _Said:
    effects: Sequence[Effect]
    words: Sequence[model.Word]


def _job(person: str) -> str:
    return f"look:{name_without_name(person)}"
